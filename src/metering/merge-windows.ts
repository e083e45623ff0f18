import type { Sql } from "../postgres/index.ts";

const WINDOWS_PER_CALL = 50_000;
/** Usage of the last days still comes from every partition. */
const DAYS_OPEN = 2;

/** Merges the partitions' windows of days that are over, so that reading them costs less. Safe to repeat, and beside itself. */
export async function mergeWindows(sql: Sql): Promise<void> {
  for (;;) {
    const [row] = await sql<[{ merged: number }]>`
      SELECT merge_windows((now() AT TIME ZONE 'UTC')::date - ${DAYS_OPEN}::int, ${WINDOWS_PER_CALL}) AS merged`;
    if (row.merged < WINDOWS_PER_CALL) return;
  }
}
