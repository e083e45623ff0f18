import { z } from "zod";
import { ModelId } from "../../catalog/index.ts";
import { nextPeriod, periodOfDay } from "../../kernel/index.ts";
import { Currency } from "../../pricing/index.ts";
import { earningsChanges, earningsSeries, SERIES_STEPS } from "../../statements/index.ts";
import { defineRoute, type Route } from "../route.ts";
import { Day, Money } from "../schemas.ts";
import { PayeePath, visiblePayee } from "./payees.ts";
import { writtenOnce } from "./written-once.ts";

const readers = ["operator", "payee"] as const;
const DAYS_MAX = 1_100;
const DAY_MS = 86_400_000;

const range = { from: Day.optional(), to: Day.optional(), currency: Currency.optional() };
interface Range {
  from?: string | undefined;
  to?: string | undefined;
}

/** Without bounds it is this month. */
function rangeOf({ from, to }: Range): { from: string; to: string } {
  const start = from ?? `${new Date().toISOString().slice(0, 7)}-01`;
  return { from: start, to: to ?? `${nextPeriod(periodOfDay(start))}-01` };
}

/** A refused day cannot be compared as well: zod asks what is said of the whole beside what is said of its parts. */
const readable = ({ issues }: { issues: unknown[] }) => issues.length === 0;

/** Neither an empty range nor a longer one than charts draw. */
function bounded<T extends z.ZodType<Range>>(schema: T) {
  return schema
    .refine(
      (asked) => {
        const { from, to } = rangeOf(asked);
        return from < to;
      },
      { path: ["to"], error: "after `from`", when: readable },
    )
    .refine(
      (asked) => {
        const { from, to } = rangeOf(asked);
        return (Date.parse(to) - Date.parse(from)) / DAY_MS <= DAYS_MAX;
      },
      {
        path: ["from"],
        error: `at most ${DAYS_MAX} days before \`to\``,
        when: readable,
      },
    );
}

const Amount = z.string().meta({ example: "12.345678901", description: "In the answer's currency." });

const SeriesView = z
  .object({
    as_of: z.string(),
    currency: z.string(),
    steps: z.array(z.string()).meta({ description: "None is left out, be there earnings or not." }),
    total: Money,
    earned: z.array(Amount),
    models: z.array(z.object({ model: z.string(), total: Money, earned: z.array(Amount) })),
  })
  .meta({ id: "EarningsSeries", description: "As many amounts as steps; the highest total first." });

const getSeries = defineRoute({
  method: "get",
  path: "/payees/{id}/earnings/series",
  summary: "A payee's earnings by model over time, by service date, as charts draw them",
  roles: readers,
  params: PayeePath,
  query: bounded(
    z.object({ ...range, model: ModelId.optional(), step: z.enum(SERIES_STEPS).default("day") }),
  ),
  response: SeriesView,
  async handle({ params, query, principal, context }) {
    const payee = await visiblePayee(context, principal, params.id);
    const { currency = payee.defaultCurrency, model, step } = query;
    const asked = { ...rangeOf(query), step, currency, ...(model === undefined ? {} : { model }) };
    const series = await earningsSeries(context.sql, params.id, asked);
    return { body: series, written: writtenOnce(SeriesView, series, series.models) };
  },
});

const Causes = z.object({ usage: Money, price: Money, share: Money, corrections: Money }).meta({
  id: "ChangeCauses",
  description:
    "usage: more or fewer predictions, at what one brought before. price: another gross for each prediction. share: another part of the gross. corrections: refunds, disputes and corrections of earlier usage. Together they are the difference.",
});
const RangeView = z.object({ from: z.string(), to: z.string() });
const difference = { before: Money, now: Money, difference: Money, because: Causes };

const ChangesView = z
  .object({
    as_of: z.string(),
    range: RangeView,
    previous: RangeView,
    ...difference,
    data: z.array(
      z.object({
        model: z.string(),
        reason: z.string(),
        ...difference,
        events: z.object({ before: z.string(), now: z.string() }),
      }),
    ),
  })
  .meta({ id: "EarningsChanges" });

const getChanges = defineRoute({
  method: "get",
  path: "/payees/{id}/earnings/changes",
  summary: "What changed in a payee's earnings against the range before, as long, by model, and why",
  roles: readers,
  params: PayeePath,
  query: bounded(z.object(range)),
  response: ChangesView,
  async handle({ params, query, principal, context }) {
    const payee = await visiblePayee(context, principal, params.id);
    const { currency = payee.defaultCurrency } = query;
    const range = rangeOf(query);
    const changes = await earningsChanges(context.sql, params.id, { ...range, currency });
    return { body: changes, written: writtenOnce(ChangesView, changes, changes.data) };
  },
});

export const seriesRoutes: Route[] = [getSeries, getChanges];
