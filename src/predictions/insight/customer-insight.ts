import {
  add,
  type Money,
  money,
  parseDecimal,
  present,
  type Rational,
  roundToNanos,
  ZERO,
} from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { type Rate, successRate } from "./success-rate.ts";

export const CUSTOMER_DIMENSIONS = ["customer", "model", "version", "day", "hardware"] as const;
export type CustomerDimension = (typeof CUSTOMER_DIMENSIONS)[number];

/** Service days, half-open; of one customer, or of one model, or of one of a model's customers. */
export interface CustomerInsightQuery {
  from: string;
  to: string;
  customer: string | null;
  model: string | null;
  groupBy: readonly CustomerDimension[];
}

/**
 * What a customer used; quantities as reported. Only the dimensions asked for are there. Percentiles of time are kept by model
 * and version only: they are in nobody's figures alone.
 */
export interface CustomerInsightRow {
  customer?: string;
  model?: string;
  version?: string | null;
  day?: string;
  /** Null where it is not told. */
  hardware?: string | null;
  predictions: number;
  by_status: Record<string, number>;
  success_rate: Rate | null;
  predict_seconds: number;
  input_tokens: number;
  output_tokens: number;
  /** Null when either was not metered. */
  output_tokens_per_second: number | null;
  /** What is owed for it, one a currency. */
  gross: Money[];
}

/** From the groups of events that were metered together: no event is read. */
export async function customerInsight(sql: Sql, query: CustomerInsightQuery): Promise<CustomerInsightRow[]> {
  const [usage, gross] = await Promise.all([usedOn(sql, query), owedFor(sql, query)]);
  const groups = new Map<string, Group>();
  const groupOf = (of: Named): Group => {
    const key = Object.fromEntries(query.groupBy.map((name) => [name, of[name]]));
    const name = JSON.stringify(Object.values(key));
    const known = groups.get(name) ?? {
      key,
      by_status: {},
      micros: 0,
      input: 0,
      output: 0,
      gross: new Map(),
    };
    groups.set(name, known);
    return known;
  };
  for (const { status, events, micros, input, output, ...of } of usage) {
    const group = groupOf(of);
    group.by_status[status] = (group.by_status[status] ?? 0) + events;
    group.micros += Number(micros);
    group.input += Number(input);
    group.output += Number(output);
  }
  for (const { currency, gross: owed, ...of } of gross) {
    const sums = groupOf(of).gross;
    sums.set(currency, add(sums.get(currency) ?? ZERO, present(parseDecimal(owed), "a decimal")));
  }
  return [...groups.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => rowOf(group));
}

interface Named {
  customer: string;
  model: string;
  version: string;
  day: string;
  /** Empty where it is not told. */
  hardware: string;
}

interface Group {
  key: Partial<Named>;
  by_status: Record<string, number>;
  micros: number;
  input: number;
  output: number;
  /** Exact, by currency. */
  gross: Map<string, Rational>;
}

function rowOf({ key, by_status, micros, input, output, gross }: Group): CustomerInsightRow {
  const { succeeded = 0, failed = 0, aborted = 0 } = by_status;
  const seconds = micros / 1e6;
  return {
    ...key,
    ...(key.version === undefined ? {} : { version: key.version || null }),
    ...(key.hardware === undefined ? {} : { hardware: key.hardware || null }),
    predictions: Object.values(by_status).reduce((sum, events) => sum + events, 0),
    by_status,
    success_rate: successRate(succeeded, succeeded + failed + aborted),
    predict_seconds: seconds,
    input_tokens: input,
    output_tokens: output,
    output_tokens_per_second: seconds > 0 && output > 0 ? output / seconds : null,
    gross: [...gross].sort().map(([currency, amount]) => money(currency, roundToNanos(amount))),
  };
}

type Used = Named & { status: string; events: number; micros: string; input: string; output: string };

function usedOn(sql: Sql, { from, to, customer, model }: CustomerInsightQuery): Promise<Used[]> {
  return sql<Used[]>`
    SELECT c.id AS customer, m.id AS model, v.version, date '1970-01-01' + (g.first / 86400000000)::int AS day,
      coalesce(b.hardware[g.hardware], '') AS hardware, t.status,
      sum(g.events)::int AS events, coalesce(sum(g.seconds), 0)::text AS micros, coalesce(sum(g.input), 0)::text AS input,
      coalesce(sum(g.output), 0)::text AS output
    FROM usage_block b
    CROSS JOIN LATERAL unnest(b.group_term_no, b.group_customer_no, b.group_first, b.group_events, b.predict_seconds,
      b.input_tokens, b.output_tokens, b.group_hardware) AS g(term_no, customer_no, first, events, seconds, input, output, hardware)
    JOIN usage_term t ON t.term_no = g.term_no JOIN model m USING (model_no) JOIN model_version v USING (model_version_no)
    JOIN customer c ON c.customer_no = g.customer_no
    WHERE b.booked_at >= ${from}::text::timestamptz - interval '1 hour'
      AND g.first >= epoch_micros(${from}::text::timestamptz) AND g.first < epoch_micros(${to}::text::timestamptz)
      AND (${customer}::text IS NULL OR c.id = ${customer}) AND (${model}::text IS NULL OR m.id = ${model})
    GROUP BY 1, 2, 3, 4, 5, 6`;
}

type Owed = Named & { currency: string; gross: string };

/** Exact: as the customer's windows have it, by day. */
function owedFor(sql: Sql, { from, to, customer, model }: CustomerInsightQuery): Promise<Owed[]> {
  return sql<Owed[]>`
    SELECT c.id AS customer, m.id AS model, v.version, g.service_day AS day, g.hardware, g.currency, sum(g.gross)::text AS gross
    FROM priced_groups(
      ARRAY(SELECT block_no FROM usage_block WHERE booked_at >= ${from}::text::timestamptz - interval '1 hour'),
      ARRAY(SELECT customer_no FROM customer WHERE ${customer}::text IS NULL OR id = ${customer})) g
    JOIN usage_term t USING (term_no) JOIN model m USING (model_no) JOIN model_version v USING (model_version_no)
    JOIN customer c USING (customer_no)
    WHERE g.service_day >= ${from}::text::date AND g.service_day < ${to}::text::date
      AND (${model}::text IS NULL OR m.id = ${model})
    GROUP BY 1, 2, 3, 4, 5, 6`;
}
