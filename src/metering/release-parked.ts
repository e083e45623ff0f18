import type { Sql } from "../postgres/index.ts";

const EVENTS_PER_CALL = 5_000;

/** Meters parked events whose customer, model and price are known by now. Answers how many. Safe to repeat. */
export async function releaseParked(sql: Sql): Promise<number> {
  let released = 0;
  for (;;) {
    const [row] = await sql<[{ released: string }]>`SELECT release_parked(${EVENTS_PER_CALL}) AS released`;
    released += Number(row.released);
    if (row.released === "0") return released;
  }
}

/** However little changes: what another process had in hand when it died is looked at after so long. */
const SWEEP_ANYWAY_MS = 60_000;

/**
 * For a loop: releases what may be released. All that waits is judged only when the catalogue changed since it was judged last, and
 * now and then: nothing but the catalogue ends a wait, and judging half a million events holds up whoever changes prices.
 */
export function parkedSweep(sql: Sql): () => Promise<number> {
  let judged: { version: string; atMs: number } | undefined;
  return async () => {
    const [{ version }] = await sql<[{ version: string }]>`SELECT version::text FROM catalog_state`;
    const atMs = performance.now();
    if (judged?.version === version && atMs - judged.atMs < SWEEP_ANYWAY_MS) return 0;
    const released = await releaseParked(sql);
    judged = { version, atMs };
    return released;
  };
}
