import {
  add,
  assert,
  compare,
  formatDecimal,
  formatScaled,
  type Money,
  money,
  multiply,
  NANOS_PER_UNIT,
  type Nanos,
  type Period,
  type Rational,
  rational,
  subtract,
  ZERO,
} from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import { meterScale, unitAmount } from "../pricing/index.ts";
import {
  type Part,
  planCost,
  type Split,
  type SplitPlan,
  splitGross,
  type TakenStep,
  type Waterfall,
} from "../sharing/index.ts";
import { asOf } from "./as-of.ts";
import { type LineUsage, lineUsage, type PricedUsage } from "./line-usage.ts";

/** An exact amount in major units: "a/b", and its value cut off at a nano for the eye. */
export interface Exact {
  fraction: string;
  amount: string;
}

export interface ExplainedShare {
  /** Null for other payees: their weight is all that this part needs. */
  payee: string | null;
  weight: string;
  amount: Exact | null;
}

export interface ExplainedStep {
  take: "cost" | "platform" | "royalty" | "shares";
  /** The step as the policy has it. */
  percent: string | null;
  of: "gross" | "remaining" | null;
  cost: { meter: string; quantity: string; amount: string; per: string } | null;
  wanted: Exact;
  /** Never more than what remained. */
  taken: Exact;
  remaining: Exact;
  shares: ExplainedShare[];
  /** Of a royalty: the model that it goes to, and what that does with it when the payee has a part in it. */
  base_model: string | null;
  base: ExplainedWaterfall | null;
}

export interface ExplainedWaterfall {
  model: string;
  gross: Exact;
  steps: ExplainedStep[];
}

export interface ExplainedLine {
  booked_period: string;
  /** Names the split plan: the policies of the whole lineage as they held when the model was run. */
  split_plan: string;
  events: string;
  usage: {
    meter: string;
    quantity: string;
    price: { amount: string; per: string; effective_from: string } | null;
    gross: string;
  }[];
  /** Exact decimal, major units. */
  gross: string;
  /** What customers owe for the line: the gross rounded half-even to a nano. */
  receivable: Money;
  waterfall: ExplainedWaterfall;
  /** The payee's own usage of its own model: its shares go to the platform. */
  self_dealing: boolean;
  parts: {
    reason: string;
    paid_by: string;
    exact: Exact;
    earned: Money;
    /** What was floored off, in nanos: a fraction below one. */
    floored_off_nanos: string;
  }[];
  earned: Money;
}

export interface Explanation {
  payee: string;
  model: string;
  period: Period;
  currency: string;
  /** Everything committed before this moment is in. RFC 3339. */
  as_of: string;
  /** The same as GET /v1/payees/{id}/earnings says for this model, month and currency. */
  total: Money;
  lines: ExplainedLine[];
}

export interface ExplainQuery {
  model: string;
  /** The service month. */
  period: Period;
  currency: string;
}

/** How a payee's earnings of a model in a month came about: every line that its split plan gives the payee a part of. */
export async function explainEarnings(sql: Sql, payee: string, query: ExplainQuery): Promise<Explanation> {
  const as_of = await asOf(sql);
  const lines = (await lineUsage(sql, payee, query)).map((line) => explainLine(payee, query.currency, line));
  const total = lines.reduce((sum, { earnedNanos }) => sum + earnedNanos, 0n);
  return {
    payee,
    ...query,
    as_of,
    total: money(query.currency, total),
    lines: lines.map(({ earnedNanos: _, ...line }) => line),
  };
}

function explainLine(
  payee: string,
  currency: string,
  line: LineUsage,
): ExplainedLine & { earnedNanos: Nanos } {
  const { plan } = line;
  const gross = line.usage.map(grossOf).reduce(add, ZERO);
  const cost = costQuantity(plan, line.usage);
  const split = splitGross(plan, gross, cost);
  checkWaterfall(split, gross);
  const own = split.parts.filter((part) => part.payee === payee);
  const earnedNanos = own.reduce((sum, part) => sum + part.amountNanos, 0n);
  return {
    booked_period: line.bookedPeriod,
    split_plan: line.planHash,
    events: line.events.toString(),
    usage: line.usage.map(toUsageView),
    gross: formatDecimal(gross),
    receivable: money(currency, split.receivableNanos),
    waterfall: toWaterfall(split.waterfall, payee, cost),
    self_dealing: plan.redirect === payee,
    parts: own.map((part) => toPart(part, currency)),
    earned: money(currency, earnedNanos),
    earnedNanos,
  };
}

function grossOf({ price, quantity }: PricedUsage): Rational {
  return price === null ? ZERO : multiply(unitAmount(price), rational(quantity));
}

/** Charged quantity of the plan's cost meter, whatever it was priced at. */
export function costQuantity(plan: SplitPlan, usage: readonly { meter: string; quantity: bigint }[]): bigint {
  const meter = planCost(plan)?.meter;
  return usage.reduce((sum, row) => (row.meter === meter ? sum + row.quantity : sum), 0n);
}

function checkWaterfall({ parts }: Split, gross: Rational): void {
  const given = parts.reduce((sum, part) => add(sum, part.exact), ZERO);
  assert(compare(given, gross) === 0, "the parts of a line are its gross");
}

function toUsageView({ meter, quantity, price, ...usage }: PricedUsage): ExplainedLine["usage"][number] {
  return {
    meter,
    quantity: formatScaled(quantity, meterScale(meter)),
    price:
      price === null ? null : { amount: price.amount, per: price.per, effective_from: usage.effectiveFrom },
    gross: formatDecimal(grossOf({ meter, quantity, price, ...usage })),
  };
}

function toWaterfall(waterfall: Waterfall, payee: string, cost: bigint): ExplainedWaterfall {
  const { model, gross, steps } = waterfall;
  return { model, gross: exact(gross), steps: steps.map((step) => toStep(step, payee, cost)) };
}

function toStep(taken: TakenStep, payee: string, cost: bigint): ExplainedStep {
  const { step, base } = taken;
  const percented = step.take === "platform" || step.take === "royalty";
  return {
    take: step.take,
    percent: percented ? step.percent : null,
    of: percented ? step.of : null,
    cost:
      step.take === "cost"
        ? {
            meter: step.meter,
            quantity: formatScaled(cost, meterScale(step.meter)),
            amount: step.amount,
            per: step.per,
          }
        : null,
    wanted: exact(taken.wanted),
    taken: exact(taken.taken),
    remaining: exact(taken.remaining),
    shares: taken.shares.map(({ payee: sharer, weight, amount }) => ({
      payee: sharer === payee ? payee : null,
      weight: weight.toString(),
      amount: sharer === payee ? exact(amount) : null,
    })),
    base_model: base?.model ?? null,
    base: base !== null && paysInto(base, payee) ? toWaterfall(base, payee, 0n) : null,
  };
}

function paysInto({ steps }: Waterfall, payee: string): boolean {
  return steps.some(
    ({ shares, base }) =>
      shares.some((share) => share.payee === payee) || (base !== null && paysInto(base, payee)),
  );
}

function toPart(part: Part, currency: string): ExplainedLine["parts"][number] {
  const inNanos = multiply(part.exact, rational(NANOS_PER_UNIT));
  return {
    reason: part.reason,
    paid_by: part.model,
    exact: exact(part.exact),
    earned: money(currency, part.amountNanos),
    floored_off_nanos: fraction(subtract(inNanos, rational(part.amountNanos))),
  };
}

function exact(value: Rational): Exact {
  const nanos = (value.num * NANOS_PER_UNIT) / value.den;
  return { fraction: fraction(value), amount: formatScaled(nanos, 9) };
}

function fraction({ num, den }: Rational): string {
  return `${num}/${den}`;
}
