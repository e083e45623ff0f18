import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { openSql, type Sql } from "../../src/postgres/index.ts";

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

test("the session is in UTC and bears the name it was given", async () => {
  const [row] =
    await sql`SELECT current_setting('TimeZone') AS zone, current_setting('application_name') AS name`;
  expect(row).toEqual({ zone: "UTC", name: "client-test" });
});
