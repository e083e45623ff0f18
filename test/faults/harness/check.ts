import { setTimeout as pause } from "node:timers/promises";
import { runChecks } from "../../../src/audit/index.ts";
import { computeOracle, type Oracle, type OracleEvent } from "../../oracle/index.ts";
import { HEAL_WITHIN_MS } from "./settings.ts";
import type { Stage } from "./stage.ts";

const COUNTERS = ["consumed", "applied", "duplicate", "conflict", "parked", "dead", "waiting"] as const;
type Counters = Record<(typeof COUNTERS)[number], bigint>;

export interface Figures extends Counters {
  /** Events of different identity that were acknowledged. */
  distinct: number;
  /** When the lag was seen to be zero, by Date.now(). */
  caughtUpAt: number;
}

/** What the checker found to be wrong, a line each. */
export class Wrong extends Error {
  override name = "Wrong";
}

/**
 * Waits until the lag is zero by itself, and compares everything with what is exact: every acknowledged event is
 * counted once and no other is, what each payee earned is the oracle's figure to the nano, and the laws of the books
 * hold.
 * @throws Wrong
 */
export async function check(stage: Stage): Promise<Figures> {
  const counters = await caughtUp(stage);
  const caughtUpAt = Date.now();
  const { events } = stage.producer.acknowledged;
  const distinct = new Set(events.map(({ source, id }) => JSON.stringify([source, id]))).size;
  const wrong = [
    ...wrongCounters(stage, counters, distinct),
    ...(await wrongEarnings(stage, events)),
    ...(await brokenLaws(stage)),
  ];
  if (wrong.length > 0) throw new Wrong(wrong.slice(0, 12).join("\n"));
  return { ...counters, distinct, caughtUpAt };
}

export async function meteringCounters(stage: Stage): Promise<Counters & { lag: number }> {
  const status = await stage.call<Record<string, string> & { lag: number }>("GET", "/metering/status");
  const counters = Object.fromEntries(COUNTERS.map((name) => [name, BigInt(status[name] ?? "-1")]));
  return { ...(counters as Counters), lag: status.lag };
}

async function caughtUp(stage: Stage): Promise<Counters> {
  let last: unknown = "nothing";
  for (const deadline = Date.now() + HEAL_WITHIN_MS; Date.now() < deadline; await pause(100)) {
    const counters = await meteringCounters(stage).catch((error: unknown) => {
      last = error;
    });
    if (counters?.lag === 0) return counters;
    if (counters !== undefined) last = `lag ${counters.lag}`;
  }
  const said = await Promise.all(
    [stage.api, ...stage.workers].map(async (role) => `--- ${role.name}:\n${await role.lastWords()}`),
  );
  throw new Wrong(
    `the lag did not return to zero within ${HEAL_WITHIN_MS / 1000} s: ${last}\n${said.join("\n")}`,
  );
}

function wrongCounters(stage: Stage, counters: Counters, distinct: number): string[] {
  const { consumed, applied, duplicate, conflict, parked, dead, waiting } = counters;
  const { expected } = stage;
  const facts: [what: string, found: bigint, right: bigint][] = [
    [
      "applied + duplicate + conflict + parked + dead",
      applied + duplicate + conflict + parked + dead,
      consumed,
    ],
    ["applied or parked, of the distinct acknowledged events", applied + parked, BigInt(distinct)],
    ["conflicts", conflict, expected.conflict],
    ["dead letters", dead, expected.dead],
    ["waiting", waiting, expected.waiting],
  ];
  return facts
    .filter(([, found, right]) => found !== right)
    .map(([what, found, right]) => `${what}: ${found}, not ${right}`);
}

interface Money {
  amount: string;
}
interface Row {
  model: string;
  day: string;
  reason: string;
  earned: Money;
}

async function wrongEarnings(stage: Stage, events: readonly OracleEvent[]): Promise<string[]> {
  const oracle = computeOracle(stage.usage.catalog, events);
  const wrong = await Promise.all(stage.usage.payees.map((payee) => wrongEarningsOf(stage, oracle, payee)));
  return wrong.flat();
}

/** In all, by model and reason, and by day. */
async function wrongEarningsOf(stage: Stage, oracle: Oracle, payee: string): Promise<string[]> {
  const path = `/payees/${encodeURIComponent(payee)}/earnings?group_by=model,day`;
  const { total, data } = await stage.call<{ total: Money; data: Row[] }>("GET", path);
  const found = new Map<string, bigint>([[`${payee} USD`, nanosOf(total)]]);
  for (const { model, day, reason, earned } of data) {
    for (const key of [`${payee} USD ${model} ${reason}`, `${payee} USD ${day}`])
      found.set(key, (found.get(key) ?? 0n) + nanosOf(earned));
  }
  const mine = ([key]: [string, bigint]) => key.startsWith(`${payee} USD `);
  const right = new Map<string, bigint>([
    [`${payee} USD`, oracle.earned.get(`${payee} USD`) ?? 0n],
    ...[...oracle.earnedByModel].filter(mine),
    ...[...oracle.earnedByDay].filter(mine),
  ]);
  return [...new Set([...found.keys(), ...right.keys()])]
    .filter((key) => (found.get(key) ?? 0n) !== (right.get(key) ?? 0n))
    .map((key) => `earnings ${key}: ${found.get(key) ?? 0n} nanos, not ${right.get(key) ?? 0n}`);
}

function nanosOf({ amount }: Money): bigint {
  return BigInt(amount.replace(".", ""));
}

/** The accrual follows metering within its interval, by itself as well. */
async function brokenLaws(stage: Stage): Promise<string[]> {
  for (const deadline = Date.now() + HEAL_WITHIN_MS; ; await pause(200)) {
    const broken = (await runChecks(stage.database.sql)).filter(({ differences }) => differences.length > 0);
    if (broken.length === 0) return [];
    if (Date.now() < deadline) continue;
    return broken.map(({ law, differences }) => `broken law: ${law}: ${differences.slice(0, 3).join("; ")}`);
  }
}
