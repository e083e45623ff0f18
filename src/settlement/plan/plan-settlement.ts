import {
  amountInWords,
  contentHash,
  type Money,
  money,
  type Nanos,
  type Period,
  parseNanos,
  payableFloor,
} from "../../kernel/index.ts";
import { convertedNanos, type PlannedConversion, planConversion, type Rate, rateKey } from "./convert.ts";
import { type CarryReason, NEGATIVE_BALANCE, obstaclesTo, type PayeeSituation } from "./obstacles.ts";

/** A payee's settled balance in one currency, with all that decides whether it is paid. */
export interface Candidate extends PayeeSituation {
  payee: string;
  currency: string;
  payableNanos: Nanos;
  /** Approved for payout already, but not sent yet: not to be planned twice. */
  committedNanos: Nanos;
  /** Payable, but closed so lately that the payee's hold is not over. */
  onHoldNanos: Nanos;
  /** The first day on which some of it may be paid; null when nothing is on hold. */
  onHoldUntil: string | null;
  /** What the payee is paid in: this currency, or the one it chose. */
  paidIn: string;
  /** In the currency it is paid in; zero without one. */
  minimumNanos: Nanos;
  /** The last payout that was paid in that currency; null when there was none. */
  lastPaidNanos: Nanos | null;
  /** Where its account is not the one it was last paid to, or was set by hand before anything was paid. */
  accountChange: AccountChange | null;
}

/** An account that a payee was not paid to before. */
export interface AccountChange {
  /** The account it was last paid to; null when nothing was paid yet. */
  lastAccount: string | null;
  /** Null where it is not known. */
  setBy: string | null;
  /** "2023-12-01", of UTC. */
  setOn: string | null;
}

export interface PlannedPayout {
  id: string;
  payee: string;
  currency: string;
  amount_nanos: string;
  amount: Money;
  account: string;
  /** Below one payout step, or on hold: stays on the account. */
  carried: Money;
}

export interface CarriedBalance {
  payee: string;
  currency: string;
  amount: Money;
  reason: CarryReason;
  /** For the payee: why, and what to do. */
  message: string;
}

/** What somebody must look at and confirm before the plan can be approved. */
export interface PlanWarning {
  code: "ten_times_last" | "account_changed" | "total_over_limit";
  message: string;
}

/** Who is paid what for a period, and who is not and why. Named by the hash of all of it. */
export interface SettlementPlan {
  period: Period;
  payouts: PlannedPayout[];
  /** Booked when the plan is approved, each before the payout that it is part of. */
  conversions: PlannedConversion[];
  carried: CarriedBalance[];
  warnings: PlanWarning[];
  totals: { currency: string; payouts: number; amount: Money }[];
}

const SUDDEN_FACTOR = 10n;

/**
 * Decides the payouts of a period: pure.
 * @param totalLimits by currency, in nanos: a total above it needs to be confirmed.
 * @param rates by rateKey(): those in force at the period's end.
 */
export function planSettlement(
  period: Period,
  candidates: readonly Candidate[],
  totalLimits: ReadonlyMap<string, Nanos> = new Map(),
  rates: ReadonlyMap<string, Rate> = new Map(),
): SettlementPlan {
  const plan: SettlementPlan = {
    period,
    payouts: [],
    conversions: [],
    carried: [],
    warnings: [],
    totals: [],
  };
  for (const together of paidTogether(candidates)) planPayout(plan, together, rates);
  plan.totals = totalsOf(plan.payouts);
  plan.warnings.push(...overLimit(plan.totals, totalLimits));
  return plan;
}

export function settlementPlanHash(plan: SettlementPlan): string {
  return contentHash(plan);
}

/** The balances that one payout pays, in the order of payees and currencies. */
function paidTogether(candidates: readonly Candidate[]): Candidate[][] {
  const groups = new Map<string, Candidate[]>();
  const sorted = [...candidates].sort((a, b) => compareText(keyOf(a, a.currency), keyOf(b, b.currency)));
  for (const candidate of sorted) {
    const key = keyOf(candidate, candidate.paidIn);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [candidate]);
    else group.push(candidate);
  }
  return [...groups].sort(([a], [b]) => compareText(a, b)).map(([, group]) => group);
}

function planPayout(
  plan: SettlementPlan,
  together: readonly Candidate[],
  rates: ReadonlyMap<string, Rate>,
): void {
  const [first] = together;
  if (first === undefined) return;
  const { payee, paidIn: currency } = first;
  const carry = (one: Candidate, reason: CarryReason, message: string) =>
    plan.carried.push({
      payee,
      currency: one.currency,
      amount: money(one.currency, availableOf(one)),
      reason,
      message,
    });

  const paid: Candidate[] = [];
  const conversions: PlannedConversion[] = [];
  for (const one of together) {
    const rate = one.currency === currency ? undefined : rates.get(rateKey(one.currency, currency));
    if (one.currency === currency) paid.push(one);
    else if (availableOf(one) < 0n) carry(one, "negative_balance", NEGATIVE_BALANCE);
    else if (rate === undefined)
      carry(
        one,
        "no_rate",
        `No rate from ${one.currency} to ${currency} is stored for this month: it waits for one.`,
      );
    else {
      paid.push(one);
      if (convertedNanos(freeOf(one), rate) > 0n)
        conversions.push(
          planConversion(plan.period, payee, { currency: one.currency, nanos: freeOf(one) }, currency, rate),
        );
    }
  }
  const own = paid.find((one) => one.currency === currency);
  const exchanged = conversions.reduce((sum, { to_nanos }) => sum + BigInt(to_nanos), 0n);
  const due = (own === undefined ? 0n : freeOf(own)) + exchanged;
  const payable = payableFloor(currency, due);
  const [obstacle] = obstaclesTo(plan.period, first, {
    currency,
    payableNanos: payable,
    isDebt: due < 0n,
    minimumNanos: first.minimumNanos,
    onHoldUntil: firstDayOff(paid),
  });
  if (obstacle !== undefined || first.account === null) {
    for (const one of paid) carry(one, obstacle?.code ?? "no_account", obstacle?.message ?? "");
    return;
  }
  plan.warnings.push(...suddenly(first, payable), ...elsewhere(first, payable));
  plan.conversions.push(...conversions);
  for (const one of paid)
    if (one !== own && !conversions.some(({ from }) => from.currency === one.currency))
      carry(one, ...left(one));
  plan.payouts.push({
    id: `po_${plan.period}_${payee}_${currency}`,
    payee,
    currency,
    amount_nanos: payable.toString(),
    amount: money(currency, payable),
    account: first.account,
    carried: money(currency, (own === undefined ? 0n : availableOf(own)) + exchanged - payable),
  });
}

/** What is committed and not covered any more is not paid: that is no debt. */
function availableOf({ payableNanos, committedNanos }: Candidate): Nanos {
  if (payableNanos <= 0n) return payableNanos;
  return payableNanos > committedNanos ? payableNanos - committedNanos : 0n;
}

/** What is not on hold. A debt is one whether or not something is. */
function freeOf(candidate: Candidate): Nanos {
  const available = availableOf(candidate);
  if (available < 0n) return available;
  return available > candidate.onHoldNanos ? available - candidate.onHoldNanos : 0n;
}

/** Why a balance is no part of a payout that takes place. */
function left(one: Candidate): [CarryReason, string] {
  if (one.onHoldUntil !== null && freeOf(one) === 0n) return ["on_hold", `On hold until ${one.onHoldUntil}.`];
  return ["nothing_payable", `Too little to be converted into ${one.paidIn}; it is carried on.`];
}

function firstDayOff(paid: readonly Candidate[]): string | null {
  const days = paid.flatMap((one) =>
    availableOf(one) > 0n && one.onHoldUntil !== null ? [one.onHoldUntil] : [],
  );
  return days.sort()[0] ?? null;
}

function suddenly({ payee, paidIn, lastPaidNanos }: Candidate, payable: Nanos): PlanWarning[] {
  if (lastPaidNanos === null || payable < lastPaidNanos * SUDDEN_FACTOR) return [];
  const [now, last] = [payable, lastPaidNanos].map((nanos) => amountInWords(money(paidIn, nanos)));
  const message = `${payee} would be paid ${now}, ten times the last payout (${last}) or more.`;
  return [{ code: "ten_times_last", message }];
}

function elsewhere({ payee, paidIn, account, accountChange }: Candidate, payable: Nanos): PlanWarning[] {
  if (accountChange === null) return [];
  const { lastAccount, setBy, setOn } = accountChange;
  const instead =
    lastAccount === null ? "and nothing was paid to it before" : `not to ${lastAccount} as the last time`;
  const message = `${payee} would be paid ${amountInWords(money(paidIn, payable))} to ${account}, ${instead}; ${setBy ?? "nobody knows who"} set this account${setOn === null ? "" : ` on ${setOn}`}.`;
  return [{ code: "account_changed", message }];
}

function overLimit(totals: SettlementPlan["totals"], limits: ReadonlyMap<string, Nanos>): PlanWarning[] {
  return totals.flatMap(({ currency, amount }) => {
    const limit = limits.get(currency);
    const total = parseNanos(amount.amount) ?? 0n;
    if (limit === undefined || total <= limit) return [];
    const message = `${amountInWords(amount)} in all is more than the limit of ${amountInWords(money(currency, limit))}.`;
    return [{ code: "total_over_limit", message }];
  });
}

function totalsOf(payouts: readonly PlannedPayout[]): SettlementPlan["totals"] {
  const byCurrency = new Map<string, { payouts: number; nanos: Nanos }>();
  for (const { currency, amount_nanos } of payouts) {
    const total = byCurrency.get(currency) ?? { payouts: 0, nanos: 0n };
    byCurrency.set(currency, { payouts: total.payouts + 1, nanos: total.nanos + BigInt(amount_nanos) });
  }
  return [...byCurrency]
    .sort(([a], [b]) => compareText(a, b))
    .map(([currency, total]) => ({ currency, payouts: total.payouts, amount: money(currency, total.nanos) }));
}

function keyOf({ payee }: Candidate, currency: string): string {
  return `${payee} ${currency}`;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
