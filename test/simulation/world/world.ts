import { openCatalogStore } from "../../../src/catalog/index.ts";
import type { PayoutProvider } from "../../../src/payouts/index.ts";
import type { Sql } from "../../../src/postgres/index.ts";
import type { LogReader, UsageLog } from "../../../src/usage/index.ts";
import { type Random, seededRandom } from "../random.ts";
import { Scheduler } from "../scheduler.ts";
import { simulateSql } from "../simulated-sql.ts";
import { Trace } from "../trace.ts";
import { CatalogDrafts, EVER_NAMED } from "./catalog-drafts.ts";
import { Clock } from "./clock.ts";
import { ConsumerGroup } from "./consumer-group.ts";
import { ExpectedMetering } from "./expected-metering.ts";
import { MeteringWatch } from "./metering-watch.ts";
import { SimulatedLog } from "./simulated-log.ts";
import { SimulatedProvider } from "./simulated-provider.ts";
import { UsageSource } from "./usage-items.ts";

const START = "2023-10-20T00:00:00Z";

/** Breaks the product on purpose, to see that the simulation notices. */
export interface Flaw {
  reader?: (reader: LogReader) => LogReader;
  provider?: (provider: PayoutProvider) => PayoutProvider;
  sql?: (sql: Sql) => Sql;
}

/** One simulated marketplace: true code on a true database, and everything around it drawn from a seed. */
export interface World {
  random: Random;
  trace: Trace;
  clock: Clock;
  scheduler: Scheduler;
  /** The database itself, for whoever looks on. */
  books: Sql;
  /** The database as the product's processes have it. */
  sql: Sql;
  log: SimulatedLog;
  group: ConsumerGroup;
  /** The log as the product's processes have it. */
  port: UsageLog;
  provider: SimulatedProvider;
  payoutPort: PayoutProvider;
  usage: UsageSource;
  drafts: CatalogDrafts;
  expected: ExpectedMetering;
  watch: MeteringWatch;
}

export interface WorldOptions {
  seed: number;
  /** An empty database with the product's schema. */
  books: Sql;
  print?: boolean;
  flaw?: Flaw;
}

export async function openWorld({ seed, books, print = false, flaw = {} }: WorldOptions): Promise<World> {
  const random = seededRandom(seed);
  const clock = new Clock(START);
  const trace = new Trace(() => clock.text, print);
  const scheduler = new Scheduler(random, trace);
  const parts = { scheduler, random, trace, clock };
  const log = new SimulatedLog(parts, 1 + random.below(3));
  const provider = new SimulatedProvider(parts);
  const drafts = new CatalogDrafts(random, clock);
  const first = drafts.first();
  const catalog = openCatalogStore(books);
  await catalog.change(first as object);
  const { version } = await catalog.current();
  const expected = new ExpectedMetering(first);
  const watch = new MeteringWatch({ sql: books, log, expected, trace }, version);
  const group = new ConsumerGroup({ log, scheduler, random, trace, witness: watch });
  const sql = simulateSql({ sql: books, scheduler, random, trace });
  return {
    ...{ random, trace, clock, scheduler, books, log, group, provider, drafts, expected, watch },
    sql: flaw.sql?.(sql) ?? sql,
    port: log.portWith((reader) => group.read(flaw.reader?.(reader) ?? reader)),
    payoutPort: flaw.provider?.(provider) ?? provider,
    usage: new UsageSource(random, clock, EVER_NAMED),
  };
}
