import { add, multiply, present, type Rational, rational, ZERO } from "../kernel/index.ts";
import { unitAmount } from "../pricing/index.ts";
import { planCost, planHash, type Split, type SplitPlan, splitGross } from "../sharing/index.ts";
import type { StoredPrice } from "./stored-usage.ts";

/** Charged usage with the price and the plan that hold for it. */
export interface ChargedUsage {
  booked_period: string;
  model: string;
  meter: string;
  quantity: bigint;
  price: StoredPrice | undefined;
  plan: SplitPlan | undefined;
}

export interface SplitLine {
  model: string;
  currency: string;
  split: Split;
}

/** Gathers the usage of one service month into lines, as the books do, and splits each on its whole gross: pure. */
export function splitLines(usage: readonly ChargedUsage[]): SplitLine[] {
  const lines = new Map<
    string,
    { model: string; currency: string; plan: SplitPlan; gross: Rational; cost: bigint }
  >();
  const hashes = new Map<SplitPlan, string>();
  for (const row of usage) {
    const price = present(row.price, "the price of usage");
    const plan = present(row.plan, "the split plan of usage");
    const hash = hashes.get(plan) ?? planHash(plan);
    hashes.set(plan, hash);
    const key = [row.booked_period, row.model, price.currency, hash].join(" ");
    const line = lines.get(key) ?? {
      model: row.model,
      currency: price.currency,
      plan,
      gross: ZERO,
      cost: 0n,
    };
    lines.set(key, line);
    const component = price.components.find(({ meter }) => meter === row.meter);
    if (component !== undefined)
      line.gross = add(line.gross, multiply(unitAmount(component), rational(row.quantity)));
    if (planCost(plan)?.meter === row.meter) line.cost += row.quantity;
  }
  return [...lines.values()].map(({ model, currency, plan, gross, cost }) => ({
    model,
    currency,
    split: splitGross(plan, gross, cost),
  }));
}
