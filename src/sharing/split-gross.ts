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
import type { PlanNode, SplitPlan } from "./split-plan.ts";

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

export interface Split {
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
  take(plan, gross, costQuantity, "share", (payee, reason, model, amount) => {
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
  return { parts, receivableNanos, roundingNanos };
}

type Give = (payee: string | null, reason: PartReason, model: string, amount: Rational) => void;

function take(
  node: PlanNode,
  gross: Rational,
  costQuantity: bigint,
  reason: "share" | "royalty",
  give: Give,
): void {
  let remaining = gross;
  for (const step of node.steps) {
    if (step.take === "shares") {
      const weights = step.shares.reduce((sum, share) => sum + BigInt(share.weight), 0n);
      for (const share of step.shares) {
        give(share.payee, reason, node.model, multiply(remaining, rational(BigInt(share.weight), weights)));
      }
      return;
    }
    const wanted =
      step.take === "cost"
        ? multiply(unitAmount(step), rational(costQuantity))
        : multiply(step.of === "gross" ? gross : remaining, percent(step.percent));
    const taken = min(wanted, remaining);
    remaining = subtract(remaining, taken);
    if (step.take === "royalty") take(step.base, taken, 0n, "royalty", give);
    else give(null, step.take, node.model, taken);
  }
}

function percent(text: string): Rational {
  return multiply(present(parseDecimal(text), "percent"), rational(1n, 100n));
}
