import { z } from "zod";
import { Id, ModelId } from "../../catalog/index.ts";
import { Refusal } from "../../kernel/index.ts";
import { Currency } from "../../pricing/index.ts";
import {
  balancesOf,
  comparedWithPrevious,
  EARNINGS_DIMENSIONS,
  type EarningsDimension,
  earningsCsv,
  earningsOf,
  listPayouts,
} from "../../statements/index.ts";
import type { AppContext } from "../context.ts";
import { type Principal, requireOwn } from "../keys/principal.ts";
import { defineRoute, type Route } from "../route.ts";
import { Day, Money, PageQuery, page, pageOf } from "../schemas.ts";
import { BalanceView } from "./balance-view.ts";
import { writtenOnce } from "./written-once.ts";

const readers = ["operator", "payee"] as const;
export const PayeePath = z.object({ id: Id });

/** The payee, if it exists and the caller may see it. @throws Refusal not_found */
export async function visiblePayee(context: AppContext, principal: Principal, id: string) {
  requireOwn(principal, "payee", id);
  const payee = (await context.catalog.current()).payees.get(id);
  if (payee === undefined) throw new Refusal("not_found", `there is no payee ${id}`);
  return payee;
}

const GroupBy = z
  .string()
  .optional()
  .transform((text) => (text === undefined || text === "" ? [] : text.split(",")))
  .refine(
    (names) => names.every((name) => (EARNINGS_DIMENSIONS as readonly string[]).includes(name)),
    `any of ${EARNINGS_DIMENSIONS.join(", ")}, with commas between`,
  )
  .transform((names) => names as EarningsDimension[]);

/** Figures of small groups are not to be had by cutting the time into pieces. */
const wholeMonths = (day: string | undefined) => day === undefined || day.endsWith("-01");

const EarningsQuery = z
  .object({
    from: Day.optional(),
    to: Day.optional(),
    group_by: GroupBy,
    currency: Currency.optional(),
    model: ModelId.optional(),
    compare: z.enum(["previous"]).optional(),
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from <= to, {
    path: ["to"],
    error: "not before `from`",
  })
  .refine(
    ({ from, to, compare }) => compare === undefined || (from !== undefined && to !== undefined && from < to),
    {
      path: ["compare"],
      error: "takes `from` and `to`",
    },
  )
  .refine(
    ({ from, to, group_by, model }) =>
      !group_by.includes("customer_group") ||
      (model === undefined &&
        group_by.every((name) => name === "customer_group" || name === "reason") &&
        wholeMonths(from) &&
        wholeMonths(to)),
    {
      path: ["group_by"],
      error:
        "customer_group: by itself, of all models, and for whole months, so that no group is ever of fewer than five",
    },
  );

const EarningsRow = z.object({
  model: z.string().nullable().optional(),
  day: z.string().optional(),
  week: z.string().optional(),
  month: z.string().optional(),
  version: z.string().nullable().optional(),
  customer_country: z.string().nullable().optional(),
  customer_group: z
    .string()
    .optional()
    .meta({ description: "A country with five customers or more, other, or all." }),
  source: z.string().nullable().optional().meta({
    description:
      "The model whose step or shares paid it: the model that ran, or the base that its royalty went to. Null for adjustments.",
  }),
  reason: z.enum(["share", "royalty", "adjustment"]),
  events: z.string(),
  gross: Money,
  fees: Money,
  royalties: Money,
  shares: Money,
  earned: Money,
  effective_share: z.string().meta({ description: "earned ÷ gross, six digits, cut off." }),
});

const EarningsView = z.object({
  as_of: z.string().meta({ description: "Everything committed before this moment is in." }),
  total: Money,
  previous: z.object({ from: z.string(), to: z.string(), total: Money }).optional(),
  change: Money.optional(),
  data: z.array(EarningsRow),
});

const getEarnings = defineRoute({
  method: "get",
  path: "/payees/{id}/earnings",
  summary:
    "What a payee earned, live, by service date: gross = fees + royalties + shares, of which it earned its part",
  roles: readers,
  params: PayeePath,
  query: EarningsQuery,
  offers: ["text/csv"],
  response: EarningsView,
  async handle({ params, query, principal, context, accepts }) {
    const payee = await visiblePayee(context, principal, params.id);
    const { from, to, model } = query;
    const currency = query.currency ?? payee.defaultCurrency;
    const asked = {
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      ...(model === undefined ? {} : { model }),
      currency,
      groupBy: query.group_by,
    };
    const earnings = await earningsOf(context.sql, params.id, asked);
    if (accepts === "text/csv") {
      const bytes = earningsCsv(earnings, query.group_by);
      return { body: null, file: { type: accepts, name: `earnings-${params.id}-${currency}.csv`, bytes } };
    }
    if (query.compare === undefined || from === undefined || to === undefined)
      return { body: earnings, written: writtenOnce(EarningsView, earnings, earnings.data) };
    const compared = await comparedWithPrevious(context.sql, params.id, { ...asked, from, to }, earnings);
    return { body: { ...earnings, ...compared } };
  },
});

const getBalances = defineRoute({
  method: "get",
  path: "/payees/{id}/balances",
  summary: "A payee's balances, one for each currency, and when and why (not) the next payout comes",
  roles: readers,
  params: PayeePath,
  response: z.array(BalanceView),
  async handle({ params, principal, context }) {
    await visiblePayee(context, principal, params.id);
    return { body: await balancesOf(context.sql, params.id) };
  },
});

export const PayoutView = z
  .object({
    id: z.string(),
    period: z.string(),
    payee: z.string(),
    approved: Money,
    amount: Money.meta({
      description:
        "What is paid: less than what was approved where refunds, disputes or corrections left less to pay.",
    }),
    state: z.enum(["approved", "sending", "unknown", "paid", "failed", "carried"]).meta({
      description:
        "carried: what was taken back since it was approved left too little; the next plan pays it.",
    }),
    reason: z.string().nullable(),
    account: z.string(),
    transfer_id: z.string().nullable(),
    attempts: z.array(
      z.object({
        attempt: z.int(),
        started_at: z.string(),
        outcome: z.string().nullable(),
        detail: z.string().nullable(),
      }),
    ),
    created_at: z.string(),
    updated_at: z.string(),
  })
  .meta({ id: "Payout" });

const PayoutId = z.string().regex(/^[A-Za-z0-9._@-]{1,200}$/, "a payout's id");

const listPayeePayouts = defineRoute({
  method: "get",
  path: "/payees/{id}/payouts",
  summary: "A payee's payouts, newest period first",
  roles: readers,
  params: PayeePath,
  query: PageQuery,
  response: pageOf(PayoutView),
  async handle({ params, query, principal, context }) {
    await visiblePayee(context, principal, params.id);
    if (query.cursor !== undefined && !/^po_\d{4}-\d{2}_[A-Za-z0-9._@-]{1,64}_[A-Z]{3}$/.test(query.cursor)) {
      throw new Refusal("parameter_invalid", "cursor: the next_cursor of an earlier answer");
    }
    const before = query.cursor === undefined ? {} : { before: query.cursor };
    const payouts = await listPayouts(context.sql, { payee: params.id, limit: query.limit + 1, ...before });
    return { body: page(payouts, query.limit, (payout) => payout.id) };
  },
});

const getPayout = defineRoute({
  method: "get",
  path: "/payouts/{id}",
  summary: "One payout with its attempts",
  roles: readers,
  params: z.object({ id: PayoutId }),
  response: PayoutView,
  async handle({ params, principal, context }) {
    const [payout] = await listPayouts(context.sql, { id: params.id, limit: 1 });
    const foreign = principal.role === "payee" && payout?.payee !== principal.payee;
    if (payout === undefined || foreign) throw new Refusal("not_found", `there is no payout ${params.id}`);
    return { body: payout };
  },
});

export const payeeRoutes: Route[] = [getEarnings, getBalances, listPayeePayouts, getPayout];
