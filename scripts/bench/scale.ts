import { accrueOpenPeriods } from "../../src/earnings/index.ts";
import { foldCustomerWindows, mergeWindows } from "../../src/metering/index.ts";
import type { Sql } from "../../src/postgres/index.ts";
import { LARGEST_PAYEE, loadBenchCatalog, PARTNER } from "./load/catalog.ts";
import { openBenchLog, produceUsage } from "./load/produce.ts";
import { differencesFrom } from "./measure/correctness.ts";
import { rowCounts } from "./measure/database.ts";
import { followMetering } from "./measure/follow.ts";
import { type Percentiles, percentiles } from "./measure/percentiles.ts";
import { type BookedCall, timeWhileBooked } from "./measure/while-booked.ts";
import { type MeteringFigures, measureMetering } from "./metering.ts";
import { say } from "./say.ts";
import { type Opened, withOpened } from "./world/opened.ts";
import { OPERATOR_KEY, startRole } from "./world/roles.ts";
import { openBenchDatabase, startBroker } from "./world/servers.ts";
import { temporaryFolder } from "./world/temporary-folder.ts";

export interface ScaleSettings {
  events: number;
  seed: number;
  partitions: number;
  /** 1, 2, … up to so many. */
  workers: number;
}

export interface ScaleFigures {
  byWorkers: MeteringFigures[];
  growth: Growth[];
  /** GET /v1/payees/{id}/earnings?group_by=model,day behind all events. */
  earningsQueries: EarningsQuery[];
  /** The calls of a payee's overview while a worker books five batches a second. */
  whileBooked: BookedCall[];
  differences: string[];
}

interface Growth {
  events: number;
  /** Of each table that has any, the usage log's apart. */
  rows: Record<string, number>;
}

interface EarningsQuery {
  payee: string;
  models: number;
  rows: number;
  ms: Percentiles;
}

/** Of the events: 0.2, 1 and 2 million of 2 million. */
const STAGES = [0.1, 0.5, 1];
const QUERIES_BEFORE = 10;
const QUERIES_MIN = 30;
const QUERIES_MAX = 500;
/** Enough of them by then, or few that are slow. */
const QUERIES_MS = 20_000;

export async function measureScale(opened: Opened, settings: ScaleSettings): Promise<ScaleFigures> {
  const byWorkers: MeteringFigures[] = [];
  for (let workers = 1; workers <= settings.workers; workers++) {
    say(`scale: ${workers} worker(s) on ${settings.partitions} partitions`);
    byWorkers.push(
      await withOpened(opened, (own) => measureMetering(own, { ...settings, workers, floor: false })),
    );
  }
  const grown = await withOpened(opened, (own) => measureGrowth(own, settings));
  const differences = [...byWorkers.flatMap((run) => run.differences), ...grown.differences];
  return { byWorkers, ...grown, differences };
}

async function measureGrowth(
  opened: Opened,
  settings: ScaleSettings,
): Promise<Omit<ScaleFigures, "byWorkers">> {
  const { events, partitions, seed } = settings;
  const folder = await temporaryFolder(opened);
  const [broker, database] = await Promise.all([
    startBroker(opened, folder),
    openBenchDatabase(opened, folder),
  ]);
  const { sql } = database;
  await loadBenchCatalog(sql, { partner: true });
  const log = await opened.open(openBenchLog(broker.brokers, partitions), (open) => open.close());
  const start = { folder, databaseUrl: database.url, brokers: broker.brokers, partitions };
  const worker = startRole(opened, "worker", start);
  const growth: Growth[] = [];
  const totals = { events: 0, charged: 0, predictMicros: 0, inputTokens: 0, outputTokens: 0 };
  for (const [stage, share] of STAGES.entries()) {
    const until = Math.round(events * share);
    say(`scale: how tables grow, ${until} events`);
    // Each stage over the same three days: what grows, grows with the events alone.
    const added = await produceUsage(log, seed + stage, until - totals.events);
    for (const name of Object.keys(totals) as (keyof typeof totals)[]) totals[name] += added[name];
    await Promise.race([followMetering(sql, until), worker.failed]);
    growth.push({ events: until, rows: await settledCounts(sql) });
  }
  const api = startRole(opened, "api", start);
  const url = await Promise.race([api.ready, api.failed]);
  say("scale: the earnings query");
  const earningsQueries = [await timeEarnings(url, LARGEST_PAYEE), await timeEarnings(url, PARTNER)];
  say("scale: calls while usage comes in");
  const { calls: whileBooked, added } = await timeWhileBooked(url, log, seed + STAGES.length, [
    LARGEST_PAYEE,
    PARTNER,
  ]);
  for (const name of Object.keys(totals) as (keyof typeof totals)[]) totals[name] += added[name];
  await Promise.race([followMetering(sql, totals.events), worker.failed]);
  return { growth, earningsQueries, whileBooked, differences: await differencesFrom(sql, totals) };
}

/** With everything summed and accrued that a running service does a little later. */
async function settledCounts(sql: Sql): Promise<Record<string, number>> {
  await foldCustomerWindows(sql);
  await mergeWindows(sql);
  await accrueOpenPeriods(sql);
  return rowCounts(sql);
}

async function timeEarnings(url: string, payee: string): Promise<EarningsQuery> {
  const path = `${url}/v1/payees/${payee}/earnings?group_by=model,day`;
  const headers = { authorization: `Bearer ${OPERATOR_KEY}` };
  const taken: number[] = [];
  let data: { model: string }[] = [];
  const until = performance.now() + QUERIES_MS;
  for (let query = 0; query < QUERIES_BEFORE + QUERIES_MAX; query++) {
    if (taken.length >= QUERIES_MIN && performance.now() > until) break;
    const begun = performance.now();
    const response = await fetch(path, { headers });
    if (!response.ok) throw new Error(`earnings: ${response.status} ${await response.text()}`);
    const body = await response.text();
    if (query >= QUERIES_BEFORE) taken.push(performance.now() - begun);
    data = (JSON.parse(body) as { data: { model: string }[] }).data;
  }
  const models = new Set(data.map(({ model }) => model)).size;
  return { payee, models, rows: data.length, ms: percentiles(taken) };
}
