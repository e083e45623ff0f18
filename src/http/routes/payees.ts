import { z } from "zod";
import { Id } from "../../catalog/index.ts";
import { parsePeriod, Refusal } from "../../kernel/index.ts";
import { openAccount } from "../../payouts/index.ts";
import { Currency } from "../../pricing/index.ts";
import {
  balancesOf,
  EARNINGS_DIMENSIONS,
  type EarningsDimension,
  earningsOf,
  findStatements,
  listPayouts,
  statementsOf,
} from "../../statements/index.ts";
import type { AppContext } from "../context.ts";
import { type Principal, requireOwn } from "../principal.ts";
import { defineRoute, type Route } from "../route.ts";
import { Day, Money, PageQuery, PeriodText, page, pageOf } from "../schemas.ts";

const readers = ["operator", "payee"] as const;
const PayeePath = z.object({ id: Id });

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

const getEarnings = defineRoute({
  method: "get",
  path: "/payees/{id}/earnings",
  summary: "What a payee earned, live, by service date",
  roles: readers,
  params: PayeePath,
  query: z
    .object({ from: Day.optional(), to: Day.optional(), group_by: GroupBy, currency: Currency.optional() })
    .refine(({ from, to }) => from === undefined || to === undefined || from <= to, {
      path: ["to"],
      error: "not before `from`",
    }),
  response: z.object({
    total: Money,
    data: z.array(
      z.object({
        model: z.string().optional(),
        day: z.string().optional(),
        version: z.string().nullable().optional(),
        customer_country: z.string().nullable().optional(),
        reason: z.enum(["share", "royalty", "adjustment"]),
        events: z.string(),
        gross: Money,
        earned: Money,
      }),
    ),
  }),
  async handle({ params, query, principal, context }) {
    const payee = await visiblePayee(context, principal, params.id);
    const { from, to } = query;
    const bounds = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
    const currency = query.currency ?? payee.defaultCurrency;
    return {
      body: await earningsOf(context.sql, params.id, { ...bounds, currency, groupBy: query.group_by }),
    };
  },
});

const Blocker = z.object({ code: z.string(), message: z.string() });
const HeldFor = z.object({
  code: z.enum(["invoice_not_made", "invoice_unpaid", "hold_days"]),
  message: z.string(),
  period: z.string(),
  customers: z.int(),
  amount: Money,
  until: z.string().nullable(),
});
const BalanceView = z.object({
  currency: z.string(),
  accruing: Money,
  payable: Money,
  held: Money,
  held_for: z
    .array(HeldFor)
    .meta({ description: "Earnings that wait for customers' payments (release rule `on_payment`)." }),
  in_transit: Money,
  paid_out: Money,
  next_payout: z.object({ date: z.string(), estimate: Money, blocked_by: z.array(Blocker) }),
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

export const StatementView = z
  .object({
    period: z.string(),
    payee: z.string(),
    currency: z.string(),
    opening: Money,
    earned: Money,
    adjustments: Money,
    paid: Money,
    closing: Money,
    hash: z
      .string()
      .meta({ description: "SHA-256 of the canonical JSON (RFC 8785) of all the other fields." }),
    lines: z.array(
      z.object({
        model: z.string(),
        reason: z.string(),
        paid_by: z.string(),
        service_month: z.string(),
        events: z.string(),
        gross: Money,
        share: z.string(),
        earned: Money,
      }),
    ),
  })
  .meta({ id: "Statement" });

const listStatements = defineRoute({
  method: "get",
  path: "/payees/{id}/statements",
  summary: "A payee's statements, newest first",
  roles: readers,
  params: PayeePath,
  query: PageQuery,
  response: pageOf(StatementView),
  async handle({ params, query, principal, context }) {
    await visiblePayee(context, principal, params.id);
    if (
      query.cursor !== undefined &&
      (!/ [A-Z]{3}$/.test(query.cursor) || parsePeriod(query.cursor.slice(0, -4)) === undefined)
    ) {
      throw new Refusal("parameter_invalid", "cursor: the next_cursor of an earlier answer");
    }
    const statements = await statementsOf(context.sql, params.id, query.limit + 1, query.cursor);
    return {
      body: page(statements, query.limit, (statement) => `${statement.period} ${statement.currency}`),
    };
  },
});

const getStatement = defineRoute({
  method: "get",
  path: "/payees/{id}/statements/{period}",
  summary: "One statement; name the currency when there are several",
  roles: readers,
  params: PayeePath.extend({ period: PeriodText }),
  query: z.object({ currency: Currency.optional() }),
  response: StatementView,
  async handle({ params, query, principal, context }) {
    await visiblePayee(context, principal, params.id);
    const statements = await findStatements(context.sql, params.id, params.period, query.currency);
    const [statement, another] = statements;
    if (statement === undefined)
      throw new Refusal("not_found", `there is no statement of ${params.id} for ${params.period}`);
    if (another !== undefined) {
      const currencies = statements.map((each) => each.currency).join(", ");
      throw new Refusal("parameter_invalid", `currency: there are statements in ${currencies}; name one`);
    }
    return { body: statement };
  },
});

export const PayoutView = z
  .object({
    id: z.string(),
    period: z.string(),
    payee: z.string(),
    amount: Money,
    state: z.enum(["approved", "sending", "unknown", "paid", "failed"]),
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

const postOnboardingLink = defineRoute({
  method: "post",
  path: "/payees/{id}/onboarding-links",
  summary: "A fresh, single-use Stripe Connect onboarding link",
  roles: readers,
  params: PayeePath,
  status: 201,
  response: z.object({ url: z.string(), expires_at: z.string() }),
  async handle({ params, principal, context }) {
    const payee = await visiblePayee(context, principal, params.id);
    let account = payee.stripeAccount;
    if (account === null) {
      account = (await openAccount(context.sql, context.provider, params.id, payee.country)).account;
      await context.catalog.change({ accounts: [{ payee: params.id, stripe_account: account }] });
    }
    const back = `${context.publicUrl}/onboarding`;
    const link = await context.provider.onboardingLink(account, {
      returnUrl: `${back}/done`,
      refreshUrl: `${back}/again`,
    });
    return { body: { url: link.url, expires_at: link.expiresAt.toISOString() } };
  },
});

export const payeeRoutes: Route[] = [
  getEarnings,
  getBalances,
  listStatements,
  getStatement,
  listPayeePayouts,
  getPayout,
  postOnboardingLink,
];
