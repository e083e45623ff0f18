import { z } from "zod";
import {
  findInvoice,
  listInvoices,
  makeInvoices,
  paymentsOf,
  recordInvoicePaid,
  releaseRules,
  setReleaseRule,
} from "../../billing/index.ts";
import { Id } from "../../catalog/index.ts";
import { money, parseInstant, Refusal } from "../../kernel/index.ts";
import { Currency } from "../../pricing/index.ts";
import type { AppContext } from "../context.ts";
import type { Principal } from "../keys/principal.ts";
import { defineRoute, type Route } from "../route.ts";
import { AmountNanos, DryRun, Money, PageQuery, PeriodText, page, pageOf } from "../schemas.ts";
import { datedRules } from "../settlement-routes/dated-rules.ts";
import { MoneyReference } from "./adjustment-schemas.ts";

const readers = ["operator", "customer"] as const;
const InvoiceId = z.string().regex(/^[A-Za-z0-9._@-]{1,200}$/, "an invoice's id");
const Exact = z.string().meta({ example: "12.3456789012", description: "Major units, an exact decimal." });

const InvoiceSummary = z
  .object({
    id: z.string(),
    period: z.string(),
    customer: z.string(),
    currency: Currency,
    line_count: z.int(),
    gross: Exact,
    carried_in: Exact,
    netted: Money.meta({
      description: "Paid at close out of the earnings of the payee that the customer is linked to.",
    }),
    amount: Money.meta({ description: "gross + carried_in = netted + amount + carried_out, exactly." }),
    carried_out: Exact,
    paid_from_credits: Money.meta({ description: "Of the amount; nobody is asked for it." }),
    paid: Money.meta({
      description: "What came for it, with what credits paid: amount = paid + credited + left.",
    }),
    credited: Money.meta({ description: "What it asks for less, since usage was refunded." }),
    refunded: Exact.meta({
      description:
        "What refunds and lost disputes took off it. What is neither credited nor returned of it is on the customer's account (GET /v1/customers/{id}/spend).",
    }),
    returned: Money.meta({
      description: "Money that went back to the customer: refunds, and disputes that were lost.",
    }),
    disputed: Money.meta({ description: "What open disputes are about." }),
    left: Money.meta({ description: "What is left to pay." }),
    push: z.object({
      state: z.enum(["not_pushed", "waiting", "pushing", "unknown", "pushed", "failed"]),
      attempt: z.int(),
      reason: z.string().nullable(),
      provider_id: z.string().nullable(),
    }),
  })
  .meta({ id: "Invoice" });

const InvoiceView = InvoiceSummary.extend({
  lines: z.array(
    z.object({
      service_month: z.string(),
      model: z.string(),
      meter: z.string(),
      unit_amount: z.string(),
      per: z.string(),
      quantity: z.string().meta({ description: "In the meter's units." }),
      events: z.string(),
      gross: Exact,
    }),
  ),
}).meta({ id: "InvoiceWithLines" });

const list = defineRoute({
  method: "get",
  path: "/invoices",
  summary: "Customers' invoices, by period; a customer sees its own",
  roles: readers,
  query: PageQuery.extend({ customer: Id.optional(), period: PeriodText.optional() }),
  response: pageOf(InvoiceSummary),
  async handle({ query, principal, context }) {
    const { limit, cursor, period } = query;
    const customer = principal.role === "customer" ? (principal.customer ?? "") : query.customer;
    // Somebody else's invoices are as if there were none.
    const foreign = query.customer !== undefined && query.customer !== customer;
    const invoices = foreign
      ? []
      : await listInvoices(context.sql, {
          limit: limit + 1,
          ...(customer === undefined ? {} : { customer }),
          ...(period === undefined ? {} : { period }),
          ...(cursor === undefined ? {} : { after: cursor }),
        });
    return { body: page(invoices, limit, (invoice) => invoice.id) };
  },
});

/** The invoice, if it exists and the caller may see it. @throws Refusal not_found */
export async function visibleInvoice(context: AppContext, principal: Principal, id: string) {
  const invoice = await findInvoice(context.sql, id);
  const foreign = principal.role === "customer" && invoice?.customer !== principal.customer;
  if (invoice === undefined || foreign) throw new Refusal("not_found", `there is no invoice ${id}`);
  return invoice;
}

const get = defineRoute({
  method: "get",
  path: "/invoices/{id}",
  summary: "One invoice with its lines",
  roles: readers,
  params: z.object({ id: InvoiceId }),
  response: InvoiceView,
  handle: async ({ params, principal, context }) => ({
    body: await visibleInvoice(context, principal, params.id),
  }),
});

const make = defineRoute({
  method: "post",
  path: "/settlements/{period}/invoices",
  summary: "Make the customers' invoices of a closed period; made before, they stay as they are",
  roles: ["operator"],
  params: z.object({ period: PeriodText }),
  query: DryRun,
  response: z.object({
    period: z.string(),
    dry_run: z.boolean(),
    totals: z.array(
      z.object({
        currency: z.string(),
        invoices: z.int(),
        lines: z.int(),
        gross: Exact,
        carried_in: Exact,
        netted: Money,
        amount: Money,
        carried_out: Exact,
      }),
    ),
  }),
  async handle({ params, query, principal, context }) {
    const { period } = params;
    const totals = await makeInvoices(context.sql, period, { by: principal.id, dryRun: query.dry_run });
    return { body: { period, dry_run: query.dry_run, totals } };
  },
});

const ToldAtProvider = z
  .object({
    amount: Money,
    state: z.enum(["none", "waiting", "sending", "unknown", "told", "failed"]),
    provider_id: z.string().nullable(),
    reason: z.string().nullable().meta({ description: "Why it is not told." }),
  })
  .nullable()
  .meta({
    description:
      "What the payment provider is told of it, so that it does not collect it again; null where it was not asked to, or knows. none: less than the currency's step, told with the next one.",
  });

const payments = defineRoute({
  method: "get",
  path: "/invoices/{id}/payments",
  summary: "What was paid of an invoice, and whether the payment provider knows",
  roles: ["operator"],
  params: z.object({ id: InvoiceId }),
  response: z.object({
    data: z.array(
      z.object({
        reference: z.string(),
        amount: Money,
        paid_at: z.string(),
        recorded_by: z.string(),
        at_provider: ToldAtProvider,
      }),
    ),
  }),
  async handle({ params, principal, context }) {
    const { id } = await visibleInvoice(context, principal, params.id);
    return { body: { data: await paymentsOf(context.sql, id) } };
  },
});

const pay = defineRoute({
  method: "post",
  path: "/invoices/{id}/payments",
  summary:
    "Record money that came for an invoice elsewhere; the same reference is recorded once, and what the provider refused to be told of it is told again",
  roles: ["operator"],
  params: z.object({ id: z.string() }),
  body: z.strictObject({
    amount: AmountNanos,
    reference: MoneyReference.meta({ description: "The bank's or the payer's name for it." }),
    paid_at: z
      .string()
      .refine((text) => parseInstant(text) !== undefined, "an RFC 3339 time")
      .optional()
      .meta({ description: "Now, when it is left out. The hold counts from here." }),
  }),
  status: 201,
  response: z.object({
    invoice: z.string(),
    reference: z.string(),
    paid: Money,
    left: Money,
    at_provider: ToldAtProvider,
  }),
  async handle({ params, body, principal, context }) {
    const invoice = await visibleInvoice(context, principal, params.id);
    const { amount: amountNanos, reference, paid_at } = body;
    const paidAt = paid_at === undefined ? new Date() : new Date(paid_at);
    const left = await recordInvoicePaid(context.sql, {
      invoice: invoice.id,
      amountNanos,
      reference,
      by: principal.id,
      paidAt,
    });
    const { currency } = invoice;
    const recorded = (await paymentsOf(context.sql, invoice.id)).find((one) => one.reference === reference);
    return {
      body: {
        invoice: invoice.id,
        reference,
        paid: money(currency, amountNanos),
        left: money(currency, left),
        at_provider: recorded?.at_provider ?? null,
      },
    };
  },
});

const Rule = z.strictObject({
  from: PeriodText.meta({ description: "An open books period: the rule is for it and those after it." }),
  rule: z.enum(["at_close", "on_payment"]),
  hold_days: z.int().min(0).max(365).default(0),
});

const rules = datedRules({
  path: "/release-rule",
  rule: Rule,
  summaries: {
    set: "When earnings become payable: at close (the default), or when the customer has paid, after a hold of days",
    list: "The release rules that were set, the latest first; before them, and without any, it is at close",
  },
  set: setReleaseRule,
  list: releaseRules,
});

export const invoiceRoutes: Route[] = [list, get, make, payments, pay, ...rules];
