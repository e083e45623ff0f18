import { setTimeout as pause } from "node:timers/promises";
import type { Sql } from "../../postgres/index.ts";

/** Counted in one transaction, or one block at least. Whoever asks for their customers waits; but a call costs 25 ms without any. */
const EVENTS_PER_CALL = 50_000;
/** After so long the same prediction may be authorized anew, if its event never came. */
const REMEMBERED_HOURS = 24;
const FORGOTTEN_PER_CALL = 10_000;
/** Whoever asks for their customers waits meanwhile: a millisecond or two. */
const EXPIRED_PER_CALL = 25;
const RESTS_PER_WORK = 2;

/**
 * Brings the spend of customers with credits or limits up to the events that are metered, and ends the reservations that
 * these events settle. Costs one look at a table when no customer has any. Safe to repeat, and beside itself.
 */
export async function countSpend(sql: Sql): Promise<void> {
  await countBlocks(sql, false);
}

/** countSpend(), and the end of reservations whose event was counted before they were made, or whose time is over. */
export async function sweepSpend(sql: Sql): Promise<void> {
  if (!(await countBlocks(sql, true))) return;
  await expireReservations(sql);
  await sql`
    SELECT forget_reservations(clock_timestamp() - make_interval(hours => ${REMEMBERED_HOURS}), ${FORGOTTEN_PER_CALL})`;
}

/**
 * Ends reservations whose time is over, a few at a time. Nothing to do is one look at an index. It rests after each few for
 * twice as long as they took: all at once they would take a core from who asks meanwhile.
 */
export async function expireReservations(sql: Sql): Promise<void> {
  for (;;) {
    const begun = performance.now();
    const [row] = await sql<[{ ended: number }]>`SELECT expire_reservations(${EXPIRED_PER_CALL}) AS ended`;
    if (row.ended < EXPIRED_PER_CALL) return;
    await pause(RESTS_PER_WORK * (performance.now() - begun));
  }
}

/** False when there is nobody whose spend is counted. */
async function countBlocks(sql: Sql, late: boolean): Promise<boolean> {
  if (!(await anybodyCounts(sql))) return false;
  for (let withLate = late; ; withLate = false) {
    const [row] = await sql<
      [{ counted: number }]
    >`SELECT count_spend(${EVENTS_PER_CALL}, ${withLate}) AS counted`;
    if (row.counted < EVENTS_PER_CALL) return true;
  }
}

async function anybodyCounts(sql: Sql): Promise<boolean> {
  const accounts = await sql`SELECT FROM spend_account LIMIT 1`;
  return accounts.length > 0;
}
