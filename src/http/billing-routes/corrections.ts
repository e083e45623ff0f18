import { z } from "zod";
import {
  adjustedParts,
  approveCorrection,
  type CorrectionAsked,
  correct,
  draftCorrection,
  listAdjustments,
  listCorrections,
  withdrawCorrection,
} from "../../adjustments/index.ts";
import { Id } from "../../catalog/index.ts";
import { money, parseInstant, present, Refusal } from "../../kernel/index.ts";
import { Amount, Currency, Meter, Per } from "../../pricing/index.ts";
import type { AppContext } from "../context.ts";
import { visiblePayee } from "../payee-routes/payees.ts";
import { defineRoute, type Route } from "../route.ts";
import { AmountText, DryRun, Money, PageQuery, PeriodText, page, pageOf } from "../schemas.ts";
import {
  AdjustmentId,
  AdjustmentWithParts,
  Party,
  partiesBooked,
  partiesOf,
  Reason,
  Reference,
  referenceOf,
} from "./adjustment-schemas.ts";

const operator = ["operator"] as const;
const ModelId = z.string().max(200).meta({ example: "ada/poet" });
const common = { reason: Reason, reference: Reference.optional() };

const Asked = z.union([
  z.strictObject({
    kind: z.literal("write_off"),
    payee: Id,
    currency: Currency,
    amount: AmountText,
    ...common,
  }),
  z.strictObject({
    kind: z.enum(["credit", "debit"]),
    payee: Id,
    currency: Currency,
    amount: AmountText,
    ...common,
  }),
  z.strictObject({
    kind: z.enum(["credit", "debit"]),
    customer: Id,
    currency: Currency,
    amount: AmountText,
    ...common,
  }),
  z
    .strictObject({
      kind: z.enum(["repayment", "payment"]),
      customer: Id,
      currency: Currency,
      amount: AmountText,
      paid_at: z
        .string()
        .refine((text) => parseInstant(text) !== undefined, "an RFC 3339 time")
        .meta({ description: "When the money went." }),
      reason: Reason,
      reference: Reference.meta({
        description: "The bank's name for the money: the same one is booked once.",
      }),
    })
    .meta({
      description:
        "Money that passed elsewhere for what stands on a customer's account. repayment: to the customer, at most what GET /v1/owed-customers says is repayable; payment: from the customer, at most what it owes and no invoice asks for.",
      example: {
        kind: "repayment",
        customer: "acme",
        currency: "USD",
        amount: "12.50",
        paid_at: "2023-12-05T10:00:00Z",
        reference: "bank-2023-4711",
        reason: "paid back what was refunded",
      },
    }),
  z.strictObject({ kind: z.literal("revocation"), credit: AdjustmentId, ...common }).meta({
    description: "Takes back what is left of a credit and no usage needs that is not invoiced yet.",
    example: { kind: "revocation", credit: "cr_1", reason: "granted to the wrong customer" },
  }),
  z.strictObject({
    kind: z.literal("rerate"),
    model: ModelId,
    period: PeriodText,
    currency: Currency,
    components: z
      .array(z.strictObject({ meter: Meter, amount: Amount, per: Per }))
      .min(1)
      .max(32)
      .refine((components) => new Set(components.map(({ meter }) => meter)).size === components.length, {
        message: "each meter once",
      }),
    ...common,
  }),
  z.strictObject({
    kind: z.literal("reattribution"),
    model: ModelId,
    period: PeriodText,
    currency: Currency,
    from: Id,
    to: Id,
    ...common,
  }),
]);

const View = z
  .object({
    id: z.string(),
    kind: z.string(),
    state: z.enum(["booked", "needs_approval", "withdrawn"]),
    amount: Money.meta({ description: "What it moves in all." }),
    limit: Money.nullable().meta({
      description: "Above it another person than its author approves; null where no limits are set.",
    }),
    asked: z.record(z.string(), z.unknown()),
    reason: z.string(),
    proposed_by: z.string(),
    proposed_at: z.string(),
    approved_by: z.string().nullable(),
    withdrawn_by: z.string().nullable(),
    withdrawn_at: z.string().nullable(),
    withdrawn_reason: z.string().nullable(),
    adjustment: z.string().nullable(),
  })
  .meta({ id: "Correction" });

async function one({ sql }: AppContext, id: string) {
  const [found] = await listCorrections(sql, { id, limit: 1 });
  if (found === undefined) throw new Refusal("not_found", `there is no correction ${id}`);
  return found;
}

const create = defineRoute({
  method: "post",
  path: "/corrections",
  summary:
    "Credit or debit, record money paid back to a customer, write off, revoke a credit, re-rate a closed month's usage, or give it to another payee; a dry run says what it would do",
  roles: operator,
  query: DryRun,
  body: Asked,
  status: 201,
  response: z.object({
    dry_run: z.boolean(),
    amount: Money,
    parties: z.array(Party),
    correction: View.nullable(),
  }),
  async handle({ query, body, principal, context }, request) {
    const { reason, reference: given, ...rest } = body;
    const asked: CorrectionAsked =
      "paid_at" in rest ? { ...rest, reference: present(given, "the bank's reference") } : rest;
    const { sql, correctionLimits: limits } = context;
    if (query.dry_run) {
      const { currency, sizeNanos, parties } = await draftCorrection(sql, asked);
      const moved = partiesOf(currency, parties);
      return {
        body: { dry_run: true, amount: money(currency, sizeNanos), parties: moved, correction: null },
      };
    }
    const by = principal.id;
    const reference = referenceOf(given, "corrections", principal, request);
    const { id } = await correct(sql, { asked, reference, reason, by, limits });
    const correction = await one(context, id);
    const parts = correction.adjustment === null ? [] : await adjustedParts(sql, correction.adjustment);
    const parties = partiesBooked(correction.amount.currency, parts);
    return { body: { dry_run: false, amount: correction.amount, parties, correction } };
  },
});

const approve = defineRoute({
  method: "post",
  path: "/corrections/{id}/approve",
  duty: "approver",
  summary: "Book a correction that moves more than the limit, as somebody else than its author",
  roles: operator,
  params: z.object({ id: AdjustmentId }),
  response: View,
  async handle({ params, principal, context }) {
    await approveCorrection(context.sql, params.id, principal.id);
    return { body: await one(context, params.id) };
  },
});

const withdraw = defineRoute({
  method: "post",
  path: "/corrections/{id}/withdraw",
  duty: "any",
  summary: "Take back a correction that waits for approval: as who proposed it, or as an approver",
  roles: operator,
  params: z.object({ id: AdjustmentId }),
  body: z.strictObject({ reason: Reason }),
  response: View,
  async handle({ params: { id }, body: { reason }, principal: { id: by, duties }, context }) {
    const isApprover = duties === null || duties.includes("approver");
    await withdrawCorrection(context.sql, { id, by, isApprover, reason });
    return { body: await one(context, id) };
  },
});

const list = defineRoute({
  method: "get",
  path: "/corrections",
  summary: "Corrections, the newest first: booked, waiting for approval, and withdrawn",
  roles: operator,
  query: PageQuery.extend({ cursor: AdjustmentId.optional() }),
  response: pageOf(View),
  async handle({ query: { limit, cursor }, context }) {
    const found = await listCorrections(context.sql, { before: cursor, limit: limit + 1 });
    return { body: page(found, limit, ({ id }) => id) };
  },
});

const get = defineRoute({
  method: "get",
  path: "/corrections/{id}",
  summary: "One correction",
  roles: operator,
  params: z.object({ id: AdjustmentId }),
  response: View,
  handle: async ({ params, context }) => ({ body: await one(context, params.id) }),
});

const ofPayee = defineRoute({
  method: "get",
  path: "/payees/{id}/adjustments",
  summary:
    "What changed of a payee's earnings after their month was closed, and why: the newest first, its own parts only",
  roles: ["operator", "payee"],
  params: z.object({ id: z.string() }),
  query: PageQuery.extend({ cursor: AdjustmentId.optional() }),
  response: pageOf(
    AdjustmentWithParts.pick({
      id: true,
      kind: true,
      currency: true,
      corrects: true,
      reason: true,
      made_at: true,
      parts: true,
    }),
  ),
  async handle({ params, query: { limit, cursor }, principal, context }) {
    await visiblePayee(context, principal, params.id);
    const { sql } = context;
    const found = await listAdjustments(sql, { payee: params.id, before: cursor, limit: limit + 1 });
    const views = await Promise.all(
      found.map(async ({ id, kind, currency, corrects, reason, made_at }) => {
        const parts = await adjustedParts(sql, id, params.id);
        return { id, kind, currency, corrects, reason, made_at, parts };
      }),
    );
    return { body: page(views, limit, ({ id }) => id) };
  },
});

export const correctionRoutes: Route[] = [create, approve, withdraw, list, get, ofPayee];
