import { parseArgs } from "node:util";

export const BENCHMARKS = [
  "metering",
  "ingest",
  "payloads",
  "freshness",
  "scale",
  "settlement",
  "authorize",
  "invoices",
  "pages",
] as const;
export type Benchmark = (typeof BENCHMARKS)[number];

export const USAGE = `npm run bench -- [metering|ingest|payloads|freshness|scale|settlement|authorize|invoices|pages] [options]

  metering    from the first record to the last commit, beside COPY of the same rows
  ingest      the rate of POST /v1/events and the time to its acknowledgement, for both logs
  payloads    POST /v1/events with metrics alone and with what came in and out, PostgreSQL log
  freshness   from an event sent to its place in GET /v1/payees/{id}/earnings, idle and under load
  scale       1, 2 and 3 workers on 12 partitions; how tables grow; the earnings query behind many events
  settlement  a month closed and planned: five models and 200 windows for each payee
  authorize   POST /v1/customers/{id}/authorize at 500 requests/s, of many customers and of one
  invoices    a month's invoices made, and pushed to the Stripe simulator by a run that is killed in the middle
  pages       a year of 500 models: until each page of the dashboard can be used, and each of its API calls
  (nothing)   all of them, one after the other, smaller

  --events n      how many events (metering and scale 2,000,000, pages 400,000; smaller without a name)
  --seed n        another seed makes other events (1)
  --partitions n  of the topic (4; scale 12)
  --workers n     worker processes (1; scale: up to so many, 3)
  --payees n      settlement: so many, or several as in 1000,10000,50000 (10,000)
  --customers n   invoices: so many customers, one invoice each (3,000)
  --rate n        authorize: requests a second (500)
  --events-rate n authorize: events a second beside them, of the same customers, 100 in a request (none)
  --seconds n     authorize: so long, each of the two, after 8 s of warm-up (20); payloads: each of the three (8);
                  freshness: the rate of the whole path (20)
  --repeat n      metering: so many runs, with the smallest, middle and largest figure (1)
  --no-floor      metering: without the COPY beside it
  --json          the figures as JSON on stdout; progress goes to stderr

DATABASE_URL names the server to use, in a database of its own; without it one is started in a temporary folder.`;

export class UsageWrong extends Error {
  override name = "UsageWrong";
}

export interface BenchOptions {
  /** Which ones; all when none was named. */
  benchmarks: readonly Benchmark[];
  /** Undefined: as many as the benchmark has by default. */
  events: number | undefined;
  seed: number;
  partitions: number | undefined;
  workers: number | undefined;
  /** A measurement for each. */
  payees: readonly number[] | undefined;
  customers: number | undefined;
  /** Requests a second, and how long. */
  rate: number | undefined;
  /** Events a second beside what is measured. */
  eventsRate: number | undefined;
  seconds: number | undefined;
  repeat: number;
  floor: boolean;
  json: boolean;
}

/** @throws UsageWrong naming the argument */
export function readOptions(args: string[]): BenchOptions {
  const { values, positionals } = parse(args);
  const [name, ...more] = positionals;
  const named = BENCHMARKS.find((known) => known === name);
  if (name !== undefined && named === undefined) throw new UsageWrong(`there is no benchmark ${name}`);
  if (more.length > 0) throw new UsageWrong("one benchmark at a time");
  return {
    benchmarks: named === undefined ? BENCHMARKS : [named],
    events: count("events", values.events, 1_000, 1_000_000_000),
    seed: count("seed", values.seed, 0, 4_294_967_295) ?? 1,
    partitions: count("partitions", values.partitions, 1, 1_024),
    workers: count("workers", values.workers, 1, 16),
    payees: counts("payees", values.payees, 2, 1_000_000),
    customers: count("customers", values.customers, 2, 100_000),
    rate: count("rate", values.rate, 1, 100_000),
    eventsRate: count("events-rate", values["events-rate"], 100, 100_000),
    seconds: count("seconds", values.seconds, 1, 3_600),
    repeat: count("repeat", values.repeat, 1, 100) ?? 1,
    floor: values.floor,
    json: values.json,
  };
}

function parse(args: string[]) {
  const text = { type: "string" } as const;
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      allowNegative: true,
      options: {
        events: text,
        seed: text,
        partitions: text,
        workers: text,
        payees: text,
        customers: text,
        rate: text,
        "events-rate": text,
        seconds: text,
        repeat: text,
        floor: { type: "boolean", default: true },
        json: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    throw new UsageWrong((error as Error).message);
  }
}

function count(name: string, text: string | undefined, min: number, max: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max))
    throw new UsageWrong(`--${name} must be a whole number from ${min} to ${max}`);
  return value;
}

function counts(name: string, text: string | undefined, min: number, max: number): number[] | undefined {
  return text?.split(",").map((part) => count(name, part, min, max) ?? min);
}
