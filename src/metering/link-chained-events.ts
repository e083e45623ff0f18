import type { Sql } from "../postgres/index.ts";

/** With full blocks about two hundred thousand events, and a second or two. */
const BLOCKS_PER_CALL = 10;

/** Notes which events name which parent, for chains. Follows metering by seconds; safe to repeat, and beside itself. */
export async function linkChainedEvents(sql: Sql): Promise<void> {
  for (;;) {
    const [row] = await sql<[{ linked: number }]>`SELECT link_chained_events(${BLOCKS_PER_CALL}) AS linked`;
    if (row.linked < BLOCKS_PER_CALL) return;
  }
}
