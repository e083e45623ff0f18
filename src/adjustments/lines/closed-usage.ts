import { add, parseDecimal, present, type Rational, subtract } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import type { SplitPlan } from "../../sharing/index.ts";
import type { ClosedLine, LineState } from "./line-targets.ts";

/** What one customer used of a model and meter, at one price, under one split plan: the finest that is adjusted. */
export interface UsageCell {
  customer_no: number;
  service_month: string;
  model_no: number;
  model: string;
  meter_no: number;
  meter: string;
  price_no: number;
  split_plan_no: number;
  currency: string;
  quantity: bigint;
  /** Exact, in major units: as it was charged at first, and what adjustments have changed and refunded of it. */
  gross: Rational;
  rerated: Rational;
  refunded: Rational;
  /** The last adjustment of the model's usage in the period, when this was read. */
  seen: string;
}

/** What can still be refunded of it. */
export function leftOf({ gross, rerated, refunded }: UsageCell): Rational {
  return subtract(add(gross, rerated), refunded);
}

type StoredCell = { [K in keyof UsageCell]: UsageCell[K] extends number ? number : string };

/** In the order in which amounts are spread: service month, model, meter, price, split plan. */
export async function usageCells(
  sql: Sql,
  period: string,
  { customer, model, currency }: { customer?: string; model?: string; currency: string },
): Promise<UsageCell[]> {
  const rows = await sql<StoredCell[]>`
    WITH cell AS MATERIALIZED (SELECT * FROM usage_cells(${period},
      ${customer === undefined ? null : sql`(SELECT customer_no FROM customer WHERE id = ${customer})`},
      ${model === undefined ? null : sql`(SELECT model_no FROM model WHERE id = ${model})`})
    ), seen AS MATERIALIZED (
      SELECT model_no, latest_adjustment(${period}, model_no)::text AS seen FROM (SELECT DISTINCT model_no FROM cell) d
    )
    SELECT c.customer_no, c.service_month::text, c.model_no, m.id AS model, c.meter_no, t.name AS meter, c.price_no,
      c.split_plan_no, c.currency, c.quantity::text, c.gross::text, c.rerated::text, c.refunded::text, s.seen
    FROM cell c JOIN seen s USING (model_no) JOIN model m USING (model_no) JOIN meter t USING (meter_no)
    WHERE c.currency = ${currency}
    ORDER BY c.service_month, c.model_no, c.meter_no, c.price_no, c.split_plan_no, c.customer_no`;
  return rows.map((row) => ({
    ...row,
    quantity: BigInt(row.quantity),
    gross: exact(row.gross),
    rerated: exact(row.rerated),
    refunded: exact(row.refunded),
  }));
}

export interface LineNow {
  line: ClosedLine;
  state: LineState;
}

export interface ModelsNow {
  lines: LineNow[];
  /** The last adjustment of each model's usage in the period: a plan holds only as long as it is still that one. */
  seen: { model_no: number; seen: string }[];
}

interface StoredLine {
  service_month: string;
  model_no: number;
  split_plan_no: number;
  plan: SplitPlan;
  gross: string;
  cost_quantity: string;
  fee_kept: boolean;
  rerated: string;
  refunded: string;
  reattributions: { from: string; to: string }[];
}

/** Somebody adjusted usage between two reads of it: what was planned from them is planned anew. */
export class AdjustedMeanwhile extends Error {
  override name = "AdjustedMeanwhile";
}

/** The lines that cells belong to. @throws AdjustedMeanwhile when they are not as they were when the cells were read */
export async function linesOf(
  sql: Sql,
  period: string,
  currency: string,
  cells: readonly UsageCell[],
): Promise<ModelsNow> {
  const seen = new Map(cells.map((cell) => [cell.model_no, cell.seen]));
  const now = await linesNow(sql, period, currency, [...seen.keys()]);
  if (now.seen.some((model) => model.seen !== seen.get(model.model_no))) throw new AdjustedMeanwhile();
  return now;
}

/** The lines of models in a closed period, and what adjustments have made of them: those of their currency. One statement: one moment. */
export async function linesNow(
  sql: Sql,
  period: string,
  currency: string,
  models: readonly number[],
): Promise<ModelsNow> {
  const [row] = await sql<[{ lines: StoredLine[] | null; seen: ModelsNow["seen"] | null }]>`
    SELECT
      (SELECT jsonb_agg(jsonb_build_object('service_month', l.service_month, 'model_no', l.model_no, 'split_plan_no', l.split_plan_no,
          'plan', p.content, 'gross', l.gross::text, 'cost_quantity', l.cost_quantity::text,
          'fee_kept', (refund_policy_of(l.booked_period)).fee = 'kept',
          'rerated', coalesce(a.rerated, 0)::text, 'refunded', coalesce(a.refunded, 0)::text,
          'reattributions', (SELECT coalesce(jsonb_agg(jsonb_build_object('from', from_payee, 'to', to_payee) ORDER BY adjustment_no), '[]')
            FROM reattribution r JOIN adjustment t USING (adjustment_no)
            WHERE r.booked_period = l.booked_period AND r.model_no = l.model_no AND t.currency = l.currency))
          ORDER BY l.service_month, l.model_no, l.split_plan_no)
       FROM accrual_line l JOIN split_plan p USING (split_plan_no)
       LEFT JOIN (
         SELECT x.service_month, x.model_no, x.split_plan_no, sum(x.rerated) AS rerated, sum(x.refunded) AS refunded
         FROM adjustment_cell x JOIN price_version v USING (price_no)
         WHERE x.booked_period = ${period} AND x.model_no = ANY (${[...models]}) AND v.currency = ${currency} GROUP BY 1, 2, 3) a
         ON (a.service_month, a.model_no, a.split_plan_no) = (l.service_month, l.model_no, l.split_plan_no)
       WHERE l.booked_period = ${period} AND l.model_no = ANY (${[...models]}) AND l.currency = ${currency}) AS lines,
      (SELECT jsonb_agg(jsonb_build_object('model_no', m, 'seen', latest_adjustment(${period}, m)::text))
       FROM unnest(${[...models]}::int[]) AS m) AS seen`;
  const lines = (row.lines ?? []).map(
    ({ rerated, refunded, reattributions, fee_kept, gross, cost_quantity, ...line }) => ({
      line: { ...line, gross: exact(gross), costQuantity: BigInt(cost_quantity), feeKept: fee_kept },
      state: { rerated: exact(rerated), refunded: exact(refunded), reattributions },
    }),
  );
  return { lines, seen: row.seen ?? [] };
}

export function exact(decimal: string): Rational {
  return present(parseDecimal(decimal), "a decimal");
}

export function lineKey(line: { service_month: string; model_no: number; split_plan_no: number }): string {
  return `${line.service_month} ${line.model_no} ${line.split_plan_no}`;
}
