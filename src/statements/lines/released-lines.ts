import { overPowerOfTen } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import type { PayeeLine } from "./payee-lines.ts";
import type { LineFilter } from "./usage-pieces.ts";

/** The lines of released months that pay a payee, whole, as they were booked: a row each, however many windows they had. */
export async function releasedLines(
  sql: Sql,
  payee: string,
  before: string,
  filter: LineFilter,
): Promise<PayeeLine[]> {
  const rows = await sql<StoredLine[]>`
    WITH own AS MATERIALIZED (${ownParts(sql, payee, before, filter)})
    SELECT o.booked_period::text, o.service_month::text, m.id AS model, o.currency, o.parts, l.gross::text, l.events::text, l.receivable_nanos::text AS receivable, p.shares::text, p.royalties::text
    FROM own o JOIN accrual_line l USING (booked_period, service_month, model_no, split_plan_no, currency)
    JOIN model m USING (model_no)
    CROSS JOIN LATERAL (
      SELECT coalesce(sum(a.amount_nanos) FILTER (WHERE a.reason = 'share'), 0) AS shares,
        coalesce(sum(a.amount_nanos) FILTER (WHERE a.reason = 'royalty'), 0) AS royalties
      FROM accrual_part a WHERE a.booked_period = o.booked_period AND a.service_month = o.service_month
        AND a.model_no = o.model_no AND a.split_plan_no = o.split_plan_no AND a.currency = o.currency) p`;
  return rows.map(toPayeeLine);
}

/** The released periods in which usage of these months that pays a payee was booked: its own, and later ones for late usage. */
export async function releasedPeriods(
  sql: Sql,
  payee: string,
  before: string,
  filter: LineFilter,
): Promise<string[]> {
  const rows = await sql<{ booked_period: string }[]>`
    SELECT DISTINCT booked_period::text FROM (${ownParts(sql, payee, before, filter)}) o`;
  return rows.map((row) => row.booked_period);
}

function ownParts(
  sql: Sql,
  payee: string,
  before: string,
  { monthsFrom = "-infinity", monthsUntil = "infinity", currency, model }: LineFilter,
) {
  return sql`
    SELECT booked_period, service_month, model_no, split_plan_no, currency,
      jsonb_agg(jsonb_build_array(reason, paid_by, amount_nanos::text) ORDER BY reason DESC, paid_by) AS parts
    FROM accrual_part
    WHERE account = ${`payee:${payee}:accruing`} AND booked_period < ${before}
      AND service_month >= ${monthsFrom} AND service_month < ${monthsUntil}
      ${currency === undefined ? sql`` : sql`AND currency = ${currency}`}
      ${model === undefined ? sql`` : sql`AND model_no = (SELECT model_no FROM model WHERE id = ${model})`}
    GROUP BY 1, 2, 3, 4, 5`;
}

interface StoredLine {
  booked_period: string;
  service_month: string;
  model: string;
  currency: string;
  /** The payee's own: reason, source and amount. */
  parts: [reason: string, source: string, nanos: string][];
  gross: string;
  events: string;
  receivable: string;
  /** Everybody's. */
  shares: string;
  royalties: string;
}

function toPayeeLine(stored: StoredLine): PayeeLine {
  const { booked_period: bookedPeriod, service_month: day, model, currency } = stored;
  const [weight = 0n] = overPowerOfTen([stored.gross]).nums;
  return {
    bookedPeriod,
    model,
    currency,
    receivableNanos: BigInt(stored.receivable),
    parts: stored.parts.map(([reason, source, nanos]) => ({ reason, source, amountNanos: BigInt(nanos) })),
    royaltyNanos: [BigInt(stored.royalties)],
    shareNanos: [BigInt(stored.shares)],
    rows: [{ day, version: "", country: "", events: BigInt(stored.events), weight }],
  };
}
