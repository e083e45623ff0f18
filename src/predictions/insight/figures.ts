import type { Sql } from "../../postgres/index.ts";
import type { InsightQuery } from "./cells.ts";

/** What figures are read by; the hardware is empty where it is not told, or not summed yet. */
interface Place {
  version: string;
  day: string;
  hardware: string;
}

type UsageRow = Place & {
  status: string;
  events: string;
  predict_micros: string;
  input_tokens: string;
  output_tokens: string;
};

/** Usage is booked in its own month or in a later one: terms of earlier books have none of these days. */
export const bookedSince = (sql: Sql, from: string) =>
  sql`t.booked_period >= date_trunc('month', ${from}::date)`;

export function usageOf(sql: Sql, { model, from, to }: InsightQuery): Promise<UsageRow[]> {
  return sql<UsageRow[]>`
    WITH term AS MATERIALIZED (
      SELECT t.term_no, t.status, v.version FROM usage_term t JOIN model m USING (model_no)
      JOIN model_version v USING (model_version_no) WHERE m.id = ${model} AND ${bookedSince(sql, from)}
    )
    SELECT t.version, w.service_day AS day, w.hardware, t.status, sum(w.events)::text AS events,
      sum(w.predict_seconds)::text AS predict_micros, sum(w.input_tokens)::text AS input_tokens,
      sum(w.output_tokens)::text AS output_tokens
    FROM windows_by_hardware(ARRAY(SELECT term_no FROM term), ${from}::date, ${to}::date) w JOIN term t USING (term_no)
    GROUP BY 1, 2, 3, 4`;
}

type GrossRow = Place & { currency: string; gross: string };

/** What customers owe for it, exact: the books round a whole line, not a day of it. Summed before it is priced. */
export function grossOf(sql: Sql, { model, from, to }: InsightQuery): Promise<GrossRow[]> {
  return sql<GrossRow[]>`
    WITH term AS MATERIALIZED (
      SELECT t.term_no, t.price_no, v.version, p.currency FROM usage_term t JOIN model m USING (model_no)
      JOIN model_version v USING (model_version_no) JOIN price_version p USING (price_no)
      WHERE m.id = ${model} AND t.charged = 1 AND ${bookedSince(sql, from)}
    ), charged AS (
      SELECT t.version, t.currency, t.price_no, w.service_day, w.hardware, sum(w.runs) AS runs,
        sum(w.predict_seconds) AS predict_seconds, sum(w.input_tokens) AS input_tokens, sum(w.output_tokens) AS output_tokens,
        sum(w.images) AS images
      FROM windows_by_hardware(ARRAY(SELECT term_no FROM term), ${from}::date, ${to}::date) w JOIN term t USING (term_no)
      GROUP BY 1, 2, 3, 4, 5
    ), used AS (
      SELECT w.version, w.currency, w.price_no, w.service_day, w.hardware, x.meter_no, q.quantity
      FROM charged w
      CROSS JOIN LATERAL (VALUES ('runs', w.runs), ('predict_seconds', w.predict_seconds), ('input_tokens', w.input_tokens),
        ('output_tokens', w.output_tokens), ('images', w.images)) AS q(meter, quantity) JOIN meter x ON x.name = q.meter
      UNION ALL
      SELECT t.version, t.currency, t.price_no, o.service_day, o.hardware, o.meter_no, o.quantity
      FROM meters_by_hardware(ARRAY(SELECT term_no FROM term), ${from}::date, ${to}::date) o JOIN term t USING (term_no)
    )
    SELECT u.version, u.service_day AS day, u.hardware, u.currency, sum(u.quantity * c.unit_amount)::text AS gross
    FROM used u JOIN price_component c USING (price_no, meter_no) GROUP BY 1, 2, 3, 4`;
}

type FeedbackRow = Place & { up: number; down: number };

export function feedbackGiven(sql: Sql, { model, from, to }: InsightQuery): Promise<FeedbackRow[]> {
  return sql<FeedbackRow[]>`
    SELECT version, (created_at AT TIME ZONE 'UTC')::date AS day, shown_hardware(model, hardware) AS hardware,
      (count(*) FILTER (WHERE thumb = 1))::int AS up, (count(*) FILTER (WHERE thumb = -1))::int AS down
    FROM prediction_feedback
    WHERE model = ${model} AND created_at >= ${from}::text::timestamptz AND created_at < ${to}::text::timestamptz GROUP BY 1, 2, 3`;
}
