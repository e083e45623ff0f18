import type { Sql } from "../postgres/index.ts";

const NOTES_PER_CALL = 1_000;

/** Merges what batches noted of the latest metered moments into one row for each version. Safe to repeat, and beside itself. */
export async function mergeExtents(sql: Sql): Promise<void> {
  for (;;) {
    const [row] = await sql<[{ merged: number }]>`SELECT merge_extents(${NOTES_PER_CALL}) AS merged`;
    if (row.merged < NOTES_PER_CALL) return;
  }
}
