import { type Money, money, type Nanos } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { totalOf } from "../earnings.ts";
import { groupedEarnings, linesFor, nameOf } from "../grouping/grouped-earnings.ts";
import type { ServiceRange } from "../grouping/service-range.ts";
import { stepsOf } from "../grouping/time-steps.ts";
import { keptEarnings } from "../kept/kept-earnings.ts";
import { type Moment, momentOf } from "../kept/moment.ts";
import type { OpenUsage } from "../open/open-usage.ts";

export const SERIES_STEPS = ["day", "week", "month"] as const;
/** Of what is kept. */
const AMOUNTS_TO_A_ROW = 5;
export type SeriesStep = (typeof SERIES_STEPS)[number];

/** What one model earned the payee, step by step: as many amounts as the series has steps. */
export interface ModelSeries {
  model: string;
  total: Money;
  /** Decimal strings in the series' currency. */
  earned: string[];
}

export interface EarningsSeries {
  as_of: string;
  currency: string;
  /** Days, ISO weeks ("2023-W46") or months; none is left out, be there earnings or not. */
  steps: string[];
  total: Money;
  earned: string[];
  /** The highest total first; the same array as long as nothing moved. */
  models: readonly ModelSeries[];
}

export interface SeriesQuery extends ServiceRange {
  currency: string;
  step: SeriesStep;
  /** Only of this model. */
  model?: string;
}

/** The earnings of `earningsOf` by model and step, in the form that charts draw: no key is said twice. */
export async function earningsSeries(sql: Sql, payee: string, query: SeriesQuery): Promise<EarningsSeries> {
  const moment = await momentOf(sql, payee);
  const series = await keptEarnings(
    sql,
    nameOf("series", payee, { ...query, groupBy: [query.step] }),
    { payee, moment, filter: linesFor(query) },
    (open) => sumSeries(sql, payee, query, moment, open),
    ({ models, steps }) => Math.ceil((models.length * steps.length) / AMOUNTS_TO_A_ROW),
  );
  return { as_of: moment.as_of, ...series };
}

async function sumSeries(
  sql: Sql,
  payee: string,
  query: SeriesQuery,
  moment: Moment,
  open: Promise<OpenUsage>,
): Promise<Omit<EarningsSeries, "as_of">> {
  const { from, to, currency, step } = query;
  const groups = await groupedEarnings(
    sql,
    payee,
    { ...query, groupBy: ["model", step], earnedOnly: true },
    moment,
    open,
  );
  const steps = stepsOf({ from, to }, step);
  const places = new Map(steps.map((name, place) => [name, place]));
  const all: Nanos[] = steps.map(() => 0n);
  const byModel = new Map<string, Nanos[]>();
  for (const { key, earned } of groups) {
    const amounts = byModel.get(key.model ?? "") ?? steps.map(() => 0n);
    byModel.set(key.model ?? "", amounts);
    const place = places.get(key[step] ?? "");
    if (place === undefined) continue;
    amounts[place] = (amounts[place] ?? 0n) + earned;
    all[place] = (all[place] ?? 0n) + earned;
  }
  const shown = (amounts: Nanos[]) => amounts.map((nanos) => money(currency, nanos).amount);
  const models = [...byModel]
    .map(([model, amounts]) => ({ model, amounts, sum: amounts.reduce((a, b) => a + b, 0n) }))
    .sort((a, b) => (a.sum === b.sum ? (a.model < b.model ? -1 : 1) : a.sum > b.sum ? -1 : 1))
    .map(({ model, amounts, sum }) => ({ model, total: money(currency, sum), earned: shown(amounts) }));
  return { currency, steps, total: money(currency, totalOf(groups)), earned: shown(all), models };
}
