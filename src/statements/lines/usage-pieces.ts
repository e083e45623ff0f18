import type { Sql } from "../../postgres/index.ts";
import type { SplitPlan } from "../../sharing/index.ts";

/** Into what a line's usage is cut: nothing, days, or days by version and country. The coarser, the less is read. */
export type LineDetail = "line" | "day" | "row";

export interface LineFilter {
  /** First days of service months, half-open. */
  monthsFrom?: string;
  monthsUntil?: string;
  currency?: string;
  model?: string;
}

/** A line's usage, priced, in pieces as `pieceOf` reads them: one text, since a row for each took longer to read than to sum. */
export interface LinePieces {
  booked_period: string;
  model: string;
  currency: string;
  plan: SplitPlan;
  cost_quantity: string;
  pieces: string;
}

export interface Piece {
  day: string;
  /** Exact decimal, major units. */
  gross: string;
  events: string;
  /** Number of the model's version, where it is cut by it. */
  version: string;
  country: string;
}

export function piecesOf({ pieces }: LinePieces): Piece[] {
  return pieces.split("\n").map((piece) => {
    const [day = "", gross = "", events = "", version = "", ...country] = piece.split(" ");
    return { day, gross, events, version, country: country.join(" ") };
  });
}

/**
 * What the views usage_line and priced_usage say, of one payee and what was booked before a period. Windows are summed before they are priced, by price: looking
 * a price up for each of a payee's 7,500 terms took longer than all the rest.
 */
export function usagePieces(
  sql: Sql,
  payee: string,
  before: string,
  filter: LineFilter,
  detail: LineDetail,
): Promise<LinePieces[]> {
  const { monthsFrom = "-infinity", monthsUntil = "infinity", currency, model } = filter;
  const days = sql`w.service_day >= ${monthsFrom} AND w.service_day < ${monthsUntil}`;
  const day =
    detail === "line" ? sql`date_trunc('month', w.service_day::timestamp)::date` : sql`w.service_day`;
  const finest =
    detail === "row" ? sql`t.model_version_no, t.country` : sql`NULL::int AS model_version_no, '' AS country`;
  const inCurrency = currency === undefined ? sql`` : sql`AND v.currency = ${currency}`;
  return sql<LinePieces[]>`
    WITH paying AS MATERIALIZED (
      SELECT s.split_plan_no, s.content, s.cost_meter_no, m.name AS cost_meter
      FROM split_plan s LEFT JOIN meter m ON m.meter_no = s.cost_meter_no WHERE s.payees @> ARRAY[${payee}]
    ), term AS MATERIALIZED (
      SELECT * FROM usage_term WHERE split_plan_no = ANY (ARRAY(SELECT split_plan_no FROM paying)) AND charged = 1
        AND booked_period = ANY (ARRAY(${periods(sql, payee, before, filter)}))
        ${model === undefined ? sql`` : sql`AND model_no = (SELECT model_no FROM model WHERE id = ${model})`}
    ), used AS MATERIALIZED (
      SELECT t.booked_period, ${day} AS day, t.model_no, t.split_plan_no, t.price_no, ${finest}, sum(w.events) AS events,
        sum(w.runs) AS runs, sum(w.predict_seconds) AS predict_seconds, sum(w.input_tokens) AS input_tokens,
        sum(w.output_tokens) AS output_tokens, sum(w.images) AS images
      FROM term t JOIN term_window w USING (term_no) WHERE ${days} GROUP BY 1, 2, 3, 4, 5, 6, 7
    ), unit AS MATERIALIZED (
      SELECT v.price_no, v.currency, coalesce(sum(c.unit_amount) FILTER (WHERE x.name = 'runs'), 0) AS runs,
        coalesce(sum(c.unit_amount) FILTER (WHERE x.name = 'predict_seconds'), 0) AS predict_seconds,
        coalesce(sum(c.unit_amount) FILTER (WHERE x.name = 'input_tokens'), 0) AS input_tokens,
        coalesce(sum(c.unit_amount) FILTER (WHERE x.name = 'output_tokens'), 0) AS output_tokens,
        coalesce(sum(c.unit_amount) FILTER (WHERE x.name = 'images'), 0) AS images
      FROM price_version v LEFT JOIN price_component c USING (price_no) LEFT JOIN meter x USING (meter_no)
      WHERE v.price_no = ANY (ARRAY(SELECT DISTINCT price_no FROM term)) ${inCurrency} GROUP BY 1, 2
    ), priced AS (
      SELECT u.booked_period, u.model_no, u.split_plan_no, p.currency, u.day, u.model_version_no, u.country,
        u.runs * p.runs + u.predict_seconds * p.predict_seconds + u.input_tokens * p.input_tokens
          + u.output_tokens * p.output_tokens + u.images * p.images AS gross,
        CASE s.cost_meter WHEN 'runs' THEN u.runs WHEN 'predict_seconds' THEN u.predict_seconds
          WHEN 'input_tokens' THEN u.input_tokens WHEN 'output_tokens' THEN u.output_tokens WHEN 'images' THEN u.images
          ELSE 0 END AS cost_quantity, u.events
      FROM used u JOIN unit p USING (price_no) JOIN paying s USING (split_plan_no)
      UNION ALL
      SELECT t.booked_period, t.model_no, t.split_plan_no, v.currency, ${day}, ${finest},
        w.quantity * coalesce(c.unit_amount, 0), CASE WHEN w.meter_no = s.cost_meter_no THEN w.quantity ELSE 0 END, 0
      FROM term t JOIN term_window_meter w USING (term_no) JOIN paying s USING (split_plan_no)
      JOIN price_version v USING (price_no)
      LEFT JOIN price_component c ON c.price_no = t.price_no AND c.meter_no = w.meter_no
      WHERE ${days} ${inCurrency}
    ), piece AS (
      SELECT booked_period, model_no, split_plan_no, currency, day, model_version_no, country, sum(gross) AS gross,
        sum(cost_quantity) AS cost_quantity, sum(events) AS events
      FROM priced GROUP BY 1, 2, 3, 4, 5, 6, 7
    )
    SELECT l.booked_period::text, m.id AS model, l.currency, s.content AS plan, l.cost_quantity::text, l.pieces
    FROM (
      SELECT booked_period, model_no, split_plan_no, currency, sum(cost_quantity) AS cost_quantity,
        string_agg(format('%s %s %s %s %s', day, gross, events, model_version_no, country), E'\n') AS pieces
      FROM piece GROUP BY 1, 2, 3, 4, date_trunc('month', day::timestamp)) l
    JOIN paying s USING (split_plan_no) JOIN model m USING (model_no)`;
}

/** Those in which the payee earned from these months: their own, and later ones for late usage; so none is looked for in all that came after. */
function periods(
  sql: Sql,
  payee: string,
  before: string,
  { monthsFrom = "-infinity", monthsUntil = "infinity" }: LineFilter,
) {
  return sql`SELECT DISTINCT booked_period FROM accrual_part
    WHERE account = ${`payee:${payee}:accruing`} AND booked_period < ${before}
      AND service_month >= ${monthsFrom} AND service_month < ${monthsUntil}`;
}
