import { z } from "zod";
import { money, type Period, parsePeriod, Refusal } from "../../kernel/index.ts";
import { findSettlement, listSettlements, type SettlementRow, withdrawPlan } from "../../settlement/index.ts";
import { shortenedPayouts } from "../../statements/index.ts";
import type { AppContext } from "../context.ts";
import { defineRoute, type Route } from "../route.ts";
import { DryRun, Money, PageQuery, PeriodText, page, pageOf } from "../schemas.ts";
import { bookReversalRoute, reconcileRoute } from "./reconcile.ts";

const operator = ["operator"] as const;
const PeriodPath = z.object({ period: PeriodText });

const Plan = z
  .object({
    period: z.string(),
    payouts: z.array(
      z.object({
        id: z.string(),
        payee: z.string(),
        currency: z.string(),
        amount_nanos: z.string(),
        amount: Money,
        account: z.string(),
        carried: Money,
      }),
    ),
    conversions: z
      .array(
        z.object({
          id: z.string(),
          payee: z.string(),
          from: Money,
          from_nanos: z.string(),
          to: Money,
          to_nanos: z.string(),
          rate: z.string(),
          rate_no: z.int(),
          source: z.string(),
        }),
      )
      .meta({ description: "Booked when the plan is approved, each before the payout that it is part of." }),
    carried: z.array(
      z.object({
        payee: z.string(),
        currency: z.string(),
        amount: Money,
        reason: z.string(),
        message: z.string(),
      }),
    ),
    warnings: z
      .array(z.object({ code: z.string(), message: z.string() }))
      .default([])
      .meta({ description: "To be confirmed by code when the plan is approved." }),
    totals: z.array(z.object({ currency: z.string(), payouts: z.int(), amount: Money })),
  })
  .meta({ id: "SettlementPlan" });

const SettlementSummary = z
  .object({
    period: z.string(),
    state: z.enum(["closing", "released", "closed", "planned", "approved", "paid"]),
    cut_at: z.string(),
    closed_at: z.string().nullable(),
    plan_hash: z.string().nullable(),
    planned_by: z.string().nullable(),
    approved_by: z.string().nullable(),
    withdrawn: z
      .object({ by: z.string(), at: z.string(), reason: z.string(), hash: z.string() })
      .nullable()
      .meta({ description: "The last plan that was withdrawn, while there is no other." }),
  })
  .meta({ id: "Settlement" });

const SettlementView = SettlementSummary.extend({
  plan: Plan.nullable(),
  payouts: z
    .array(z.object({ state: z.string(), currency: z.string(), count: z.int(), amount: Money }))
    .meta({
      description:
        "By state. Of those that are carried on, nothing was sent: their amount is what was approved.",
    }),
  shortened: z
    .array(
      z.object({
        payout: z.string(),
        payee: z.string(),
        state: z.string(),
        approved: Money,
        paid: Money,
        reason: z.string().nullable(),
      }),
    )
    .meta({
      description:
        "Payouts that are less than what was approved, or carried on whole, because refunds, disputes or corrections left less to pay.",
    }),
});

async function view(context: AppContext, period: Period): Promise<z.infer<typeof SettlementView>> {
  const settlement = await findSettlement(context.sql, period);
  if (settlement === undefined)
    throw new Refusal("not_found", `${period} is not closed, and closing has not begun`);
  const rows = await context.sql<{ state: string; currency: string; count: number; amount: string }[]>`
    SELECT state, currency, count(*)::int AS count, sum(amount_nanos)::text AS amount
    FROM payout WHERE period = ${`${period}-01`} GROUP BY 1, 2 ORDER BY 1, 2`;
  const payouts = rows.map(({ amount, ...row }) => ({ ...row, amount: money(row.currency, BigInt(amount)) }));
  const plan = settlement.plan as z.infer<typeof Plan> | null;
  const shortened = (await shortenedPayouts(context.sql, period)).map(({ id, payee, state, ...of }) => {
    const paid = state === "carried" ? money(of.amount.currency, 0n) : of.amount;
    return { payout: id, payee, state, approved: of.approved, paid, reason: of.reason };
  });
  return { ...summary(settlement), plan, payouts, shortened };
}

function summary(row: Omit<SettlementRow, "plan">): z.infer<typeof SettlementSummary> {
  return {
    period: row.period,
    state: row.isPaid ? "paid" : (row.state as z.infer<typeof SettlementSummary>["state"]),
    cut_at: row.cutAt.toISOString(),
    closed_at: row.closedAt?.toISOString() ?? null,
    plan_hash: row.planHash,
    planned_by: row.plannedBy,
    approved_by: row.approvedBy,
    withdrawn: row.withdrawn,
  };
}

const list = defineRoute({
  method: "get",
  path: "/settlements",
  summary: "All settlements, newest first",
  roles: operator,
  query: PageQuery,
  response: pageOf(SettlementSummary),
  async handle({ query, context }) {
    const before = query.cursor === undefined ? undefined : parsePeriod(query.cursor);
    if (query.cursor !== undefined && before === undefined) {
      throw new Refusal("parameter_invalid", "cursor: the next_cursor of an earlier answer");
    }
    const rows = await listSettlements(context.sql, query.limit + 1, before);
    const { data, next_cursor } = page(rows, query.limit, (row) => row.period);
    return { body: { data: data.map(summary), next_cursor } };
  },
});

const get = defineRoute({
  method: "get",
  path: "/settlements/{period}",
  summary: "One settlement with its plan and its payouts",
  roles: operator,
  params: PeriodPath,
  response: SettlementView,
  handle: async ({ params, context }) => ({ body: await view(context, params.period) }),
});

const ClosePreview = z.object({
  period: z.string(),
  dry_run: z.literal(true),
  totals: z.array(z.object({ currency: z.string(), gross: z.string(), earned: Money, payees: z.int() })),
});

const close = defineRoute({
  method: "post",
  path: "/settlements/{period}/close",
  summary: "Close a books period: cut, final accrual, release to payable, statements",
  roles: operator,
  params: PeriodPath,
  query: DryRun,
  response: z.union([SettlementView, ClosePreview]),
  async handle({ params, query, context }) {
    const { settle, live } = context;
    const { totals } = await live.runs.during(params.period, "close", (progress) =>
      settle.close(params.period, { dryRun: query.dry_run, ...progress }),
    );
    if (query.dry_run) return { body: { period: params.period, dry_run: true, totals } };
    return { body: await view(context, params.period) };
  },
});

const plan = defineRoute({
  method: "post",
  path: "/settlements/{period}/plan",
  summary: "Plan the payouts of a closed period",
  roles: operator,
  params: PeriodPath,
  query: DryRun,
  response: z.object({ hash: z.string(), plan: Plan }),
  async handle({ params, query, principal, context }) {
    return { body: await context.settle.plan(params.period, { by: principal.id, dryRun: query.dry_run }) };
  },
});

const approve = defineRoute({
  method: "post",
  path: "/settlements/{period}/approve",
  duty: "approver",
  summary: "Approve the plan: the one with this hash, or the one there is",
  roles: operator,
  params: PeriodPath,
  body: z.strictObject({
    hash: z.string().optional(),
    confirm: z.array(z.string()).optional().meta({ description: "Codes of the plan's warnings." }),
  }),
  bodyOptional: true,
  response: SettlementView,
  async handle({ params, body, principal, context }) {
    const hash = body.hash === undefined ? {} : { hash: body.hash };
    const confirmed = body.confirm ?? [];
    await context.settle.approve(params.period, { by: principal.id, confirmed, ...hash });
    return { body: await view(context, params.period) };
  },
});

const withdraw = defineRoute({
  method: "post",
  path: "/settlements/{period}/withdraw",
  duty: "any",
  summary:
    "Take back a plan before it is approved: as who made it, or as an approver; it is made anew by planning again",
  roles: operator,
  params: PeriodPath,
  body: z.strictObject({ hash: z.string(), reason: z.string().min(1).max(500) }),
  response: SettlementView,
  async handle({ params: { period }, body, principal: { id: by, duties }, context }) {
    const isApprover = duties === null || duties.includes("approver");
    await withdrawPlan(context.sql, period, { ...body, by, isApprover });
    return { body: await view(context, period) };
  },
});

const pay = defineRoute({
  method: "post",
  path: "/settlements/{period}/pay",
  duty: "any",
  summary: "Pay what is approved and not paid yet; safe to repeat",
  roles: operator,
  params: PeriodPath,
  response: SettlementView.extend({
    run: z.object({
      results: z.record(z.string(), z.int()),
      stopped: z.string().nullable(),
      problems: z.array(
        z.object({ payout: z.string(), payee: z.string(), result: z.string(), detail: z.string() }),
      ),
    }),
  }),
  async handle({ params, context }) {
    const { settle, live } = context;
    const run = await live.runs.during(params.period, "pay", ({ onProgress }) =>
      settle.pay(params.period, { onProgress }),
    );
    return { body: { ...(await view(context, params.period)), run } };
  },
});

export const settlementRoutes: Route[] = [
  list,
  get,
  close,
  plan,
  approve,
  withdraw,
  pay,
  reconcileRoute,
  bookReversalRoute,
];
