import { afterAll, beforeAll, expect, test } from "vitest";
import { type FreshBooks, openFreshBooks } from "./fresh-books.ts";
import { type Played, runSimulation } from "./run-simulation.ts";
import { EXPECTED_SIGHTINGS } from "./trace.ts";

const SEEDS = Number(process.env.SIMULATION_SEEDS ?? 200);
const SEED = Number(process.env.SIMULATION_SEED ?? 1);
const PRINT = process.env.SIMULATION_TRACE === "1";
/** Histories at the same time, each on a database of its own: JavaScript waits for PostgreSQL most of the time. */
const LANES = 2;
/** So many histories meet everything that can happen. */
const SEEDS_THAT_SEE_ALL = 150;

let lanes: FreshBooks[] = [];

beforeAll(async () => {
  lanes = await Promise.all(Array.from({ length: LANES }, openFreshBooks));
});

afterAll(() => Promise.all(lanes.map((books) => books.drop())));

async function play(books: FreshBooks, seed: number): Promise<Played> {
  await books.reset();
  return runSimulation({ seed, books: books.sql, print: PRINT });
}

test(`${SEEDS} histories from seed ${SEED} on end with exact books`, {
  timeout: 120_000 + SEEDS * 5_000,
}, async () => {
  const seeds = Array.from({ length: SEEDS }, (_, index) => SEED + index);
  const sightings = new Map<string, number>();
  const begin = performance.now();
  const lane = async (books: FreshBooks) => {
    for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
      const played = await play(books, seed);
      for (const [kind, count] of played.sightings) sightings.set(kind, (sightings.get(kind) ?? 0) + count);
    }
  };
  const ends = await Promise.allSettled(lanes.map((books) => lane(books).finally(() => seeds.splice(0))));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  report(performance.now() - begin, sightings);
  const unseen = EXPECTED_SIGHTINGS.filter((kind) => !sightings.has(kind));
  expect(
    SEEDS < SEEDS_THAT_SEE_ALL ? [] : unseen,
    "a simulation that does not meet this proves little",
  ).toEqual([]);
});

test("a seed played twice goes the same way and ends the same", async () => {
  const [first, second] = await Promise.all(lanes.map((books) => play(books, SEED)));
  console.log(`seed ${SEED}: trace ${first?.traceHash}`);
  expect(second?.traceHash).toBe(first?.traceHash);
  expect(second?.finalState).toBe(first?.finalState);
});

function report(ms: number, sightings: ReadonlyMap<string, number>): void {
  const rows = [...sightings].sort().map(([kind, count]) => `${String(count).padStart(7)} × ${kind}`);
  const speed = `${(ms / 1000).toFixed(1)} s, ${(ms / SEEDS).toFixed(0)} ms each`;
  console.log([`${SEEDS} histories from seed ${SEED} on: ${speed}`, ...rows].join("\n"));
}
