import { loadBenchCatalog } from "./load/catalog.ts";
import type { LoadResult } from "./load/send-load.ts";
import { startLoad } from "./load/start-load.ts";
import { usedBy, usedSince } from "./measure/processes.ts";
import { say } from "./say.ts";
import type { Opened } from "./world/opened.ts";
import { type RoleProcess, startRole } from "./world/roles.ts";
import { type BenchDatabase, openBenchDatabase } from "./world/servers.ts";
import { temporaryFolder } from "./world/temporary-folder.ts";

export interface PayloadSettings {
  seed: number;
  partitions: number;
  /** Of each measurement, after its warm-up. */
  seconds: number;
}

export interface PayloadFigures {
  /** Of input and output together; 0: metrics alone. */
  payloadBytes: number;
  /** Each connection sends when it has its answer. */
  most: LoadResult;
  /** Of an event, wherever /proc tells. */
  cpuMicros: { api: number | null; postgres: number | null };
}

/** Nothing, a short chat, and a long prompt with its answer. */
const PAYLOAD_BYTES = [0, 500, 4_000];
const EVENTS_A_REQUEST = 100;
const CONNECTIONS = 16;
const WARMUP_SECONDS = 3;

/** The API alone with the PostgreSQL log, and what it costs to keep what came in and out: read for secrets, encrypted, stored. */
export async function measurePayloads(opened: Opened, settings: PayloadSettings): Promise<PayloadFigures[]> {
  const folder = await temporaryFolder(opened);
  const database = await openBenchDatabase(opened, folder);
  await loadBenchCatalog(database.sql);
  const { partitions } = settings;
  const api = startRole(opened, "api", { folder, databaseUrl: database.url, brokers: null, partitions });
  const figures: PayloadFigures[] = [];
  for (const payloadBytes of PAYLOAD_BYTES) {
    say(`payloads: ${payloadBytes} bytes an event`);
    figures.push({ payloadBytes, ...(await measureOne(opened, api, database, payloadBytes, settings)) });
  }
  return figures;
}

async function measureOne(
  opened: Opened,
  api: RoleProcess,
  database: BenchDatabase,
  payloadBytes: number,
  { seed, seconds }: PayloadSettings,
): Promise<Omit<PayloadFigures, "payloadBytes">> {
  const load = { url: await api.ready, batch: EVENTS_A_REQUEST, warmupSeconds: WARMUP_SECONDS, seconds };
  const before = await Promise.all([usedBy(api.pid), usedBy(database.pid)]);
  const sent = startLoad(opened, {
    ...load,
    ...{ connections: CONNECTIONS, requestsPerSecond: null, payloadBytes, seed: seed + payloadBytes },
  });
  const most = await Promise.race([sent.result, api.failed]);
  const after = await Promise.all([usedBy(api.pid), usedBy(database.pid)]);
  const [ofApi, ofPostgres] = before.map((used, n) => {
    const since = usedSince(used, after[n] ?? null);
    return since === null ? null : (since.cpuSeconds / most.accepted) * 1e6;
  });
  return { most, cpuMicros: { api: ofApi ?? null, postgres: ofPostgres ?? null } };
}
