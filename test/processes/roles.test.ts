import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { createTestDatabase } from "../support/database.ts";
import { until } from "../support/until.ts";
import { SMALL_CATALOG, usageEvent } from "../support/usage.ts";
import { type RoleProcess, runToEnd, startRole } from "./role-process.ts";

const BATCH = "application/cloudevents-batch+json";
const releases: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

async function database() {
  const found = await createTestDatabase();
  releases.push(found.drop);
  return found;
}

async function started(role: "all" | "api" | "worker", url: string): Promise<RoleProcess> {
  const process = await startRole(role, { DATABASE_URL: url });
  releases.push(process.stop);
  return process;
}

async function status(api: RoleProcess): Promise<Record<string, unknown>> {
  return (await api.call("GET", "/metering/status")) as Record<string, unknown>;
}

test("an API alone takes events and leaves them to a worker", async () => {
  const { url, sql } = await database();
  const api = await started("api", url);
  await api.call("POST", "/catalog/import", SMALL_CATALOG);
  await api.call("POST", "/events", [usageEvent({ id: "one" })], BATCH);
  expect(await status(api)).toMatchObject({ lag: 1, consumed: "0" });
  await started("worker", url);
  await until(async () => (await status(api)).lag === 0);
  expect(await status(api)).toMatchObject({ consumed: "1", applied: "1" });
  expect(await sql`SELECT epoch FROM metering_cursor WHERE epoch <> 1`, "nobody else ever metered").toEqual(
    [],
  );
  const accruals = async () => (await sql`SELECT FROM journal_entry`).length;
  await until(async () => (await accruals()) > 0);
});

test("several workers share the work of one API, and none of it is lost or doubled", async () => {
  const { url } = await database();
  const [api] = await Promise.all([started("api", url), started("worker", url), started("worker", url)]);
  await api.call("POST", "/catalog/import", SMALL_CATALOG);
  for (let batch = 0; batch < 20; batch += 1) {
    const events = Array.from({ length: 50 }, (_, index) => usageEvent({ id: `${batch}-${index}` }));
    await api.call("POST", "/events", events, BATCH);
  }
  await until(async () => (await status(api)).lag === 0);
  expect(await status(api)).toMatchObject({ consumed: "1000", applied: "1000", duplicate: "0", dead: "0" });
});

test("a worker serves nothing of the API", async () => {
  const worker = await started("worker", (await database()).url);
  for (const path of ["/v1/metering/status", "/openapi.json", "/"])
    expect((await fetch(worker.url + path)).status, path).toBe(404);
  expect(await worker.health()).toEqual({
    status: 200,
    body: { status: "ok", reasons: [], warnings: [] },
  });
});

test("without --only one process does everything", async () => {
  const { url } = await database();
  const service = await started("all", url);
  await service.call("POST", "/catalog/import", SMALL_CATALOG);
  await service.call("POST", "/events", [usageEvent({ id: "one" })], BATCH);
  await until(async () => (await status(service)).lag === 0);
  expect(await service.health()).toMatchObject({ status: 200, body: { status: "ok" } });
});

test.each([
  [["--only", "metering"], '--only must be api or worker, not "metering"'],
  [["--only"], "--only"],
  [["--olny", "api"], "--olny"],
  [["worker"], "worker"],
])("%j is refused with what it should be", async (args, complaint) => {
  const { code, errors } = await runToEnd(args);
  expect(code).toBe(64);
  expect(errors).toContain(complaint);
  expect(errors).toContain("node scripts/start.ts [--only api|worker]");
});

describe("a start that cannot be", () => {
  const told = async (environment: NodeJS.ProcessEnv) => {
    const { code, errors } = await runToEnd([], {
      LOG_LEVEL: "fatal",
      DATABASE_WAIT_SECONDS: "0",
      KAFKA_BROKERS: "",
      ...environment,
    });
    expect(code).toBe(1);
    expect(errors, "no stack").not.toMatch(/^ +at /m);
    expect(errors).not.toContain("not-the-password");
    return errors;
  };

  test.each<[string, (url: URL) => void, RegExp]>([
    [
      "nobody answers",
      (url) => Object.assign(url, { port: "1" }),
      /ECONNREFUSED.*\n +start it, or correct host and port in DATABASE_URL/,
    ],
    [
      "there is no such database",
      (url) => Object.assign(url, { pathname: "/nowhere" }),
      /"nowhere" does not exist\n +create it/,
    ],
    [
      "the user is not taken",
      (url) => Object.assign(url, { username: "nobody", password: "not-the-password" }),
      /nobody.*\n +correct user and password in DATABASE_URL/,
    ],
  ])("says what to do when %s", async (_, change, sentence) => {
    const url = new URL((await database()).url);
    change(url);
    expect(await told({ DATABASE_URL: url.href })).toMatch(sentence);
  });

  test("does so for a taken port, and makes no operator key that nobody would see again", async () => {
    const { url, sql } = await database();
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const environment = {
      DATABASE_URL: url,
      STRIPE_API_BASE: "http://127.0.0.1:1",
      PORT: String(port),
      OPERATOR_KEY: "",
    };
    expect(await told(environment)).toBe(`port ${port} is taken: set PORT to another one\n`);
    other.close();
    expect(await sql`SELECT FROM api_key`).toEqual([]);
  });
});

test("a service whose rows no policy protects says so, and works all the same", async () => {
  const { url, sql } = await database();
  const sound = await started("api", url);
  expect((await sound.health()).body.warnings).toEqual([]);
  expect((await sound.metrics()).get("tributary_row_security")).toBe(1);
  await sql`ALTER TABLE statement DISABLE ROW LEVEL SECURITY`;
  const api = await started("api", url);
  expect(await api.health()).toMatchObject({
    status: 200,
    body: { status: "ok", warnings: [expect.stringMatching(/^row-level security is off: .*GRANT it/)] },
  });
  expect((await api.metrics()).get("tributary_row_security")).toBe(0);
});
