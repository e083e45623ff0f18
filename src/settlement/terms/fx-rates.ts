import { formatDecimal, type Rational, Refusal } from "../../kernel/index.ts";
import { refusedByDatabase, type Sql } from "../../postgres/index.ts";

export interface FxRate {
  from: string;
  to: string;
  /** Units of `to` for one of `from`: an exact decimal. */
  rate: string;
  /** RFC 3339. */
  effectiveFrom: string;
  source: string;
  by: string;
}

/** The latest first; at most so many. */
export async function fxRates(sql: Sql, limit: number): Promise<FxRate[]> {
  return sql<FxRate[]>`
    SELECT from_currency AS "from", to_currency AS "to", trim_scale(rate)::text AS rate, source, set_by AS by,
      to_char(effective_from AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS "effectiveFrom"
    FROM fx_rate ORDER BY effective_from DESC, rate_no DESC LIMIT ${limit}`;
}

/**
 * Stores a rate for good. The same again changes nothing.
 * @throws Refusal version_exists for another one of the same moment, period_closed within an approved month
 */
export async function storeFxRate(
  sql: Sql,
  { from, to, rate, effectiveFrom, source, by }: Omit<FxRate, "rate"> & { rate: Rational },
): Promise<void> {
  try {
    await sql`SELECT store_fx_rate(${from}, ${to}, ${formatDecimal(rate)}::numeric, ${effectiveFrom}, ${source}, ${by})`;
  } catch (error) {
    const refused = refusedByDatabase(error);
    if (refused?.code === "version_exists")
      throw new Refusal(
        "version_exists",
        `the rate from ${from} to ${to} of ${effectiveFrom} is ${refused.detail.rate} already: store another one from a later moment on`,
      );
    if (refused?.code === "period_closed")
      throw new Refusal(
        "period_closed",
        `effective_from: months before ${refused.detail.from} are approved, and keep their rates: store it from then on`,
      );
    throw error;
  }
}
