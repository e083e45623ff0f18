import { accrueOpenPeriods } from "../../src/earnings/index.ts";
import { foldCustomerWindows, mergeWindows } from "../../src/metering/index.ts";
import { sketchLatencies } from "../../src/predictions/index.ts";
import { type Floor, measureFloors } from "./floor.ts";
import { loadBenchCatalog } from "./load/catalog.ts";
import type { UsageTotals } from "./load/events.ts";
import { openBenchLog, produceUsage } from "./load/produce.ts";
import { differencesFrom } from "./measure/correctness.ts";
import { extentOf } from "./measure/database.ts";
import { followMetering, untilClaimed } from "./measure/follow.ts";
import { type Used, usedBy, usedByAll, usedSince } from "./measure/processes.ts";
import { type Rates, ratesOf } from "./measure/rates.ts";
import { say } from "./say.ts";
import type { Opened } from "./world/opened.ts";
import { appliedBatches, type RoleProcess, startRole } from "./world/roles.ts";
import {
  type BenchBroker,
  type BenchDatabase,
  openBenchDatabase,
  startBroker,
  warmServer,
} from "./world/servers.ts";
import { temporaryFolder } from "./world/temporary-folder.ts";

export interface MeteringSettings {
  events: number;
  seed: number;
  partitions: number;
  workers: number;
  floor: boolean;
}

export interface MeteringFigures {
  events: number;
  workers: number;
  partitions: number;
  rates: Rates;
  batches: number;
  /** From the first record to the last commit. */
  cpuSeconds: Record<Process, number | null>;
  /** PostgreSQL's with a checkpoint after the run: only then is all of it written. */
  writtenBytes: Record<Process, number | null>;
  walBytes: number;
  tableBytes: number;
  eventTableBytes: number;
  /** What is not done event by event: customers' sums (every five minutes) and the accrual of the last events. */
  deferredSeconds: number;
  /** Beside metering, once a minute: how long predictions took, into sketches. */
  sketching: Sketching;
  /** COPY of the same rows, and of one wide row an event. */
  floor: { same: Floor; wide: Floor } | null;
  /** Against the generator's own totals; empty when everything is right. */
  differences: string[];
}

export interface Sketching {
  /** Of those that no worker had sketched by the end. */
  events: number;
  seconds: number;
  /** Of this process, which does here what a worker does; and PostgreSQL's. */
  cpuSeconds: { maker: number; postgres: number | null };
}

export type Process = "worker" | "postgres" | "broker";

export interface MeteringWorld {
  folder: string;
  database: BenchDatabase;
  broker: BenchBroker;
  totals: UsageTotals;
}

/** One run on servers of its own: everything is produced first, then metered, then written again by COPY. */
export async function measureMetering(opened: Opened, settings: MeteringSettings): Promise<MeteringFigures> {
  const { events, floor, partitions, workers } = settings;
  const world = await prepareMetering(opened, settings);
  const run = await runWorkers(opened, world, settings);
  say("metering: what is deferred, and the totals");
  const deferredSeconds = await secondsOf(async () => {
    await foldCustomerWindows(world.database.sql);
    await mergeWindows(world.database.sql);
    await accrueOpenPeriods(world.database.sql);
  });
  const sketching = await measureSketching(world.database);
  const differences = await differencesFrom(world.database.sql, world.totals);
  if (floor) say("metering: the same rows by COPY");
  const { database, folder } = world;
  const floors = floor ? await measureFloors(opened, database, folder, events) : null;
  return { events, workers, partitions, ...run, deferredSeconds, sketching, floor: floors, differences };
}

/** Servers, catalogue, and a log that is full before any worker starts. */
export async function prepareMetering(opened: Opened, settings: MeteringSettings): Promise<MeteringWorld> {
  const { events, partitions, seed } = settings;
  const folder = await temporaryFolder(opened);
  const [broker, database] = await Promise.all([
    startBroker(opened, folder),
    openBenchDatabase(opened, folder),
  ]);
  await loadBenchCatalog(database.sql);
  await warmServer(database.sql);
  const log = await opened.open(openBenchLog(broker.brokers, partitions), (open) => open.close());
  say(`metering: ${events} events go into the topic`);
  const totals = await produceUsage(log, seed, events);
  await log.close();
  return { folder, database, broker, totals };
}

/** From the first record that is fetched to the last commit. */
async function runWorkers(opened: Opened, world: MeteringWorld, settings: MeteringSettings) {
  const { broker, database } = world;
  const { sql } = database;
  await sql`CHECKPOINT`;
  const before = await extentOf(sql);
  const workers = startWorkers(opened, world, settings);
  const failed = Promise.race(workers.map((worker) => worker.failed));
  const pids = { worker: workers.map(({ pid }) => pid), postgres: [database.pid], broker: [broker.pid] };
  await Promise.race([untilClaimed(sql), failed]);
  const used = await usedByEach(pids);
  say("metering: the first partition is claimed");
  const samples = await Promise.race([followMetering(sql, settings.events), failed]);
  const end = await usedByEach(pids);
  const after = await extentOf(sql);
  const batches = await Promise.all(workers.map(appliedBatches));
  await Promise.all(workers.map((worker) => worker.stop()));
  await sql`CHECKPOINT`;
  const written = { ...end, postgres: await usedBy(database.pid) };
  return {
    rates: ratesOf(samples, settings.events),
    batches: batches.reduce((sum, count) => sum + count, 0),
    cpuSeconds: sinceEach(used, end, "cpuSeconds"),
    writtenBytes: sinceEach(used, written, "writtenBytes"),
    walBytes: after.walBytes - before.walBytes,
    tableBytes: after.tableBytes - before.tableBytes,
    eventTableBytes: after.eventTableBytes - before.eventTableBytes,
  };
}

export function startWorkers(
  opened: Opened,
  { folder, database, broker }: MeteringWorld,
  { workers, partitions }: Pick<MeteringSettings, "workers" | "partitions">,
): RoleProcess[] {
  const settings = { folder, databaseUrl: database.url, brokers: broker.brokers, partitions };
  return Array.from({ length: workers }, () => startRole(opened, "worker", settings));
}

type EachUsed = Record<Process, Used | null>;

async function usedByEach(pids: Record<Process, (number | null)[]>): Promise<EachUsed> {
  const [worker, postgres, broker] = await Promise.all([
    usedByAll(pids.worker),
    usedByAll(pids.postgres),
    usedByAll(pids.broker),
  ]);
  return { worker, postgres, broker };
}

function sinceEach(before: EachUsed, after: EachUsed, what: keyof Used): Record<Process, number | null> {
  const since = (process: Process) => usedSince(before[process], after[process])?.[what] ?? null;
  return { worker: since("worker"), postgres: since("postgres"), broker: since("broker") };
}

async function measureSketching({ sql, pid }: BenchDatabase): Promise<Sketching> {
  const [{ events }] = await sql<[{ events: number }]>`
    SELECT coalesce(sum(event_count), 0)::int AS events FROM usage_block WHERE sketched = 0`;
  const own = process.cpuUsage();
  const before = await usedBy(pid);
  const seconds = await secondsOf(() => sketchLatencies(sql));
  const { user, system } = process.cpuUsage(own);
  const postgres = usedSince(before, await usedBy(pid))?.cpuSeconds ?? null;
  return { events, seconds, cpuSeconds: { maker: (user + system) / 1e6, postgres } };
}

async function secondsOf(work: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}
