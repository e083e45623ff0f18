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
  /** Of an event in the log, all that metering reads: payloads change nothing of it. */
  logBytes: number;
}

/** Nothing, a short chat, and a long prompt with its answer. */
const PAYLOAD_BYTES = [0, 500, 4_000];
const EVENTS_A_REQUEST = 100;
const CONNECTIONS = 16;
const WARMUP_SECONDS = 3;
/** Until nearly every customer has its data key of the month, which is made once: what is measured is what goes on for a month. */
const KEYS_SECONDS = 15;

/** The API alone with the PostgreSQL log, and what it costs to keep what came in and out: read for secrets, encrypted, stored. */
export async function measurePayloads(opened: Opened, settings: PayloadSettings): Promise<PayloadFigures[]> {
  const folder = await temporaryFolder(opened);
  const database = await openBenchDatabase(opened, folder);
  await loadBenchCatalog(database.sql);
  const { partitions } = settings;
  const api = startRole(opened, "api", { folder, databaseUrl: database.url, brokers: null, partitions });
  const figures: PayloadFigures[] = [];
  say("payloads: making the customers' keys");
  await loadOf(opened, api, 500, { ...settings, seconds: KEYS_SECONDS, seed: settings.seed - 1 });
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
  settings: PayloadSettings,
): Promise<Omit<PayloadFigures, "payloadBytes">> {
  const before = await Promise.all([usedBy(api.pid), usedBy(database.pid)]);
  const logged = await loggedBytes(database);
  const most = await loadOf(opened, api, payloadBytes, settings);
  const after = await Promise.all([usedBy(api.pid), usedBy(database.pid)]);
  const [ofApi, ofPostgres] = before.map((used, n) => {
    const since = usedSince(used, after[n] ?? null);
    return since === null ? null : (since.cpuSeconds / most.accepted) * 1e6;
  });
  const logBytes = ((await loggedBytes(database)) - logged) / most.accepted;
  return { most, cpuMicros: { api: ofApi ?? null, postgres: ofPostgres ?? null }, logBytes };
}

async function loadOf(
  opened: Opened,
  api: RoleProcess,
  payloadBytes: number,
  { seed, seconds }: PayloadSettings,
): Promise<LoadResult> {
  const sent = startLoad(opened, {
    ...{ url: await api.ready, batch: EVENTS_A_REQUEST, warmupSeconds: WARMUP_SECONDS, seconds },
    ...{ connections: CONNECTIONS, requestsPerSecond: null, payloadBytes, seed: seed + payloadBytes },
  });
  return Promise.race([sent.result, api.failed]);
}

async function loggedBytes({ sql }: BenchDatabase): Promise<number> {
  const [{ bytes }] = await sql<[{ bytes: string }]>`
    SELECT coalesce(sum(octet_length(value)), 0)::text AS bytes FROM usage_log_record`;
  return Number(bytes);
}
