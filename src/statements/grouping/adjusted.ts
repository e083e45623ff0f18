import type { Nanos } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";

/** What an adjustment changed for a payee, on the day it was booked. */
export interface AdjustedEarning {
  /** Null for what is of no model: a credit, a provider's fee. */
  model: string | null;
  /** "2023-12-05": the day it was booked, not of the usage. */
  day: string;
  amountNanos: Nanos;
}

/** Refunds and corrections of a payee's earnings that were booked on these days, half-open. */
export async function adjustedEarnings(
  sql: Sql,
  payee: string,
  { currency, model, from, to }: { currency: string; model?: string; from?: string; to?: string },
): Promise<AdjustedEarning[]> {
  const rows = await sql<{ model: string | null; day: string; nanos: string }[]>`
    SELECT model, day::text, sum(nanos)::text AS nanos FROM (
      SELECT m.id AS model, (a.made_at AT TIME ZONE 'UTC')::date AS day, p.amount_nanos AS nanos
      FROM adjustment_part p JOIN adjustment a USING (adjustment_no) JOIN model m USING (model_no)
      WHERE p.payee = ${payee} AND a.currency = ${currency}
      UNION ALL
      SELECT NULL, (a.made_at AT TIME ZONE 'UTC')::date, v.amount_nanos
      FROM adjustment_movement v JOIN adjustment a USING (adjustment_no)
      WHERE v.account = ${`payee:${payee}:payable`} AND a.currency = ${currency}) x
    WHERE day >= ${from ?? "-infinity"} AND day < ${to ?? "infinity"}
      ${model === undefined ? sql`` : sql`AND model = ${model}`}
    GROUP BY 1, 2 HAVING sum(nanos) <> 0 ORDER BY 2, 1`;
  return rows.map(({ nanos, ...row }) => ({ ...row, amountNanos: BigInt(nanos) }));
}
