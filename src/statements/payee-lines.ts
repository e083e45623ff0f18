import { type Nanos, parseDecimal, present, type Rational, sum } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import { type SplitPlan, splitGross } from "../sharing/index.ts";

/** The finest rows of usage that figures are shown by. */
export interface UsageRow {
  day: string;
  version: string;
  country: string;
  events: bigint;
  gross: Rational;
}

/** A line in which a payee has a part, split on its whole cumulative gross. */
export interface PayeeLine {
  bookedPeriod: string;
  model: string;
  currency: string;
  receivableNanos: Nanos;
  /** The payee's own. */
  parts: { reason: string; paidBy: string; amountNanos: Nanos }[];
  /** Every royalty and every share of the line, whoever gets it. */
  royaltyNanos: Nanos[];
  shareNanos: Nanos[];
  /** In the order of allotment: day, version, country. */
  rows: UsageRow[];
}

export interface LineFilter {
  /** First days of service months, half-open. */
  monthsFrom?: string;
  monthsUntil?: string;
  currency?: string;
  /** Only lines booked in this period or later. */
  bookedFrom?: string;
}

/** Every line that pays a payee, from committed windows: what was metered a moment ago is in. */
export async function payeeLines(sql: Sql, payee: string, filter: LineFilter): Promise<PayeeLine[]> {
  const rows = await sql<StoredRow[]>`
    WITH plans AS MATERIALIZED (
      SELECT array_agg(split_plan_no) AS numbers FROM split_plan WHERE payees @> ARRAY[${payee}])
    SELECT w.booked_period::text, date_trunc('month', w.service_day)::date::text AS service_month,
      w.service_day::text AS day, m.id AS model, w.split_plan_no, w.currency, v.version, w.country,
      w.gross::text, w.cost_quantity::text, w.events::text
    FROM (
      SELECT booked_period, service_day, model_no, u.split_plan_no, currency, model_version_no, country,
        sum(gross) AS gross, sum(cost_quantity) AS cost_quantity, sum(events) AS events
      FROM plans s CROSS JOIN LATERAL (
        -- OFFSET keeps the planner from pricing everybody's usage before it looks whose it is.
        SELECT * FROM priced_usage u WHERE u.split_plan_no = ANY (s.numbers) OFFSET 0) u
      WHERE service_day >= ${filter.monthsFrom ?? "-infinity"} AND service_day < ${filter.monthsUntil ?? "infinity"}
        AND booked_period >= ${filter.bookedFrom ?? "-infinity"}
        AND (${filter.currency ?? null}::text IS NULL OR currency = ${filter.currency ?? null})
      GROUP BY 1, 2, 3, 4, 5, 6, 7) w
    JOIN model m USING (model_no)
    JOIN model_version v USING (model_version_no)`;
  const plans = await planContents(sql, [...new Set(rows.map((row) => row.split_plan_no))]);
  return groupByLine(rows).map((lineRows) => splitLine(payee, lineRows, plans));
}

interface StoredRow {
  booked_period: string;
  service_month: string;
  day: string;
  model: string;
  split_plan_no: number;
  currency: string;
  version: string;
  country: string;
  gross: string;
  cost_quantity: string;
  events: string;
}

async function planContents(sql: Sql, numbers: number[]): Promise<Map<number, SplitPlan>> {
  const plans = await sql<{ split_plan_no: number; content: SplitPlan }[]>`
    SELECT split_plan_no, content FROM split_plan WHERE split_plan_no = ANY (${numbers})`;
  return new Map(plans.map((plan) => [plan.split_plan_no, plan.content]));
}

function groupByLine(rows: readonly StoredRow[]): StoredRow[][] {
  const lines = new Map<string, StoredRow[]>();
  for (const row of rows) {
    const key = [row.booked_period, row.service_month, row.model, row.split_plan_no, row.currency].join(" ");
    const line = lines.get(key);
    if (line === undefined) lines.set(key, [row]);
    else line.push(row);
  }
  return [...lines.values()];
}

function splitLine(payee: string, stored: StoredRow[], plans: Map<number, SplitPlan>): PayeeLine {
  const rows = stored.map(toUsageRow).sort(byDayVersionCountry);
  const first = present(stored[0], "a row of the line");
  const plan = present(plans.get(first.split_plan_no), "the line's split plan");
  const costQuantity = stored.reduce((total, row) => total + BigInt(row.cost_quantity), 0n);
  const split = splitGross(plan, sum(rows.map((row) => row.gross)), costQuantity);
  const parts = split.parts
    .filter((part) => part.payee === payee)
    .map(({ reason, model, amountNanos }) => ({ reason, paidBy: model, amountNanos }));
  const { booked_period: bookedPeriod, model, currency } = first;
  const amountsOf = (wanted: string) =>
    split.parts.filter(({ reason }) => reason === wanted).map(({ amountNanos }) => amountNanos);
  return {
    bookedPeriod,
    model,
    currency,
    receivableNanos: split.receivableNanos,
    parts,
    royaltyNanos: amountsOf("royalty"),
    shareNanos: amountsOf("share"),
    rows,
  };
}

function toUsageRow({ day, version, country, events, gross }: StoredRow): UsageRow {
  return {
    day,
    version,
    country,
    events: BigInt(events),
    gross: present(parseDecimal(gross), "a decimal gross"),
  };
}

function byDayVersionCountry(a: UsageRow, b: UsageRow): number {
  return compareText(a.day, b.day) || compareText(a.version, b.version) || compareText(a.country, b.country);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
