import type { DDSketch } from "@datadog/sketches-js";
import { add, parseDecimal, parseNanos, present, type Rational, rational, ZERO } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { earningsOf } from "../../statements/index.ts";
import { latencySketches } from "./latency.ts";

/** What is known of one version on one day; cells add up. */
export interface Cell {
  version: string;
  day: string;
  by_status: Record<string, number>;
  predict_micros: number;
  input_tokens: number;
  output_tokens: number;
  sketches: DDSketch[];
  up: number;
  down: number;
  /** Exact, by currency. */
  gross: Map<string, Rational>;
  earned: Map<string, Rational>;
}

/** Of which model, service days (half-open), and whose earnings. */
export interface InsightQuery {
  model: string;
  from: string;
  to: string;
  /** Null: nobody's earnings are shown. */
  payee: string | null;
}

/** By version and day: usage and gross from the windows, times from the sketches, feedback by the day it was given. */
export async function readCells(sql: Sql, query: InsightQuery): Promise<Cell[]> {
  const cells = new Map<string, Cell>();
  const cell = (version: string, day: string): Cell => {
    const name = `${day} ${version}`;
    const known = cells.get(name) ?? emptyCell(version, day);
    cells.set(name, known);
    return known;
  };
  const [usage, gross, sketches, feedback] = await Promise.all([
    usageOf(sql, query),
    grossOf(sql, query),
    latencySketches(sql, query.model, query),
    feedbackGiven(sql, query),
  ]);
  for (const { version, day, by_status, ...sums } of usage)
    Object.assign(cell(version, day), {
      by_status,
      predict_micros: Number(sums.predict_micros),
      input_tokens: Number(sums.input_tokens),
      output_tokens: Number(sums.output_tokens),
    });
  for (const { version, day, currency, gross: owed } of gross)
    cell(version, day).gross.set(currency, present(parseDecimal(owed), "a decimal"));
  for (const { version, day, sketch } of sketches) cell(version, day).sketches.push(sketch);
  for (const { version, day, up, down } of feedback) Object.assign(cell(version, day), { up, down });
  await addEarned(sql, query, new Set(gross.map(({ currency }) => currency)), cell);
  return [...cells.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

export function emptyCell(version: string, day: string): Cell {
  return {
    ...{ version, day, by_status: {}, predict_micros: 0, input_tokens: 0, output_tokens: 0 },
    ...{ sketches: [], up: 0, down: 0, gross: new Map(), earned: new Map() },
  };
}

/** Adds one cell to another. */
export function addCell(sum: Cell, cell: Cell): void {
  for (const [status, events] of Object.entries(cell.by_status))
    sum.by_status[status] = (sum.by_status[status] ?? 0) + events;
  for (const what of ["predict_micros", "input_tokens", "output_tokens", "up", "down"] as const)
    sum[what] += cell[what];
  sum.sketches.push(...cell.sketches);
  for (const what of ["gross", "earned"] as const)
    for (const [currency, amount] of cell[what])
      sum[what].set(currency, add(sum[what].get(currency) ?? ZERO, amount));
}

interface UsageRow {
  version: string;
  day: string;
  by_status: Record<string, number>;
  predict_micros: string;
  input_tokens: string;
  output_tokens: string;
}

function usageOf(sql: Sql, { model, from, to }: InsightQuery): Promise<UsageRow[]> {
  return sql<UsageRow[]>`
    SELECT version, day, jsonb_object_agg(status, events) AS by_status, sum(micros)::text AS predict_micros,
      sum(input)::text AS input_tokens, sum(output)::text AS output_tokens
    FROM (
      SELECT v.version, w.service_day AS day, t.status, sum(w.events) AS events,
        sum(w.predict_seconds) AS micros, sum(w.input_tokens) AS input, sum(w.output_tokens) AS output
      FROM term_window w JOIN usage_term t USING (term_no) JOIN model m USING (model_no)
      JOIN model_version v USING (model_version_no)
      WHERE m.id = ${model} AND w.service_day >= ${from}::date AND w.service_day < ${to}::date GROUP BY 1, 2, 3
    ) AS by_status GROUP BY 1, 2`;
}

interface GrossRow {
  version: string;
  day: string;
  currency: string;
  gross: string;
}

/** What customers owe for it, exact: the books round a whole line, not a day of it. */
function grossOf(sql: Sql, { model, from, to }: InsightQuery): Promise<GrossRow[]> {
  return sql<GrossRow[]>`
    WITH term AS MATERIALIZED (
      SELECT t.term_no, t.price_no, v.version, p.currency FROM usage_term t JOIN model m USING (model_no)
      JOIN model_version v USING (model_version_no) JOIN price_version p USING (price_no)
      WHERE m.id = ${model} AND t.charged = 1
    )
    SELECT version, day, currency, sum(u.quantity * c.unit_amount)::text AS gross FROM (
      SELECT t.*, w.service_day AS day, x.meter_no, q.quantity FROM term t JOIN term_window w USING (term_no)
      CROSS JOIN LATERAL (VALUES ('runs', w.runs), ('predict_seconds', w.predict_seconds), ('input_tokens', w.input_tokens),
        ('output_tokens', w.output_tokens), ('images', w.images)) AS q(meter, quantity) JOIN meter x ON x.name = q.meter
      UNION ALL
      SELECT t.*, w.service_day, w.meter_no, w.quantity FROM term t JOIN term_window_meter w USING (term_no)) u
    JOIN price_component c USING (price_no, meter_no)
    WHERE day >= ${from}::date AND day < ${to}::date GROUP BY 1, 2, 3`;
}

function feedbackGiven(
  sql: Sql,
  { model, from, to }: InsightQuery,
): Promise<{ version: string; day: string; up: number; down: number }[]> {
  return sql<{ version: string; day: string; up: number; down: number }[]>`
    SELECT version, (created_at AT TIME ZONE 'UTC')::date AS day, (count(*) FILTER (WHERE thumb = 1))::int AS up,
      (count(*) FILTER (WHERE thumb = -1))::int AS down
    FROM prediction_feedback
    WHERE model = ${model} AND created_at >= ${from}::text::timestamptz AND created_at < ${to}::text::timestamptz GROUP BY 1, 2`;
}

async function addEarned(
  sql: Sql,
  { model, payee, from, to }: InsightQuery,
  currencies: ReadonlySet<string>,
  cell: (version: string, day: string) => Cell,
): Promise<void> {
  if (payee === null) return;
  for (const currency of currencies) {
    const groupBy = ["version", "day"] as const;
    const { data } = await earningsOf(sql, payee, { model, from, to, currency, groupBy });
    for (const row of data) {
      if (row.reason === "adjustment" || row.day === undefined) continue;
      const { earned } = cell(row.version ?? "", row.day);
      const nanos = rational(present(parseNanos(row.earned.amount), "an amount"), 1_000_000_000n);
      earned.set(currency, add(earned.get(currency) ?? ZERO, nanos));
    }
  }
}
