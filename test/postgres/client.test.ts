import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { isUnavailable, openSql, type Sql } from "../../src/postgres/index.ts";

let sql: Sql;

beforeAll(() => {
  sql = openSql(inject("postgresUrl"), { max: 1, name: "client-test" });
});

afterAll(() => sql.end());

test("bigint and numeric arrive as text, with every digit", async () => {
  const [row] =
    await sql`SELECT 9223372036854775807::bigint AS big, 12345678901234567890.123456789::numeric AS exact`;
  expect(row).toEqual({ big: "9223372036854775807", exact: "12345678901234567890.123456789" });
});

test("a day is text both ways, and an instant a Date", async () => {
  const [row] = await sql`
    SELECT ${"2023-11-01"}::date AS day, '{2023-11-02}'::date[] AS days, '2023-11-01T12:00:00Z'::timestamptz AS at`;
  expect(row).toEqual({ day: "2023-11-01", days: ["2023-11-02"], at: new Date("2023-11-01T12:00:00Z") });
});

test("the session is in UTC, bears the name it was given and compiles no query", async () => {
  const [row] = await sql`
    SELECT current_setting('TimeZone') AS zone, current_setting('application_name') AS name, current_setting('jit') AS jit`;
  expect(row).toEqual({ zone: "UTC", name: "client-test", jit: "off" });
});

test("a call that takes too long gives its connection up: the next one has another", async () => {
  const sleeping = sql.binary.call("sleep", "SELECT pg_sleep(60)", [], 50);
  await expect(sleeping).rejects.toThrow("timeout");
  expect(await sql.binary.call("one", "SELECT 1 AS one", [], 10_000)).toEqual([{ one: 1 }]);
});

test.each([
  ["57P03", "the server starts"],
  ["53100", "its disk is full"],
  ["25006", "it is read-only"],
  ["08006", "the connection failed"],
  ["CONNECTION_CLOSED", "the connection is gone"],
  ["ECONNREFUSED", "nobody listens"],
])("%s says that the database cannot work now: %s", (code) => {
  expect(isUnavailable(Object.assign(new Error(), { code }))).toBe(true);
});

test("what the statement itself got wrong does not say so", async () => {
  const mistakes = [sql`SELECT 1/0`, sql`SELECT nothing`, sql`SELECT ${"x"}::int`];
  for (const mistake of mistakes) {
    expect(isUnavailable(await mistake.catch((error: unknown) => error))).toBe(false);
  }
});
