import type { Nanos } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";

/** What becomes of earnings when their month is closed. */
export interface ClosingRule {
  /** First day of the open month in which they are booked. */
  period: string;
  /** They wait until customers have paid: nothing of them is payable at close. */
  waits: boolean;
  /** So much of what becomes payable is held back in reserve, in ten thousandths. */
  reserveBasisPoints: number;
}

export async function closingRules(
  sql: Sql,
  payee: string,
  periods: readonly string[],
): Promise<ClosingRule[]> {
  return sql<ClosingRule[]>`
    SELECT p.period::text, l.rule = 'on_payment' AS waits, coalesce(r.basis_points, 0) AS "reserveBasisPoints"
    FROM unnest(${periods}::text[]::date[]) AS p(period)
    CROSS JOIN LATERAL release_rule_of(p.period) l
    LEFT JOIN LATERAL reserve_rule_of(${payee}, p.period) r ON true
    ORDER BY p.period`;
}

/**
 * What will be payable, and not held, once the open months are closed.
 * @param accruing by month
 * @param used what close nets with them, the oldest first
 */
export function payableAtClose(
  rules: readonly ClosingRule[],
  accruing: (period: string) => Nanos,
  used: Nanos,
): Nanos {
  let [payable, toNet] = [0n, used];
  for (const { period, waits, reserveBasisPoints } of rules) {
    if (waits) continue;
    const earned = accruing(period);
    const netted = earned < toNet ? earned : toNet;
    toNet -= netted;
    const left = earned - netted;
    payable += left - (left > 0n ? (left * BigInt(reserveBasisPoints)) / 10_000n : 0n);
  }
  return payable;
}
