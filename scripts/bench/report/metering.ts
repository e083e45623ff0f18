import type { MeteringFigures, Process } from "../metering.ts";
import { figure, figureTable } from "./figures.ts";

interface Line {
  what: string;
  of: (run: MeteringFigures) => number | null;
  digits: number;
}

const micros = (process: Process) => (run: MeteringFigures) => {
  const seconds = run.cpuSeconds[process];
  return seconds === null ? null : (seconds / run.events) * 1e6;
};
const bytes = (process: Process) => (run: MeteringFigures) => {
  const written = run.writtenBytes[process];
  return written === null ? null : written / run.events;
};

const sketched = (of: "maker" | "postgres") => (run: MeteringFigures) => {
  const { events, cpuSeconds } = run.sketching;
  const seconds = cpuSeconds[of];
  return seconds === null || events === 0 ? null : (seconds / events) * 1e6;
};

const LINES: Line[] = [
  { what: "events/s, first record to last commit", of: (run) => run.rates.eventsPerSecond, digits: 0 },
  { what: "  first quarter of the events", of: (run) => run.rates.firstQuarter, digits: 0 },
  { what: "  last quarter", of: (run) => run.rates.lastQuarter, digits: 0 },
  { what: "  last ÷ first", of: (run) => run.rates.lastQuarter / run.rates.firstQuarter, digits: 2 },
  {
    what: "events/s with the deferred work",
    of: (run) => run.events / (run.rates.seconds + run.deferredSeconds),
    digits: 0,
  },
  { what: "  deferred work, s", of: (run) => run.deferredSeconds, digits: 2 },
  {
    what: "  sketches (beside it, once a minute), CPU µs per event: worker",
    of: sketched("maker"),
    digits: 2,
  },
  { what: "    PostgreSQL", of: sketched("postgres"), digits: 2 },
  {
    what: "floor: COPY into the same tables, events/s",
    of: (run) => run.floor?.same.eventsPerSecond ?? null,
    digits: 0,
  },
  { what: "  rate ÷ floor", of: (run) => ratio(run, run.floor?.same.eventsPerSecond), digits: 2 },
  {
    what: "floor: COPY of a wide row an event, events/s",
    of: (run) => run.floor?.wide.eventsPerSecond ?? null,
    digits: 0,
  },
  { what: "  rate ÷ this floor", of: (run) => ratio(run, run.floor?.wide.eventsPerSecond), digits: 2 },
  { what: "CPU µs per event: worker", of: micros("worker"), digits: 2 },
  { what: "  PostgreSQL", of: micros("postgres"), digits: 2 },
  { what: "  broker", of: micros("broker"), digits: 2 },
  {
    what: "  PostgreSQL in COPY, same tables",
    of: (run) => run.floor?.same.postgresCpuMicrosPerEvent ?? null,
    digits: 2,
  },
  {
    what: "  PostgreSQL in COPY, wide row",
    of: (run) => run.floor?.wide.postgresCpuMicrosPerEvent ?? null,
    digits: 2,
  },
  { what: "bytes per event: write-ahead log", of: (run) => run.walBytes / run.events, digits: 0 },
  { what: "  tables and indexes", of: (run) => run.tableBytes / run.events, digits: 0 },
  { what: "  of these identities and blocks", of: (run) => run.eventTableBytes / run.events, digits: 0 },
  { what: "  written by PostgreSQL", of: bytes("postgres"), digits: 0 },
  { what: "  written by the worker", of: bytes("worker"), digits: 0 },
  { what: "batches", of: (run) => run.batches, digits: 0 },
  { what: "  events in one", of: (run) => run.events / run.batches, digits: 0 },
];

function ratio(run: MeteringFigures, floor: number | undefined): number | null {
  return floor === undefined ? null : run.rates.eventsPerSecond / floor;
}

/** A column for one run; the smallest, middle and largest of several, figure by figure. */
export function printMetering(runs: readonly MeteringFigures[]): void {
  const [first] = runs;
  if (first === undefined) return;
  const title = `metering: ${figure(first.events)} events, ${first.partitions} partitions, ${first.workers} worker(s)`;
  const heads = runs.length === 1 ? [""] : ["smallest", "middle", "largest"];
  console.log(
    figureTable(
      [title, ...heads],
      LINES.flatMap((line) => rowOf(line, runs)),
    ),
  );
  const differences = runs.flatMap((run) => run.differences);
  for (const difference of differences) console.log(`WRONG: ${difference}`);
  if (differences.length === 0)
    console.log("Every event was counted once, and every quantity is the generator's.");
}

/** Nothing for what could not be measured. */
function rowOf({ what, of, digits }: Line, runs: readonly MeteringFigures[]): string[][] {
  const found = runs
    .map(of)
    .filter((value) => value !== null)
    .sort((a, b) => a - b);
  const [smallest, middle, largest] = [found[0], found[found.length >> 1], found.at(-1)];
  if (smallest === undefined || middle === undefined || largest === undefined) return [];
  const shown = runs.length === 1 ? [smallest] : [smallest, middle, largest];
  return [[what, ...shown.map((value) => figure(value, digits))]];
}
