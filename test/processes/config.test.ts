import { expect, test } from "vitest";
import { ConfigInvalid, readConfig, urlAt } from "../../src/processes/config.ts";

/** A value that works in no variable, and that must never be shown. */
const SECRET = "not-a-good-value-but-a-secret";

function complaintOf(environment: NodeJS.ProcessEnv): string {
  try {
    readConfig(environment);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigInvalid);
    return (error as Error).message;
  }
  return "nothing was wrong";
}

test("with nothing set, everything has the default that the contract promises", () => {
  const config = readConfig({});
  expect(config).toMatchObject({
    PORT: 8787,
    HOST: "127.0.0.1",
    STRIPE_SIMULATOR_PORT: 12_111,
    TWO_PERSON_APPROVAL: false,
    CLOSE_GRACE: 3600,
  });
  expect(config.DATA_DIR).toMatch(/\/\.tributary$/);
  for (const name of [
    "DATABASE_URL",
    "KAFKA_BROKERS",
    "STRIPE_SECRET_KEY",
    "STRIPE_API_BASE",
    "OPERATOR_KEY",
  ] as const) {
    expect(config[name]).toBeUndefined();
  }
});

test("an empty variable counts as not set", () => {
  expect(readConfig({ DATABASE_URL: "", PORT: "" })).toMatchObject({ PORT: 8787 });
});

test.each([
  ["PORT", SECRET, "a port from 0 to 65535"],
  ["PORT", "65536", "a port from 0 to 65535"],
  ["PORT", "-1", "a port from 0 to 65535"],
  ["PORT", "80.5", "a port from 0 to 65535"],
  ["PUBLIC_URL", SECRET, "the URL"],
  ["HOST", `http://${SECRET}`, "a name or an address"],
  ["DATABASE_URL", `mysql://root:${SECRET}@localhost/books`, "a PostgreSQL URL"],
  ["DATABASE_URL", `postgres://u:${SECRET}@127.0.0.1:99999/books`, "a PostgreSQL URL"],
  ["DATABASE_URL", `postgres://u:${SECRET}/x@127.0.0.1/books`, "a PostgreSQL URL"],
  ["DATABASE_URL", `postgres://u:${SECRET}#x@127.0.0.1/books`, "a PostgreSQL URL"],
  ["DATABASE_URL", `postgres://u:${SECRET}%zz@127.0.0.1/books`, "a PostgreSQL URL"],
  ["DATABASE_URL", `postgres://u:${SECRET} x@127.0.0.1/books`, "a PostgreSQL URL"],
  ["DATABASE_WAIT_SECONDS", "3601", "seconds from 0 to 3600"],
  ["KAFKA_BROKERS", SECRET, "host:port"],
  ["USAGE_PARTITIONS", "0", "a number of partitions from 1 to 1024"],
  ["STRIPE_SECRET_KEY", `pk_live_${SECRET}`, "a Stripe secret key"],
  ["STRIPE_API_BASE", SECRET, "the base URL"],
  ["STRIPE_SIMULATOR_PORT", SECRET, "a port from 0 to 65535"],
  ["STRIPE_TIMEOUT_MS", "99", "milliseconds from 100 to 120000"],
  ["OPERATOR_KEY", SECRET, "a string of 32 characters or more"],
  ["OPERATOR_KEY", SECRET.repeat(18), "a string of"],
  ["TWO_PERSON_APPROVAL", SECRET, "one of on, off"],
  ["CLOSE_GRACE", "604801", "seconds from 0 to 604800"],
  ["CLOSE_WAIT_SECONDS", "0", "seconds from 1 to 3600"],
  ["ACCRUAL_INTERVAL_MS", SECRET, "milliseconds from 50 to 3600000"],
  ["PROGRESS_LIMIT_SECONDS", "0", "seconds from 1 to 86400"],
  ["SMTP_URL", `smtps://u:${SECRET}#x@localhost`, "an SMTP URL"],
  ["LOG_LEVEL", SECRET, "one of fatal, error"],
])("a wrong %s is named with what it should be, and never shown (%#)", (name, value, expected) => {
  const complaint = complaintOf({ [name]: value });
  expect(complaint).toContain(`${name} must be ${expected}`);
  expect(complaint).not.toContain(SECRET);
});

test.each([
  "postgres://u:a%2Fb%23c@127.0.0.1:5432/books?sslmode=require",
  "postgresql://u:p@first:5432,second:5433/books",
  "postgres:///books",
])("a database may be named as the driver reads it: %s", (url) => {
  expect(readConfig({ DATABASE_URL: url }).DATABASE_URL).toBe(url);
});

test("all wrong variables are named at once", () => {
  const complaint = complaintOf({ PORT: SECRET, LOG_LEVEL: SECRET, DATABASE_URL: SECRET });
  for (const name of ["PORT", "LOG_LEVEL", "DATABASE_URL"]) expect(complaint).toContain(`${name} must be`);
});

test.each([
  ["127.0.0.1", "http://127.0.0.1:8787"],
  ["::1", "http://[::1]:8787"],
  ["localhost", "http://localhost:8787"],
])("HOST %s is served under a URL", (host, url) => {
  expect(urlAt(readConfig({ HOST: host }).HOST, 8787)).toBe(url);
});

test("variables of other programs are left alone", () => {
  expect(readConfig({ PATH: "/bin", PORT: "1" })).toMatchObject({ PORT: 1 });
});
