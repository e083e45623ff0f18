import type { Browser } from "playwright-core";
import { nextPeriod, type Period, present } from "../../src/kernel/index.ts";
import type { Sql } from "../../src/postgres/index.ts";
import { buildDashboard } from "../browser/built-dashboard.ts";
import { findChromium, launchChromium } from "../browser/chromium.ts";
import { benchCatalog, LARGEST_PAYEE, MODELS, modelId, PARTNER } from "./load/catalog.ts";
import { meterYear, monthsOfYear, settleMonths } from "./load/year.ts";
import { type CallTimes, LIVE, timeCall } from "./measure/call-times.ts";
import { type Looker, lookerWith } from "./measure/page-times.ts";
import { type Percentiles, percentiles } from "./measure/percentiles.ts";
import { type SettledStep, settleInBrowser } from "./measure/settle-in-browser.ts";
import { figure } from "./report/figures.ts";
import { say } from "./say.ts";
import type { Opened } from "./world/opened.ts";
import { OPERATOR_KEY, startRole } from "./world/roles.ts";
import { openBenchDatabase } from "./world/servers.ts";
import { startSimulator } from "./world/stripe-simulator.ts";
import { temporaryFolder } from "./world/temporary-folder.ts";

export interface PagesSettings {
  events: number;
  seed: number;
  partitions: number;
  /** Each page is looked at so often after the first time, each call of theirs asked so often. */
  looks: number;
  calls: number;
}

export interface PagesFigures {
  models: number;
  events: number;
  windows: number;
  /** The last month that is over, settled by hand. */
  settled: SettledStep[];
  pages: PageFigures[];
  calls: CallFigures[];
}

export interface PageFigures {
  who: string;
  page: string;
  /** After the service's start, with nothing kept anywhere but the page's own files. */
  firstMs: number;
  ms: Percentiles;
}

export interface CallFigures extends CallTimes {
  who: string;
  call: string;
}

/**
 * A year of 500 models behind the dashboard, in a real browser: how long until each page can be used, and each of its calls.
 * Each figure is told as soon as it is there.
 */
export async function measurePages(opened: Opened, settings: PagesSettings): Promise<PagesFigures> {
  const { events, partitions } = settings;
  const executable = findChromium();
  if (executable === undefined) throw new Error("the pages are measured in a browser: set CHROMIUM");
  buildDashboard();
  const folder = await temporaryFolder(opened);
  const [{ sql, url: databaseUrl }, stripe] = await Promise.all([
    openBenchDatabase(opened, folder),
    startSimulator(opened),
  ]);
  const start = { folder, databaseUrl, brokers: null, partitions, stripe };
  const first = startRole(opened, "api", start);
  const operator = operatorOf(await first.ready);
  await operator("POST", "/v1/catalog/import", benchCatalog({ partner: true }));
  say(`pages: metering ${events} events of a year`);
  await meterYear(sql, startRole(opened, "worker", start), settings);
  const [{ windows }] = await sql<[{ windows: number }]>`SELECT count(*)::int AS windows FROM term_window`;
  say(`pages: ${figure(windows)} windows`);
  const months = monthsOfYear();
  await settleMonths(operator, months.slice(0, -2));
  const keys = {
    operator: OPERATOR_KEY,
    [LARGEST_PAYEE]: await secretOf(operator, LARGEST_PAYEE),
    [PARTNER]: await secretOf(operator, PARTNER),
  };
  const browser = await opened.open(launchChromium(executable), (open) => open.close());

  const last = present(months.at(-2), "the last month that is over");
  const settled = await settleLast(browser, await first.ready, last);
  await first.stop();
  const second = startRole(opened, "api", start);
  const lists = await pathsOf(sql, last);
  const pages: PageFigures[] = [];
  const asked = new Map<string, string[]>();
  for (const [who, key] of Object.entries(keys)) {
    const looker = await lookerWith(browser, await second.ready, key);
    const paths = who === "operator" ? lists.operator : lists.payee;
    const seen = await lookAt(looker, who, paths, settings.looks);
    pages.push(...seen.pages);
    asked.set(who, seen.calls);
    await looker.close();
  }
  await second.stop();
  const third = startRole(opened, "api", start);
  const url = await third.ready;
  const calls: CallFigures[] = [];
  for (const [who, key] of Object.entries(keys))
    calls.push(...(await timeCalls(url, who, key, asked.get(who) ?? [], last, settings.calls)));
  return { models: MODELS, events, windows, settled, pages, calls };
}

type Operator = (method: string, path: string, body?: unknown) => Promise<unknown>;

function operatorOf(url: string): Operator {
  return async (method, path, body) => {
    const response = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${OPERATOR_KEY}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
}

async function secretOf(operator: Operator, payee: string): Promise<string> {
  const { secret } = (await operator("POST", "/v1/keys", { role: "payee", payee })) as { secret: string };
  return secret;
}

async function settleLast(browser: Browser, url: string, period: string): Promise<SettledStep[]> {
  const looker = await lookerWith(browser, url, OPERATOR_KEY);
  await looker.time(`/settlements/${period}`);
  const steps = await settleInBrowser(looker.page, period);
  await looker.close();
  const told = steps.map(({ step, seconds }) => `${step} ${figure(seconds, 1)} s`);
  say(`pages: ${period} settled in the browser: ${told.join(", ")}`);
  return steps;
}

/** Every page, with the ids of what there is most to see of. */
async function pathsOf(sql: Sql, month: string): Promise<{ payee: string[]; operator: string[] }> {
  const model = modelId(0);
  const [prediction] = await sql<[{ id: string }]>`
    SELECT e.id FROM usage_event e JOIN model m USING (model_no) WHERE m.id = ${model} LIMIT 1`;
  const own = ["/", `/?month=${month}`, "/models", `/models?month=${month}`, `/models/${model}`, "/shares"];
  const papers = ["/payouts", "/statements", `/statements/${month}/USD`];
  return {
    payee: [...own, ...papers, `/predictions/${prediction.id}`, "/webhooks", "/profile"],
    operator: [
      ...["/settlements", `/settlements/${month}`, "/waiting", "/payees", `/payees/${LARGEST_PAYEE}`],
      ...["/metering", "/dead-letters", "/catalogue", `/catalogue/${model}`, "/keys", "/stripe-events"],
      ...["/money-back", "/audit-log", `/predictions/${prediction.id}`],
    ],
  };
}

async function lookAt(
  looker: Looker,
  who: string,
  paths: readonly string[],
  looks: number,
): Promise<{ pages: PageFigures[]; calls: string[] }> {
  const pages: PageFigures[] = [];
  const calls = new Set<string>();
  for (const page of paths) {
    const { ms: firstMs, calls: own } = await looker.time(page);
    for (const call of own) calls.add(call);
    const taken: number[] = [];
    while (taken.length < looks) taken.push((await looker.time(page)).ms);
    const ms = percentiles(taken);
    say(`pages: ${who} ${page} usable after ${times({ firstMs, ms })}`);
    pages.push({ who, page, firstMs, ms });
  }
  return { pages, calls: [...calls].sort() };
}

/** What the pages asked for, and what programs ask for: live figures, whole statements, files and days. */
async function timeCalls(
  url: string,
  who: string,
  key: string,
  asked: readonly string[],
  month: Period,
  count: number,
): Promise<CallFigures[]> {
  const figures: CallFigures[] = [];
  const take = async (call: string, accept = "application/json") => {
    const taken = await timeCall(url, key, call, { accept, count });
    const [, type = ""] = accept.split("/");
    const named = type === "json" ? call : `${call} (${type})`;
    say(`pages: ${who} ${decodeURIComponent(named)} ${times(taken)}, ${figure(taken.bytes)} bytes`);
    figures.push({ who, call: named, ...taken });
  };
  for (const call of asked) await take(call);
  await take(LIVE, "text/event-stream");
  if (who === "operator") {
    await take("/v1/audit-log");
    return figures;
  }
  const at = `/v1/payees/${who}`;
  await take(`${at}/statements`);
  await take(`${at}/statements?year=${month.slice(0, 4)}`, "text/csv");
  for (const type of ["text/csv", "application/pdf"])
    await take(`${at}/statements/${month}?currency=USD`, type);
  for (const period of [month, nextPeriod(month)])
    await take(`${at}/earnings?from=${period}-01&to=${nextPeriod(period)}-01&group_by=model,day`);
  return figures;
}

const times = ({ firstMs, ms }: { firstMs: number; ms: Percentiles }) =>
  `${figure(firstMs)} ms, then p50 ${figure(ms.p50, 1)}, p95 ${figure(ms.p95, 1)}`;
