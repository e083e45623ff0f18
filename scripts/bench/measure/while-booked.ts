import { setTimeout as pause } from "node:timers/promises";
import type { UsageLog } from "../../../src/usage/index.ts";
import { type UsageTotals, usageGenerator } from "../load/events.ts";
import { OPERATOR_KEY } from "../world/roles.ts";
import { type Percentiles, percentiles } from "./percentiles.ts";

export interface BookedCall {
  payee: string;
  call: string;
  bytes: number;
  ms: Percentiles;
}

/** One batch for each record that is appended, five of them a second. */
const APPEND_EVERY_MS = 200;
const EVENTS_A_BATCH = 500;
/** Between one call and the next: each finds something that was booked since its figures were last summed. */
const PAUSE_MS = 60;
const SECONDS_EACH = 15;
/** The last hour of the days that are in the log already: what has its windows is added to. */
const LAST_HOUR = { fromMs: Date.UTC(2023, 10, 16, 23), spanMs: 3_600_000 };
const RANGE = "from=2023-11-01&to=2023-12-01&currency=USD";

/** What a payee's overview asks for, and what programs do: one after the other, while a worker books five batches a second. */
const CALLS: Record<string, string> = {
  balances: "balances",
  earnings: `earnings?${RANGE}`,
  "earnings by month": "earnings?group_by=month",
  "earnings by model": `earnings?${RANGE}&group_by=model`,
  "earnings by group of customers": `earnings?${RANGE}&group_by=customer_group`,
  "earnings by model and day": `earnings?${RANGE}&group_by=model,day`,
  series: `earnings/series?${RANGE}&step=day`,
  changes: `earnings/changes?${RANGE}`,
};

/** @throws Error when a call is refused */
export async function timeWhileBooked(
  url: string,
  log: UsageLog,
  seed: number,
  payees: readonly string[],
): Promise<{ calls: BookedCall[]; added: UsageTotals }> {
  const batches = (payees.length * SECONDS_EACH * 1_000) / APPEND_EVERY_MS;
  const usage = usageGenerator(seed, batches * EVENTS_A_BATCH, LAST_HOUR);
  let ended = false;
  const appending = (async () => {
    for (let due = performance.now(); !ended; due += APPEND_EVERY_MS) {
      const { key, json } = usage.batch(EVENTS_A_BATCH);
      await log.append([{ key, value: Buffer.from(json) }]);
      await pause(Math.max(0, due + APPEND_EVERY_MS - performance.now()));
    }
  })();
  appending.catch(() => {});
  const calls: BookedCall[] = [];
  try {
    for (const payee of payees)
      calls.push(...(await Promise.race([timeCalls(url, payee), failureOf(appending)])));
  } finally {
    ended = true;
    await appending;
  }
  return { calls, added: usage.totals };
}

async function timeCalls(url: string, payee: string): Promise<BookedCall[]> {
  const taken = new Map(Object.keys(CALLS).map((call) => [call, { ms: [] as number[], bytes: 0 }]));
  // Once before: what is kept is read whole the first time.
  for (const path of Object.values(CALLS)) await ask(url, payee, path);
  const until = performance.now() + SECONDS_EACH * 1_000;
  while (performance.now() < until)
    for (const [call, figures] of taken) {
      const begun = performance.now();
      figures.bytes = await ask(url, payee, CALLS[call] ?? "");
      figures.ms.push(performance.now() - begun);
      await pause(PAUSE_MS);
    }
  return [...taken].map(([call, { ms, bytes }]) => ({ payee, call, bytes, ms: percentiles(ms) }));
}

async function ask(url: string, payee: string, path: string): Promise<number> {
  const headers = { authorization: `Bearer ${OPERATOR_KEY}` };
  const response = await fetch(`${url}/v1/payees/${payee}/${path}`, { headers });
  const body = await response.arrayBuffer();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${Buffer.from(body).toString()}`);
  return body.byteLength;
}

/** Rejects when it does, and never resolves. */
const failureOf = (work: Promise<unknown>) => work.then(() => new Promise<never>(() => {}));
