import { type Fraction, fraction, minus, NOTHING, plus, times } from "../oracle/fraction.ts";
import { effectiveChain, splitExactly } from "../oracle/index.ts";
import type { Level } from "../oracle/waterfall.ts";

export interface OracleState {
  gross: Fraction;
  refunded: Fraction;
  reattributions: { from: string; to: string }[];
}

/**
 * What everybody is to have of a line in nanos, worked out otherwise than the product does: each party's exact part less
 * its exact share of what was refunded, cut off (towards less) at the very end.
 */
export function oracleTargets(
  lineage: readonly Level[],
  cost: bigint,
  feeKept: boolean,
  linked: string | null,
  { gross, refunded, reattributions }: OracleState,
): Map<string, bigint> {
  const parts = splitExactly(effectiveChain(lineage), gross, cost, linked);
  const bearing = parts.filter(({ reason }) => !feeKept || reason !== "platform");
  const bear = bearing.length === 0 ? parts : bearing;
  const base = bear.map(({ amount }) => amount).reduce(plus, NOTHING);
  const targets = new Map<string, Fraction>();
  for (const part of parts) {
    let payee = part.payee;
    for (const { from, to } of reattributions) if (payee === from) payee = to;
    const borne = bear.includes(part)
      ? times(times(refunded, part.amount), fraction(base.d, base.n))
      : NOTHING;
    const key = `${payee} ${part.reason} ${part.paidBy}`;
    targets.set(key, plus(targets.get(key) ?? NOTHING, minus(part.amount, borne)));
  }
  return new Map([...targets].map(([key, exact]) => [key, flooredNanos(exact)]));
}

function flooredNanos({ n, d }: Fraction): bigint {
  const nanos = n * 1_000_000_000n;
  const cut = nanos / d;
  return nanos < 0n && nanos % d !== 0n ? cut - 1n : cut;
}
