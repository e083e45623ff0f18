import type Stripe from "stripe";
import { invalidRequest, missing } from "../errors.ts";
import { integer, mergeMetadata, only, requiredText, text } from "../form.ts";
import type { Answer, Call } from "../routes.ts";
import { customerOf } from "./customers.ts";
import { LIST_PARAMETERS, listOf } from "./lists.ts";

/** As on the wire: the SDK makes a Decimal of the text. */
export type WireLine = Omit<Stripe.InvoiceLineItem, "quantity_decimal" | "pricing"> & {
  quantity_decimal: string;
  pricing: { type: "price_details"; unit_amount_decimal: string };
};
export type WireInvoice = Omit<Stripe.Invoice, "lines" | "customer"> & {
  customer: string;
  lines: { object: "list"; data: WireLine[]; has_more: boolean; url: string };
};

/** An invoice carries its first lines; the others are on their own list. */
const SHOWN_MAX = 10;

/** A draft, empty until items name it. */
export function createInvoice({ state, form }: Call): Answer {
  only(
    form,
    "customer",
    "currency",
    "auto_advance",
    "collection_method",
    "days_until_due",
    "description",
    "metadata",
    "pending_invoice_items_behavior",
  );
  const customer = customerOf({ state, id: requiredText(form, "customer") });
  if ((text(form, "pending_invoice_items_behavior") ?? "exclude") !== "exclude")
    throw invalidRequest(
      undefined,
      "Only 'exclude' is simulated: items name their invoice.",
      "pending_invoice_items_behavior",
    );
  const collection_method = text(form, "collection_method") ?? "charge_automatically";
  const days = integer(form, "days_until_due");
  if ((collection_method === "send_invoice") !== (days !== undefined))
    throw invalidRequest(
      undefined,
      "`days_until_due` goes with `collection_method` = `send_invoice`.",
      "days_until_due",
    );
  const now = state.now();
  const invoice = emptyInvoice(state.nextId("in"), now, {
    auto_advance: text(form, "auto_advance") === "true",
    collection_method,
    currency: text(form, "currency")?.toLowerCase() ?? "usd",
    customer: customer.id,
    customer_email: customer.email,
    customer_name: customer.name ?? null,
    description: text(form, "description") ?? null,
    due_date: days === undefined ? null : now + days * 86_400,
    metadata: mergeMetadata(form),
  });
  return { body: invoice, change: { put: [{ kind: "invoice", object: invoice }] } };
}

type Given = Pick<
  WireInvoice,
  | "auto_advance"
  | "collection_method"
  | "currency"
  | "customer"
  | "customer_email"
  | "customer_name"
  | "description"
  | "due_date"
  | "metadata"
>;

function emptyInvoice(id: string, now: number, given: Given): WireInvoice {
  const automatic = { disabled_reason: null, enabled: false, liability: null, provider: null, status: null };
  return {
    id,
    object: "invoice",
    account_country: "US",
    account_name: null,
    account_tax_ids: null,
    amount_due: 0,
    amount_overpaid: 0,
    amount_paid: 0,
    amount_paid_off_stripe: 0,
    amount_remaining: 0,
    amount_shipping: 0,
    application: null,
    attempt_count: 0,
    attempted: false,
    automatic_tax: automatic,
    automatically_finalizes_at: null,
    billing_reason: "manual",
    created: now,
    custom_fields: null,
    customer_account: null,
    customer_address: null,
    customer_phone: null,
    customer_shipping: null,
    customer_tax_exempt: "none",
    customer_tax_ids: [],
    default_payment_method: null,
    default_source: null,
    default_tax_rates: [],
    discounts: [],
    effective_at: null,
    ending_balance: null,
    footer: null,
    from_invoice: null,
    hosted_invoice_url: null,
    invoice_pdf: null,
    issuer: { type: "self" },
    last_finalization_error: null,
    latest_revision: null,
    lines: { object: "list", data: [], has_more: false, url: `/v1/invoices/${id}/lines` },
    livemode: false,
    next_payment_attempt: null,
    number: null,
    on_behalf_of: null,
    parent: null,
    payment_settings: { default_mandate: null, payment_method_options: null, payment_method_types: null },
    period_end: now,
    period_start: now,
    post_payment_credit_notes_amount: 0,
    pre_payment_credit_notes_amount: 0,
    receipt_number: null,
    rendering: null,
    shipping_cost: null,
    shipping_details: null,
    starting_balance: 0,
    statement_descriptor: null,
    status: "draft",
    status_transitions: {
      finalized_at: null,
      marked_uncollectible_at: null,
      paid_at: null,
      voided_at: null,
    },
    subtotal: 0,
    subtotal_excluding_tax: 0,
    test_clock: null,
    total: 0,
    total_discount_amounts: [],
    total_excluding_tax: 0,
    total_pretax_credit_amounts: [],
    total_taxes: [],
    webhooks_delivered_at: null,
    ...given,
  };
}

export function withLine(invoice: WireInvoice, line: WireLine): WireInvoice {
  const total = invoice.total + line.amount;
  const amount_due = Math.max(total, 0);
  const data = [...invoice.lines.data, line];
  return {
    ...invoice,
    lines: { ...invoice.lines, data, has_more: false },
    subtotal: total,
    subtotal_excluding_tax: total,
    total,
    total_excluding_tax: total,
    amount_due,
    amount_remaining: amount_due,
  };
}

/** @throws StripeProblem resource_missing */
export function invoiceOf({ state, id }: Pick<Call, "state" | "id">): WireInvoice {
  const invoice = state.objects.invoice.get(id);
  if (invoice === undefined) throw missing("invoice", id);
  return invoice;
}

/** As it is told: with its first lines only. */
export function shown(invoice: WireInvoice): WireInvoice {
  const { data } = invoice.lines;
  return {
    ...invoice,
    lines: { ...invoice.lines, data: data.slice(0, SHOWN_MAX), has_more: data.length > SHOWN_MAX },
  };
}

export function retrieveInvoice(call: Call): Answer {
  only(call.form);
  return { body: shown(invoiceOf(call)) };
}

export function listInvoices({ state, form }: Call): Answer {
  only(form, ...LIST_PARAMETERS, "created", "customer", "status", "collection_method");
  const customer = text(form, "customer");
  const status = text(form, "status");
  const matching = [...state.objects.invoice.values()].filter(
    (invoice) =>
      (customer === undefined || invoice.customer === customer) &&
      (status === undefined || invoice.status === status),
  );
  return { body: listOf("/v1/invoices", matching.map(shown), form) };
}

/** In their own order: not the newest first. */
export function listInvoiceLines(call: Call): Answer {
  only(call.form, ...LIST_PARAMETERS);
  const invoice = invoiceOf(call);
  return { body: listOf(`/v1/invoices/${invoice.id}/lines`, [...invoice.lines.data].reverse(), call.form) };
}
