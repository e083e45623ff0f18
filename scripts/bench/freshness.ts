import { setTimeout as pause } from "node:timers/promises";
import { loadBenchCatalog, MARKER_MODEL, MARKER_PAYEE } from "./load/catalog.ts";
import { openBenchLog } from "./load/produce.ts";
import { predictionId, seededRandom } from "./load/random.ts";
import type { LoadResult } from "./load/send-load.ts";
import { startLoad } from "./load/start-load.ts";
import { type Percentiles, percentiles } from "./measure/percentiles.ts";
import { measureMetering } from "./metering.ts";
import { say } from "./say.ts";
import { type Opened, withOpened } from "./world/opened.ts";
import { OPERATOR_KEY, type RoleProcess, startRole } from "./world/roles.ts";
import { openBenchDatabase, startBroker } from "./world/servers.ts";
import { temporaryFolder } from "./world/temporary-folder.ts";

export interface FreshnessSettings {
  seed: number;
  partitions: number;
  workers: number;
  /** Events of the run that finds the maximal metering rate. */
  events: number;
  markers: number;
}

export interface FreshnessFigures {
  /** From the request with the event to the answer of a request that shows it, in milliseconds. */
  idleMs: Percentiles;
  loadedMs: Percentiles;
  /** Of metering, with nothing else to do. */
  maximalEventsPerSecond: number;
  /** What ran beside the markers: half of that. */
  load: Pick<LoadResult, "eventsPerSecond" | "failed">;
}

const BATCH = 500;
/** Often enough for the figures, and not what keeps the machine busy. */
const ASK_EVERY_MS = 10;
const PAUSE_MS_MAX = 100;
const LOAD_WARMUP_SECONDS = 5;
const GIVE_UP_AFTER_MS = 60_000;

/** Everything runs: broker, PostgreSQL, API and worker; events come over HTTP and are looked for over HTTP. */
export async function measureFreshness(
  opened: Opened,
  settings: FreshnessSettings,
): Promise<FreshnessFigures> {
  say("freshness: the maximal metering rate");
  const { rates } = await withOpened(opened, (own) => measureMetering(own, { ...settings, floor: false }));
  return withOpened(opened, (own) => measureMarkers(own, settings, rates.eventsPerSecond));
}

async function measureMarkers(
  opened: Opened,
  settings: FreshnessSettings,
  maximalEventsPerSecond: number,
): Promise<FreshnessFigures> {
  const { markers, seed } = settings;
  const { api, failed } = await startEverything(opened, settings);
  const url = await Promise.race([api.ready, failed]);
  const send = markerSender(url, seed);
  await Promise.race([send(5), failed]);
  say(`freshness: ${markers} markers, idle`);
  const idleMs = percentiles(await Promise.race([send(markers), failed]));
  const load = startLoad(opened, {
    url,
    batch: BATCH,
    connections: 32,
    requestsPerSecond: maximalEventsPerSecond / 2 / BATCH,
    warmupSeconds: LOAD_WARMUP_SECONDS,
    seconds: null,
    seed,
  });
  await pause(LOAD_WARMUP_SECONDS * 1000);
  say(`freshness: ${markers} markers, ${Math.round(maximalEventsPerSecond / 2)} events/s beside them`);
  const loadedMs = percentiles(await Promise.race([send(markers), failed]));
  load.end();
  const { eventsPerSecond, failed: refused } = await Promise.race([load.result, failed]);
  return {
    idleMs,
    loadedMs,
    maximalEventsPerSecond,
    load: { eventsPerSecond, failed: refused },
  };
}

async function startEverything(
  opened: Opened,
  { partitions, workers: count }: FreshnessSettings,
): Promise<{ api: RoleProcess; failed: Promise<never> }> {
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
  return { api, failed };
}

/** Sends events of one payee's model, one after the other, and takes the time until each shows in its earnings. */
function markerSender(url: string, seed: number): (count: number) => Promise<number[]> {
  const random = seededRandom(seed ^ 0x5eed);
  const headers = { authorization: `Bearer ${OPERATOR_KEY}` };
  let sent = 0;

  async function shown(): Promise<number> {
    const response = await fetch(`${url}/v1/payees/${MARKER_PAYEE}/earnings`, { headers });
    if (!response.ok) throw new Error(`earnings: ${response.status} ${await response.text()}`);
    const { data } = (await response.json()) as { data: { events: string }[] };
    return data.reduce((sum, row) => sum + Number(row.events), 0);
  }

  async function sendOne(): Promise<number> {
    const begun = performance.now();
    const response = await fetch(`${url}/v1/events`, {
      method: "POST",
      headers: { ...headers, "content-type": "application/cloudevents+json" },
      body: JSON.stringify(markerEvent(predictionId(random))),
    });
    if (response.status !== 202) throw new Error(`a marker: ${response.status} ${await response.text()}`);
    await response.arrayBuffer();
    sent += 1;
    while ((await shown()) < sent) {
      if (performance.now() - begun > GIVE_UP_AFTER_MS) throw new Error("a marker never showed");
      await pause(ASK_EVERY_MS);
    }
    return performance.now() - begun;
  }

  return async (count) => {
    const taken: number[] = [];
    while (taken.length < count) {
      taken.push(await sendOne());
      // At no fixed distance, so that the markers meet accruals and batches at any point.
      await pause(random() * PAUSE_MS_MAX);
    }
    return taken;
  };
}

function markerEvent(id: string): object {
  return {
    specversion: "1.0",
    id,
    source: "//predictor/marker",
    type: "prediction.completed",
    time: "2023-11-15T12:00:00Z",
    subject: "customer-1",
    data: {
      model: MARKER_MODEL,
      version: "1",
      status: "succeeded",
      metrics: { input_token_count: 1_000, output_token_count: 1_000 },
    },
  };
}
