import {
  contentHash,
  formatNanos,
  type Money,
  money,
  type Nanos,
  type Period,
  parseNanos,
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
  /** Why an operator froze the payee; null when it is not. */
  frozen: string | null;
  /** The last payout that was paid in this currency; null when there was none. */
  lastPaidNanos: Nanos | null;
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
  | "frozen"
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

/** What somebody must look at and confirm before the plan can be approved. */
export interface PlanWarning {
  code: "ten_times_last" | "total_over_limit";
  message: string;
}

/** Who is paid what for a period, and who is not and why. Named by the hash of all of it. */
export interface SettlementPlan {
  period: Period;
  payouts: PlannedPayout[];
  carried: CarriedBalance[];
  warnings: PlanWarning[];
  totals: { currency: string; payouts: number; amount: Money }[];
}

const SUDDEN_FACTOR = 10n;

/**
 * Decides the payouts of a period: pure.
 * @param totalLimits by currency, in nanos: a total above it needs to be confirmed.
 */
export function planSettlement(
  period: Period,
  candidates: readonly Candidate[],
  totalLimits: ReadonlyMap<string, Nanos> = new Map(),
): SettlementPlan {
  const payouts: PlannedPayout[] = [];
  const warnings: PlanWarning[] = [];
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
      warnings.push(...suddenly(candidate, payable));
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
  const totals = totalsOf(payouts);
  warnings.push(...overLimit(totals, totalLimits));
  return { period, payouts, carried, warnings, totals };
}

function suddenly({ payee, currency, lastPaidNanos }: Candidate, payable: Nanos): PlanWarning[] {
  if (lastPaidNanos === null || payable < lastPaidNanos * SUDDEN_FACTOR) return [];
  const [now, last] = [formatNanos(payable), formatNanos(lastPaidNanos)];
  const message = `${payee} would be paid ${now} ${currency}, ten times the last payout (${last}) or more.`;
  return [{ code: "ten_times_last", message }];
}

function overLimit(totals: SettlementPlan["totals"], limits: ReadonlyMap<string, Nanos>): PlanWarning[] {
  return totals.flatMap(({ currency, amount }) => {
    const limit = limits.get(currency);
    if (limit === undefined || (parseNanos(amount.amount) ?? 0n) <= limit) return [];
    const message = `${amount.amount} ${currency} in all is more than the limit of ${formatNanos(limit)}.`;
    return [{ code: "total_over_limit", message }];
  });
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
  if (candidate.frozen !== null) {
    return {
      reason: "frozen",
      message: `Payouts are frozen (${candidate.frozen}): answer the question that was sent to you, or ask support.`,
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
