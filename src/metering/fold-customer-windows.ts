import { firstDay, type Period } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";

/** So much goes into one transaction: with full blocks about a million events, and a few seconds. */
const BLOCKS_PER_CALL = 50;

/**
 * Brings the customers' windows up to the events that are metered: all of them, or those booked in periods up to
 * `until`. They are not kept up event by event, because a row per customer and model costs as much as the event itself;
 * nothing that creators see depends on them. Safe to repeat, and beside itself.
 */
export async function foldCustomerWindows(sql: Sql, until?: Period): Promise<void> {
  const day = until === undefined ? null : firstDay(until);
  for (;;) {
    const [row] = await sql<[{ folded: number }]>`
      SELECT fold_customer_windows(${BLOCKS_PER_CALL}, ${day}::date) AS folded`;
    if (row.folded < BLOCKS_PER_CALL) return;
  }
}
