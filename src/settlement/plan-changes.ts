import { firstDay, type Money, money, type Nanos, type Period } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import type { SettlementPlan } from "./plan/plan-settlement.ts";

/** What a plan gives a payee, beside what the month before gave it. */
export interface PlanChange {
  payee: string;
  currency: string;
  before: Money;
  now: Money;
  difference: Money;
  /** Why nothing is paid now; null when something is. */
  why: string | null;
}

/** A plan beside the last one before it, the largest differences first; payees without any are left out. */
export async function changesSinceLastPlan(
  sql: Sql,
  plan: SettlementPlan,
): Promise<{ since: Period | null; changes: PlanChange[] }> {
  const rows = await sql<{ period: string; payee: string; currency: string; nanos: string }[]>`
    SELECT period::text, payee, currency, amount_nanos::text AS nanos FROM payout
    WHERE period = (SELECT max(period) FROM payout WHERE period < ${firstDay(plan.period as Period)})`;
  const before = rows.map(({ payee, currency, nanos }) => ({ payee, currency, nanos: BigInt(nanos) }));
  const since = (rows[0]?.period.slice(0, 7) ?? null) as Period | null;
  return { since, changes: planChanges(plan, before) };
}

interface PaidBefore {
  payee: string;
  currency: string;
  nanos: Nanos;
}

export function planChanges(plan: SettlementPlan, paidBefore: readonly PaidBefore[]): PlanChange[] {
  const all = new Map<
    string,
    { payee: string; currency: string; before: Nanos; now: Nanos; why: string | null }
  >();
  const of = (payee: string, currency: string) => {
    const key = `${payee} ${currency}`;
    const known = all.get(key) ?? { payee, currency, before: 0n, now: 0n, why: "nothing is on the account" };
    all.set(key, known);
    return known;
  };
  for (const { payee, currency, nanos } of paidBefore) of(payee, currency).before += nanos;
  for (const { payee, currency, message } of plan.carried) of(payee, currency).why = message;
  for (const { payee, currency, amount_nanos } of plan.payouts)
    Object.assign(of(payee, currency), { now: BigInt(amount_nanos), why: null });
  return [...all.values()]
    .filter(({ before, now }) => before !== now)
    .sort(
      (a, b) => compare(size(b), size(a)) || compare(`${a.payee} ${a.currency}`, `${b.payee} ${b.currency}`),
    )
    .map(({ payee, currency, before, now, why }) => ({
      payee,
      currency,
      before: money(currency, before),
      now: money(currency, now),
      difference: money(currency, now - before),
      why,
    }));
}

function size({ before, now }: { before: Nanos; now: Nanos }): Nanos {
  return now > before ? now - before : before - now;
}

function compare<T extends bigint | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
