import {
  contentHash,
  formatNanos,
  type Money,
  money,
  type Nanos,
  type Period,
  payableFloor,
} from "../kernel/index.ts";

/** A payee's settled balance in one currency, with all that decides whether it is paid. */
export interface Candidate {
  payee: string;
  currency: string;
  payableNanos: Nanos;
  /** Approved for payout already, but not sent yet: not to be planned twice. */
  committedNanos: Nanos;
  /** In this currency; zero without one. */
  minimumNanos: Nanos;
  account: string | null;
  transfersEnabled: boolean;
  /** What the provider says is missing, when transfers are not enabled. */
  disabledReason: string | null;
}

export interface PlannedPayout {
  id: string;
  payee: string;
  currency: string;
  amount_nanos: string;
  amount: Money;
  account: string;
  /** Below one payout step: stays on the account. */
  carried: Money;
}

export type CarryReason =
  | "nothing_payable"
  | "negative_balance"
  | "below_minimum"
  | "no_account"
  | "account_not_ready";

export interface CarriedBalance {
  payee: string;
  currency: string;
  amount: Money;
  reason: CarryReason;
  /** For the payee: why, and what to do. */
  message: string;
}

/** Who is paid what for a period, and who is not and why. Named by the hash of all of it. */
export interface SettlementPlan {
  period: Period;
  payouts: PlannedPayout[];
  carried: CarriedBalance[];
  totals: { currency: string; payouts: number; amount: Money }[];
}

/** Decides the payouts of a period: pure. */
export function planSettlement(period: Period, candidates: readonly Candidate[]): SettlementPlan {
  const payouts: PlannedPayout[] = [];
  const carried: CarriedBalance[] = [];
  const sorted = [...candidates].sort((a, b) =>
    compareText(`${a.payee} ${a.currency}`, `${b.payee} ${b.currency}`),
  );
  for (const candidate of sorted) {
    const { payee, currency } = candidate;
    const available = candidate.payableNanos - candidate.committedNanos;
    const payable = payableFloor(currency, available);
    const obstacle = findObstacle(candidate, payable);
    if (obstacle !== undefined) {
      carried.push({ payee, currency, amount: money(currency, available), ...obstacle });
    } else if (candidate.account !== null) {
      payouts.push({
        id: `po_${period}_${payee}_${currency}`,
        payee,
        currency,
        amount_nanos: payable.toString(),
        amount: money(currency, payable),
        account: candidate.account,
        carried: money(currency, available - payable),
      });
    }
  }
  return { period, payouts, carried, totals: totalsOf(payouts) };
}

export function settlementPlanHash(plan: SettlementPlan): string {
  return contentHash(plan);
}

function findObstacle(
  candidate: Candidate,
  payable: Nanos,
): { reason: CarryReason; message: string } | undefined {
  const { currency, minimumNanos } = candidate;
  if (candidate.payableNanos - candidate.committedNanos < 0n) {
    return {
      reason: "negative_balance",
      message: "The balance is negative; it is netted from later earnings.",
    };
  }
  if (payable === 0n) {
    return {
      reason: "nothing_payable",
      message: `Less than the smallest amount that can be paid in ${currency}; it is carried on.`,
    };
  }
  if (payable < minimumNanos) {
    const missing = formatNanos(minimumNanos - payable);
    return {
      reason: "below_minimum",
      message: `${missing} ${currency} short of the minimum payout; it is carried on.`,
    };
  }
  if (candidate.account === null) {
    return {
      reason: "no_account",
      message: "No payout account yet: open the onboarding link to connect one.",
    };
  }
  if (!candidate.transfersEnabled) {
    const why = candidate.disabledReason ?? "information is missing";
    return {
      reason: "account_not_ready",
      message: `The payout account cannot receive money yet (${why}): open the onboarding link to complete it.`,
    };
  }
  return undefined;
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

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
