import { setTimeout as pause } from "node:timers/promises";
import { loadBenchCatalog } from "./load/catalog.ts";
import { markerSender } from "./load/markers.ts";
import { openBenchLog } from "./load/produce.ts";
import type { LoadResult } from "./load/send-load.ts";
import { startLoad } from "./load/start-load.ts";
import { type Percentiles, percentiles } from "./measure/percentiles.ts";
import { sustainedRate } from "./measure/sustained.ts";
import { say } from "./say.ts";
import type { Opened } from "./world/opened.ts";
import { type RoleProcess, startRole } from "./world/roles.ts";
import { type BenchDatabase, openBenchDatabase, startBroker } from "./world/servers.ts";
import { temporaryFolder } from "./world/temporary-folder.ts";

export interface FreshnessSettings {
  seed: number;
  partitions: number;
  workers: number;
  markers: number;
  /** How long the rate that the whole path sustains is measured. */
  seconds: number;
}

export interface FreshnessFigures {
  /** From the request with the event to the answer of a request that shows it, in milliseconds. */
  idleMs: Percentiles;
  /** What came over HTTP and was metered meanwhile, at the most that does not let the lag grow; null when that failed. */
  sustainedEventsPerSecond: number | null;
  /** Beside half of that; null when it failed. */
  loaded: { ms: Percentiles; load: Pick<LoadResult, "eventsPerSecond" | "failed"> } | null;
  /** Why something is missing. */
  failure: string | null;
}

const BATCH = 500;
const CONNECTIONS = 32;
/** Often enough for the figures, and not what keeps the machine busy. */
const ASK_EVERY_MS = { idle: 10, loaded: 50 };
const LOAD_WARMUP_SECONDS = 5;

/**
 * Everything runs on this machine: broker, PostgreSQL, API and worker, and the sender. Events come over HTTP and are looked for
 * over HTTP.
 */
export async function measureFreshness(
  opened: Opened,
  settings: FreshnessSettings,
): Promise<FreshnessFigures> {
  const { markers, seconds, seed } = settings;
  const { api, database, failed } = await startEverything(opened, settings);
  const orFailed = <T>(work: Promise<T>) => Promise.race([work, failed]);
  const url = await orFailed(api.ready);
  const send = markerSender(url, seed);
  await orFailed(send(5, ASK_EVERY_MS.idle));
  say(`freshness: ${markers} markers, idle`);
  const figures: FreshnessFigures = {
    idleMs: percentiles(await orFailed(send(markers, ASK_EVERY_MS.idle))),
    sustainedEventsPerSecond: null,
    loaded: null,
    failure: null,
  };
  say(`freshness: idle p50 ${Math.round(figures.idleMs.p50)} ms, p99 ${Math.round(figures.idleMs.p99)} ms`);
  try {
    const size = { url, batch: BATCH, connections: CONNECTIONS };
    say("freshness: what the whole path sustains");
    const most = await orFailed(sustainedRate(opened, database.sql, { ...size, seed }, seconds));
    figures.sustainedEventsPerSecond = most;
    // Other seeds, so that no id comes twice.
    const half = { ...size, seed: seed + 1_000_000, requestsPerSecond: most / 2 / BATCH };
    const load = startLoad(opened, { ...half, warmupSeconds: LOAD_WARMUP_SECONDS, seconds: null });
    await pause(LOAD_WARMUP_SECONDS * 1000);
    say(`freshness: ${markers} markers beside ${Math.round(most / 2)} events/s, half of it`);
    const ms = percentiles(await orFailed(send(markers, ASK_EVERY_MS.loaded)));
    load.end();
    const { eventsPerSecond, failed: refused } = await orFailed(load.result);
    figures.loaded = { ms, load: { eventsPerSecond, failed: refused } };
  } catch (error) {
    figures.failure = (error as Error).message;
  }
  return figures;
}

async function startEverything(
  opened: Opened,
  { partitions, workers: count }: FreshnessSettings,
): Promise<{ api: RoleProcess; database: BenchDatabase; failed: Promise<never> }> {
  const folder = await temporaryFolder(opened);
  const [broker, database] = await Promise.all([
    startBroker(opened, folder),
    openBenchDatabase(opened, folder),
  ]);
  await loadBenchCatalog(database.sql);
  const log = await openBenchLog(broker.brokers, partitions);
  await log.close();
  const start = { folder, databaseUrl: database.url, brokers: broker.brokers, partitions };
  const api = startRole(opened, "api", start);
  const workers = Array.from({ length: count }, () => startRole(opened, "worker", start));
  const failed = Promise.race([api, ...workers].map((role) => role.failed));
  failed.catch(() => {});
  await Promise.race([Promise.all(workers.map((worker) => worker.ready)), failed]);
  return { api, database, failed };
}
