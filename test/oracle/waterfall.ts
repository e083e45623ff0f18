import { decimal, type Fraction, fraction, minus, NOTHING, plus, smaller, times } from "./fraction.ts";
import { decimalsOf } from "./quantities.ts";
import type { OracleStep } from "./shapes.ts";

/** A model at one moment; a lineage is a list of these, the model that was run first. */
export interface Level {
  model: string;
  owner: string;
  steps: readonly OracleStep[];
}

export interface ExactPart {
  /** Null for the platform. */
  payee: string | null;
  reason: "share" | "royalty" | "cost" | "platform" | "self_dealing";
  /** The model whose step or shares paid it. */
  paidBy: string;
  amount: Fraction;
}

/**
 * What of a lineage can take anything at all, which is what makes two split plans the same: the base's cost and
 * platform steps, a royalty without a base, weights of zero and levels that no royalty reaches are gone, owners are named.
 */
export function effectiveChain(lineage: readonly Level[]): Level[] {
  const chain: Level[] = [];
  for (const [depth, { model, owner, steps }] of lineage.entries()) {
    const effective = steps.flatMap((step): OracleStep[] => {
      if (step.take === "shares") {
        const paid = step.shares.filter(({ weight }) => weight > 0);
        const shares = paid.map(({ payee, weight }) => ({
          payee: payee === "$owner" ? owner : payee,
          weight,
        }));
        return [{ take: "shares", shares }];
      }
      if (step.take === "royalty" ? depth + 1 === lineage.length : depth > 0) return [];
      if (step.take !== "cost") return [{ take: step.take, percent: step.percent, of: step.of ?? "gross" }];
      const { take, meter, amount, per, currency } = step;
      return [{ take, meter, amount, per, currency }];
    });
    chain.push({ model, owner: "", steps: effective });
    if (!effective.some((step) => step.take === "royalty")) break;
  }
  return chain;
}

export function payeesOf(chain: readonly Level[]): Set<string> {
  const steps = chain.flatMap((level) => level.steps);
  return new Set(
    steps.flatMap((step) => (step.take === "shares" ? step.shares.map(({ payee }) => payee) : [])),
  );
}

/**
 * The waterfall of design.md section 4, exact. `costQuantity` is at the decimals of the cost step's meter. The parts of
 * `linkedPayee` go to the platform. Each (payee, reason, paidBy) comes once; what is nothing does not come.
 */
export function splitExactly(
  chain: readonly Level[],
  gross: Fraction,
  costQuantity: bigint,
  linkedPayee: string | null,
): ExactPart[] {
  const parts = new Map<string, ExactPart>();
  const give = (payee: string | null, reason: ExactPart["reason"], paidBy: string, amount: Fraction) => {
    if (amount.n === 0n) return;
    const dealtWithSelf = payee !== null && payee === linkedPayee;
    const part = dealtWithSelf ? { payee: null, reason: "self_dealing" as const } : { payee, reason };
    const key = `${part.payee} ${part.reason} ${paidBy}`;
    parts.set(key, { ...part, paidBy, amount: plus(parts.get(key)?.amount ?? NOTHING, amount) });
  };
  let incoming = gross;
  for (const [depth, { model, steps }] of chain.entries()) {
    let remaining = incoming;
    let upward = NOTHING;
    for (const step of steps) {
      if (step.take === "shares") {
        const total = step.shares.reduce((sum, { weight }) => sum + weight, 0);
        for (const { payee, weight } of step.shares) {
          const amount = times(remaining, fraction(BigInt(weight), BigInt(total)));
          give(payee, depth === 0 ? "share" : "royalty", model, amount);
        }
        continue;
      }
      const taken = smaller(wanted(step, incoming, remaining, costQuantity), remaining);
      remaining = minus(remaining, taken);
      if (step.take === "royalty") upward = taken;
      else give(null, step.take, model, taken);
    }
    incoming = upward;
  }
  return [...parts.values()];
}

function wanted(
  step: Exclude<OracleStep, { take: "shares" }>,
  gross: Fraction,
  remaining: Fraction,
  costQuantity: bigint,
): Fraction {
  if (step.take === "cost") {
    const units = BigInt(step.per) * 10n ** BigInt(decimalsOf(step.meter));
    return times(decimal(step.amount), fraction(costQuantity, units));
  }
  const percent = times(decimal(step.percent), fraction(1n, 100n));
  return times(step.of === "remaining" ? remaining : gross, percent);
}
