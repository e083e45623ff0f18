import { loadBenchCatalog } from "./load/catalog.ts";
import type { LoadResult } from "./load/send-load.ts";
import { startLoad } from "./load/start-load.ts";
import { usedBy, usedSince } from "./measure/processes.ts";
import { say } from "./say.ts";
import { type Opened, withOpened } from "./world/opened.ts";
import { type RoleProcess, startRole } from "./world/roles.ts";
import { openBenchDatabase, startBroker, warmServer } from "./world/servers.ts";
import { temporaryFolder } from "./world/temporary-folder.ts";

export interface IngestSettings {
  seed: number;
  partitions: number;
  /** Of each measurement, after its warm-up. */
  seconds: number;
}

export type LogKind = "kafka" | "postgres";

export interface IngestFigures {
  log: LogKind;
  batch: number;
  /** Each connection sends when it has its answer. */
  most: LoadResult;
  /** Of the API alone, without the sender and the log behind it; null where /proc does not tell. */
  apiCpuMicrosPerEvent: number | null;
  /** At half of that rate, at times fixed beforehand. */
  half: LoadResult;
}

/** Connections that keep the API busy, by events in a request. */
const CONNECTIONS = new Map([
  [1, 64],
  [100, 16],
  [1000, 8],
]);
const WARMUP_SECONDS = 3;

/** The API alone, with each log; nobody meters, so every cycle is the door's, the log's or the sender's. */
export async function measureIngest(opened: Opened, settings: IngestSettings): Promise<IngestFigures[]> {
  const figures: IngestFigures[] = [];
  for (const log of ["kafka", "postgres"] as const) {
    figures.push(...(await withOpened(opened, (own) => measureLog(own, log, settings))));
  }
  return figures;
}

async function measureLog(opened: Opened, log: LogKind, settings: IngestSettings): Promise<IngestFigures[]> {
  const folder = await temporaryFolder(opened);
  const [broker, database] = await Promise.all([
    log === "kafka" ? startBroker(opened, folder) : null,
    openBenchDatabase(opened, folder),
  ]);
  await loadBenchCatalog(database.sql);
  if (log === "postgres") await warmServer(database.sql);
  // What was written until then is written over: the log of a server that has run does not grow while it is measured.
  const settle = () => database.sql`CHECKPOINT`;
  const api = startRole(opened, "api", {
    folder,
    databaseUrl: database.url,
    brokers: broker?.brokers ?? null,
    partitions: settings.partitions,
  });
  const figures: IngestFigures[] = [];
  for (const [batch, connections] of CONNECTIONS) {
    say(`ingest: ${log}, ${batch} event(s) a request`);
    figures.push({ log, batch, ...(await measureBatch(opened, api, settle, batch, connections, settings)) });
  }
  return figures;
}

async function measureBatch(
  opened: Opened,
  api: RoleProcess,
  settle: () => Promise<unknown>,
  batch: number,
  connections: number,
  { seed, seconds }: IngestSettings,
): Promise<Omit<IngestFigures, "log" | "batch">> {
  const load = { url: await api.ready, batch, warmupSeconds: WARMUP_SECONDS, seconds };
  const before = await usedBy(api.pid);
  const most = await Promise.race([
    startLoad(opened, { ...load, connections, requestsPerSecond: null, seed: seed + batch }).result,
    api.failed,
  ]);
  const used = usedSince(before, await usedBy(api.pid));
  await settle();
  // Enough of them that a request that is due finds one free; other seeds, so that no id comes twice.
  const half = startLoad(opened, {
    ...load,
    connections: 64,
    requestsPerSecond: most.eventsPerSecond / batch / 2,
    seed: seed + batch + 1_000_000,
  });
  const apiCpuMicrosPerEvent = used === null ? null : (used.cpuSeconds / most.accepted) * 1e6;
  return { most, apiCpuMicrosPerEvent, half: await Promise.race([half.result, api.failed]) };
}
