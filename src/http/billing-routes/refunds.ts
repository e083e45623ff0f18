import { z } from "zod";
import {
  adjustedParts,
  draftRefund,
  listAdjustments,
  notesAtProvider,
  pushedRefunds,
  REFUND_MEANS,
  refund,
  refundPolicies,
  refundPushDue,
  resendRefund,
  returnRefund,
  setRefundPolicy,
  whyNotAtProvider,
} from "../../adjustments/index.ts";
import { Id } from "../../catalog/index.ts";
import { formatDecimal, Refusal } from "../../kernel/index.ts";
import type { AppContext } from "../context.ts";
import { defineRoute, type Route } from "../route.ts";
import { AmountNanos, AmountText, DryRun, Money, PageQuery, PeriodText, page, pageOf } from "../schemas.ts";
import { datedRules } from "../settlement-routes/dated-rules.ts";
import {
  AdjustmentId,
  AdjustmentSummary,
  AdjustmentWithParts,
  InvoiceId,
  MoneyReference,
  Party,
  partiesBooked,
  partiesOf,
  Reason,
  referenceOf,
} from "./adjustment-schemas.ts";

const operator = ["operator"] as const;
const KINDS = ["refund", "refund_returned", "money_returned", "dispute_lost", "repayment", "payment"];

const Asked = z
  .strictObject({
    invoice: InvoiceId.optional(),
    line: z
      .strictObject({
        service_month: PeriodText,
        model: z.string().max(200),
        meter: z.string().max(100).optional(),
      })
      .optional()
      .meta({ description: "One line of the invoice: all meters of a model, or one." }),
    prediction: z
      .strictObject({ id: z.string().min(1).max(300), source: z.string().max(300).optional() })
      .optional(),
    amount: AmountText.optional().meta({ description: "All that is left of it, when it is left out." }),
    returned: AmountNanos.optional().meta({
      description:
        "What was paid back to the customer already; the rest lessens what the invoice asks for, or stays on its account.",
    }),
    provider_fee: AmountNanos.optional().meta({
      description: "What the provider charged for it; the policy says who bears it.",
    }),
    at_provider: z.boolean().default(false).meta({
      description:
        "Have it made at the payment provider: a credit note of what its invoice still asks for, and a refund of what was paid there. The rest stays on the customer's account.",
    }),
    reason: Reason,
    reference: MoneyReference.optional(),
  })
  .refine(({ at_provider, returned }) => !at_provider || returned === undefined, {
    path: ["returned"],
    message: "leave it out when the refund is made at the provider: what went back there is booked by itself",
  })
  .refine(({ invoice, prediction }) => (invoice === undefined) !== (prediction === undefined), {
    message: "name either an invoice (with a line or an amount) or a prediction",
  })
  .refine(({ prediction, line, amount }) => prediction === undefined || (line ?? amount) === undefined, {
    message: "a prediction is refunded whole",
  });

const AtProvider = z
  .array(
    z.object({
      means: z.enum(REFUND_MEANS),
      amount: Money,
      state: z.enum(["waiting", "sending", "unknown", "made", "failed"]),
      provider_id: z.string().nullable(),
      reason: z.string().nullable().meta({ description: "Why it is not made." }),
    }),
  )
  .meta({
    description:
      "What of it is, or in a dry run would be, made at the payment provider; read it again to see how far that is.",
  });

const at_provider_note = z.string().nullable().meta({
  description:
    "Where it was to be made at the provider: why less than all of it is, such as an open dispute, and what comes next. For operators; null for customers.",
});

const RefundSummary = AdjustmentSummary.extend({ at_provider_note }).meta({ id: "RefundSummary" });
const RefundView = AdjustmentWithParts.extend({ at_provider: AtProvider, at_provider_note }).meta({
  id: "Refund",
});

const create = defineRoute({
  method: "post",
  path: "/refunds",
  summary:
    "Refund an invoice, a line of it, a prediction or an amount: every party gives back its part, under the plan that held then",
  roles: operator,
  query: DryRun,
  body: Asked,
  status: 201,
  response: z.object({
    dry_run: z.boolean(),
    id: z.string().nullable(),
    invoice: z.string(),
    refunded: z.string().meta({ description: "Major units, an exact decimal." }),
    parties: z.array(Party),
    at_provider: AtProvider,
    at_provider_note,
  }),
  async handle({ query, body, principal, context }, request) {
    const { invoice, line, prediction, amount } = body;
    const asked = defined({
      invoice,
      line: line === undefined ? undefined : defined(line),
      prediction,
      amount,
    });
    if (query.dry_run) {
      const planned = await draftRefund(context.sql, asked, {
        providerFeeNanos: body.provider_fee ?? 0n,
        returnedNanos: body.returned ?? 0n,
      });
      const parties = partiesOf(planned.currency, planned.parties);
      const asks = body.at_provider ? await refundPushDue(context.sql, planned) : [];
      const note = body.at_provider ? await whyNotAtProvider(context.sql, planned, asks) : null;
      const told = { at_provider: asks, at_provider_note: note };
      const would = { invoice: planned.invoice, refunded: formatDecimal(planned.refunded), parties };
      return { body: { dry_run: true, id: null, ...would, ...told } };
    }
    const id = await refund(context.sql, {
      asked,
      reference: referenceOf(body.reference, "refunds", principal, request),
      reason: body.reason,
      by: principal.id,
      returnedNanos: body.returned ?? 0n,
      providerFeeNanos: body.provider_fee ?? 0n,
      atProvider: body.at_provider,
    });
    const {
      invoice: of,
      currency,
      gross,
      parts,
      at_provider,
      at_provider_note,
    } = await refundById(context, id);
    const parties = partiesBooked(currency, parts);
    const refunded = gross.startsWith("-") ? gross.slice(1) : gross;
    const did = { invoice: of ?? "", refunded, parties };
    return { body: { dry_run: false, id, ...did, at_provider, at_provider_note } };
  },
});

function defined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T;
}

/** @throws Refusal not_found */
export async function adjustmentWithParts({ sql }: AppContext, id: string, kinds?: readonly string[]) {
  const [found] = await listAdjustments(sql, { id, kinds, limit: 1 });
  if (found === undefined) throw new Refusal("not_found", `there is no refund or adjustment ${id}`);
  return { ...found, parts: await adjustedParts(sql, id) };
}

async function refundById(context: AppContext, id: string) {
  const found = await adjustmentWithParts(context, id, KINDS);
  const notes = await notesAtProvider(context.sql, [id]);
  return {
    ...found,
    at_provider: await pushedRefunds(context.sql, id),
    at_provider_note: notes.get(id) ?? null,
  };
}

const list = defineRoute({
  method: "get",
  path: "/refunds",
  summary:
    "Refunds, what took them back, lost disputes, and money that passed for what stood on customers' accounts, the newest first; a customer sees its own",
  roles: ["operator", "customer"],
  query: PageQuery.extend({
    invoice: InvoiceId.optional(),
    customer: Id.optional(),
    cursor: AdjustmentId.optional(),
  }),
  response: pageOf(RefundSummary),
  async handle({ query, principal, context }) {
    const { limit, cursor, invoice } = query;
    const customer = principal.role === "customer" ? (principal.customer ?? "") : query.customer;
    const found = await listAdjustments(context.sql, {
      kinds: KINDS,
      customer,
      invoice,
      before: cursor,
      limit: limit + 1,
    });
    const isOperator = principal.role === "operator";
    const notes = await notesAtProvider(context.sql, isOperator ? found.map(({ id }) => id) : []);
    const told = found.map((row) => ({ ...row, at_provider_note: notes.get(row.id) ?? null }));
    return { body: page(told, limit, ({ id }) => id) };
  },
});

const get = defineRoute({
  method: "get",
  path: "/refunds/{id}",
  summary: "One refund, with what every party gave back of each line, and how far it is at the provider",
  roles: operator,
  params: z.object({ id: AdjustmentId }),
  response: RefundView,
  handle: async ({ params, context }) => ({ body: await refundById(context, params.id) }),
});

const send = defineRoute({
  method: "post",
  path: "/refunds/{id}/send",
  summary: "Have what the payment provider refused of a refund made again, under a new key",
  roles: operator,
  params: z.object({ id: AdjustmentId }),
  response: RefundView,
  async handle({ params, context }) {
    await resendRefund(context.sql, params.id);
    return { body: await refundById(context, params.id) };
  },
});

const takeBack = defineRoute({
  method: "post",
  path: "/refunds/{id}/return",
  summary:
    "Take a refund, or a repayment, back whole: it failed, or was a mistake; every party has again what it would have without it",
  roles: operator,
  params: z.object({ id: AdjustmentId }),
  body: z.strictObject({ reason: Reason, reference: MoneyReference.optional() }),
  status: 201,
  response: AdjustmentWithParts,
  async handle({ params, body, principal, context }) {
    const reference = body.reference ?? `${params.id}:returned`;
    const id = await returnRefund(context.sql, {
      id: params.id,
      reference,
      reason: body.reason,
      by: principal.id,
    });
    return { body: await adjustmentWithParts(context, id) };
  },
});

const Policy = z.strictObject({
  from: PeriodText.meta({
    description: "An open books period: the policy is for usage booked in it and after it.",
  }),
  fee: z.enum(["returned", "kept"]).meta({ description: "kept: those who earned bear the platform's fee." }),
  provider_fee: z.enum(["platform", "payees"]),
});

const policies = datedRules({
  path: "/refund-policy",
  rule: Policy,
  summaries: {
    set: "Who bears what of a refund: whether the platform returns its fee (the default), and who bears the provider's",
    list: "The refund policies that were set, the latest first",
  },
  set: setRefundPolicy,
  list: refundPolicies,
});

export const refundRoutes: Route[] = [create, list, get, send, takeBack, ...policies];
