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
