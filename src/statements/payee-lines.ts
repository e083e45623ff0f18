import { type Nanos, overPowerOfTen, present, rational } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import { type SplitPlan, splitGross } from "../sharing/index.ts";

/** A piece of a line's usage, as fine as was asked for; what it is not cut by is empty. */
export interface UsageRow {
  /** Of whole lines: the first of their month. */
  day: string;
  version: string;
  country: string;
  events: bigint;
  /** In proportion to the row's gross; the same unit for all rows of a line. */
  weight: bigint;
}

/** A line in which a payee has a part, split on its whole cumulative gross. */
export interface PayeeLine {
  bookedPeriod: string;
  model: string;
  currency: string;
  receivableNanos: Nanos;
  /** The payee's own. */
  parts: { reason: string; amountNanos: Nanos }[];
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
  model?: string;
}

/** Into what a line's usage is cut: nothing, days, or days by version and country. The coarser, the less is read. */
export type LineDetail = "line" | "day" | "row";

/** Periods from a first one on, or those that are named. */
export type Booked = { from: string } | { in: readonly string[] };

/** The lines booked in these periods that pay a payee, from committed windows: what was metered a moment ago is in. */
export async function payeeLines(
  sql: Sql,
  payee: string,
  booked: Booked,
  filter: LineFilter,
  detail: LineDetail,
): Promise<PayeeLine[]> {
  const [paying] = await sql<[{ numbers: number[] | null }]>`
    SELECT array_agg(split_plan_no) AS numbers FROM split_plan WHERE payees @> ARRAY[${payee}]`;
  if (paying.numbers === null) return [];
  const rows = await usageOf(sql, paying.numbers, booked, filter, detail);
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

function usageOf(
  sql: Sql,
  plans: number[],
  booked: Booked,
  { monthsFrom = "-infinity", monthsUntil = "infinity", currency, model }: LineFilter,
  detail: LineDetail,
): Promise<StoredRow[]> {
  const ofThese = sql`split_plan_no = ANY (${plans})
    AND ${"in" in booked ? sql`booked_period = ANY (${[...booked.in]}::date[])` : sql`booked_period >= ${booked.from}`}
    ${currency === undefined ? sql`` : sql`AND currency = ${currency}`}
    ${model === undefined ? sql`` : sql`AND model_no = (SELECT model_no FROM model WHERE id = ${model})`}`;
  if (detail === "line")
    return sql<StoredRow[]>`
      SELECT u.booked_period::text, u.service_month::text, u.service_month::text AS day, m.id AS model, u.split_plan_no,
        u.currency, '' AS version, '' AS country, u.gross::text, u.cost_quantity::text, u.events::text
      FROM (SELECT * FROM usage_line WHERE ${ofThese}
        AND service_month >= ${monthsFrom} AND service_month < ${monthsUntil}) u JOIN model m USING (model_no)`;
  const finest =
    detail === "row" ? sql`model_version_no, country` : sql`NULL::int AS model_version_no, '' AS country`;
  return sql<StoredRow[]>`
    SELECT u.booked_period::text, date_trunc('month', u.service_day::timestamp)::date::text AS service_month,
      u.service_day::text AS day, m.id AS model, u.split_plan_no, u.currency, coalesce(v.version, '') AS version, u.country,
      u.gross::text, u.cost_quantity::text, u.events::text
    FROM (
      SELECT booked_period, service_day, model_no, split_plan_no, currency, ${finest},
        sum(gross) AS gross, sum(cost_quantity) AS cost_quantity, sum(events) AS events
      FROM priced_usage WHERE ${ofThese} AND service_day >= ${monthsFrom} AND service_day < ${monthsUntil}
      GROUP BY 1, 2, 3, 4, 5, 6, 7) u
    JOIN model m USING (model_no)
    LEFT JOIN model_version v USING (model_version_no)`;
}

async function planContents(sql: Sql, numbers: number[]): Promise<Map<number, SplitPlan>> {
  const plans = await sql<{ split_plan_no: number; content: SplitPlan }[]>`
    SELECT split_plan_no, content FROM split_plan WHERE split_plan_no = ANY (${numbers})`;
  return new Map(plans.map((plan) => [plan.split_plan_no, plan.content]));
}

function groupByLine(rows: readonly StoredRow[]): StoredRow[][] {
  const lines = new Map<string, StoredRow[]>();
  for (const row of rows) {
    const key = `${row.booked_period} ${row.service_month} ${row.model} ${row.split_plan_no} ${row.currency}`;
    const line = lines.get(key);
    if (line === undefined) lines.set(key, [row]);
    else line.push(row);
  }
  return [...lines.values()];
}

function splitLine(payee: string, stored: StoredRow[], plans: Map<number, SplitPlan>): PayeeLine {
  stored.sort(byDayVersionCountry);
  const first = present(stored[0], "a row of the line");
  const plan = present(plans.get(first.split_plan_no), "the line's split plan");
  const weights = overPowerOfTen(stored.map((row) => row.gross));
  const gross = rational(
    weights.nums.reduce((total, num) => total + num, 0n),
    weights.den,
  );
  const costQuantity = stored.reduce((total, row) => total + BigInt(row.cost_quantity), 0n);
  const split = splitGross(plan, gross, costQuantity);
  const amountsOf = (wanted: string) =>
    split.parts.filter(({ reason }) => reason === wanted).map(({ amountNanos }) => amountNanos);
  return {
    bookedPeriod: first.booked_period,
    model: first.model,
    currency: first.currency,
    receivableNanos: split.receivableNanos,
    parts: split.parts.filter((part) => part.payee === payee),
    royaltyNanos: amountsOf("royalty"),
    shareNanos: amountsOf("share"),
    rows: stored.map(({ day, version, country, events }, at) => ({
      day,
      version,
      country,
      events: BigInt(events),
      weight: weights.nums[at] ?? 0n,
    })),
  };
}

function byDayVersionCountry(a: StoredRow, b: StoredRow): number {
  return compareText(a.day, b.day) || compareText(a.version, b.version) || compareText(a.country, b.country);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
