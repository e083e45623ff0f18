import { firstDay, nextPeriod, type Period } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import type { PriceComponent } from "../pricing/index.ts";
import type { SplitPlan } from "../sharing/index.ts";

/** What was metered of one meter on one day, with what was decided for it. */
export interface StoredUsage {
  booked_period: string;
  model: string;
  day: string;
  status: string;
  charged: boolean;
  price_no: number;
  split_plan_no: number;
  meter: string;
  /** At the meter's scale. */
  quantity: bigint;
}

export interface StoredPrice {
  currency: string;
  components: PriceComponent[];
}

/** What was decided about usage, by the numbers that it names. */
export interface Decided {
  prices: Map<number, StoredPrice>;
  plans: Map<number, SplitPlan>;
}

type Row = Omit<StoredUsage, "quantity"> & { quantity: string };

const toUsage = ({ quantity, ...row }: Row): StoredUsage => ({ ...row, quantity: BigInt(quantity) });

/** The windows of models in a service month, uncharged usage too. Limits per event are applied in them already. */
export async function windowsOf(sql: Sql, models: readonly string[], period: Period): Promise<StoredUsage[]> {
  const rows = await sql<Row[]>`
    WITH term AS MATERIALIZED (
      SELECT t.*, m.id AS model FROM usage_term t JOIN model m USING (model_no) WHERE m.id = ANY (${[...models]})
    )
    SELECT to_char(booked_period, 'YYYY-MM') AS booked_period, model, service_day::text AS day, status,
      charged = 1 AS charged, price_no, split_plan_no, meter, sum(quantity)::text AS quantity
    FROM (
      SELECT t.*, w.service_day, q.meter, q.quantity
      FROM term t JOIN term_window w USING (term_no)
      CROSS JOIN LATERAL (VALUES ('runs', w.runs), ('predict_seconds', w.predict_seconds), ('input_tokens', w.input_tokens),
        ('output_tokens', w.output_tokens), ('images', w.images)) AS q(meter, quantity)
      UNION ALL
      SELECT t.*, w.service_day, x.name, w.quantity
      FROM term t JOIN term_window_meter w USING (term_no) JOIN meter x USING (meter_no)) u
    WHERE service_day >= ${firstDay(period)} AND service_day < ${firstDay(nextPeriod(period))}
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8`;
  return rows.map(toUsage);
}

/**
 * The same of one model from its events, with other limits per event (by price and meter, at its scale) and with every meter
 * that was reported. Reads every block that has an event of the model.
 */
export async function eventsOf(
  sql: Sql,
  model: string,
  period: Period,
  limits: ReadonlyMap<number, ReadonlyMap<string, bigint>>,
): Promise<StoredUsage[]> {
  const caps = JSON.stringify(
    [...limits].flatMap(([price_no, most]) =>
      [...most].map(([meter, quantity]) => ({ price_no, meter, most: `${quantity}` })),
    ),
  );
  const rows = await sql<Row[]>`
    WITH term AS MATERIALIZED (
      SELECT t.*, m.id AS model FROM usage_term t JOIN model m USING (model_no) WHERE m.id = ${model}
    ), block AS (
      SELECT * FROM usage_block WHERE group_term_no && (SELECT array_agg(term_no) FROM term)
    ), reported AS (
      SELECT e.term_no, e.occurred_at, q.meter, q.quantity
      FROM block b CROSS JOIN LATERAL events_of_block(b.events, b.group_term_no, b.group_customer_no, b.source_nos, b.hardware, b.group_hardware) e
      CROSS JOIN LATERAL (VALUES ('runs', 1::bigint), ('predict_seconds', e.predict_seconds),
        ('input_tokens', e.input_tokens), ('output_tokens', e.output_tokens), ('images', e.images)) AS q(meter, quantity)
      WHERE q.quantity IS NOT NULL
      UNION ALL
      SELECT o.term_no, o.first_occurred_at, o.meter, o.quantity
      FROM block b
      CROSS JOIN LATERAL other_meters_of_block(b.events, b.group_term_no, b.group_customer_no, b.group_first) o
    )
    SELECT to_char(t.booked_period, 'YYYY-MM') AS booked_period, t.model,
      (from_epoch_micros(r.occurred_at) AT TIME ZONE 'UTC')::date::text AS day, t.status, t.charged = 1 AS charged,
      t.price_no, t.split_plan_no, r.meter, sum(least(r.quantity::numeric, c.most))::text AS quantity
    FROM reported r JOIN term t USING (term_no)
    LEFT JOIN jsonb_to_recordset(${caps}::text::jsonb) AS c(price_no int, meter text, most numeric)
      ON c.price_no = t.price_no AND c.meter = r.meter
    WHERE from_epoch_micros(r.occurred_at) AT TIME ZONE 'UTC' >= ${firstDay(period)}::date
      AND from_epoch_micros(r.occurred_at) AT TIME ZONE 'UTC' < ${firstDay(nextPeriod(period))}::date
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8`;
  return rows.map(toUsage);
}

export async function decidedFor(sql: Sql, usage: readonly StoredUsage[]): Promise<Decided> {
  const [priceNumbers, planNumbers] = [
    [...new Set(usage.map((row) => row.price_no))],
    [...new Set(usage.map((row) => row.split_plan_no))],
  ];
  const prices = await sql<{ price_no: number; currency: string; components: PriceComponent[] | null }[]>`
    SELECT v.price_no, v.currency, (SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('meter', m.name,
        'amount', c.amount, 'per', c.per, 'max_per_event', div(c.max_per_event, power(10::numeric, m.scale))::text)))
      FROM price_component c JOIN meter m USING (meter_no) WHERE c.price_no = v.price_no) AS components
    FROM price_version v WHERE v.price_no = ANY (${priceNumbers})`;
  const plans = await sql<{ split_plan_no: number; content: SplitPlan }[]>`
    SELECT split_plan_no, content FROM split_plan WHERE split_plan_no = ANY (${planNumbers})`;
  return {
    prices: new Map(
      prices.map(({ price_no, currency, components }) => [
        price_no,
        { currency, components: components ?? [] },
      ]),
    ),
    plans: new Map(plans.map(({ split_plan_no, content }) => [split_plan_no, content])),
  };
}
