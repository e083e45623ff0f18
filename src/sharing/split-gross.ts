import {
  add,
  floorToNanos,
  min,
  multiply,
  type Nanos,
  parseDecimal,
  present,
  type Rational,
  rational,
  roundToNanos,
  subtract,
  ZERO,
} from "../kernel/index.ts";
import { unitAmount } from "../pricing/index.ts";
import type { PlanNode, PlanStep, SplitPlan } from "./split-plan.ts";

export type PartReason = "cost" | "platform" | "self_dealing" | "share" | "royalty";

/** What one party gets of a line. `model` is the model whose step or shares paid it. */
export interface Part {
  /** Null for the platform's own parts. */
  payee: string | null;
  reason: PartReason;
  model: string;
  /** Exact, in major units. */
  exact: Rational;
  /** The exact amount floored to a nano. */
  amountNanos: Nanos;
}

/** How a model's waterfall was gone through: every amount exact, in major units. */
export interface Waterfall {
  model: string;
  gross: Rational;
  steps: TakenStep[];
}

export interface TakenStep {
  step: PlanStep;
  /** What it asks for, before it is capped at what remains. */
  wanted: Rational;
  taken: Rational;
  /** What is left for the steps after it. */
  remaining: Rational;
  /** Of a `shares` step. */
  shares: { payee: string; weight: bigint; amount: Rational }[];
  /** Of a `royalty` step: what the base model did with it. */
  base: Waterfall | null;
}

export interface Split {
  /** How the parts came about. */
  waterfall: Waterfall;
  parts: Part[];
  /** What the customers owe for the line: the gross rounded half-even to a nano. */
  receivableNanos: Nanos;
  /** receivable − Σ parts: goes to platform:rounding. Between −½ and the number of parts + ½. */
  roundingNanos: Nanos;
}

/**
 * Splits a line's cumulative gross (exact, major units). `costQuantity` is the cumulative charged quantity of the
 * plan's cost meter, at its scale. Each step is exact; every part is floored once, at the end: so the split does not
 * depend on how usage was grouped, nor on the order of shares. Source: design.md, section 3.
 */
export function splitGross(plan: SplitPlan, gross: Rational, costQuantity: bigint): Split {
  const exact = new Map<string, Omit<Part, "amountNanos">>();
  const waterfall = take(plan, gross, costQuantity, "share", (payee, reason, model, amount) => {
    if (amount.num === 0n) return;
    const redirected = payee !== null && payee === plan.redirect;
    const part = redirected
      ? { payee: null, reason: "self_dealing" as const, model }
      : { payee, reason, model };
    const key = JSON.stringify([part.payee, part.reason, part.model]);
    exact.set(key, { ...part, exact: add(exact.get(key)?.exact ?? ZERO, amount) });
  });
  const parts = [...exact.values()].map((part) => ({ ...part, amountNanos: floorToNanos(part.exact) }));
  const receivableNanos = roundToNanos(gross);
  const roundingNanos = parts.reduce((rest, part) => rest - part.amountNanos, receivableNanos);
  return { waterfall, parts, receivableNanos, roundingNanos };
}

type Give = (payee: string | null, reason: PartReason, model: string, amount: Rational) => void;

function take(
  node: PlanNode,
  gross: Rational,
  costQuantity: bigint,
  reason: "share" | "royalty",
  give: Give,
): Waterfall {
  const steps: TakenStep[] = [];
  let remaining = gross;
  for (const step of node.steps) {
    const wanted = wantedBy(step, gross, remaining, costQuantity);
    const taken = min(wanted, remaining);
    remaining = subtract(remaining, taken);
    const shares = step.take === "shares" ? shareOut(step.shares, taken) : [];
    for (const { payee, amount } of shares) give(payee, reason, node.model, amount);
    const base = step.take === "royalty" ? take(step.base, taken, 0n, "royalty", give) : null;
    if (step.take === "cost" || step.take === "platform") give(null, step.take, node.model, taken);
    steps.push({ step, wanted, taken, remaining, shares, base });
  }
  return { model: node.model, gross, steps };
}

function wantedBy(step: PlanStep, gross: Rational, remaining: Rational, costQuantity: bigint): Rational {
  if (step.take === "shares") return remaining;
  if (step.take === "cost") return multiply(unitAmount(step), rational(costQuantity));
  return multiply(step.of === "gross" ? gross : remaining, percent(step.percent));
}

function shareOut(
  shares: readonly { payee: string; weight: number }[],
  amount: Rational,
): TakenStep["shares"] {
  const weights = shares.reduce((sum, share) => sum + BigInt(share.weight), 0n);
  return shares.map(({ payee, weight }) => ({
    payee,
    weight: BigInt(weight),
    amount: multiply(amount, rational(BigInt(weight), weights)),
  }));
}

function percent(text: string): Rational {
  return multiply(present(parseDecimal(text), "percent"), rational(1n, 100n));
}
