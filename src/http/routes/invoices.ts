import { z } from "zod";
import { findInvoice, listInvoices, makeInvoices } from "../../billing/index.ts";
import { Id } from "../../catalog/index.ts";
import { Refusal } from "../../kernel/index.ts";
import { Currency } from "../../pricing/index.ts";
import type { AppContext } from "../context.ts";
import type { Principal } from "../principal.ts";
import { defineRoute, type Route } from "../route.ts";
import { DryRun, Money, PageQuery, PeriodText, page, pageOf } from "../schemas.ts";

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
    amount: Money.meta({ description: "gross + carried_in = amount + carried_out, exactly." }),
    carried_out: Exact,
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

export const invoiceRoutes: Route[] = [list, get, make];
