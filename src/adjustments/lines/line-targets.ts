import {
  add,
  assert,
  compare,
  floorToNanos,
  multiply,
  type Nanos,
  type Rational,
  rational,
  subtract,
  sum,
  ZERO,
} from "../../kernel/index.ts";
import { type PartReason, type SplitPlan, splitGross } from "../../sharing/index.ts";

/** A line of a closed period, as it was accrued, under the plan that held when it was used. */
export interface ClosedLine {
  service_month: string;
  model_no: number;
  split_plan_no: number;
  plan: SplitPlan;
  /** Exact, in major units. */
  gross: Rational;
  costQuantity: bigint;
  /** The period's refund policy: the platform keeps its fee, and those who earned bear it. */
  feeKept: boolean;
}

/** What adjustments have made of a line so far, whatever their order was. */
export interface LineState {
  /** Σ of what a corrected price changed, exact, in major units. */
  rerated: Rational;
  /** Σ of what was refunded and not taken back. */
  refunded: Rational;
  /** In their order: what is the first one's is the second one's. */
  reattributions: readonly { from: string; to: string }[];
}

export const UNTOUCHED: LineState = { rerated: ZERO, refunded: ZERO, reattributions: [] };

export interface LinePart {
  /** Null for the platform's own parts. */
  payee: string | null;
  reason: PartReason;
  paid_by: string;
  amountNanos: Nanos;
}

/**
 * What every party is to have of a line: a pure function of its usage, its plan and its state, so that refunds in any
 * steps and order, also taken back, end where one refund would. With R refunded of the gross G (at the corrected price), a
 * part is floor(exact part × (G − R) ÷ G). When the fee is kept it stays whole, and all other parts, B together, become
 * floor(exact part × (B − R) ÷ B): together they bear it. Never a split of the smaller gross, of which a cost would take
 * all.
 */
export function lineTargets(line: ClosedLine, state: LineState): LinePart[] {
  const gross = add(line.gross, state.rerated);
  assert(
    compare(state.refunded, ZERO) >= 0 && compare(state.refunded, gross) <= 0,
    "a refund is of what was charged",
  );
  const parts = splitGross(line.plan, gross, line.costQuantity).parts;
  const bearing = parts.filter(({ reason }) => !(line.feeKept && reason === "platform"));
  const borne = sum(bearing.map(({ exact }) => exact));
  // Nobody else earned of it: there is nobody to bear the fee.
  const [bears, base] = borne.num === 0n ? [new Set(parts), gross] : [new Set(bearing), borne];
  const left =
    base.num === 0n ? rational(1n) : multiply(subtract(base, state.refunded), rational(base.den, base.num));
  const exact = new Map<string, { part: Omit<LinePart, "amountNanos">; amount: Rational }>();
  for (const part of parts) {
    const payee = part.payee === null ? null : ownerNow(part.payee, state.reattributions);
    const key = JSON.stringify([payee, part.reason, part.model]);
    const amount = bears.has(part) ? multiply(part.exact, left) : part.exact;
    const known = exact.get(key)?.amount ?? ZERO;
    exact.set(key, { part: { payee, reason: part.reason, paid_by: part.model }, amount: add(known, amount) });
  }
  return [...exact.values()].map(({ part, amount }) => ({ ...part, amountNanos: floorToNanos(amount) }));
}

function ownerNow(payee: string, reattributions: LineState["reattributions"]): string {
  return reattributions.reduce((owner, { from, to }) => (owner === from ? to : owner), payee);
}

/** By how much each party's part changes from one state to another; parts that stay are left out. */
export function planLineAdjustment(line: ClosedLine, before: LineState, after: LineState): LinePart[] {
  const changes = new Map<string, LinePart>();
  const count = (part: LinePart, amountNanos: Nanos) => {
    const key = JSON.stringify([part.payee, part.reason, part.paid_by]);
    const known = changes.get(key)?.amountNanos ?? 0n;
    changes.set(key, { ...part, amountNanos: known + amountNanos });
  };
  for (const part of lineTargets(line, after)) count(part, part.amountNanos);
  for (const part of lineTargets(line, before)) count(part, -part.amountNanos);
  return [...changes.values()].filter(({ amountNanos }) => amountNanos !== 0n);
}
