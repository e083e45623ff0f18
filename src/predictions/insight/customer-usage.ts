import type { Sql } from "../../postgres/index.ts";

/** Service days, half-open; of one customer, or of one model, or of one of a model's customers. */
export interface CustomerUsageQuery {
  from: string;
  to: string;
  customer: string | null;
  model: string | null;
}

/** What usage of customers is told apart by. */
export interface CustomerPlace {
  customer: string;
  model: string;
  version: string;
  day: string;
  /** Empty where it is not told, or not summed yet. */
  hardware: string;
}

type Used = CustomerPlace & {
  status: string;
  events: number;
  micros: string;
  input: string;
  output: string;
  /** The sketches of all that was timed and succeeded, one after the other. */
  sketches: Buffer | null;
};

/** From the groups of events that were metered together: no event is read. */
export function usedOn(sql: Sql, { from, to, customer, model }: CustomerUsageQuery): Promise<Used[]> {
  return sql<Used[]>`
    SELECT c.id AS customer, m.id AS model, v.version, d.day, ${hardwareOf(sql)} AS hardware, t.status,
      sum(g.events)::int AS events, coalesce(sum(g.seconds), 0)::text AS micros, coalesce(sum(g.input), 0)::text AS input,
      coalesce(sum(g.output), 0)::text AS output, string_agg(g.sketch, '') AS sketches
    FROM usage_block b LEFT JOIN block_latency l USING (block_no)
    CROSS JOIN LATERAL unnest(b.group_term_no, b.group_customer_no, b.group_first, b.group_events, b.predict_seconds,
      b.input_tokens, b.output_tokens, b.group_hardware, l.group_sketches)
      AS g(term_no, customer_no, first, events, seconds, input, output, hardware, sketch)
    CROSS JOIN LATERAL (SELECT date '1970-01-01' + (g.first / 86400000000)::int AS day, coalesce(b.hardware[g.hardware], '') AS told) d
    JOIN usage_term t ON t.term_no = g.term_no JOIN model m USING (model_no) JOIN model_version v USING (model_version_no)
    JOIN customer c ON c.customer_no = g.customer_no
    LEFT JOIN model_hardware k ON (k.model_no, k.service_day, k.hardware) = (t.model_no, d.day, d.told)
    WHERE b.booked_at >= ${from}::text::timestamptz - interval '1 hour'
      AND g.first >= epoch_micros(${from}::text::timestamptz) AND g.first < epoch_micros(${to}::text::timestamptz)
      AND (${customer}::text IS NULL OR c.id = ${customer}) AND (${model}::text IS NULL OR m.id = ${model})
    GROUP BY 1, 2, 3, 4, 5, 6`;
}

type Owed = CustomerPlace & { termNo: number; month: string; currency: string; gross: string };

/** Exact: as the customer's windows have it, by day. */
export function owedFor(sql: Sql, { from, to, customer, model }: CustomerUsageQuery): Promise<Owed[]> {
  return sql<Owed[]>`
    SELECT c.id AS customer, m.id AS model, v.version, d.service_day AS day, ${hardwareOf(sql)} AS hardware,
      d.term_no AS "termNo", d.service_month AS month, d.currency, sum(d.gross)::text AS gross
    FROM (
      SELECT g.*, g.hardware AS told FROM priced_groups(
        ARRAY(SELECT block_no FROM usage_block WHERE booked_at >= ${from}::text::timestamptz - interval '1 hour'),
        ARRAY(SELECT customer_no FROM customer WHERE ${customer}::text IS NULL OR id = ${customer})) g) d
    JOIN usage_block b USING (block_no)
    JOIN usage_term t USING (term_no) JOIN model m USING (model_no) JOIN model_version v USING (model_version_no)
    JOIN customer c USING (customer_no)
    LEFT JOIN model_hardware k ON (k.model_no, k.service_day, k.hardware) = (t.model_no, d.service_day, d.told)
    WHERE d.service_day >= ${from}::text::date AND d.service_day < ${to}::text::date
      AND (${model}::text IS NULL OR m.id = ${model})
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8`;
}

/** As the model's own figures have it: a name of `d` that the model is told apart by on that day, or what came after those. */
function hardwareOf(sql: Sql) {
  return sql`CASE d.told WHEN '' THEN '' ELSE coalesce(k.hardware, CASE b.sketched WHEN 1 THEN 'other' ELSE '' END) END`;
}

type Given = CustomerPlace & { up: number; down: number };

/** By the day on which it was given. */
export function feedbackBy(sql: Sql, { from, to, customer, model }: CustomerUsageQuery): Promise<Given[]> {
  return sql<Given[]>`
    SELECT customer, model, version, (created_at AT TIME ZONE 'UTC')::date AS day, shown_hardware(model, hardware) AS hardware,
      (count(*) FILTER (WHERE thumb = 1))::int AS up, (count(*) FILTER (WHERE thumb = -1))::int AS down
    FROM prediction_feedback
    WHERE created_at >= ${from}::text::timestamptz AND created_at < ${to}::text::timestamptz
      AND (${customer}::text IS NULL OR customer = ${customer}) AND (${model}::text IS NULL OR model = ${model})
    GROUP BY 1, 2, 3, 4, 5`;
}
