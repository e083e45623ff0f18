import type { Sql } from "../postgres/index.ts";

/** The database's clock, RFC 3339: read before figures are, so that everything committed before it is in them. */
export async function asOf(sql: Sql): Promise<string> {
  const [row] = await sql<[{ as_of: string }]>`
    SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS as_of`;
  return row.as_of;
}
