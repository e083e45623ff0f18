import type Stripe from "stripe";
import { invalidRequest, missing, refused } from "../errors.ts";
import { integer, mergeMetadata, only, requiredText, text } from "../form.ts";
import type { Answer, Call } from "../routes.ts";
import { customerOf } from "./customers.ts";
import { type WireInvoice, type WireLine, withLine } from "./invoices.ts";
import { LIST_PARAMETERS, listOf } from "./lists.ts";

/** As on the wire: the SDK makes a Decimal of the text. */
export type WireInvoiceItem = Omit<Stripe.InvoiceItem, "quantity_decimal" | "pricing"> & {
  quantity_decimal: string;
  pricing: { type: "price_details"; unit_amount_decimal: string };
};

/** An amount on a draft. Items that wait for an invoice are not simulated: each names its own. */
export function createInvoiceItem({ state, form }: Call): Answer {
  only(form, "customer", "invoice", "amount", "currency", "description", "metadata");
  const invoiceId = requiredText(form, "invoice");
  const amount = integer(form, "amount", -1e15) ?? 0;
  const currency = requiredText(form, "currency").toLowerCase();
  const customer = customerOf({ state, id: requiredText(form, "customer") });
  const invoice = state.objects.invoice.get(invoiceId);
  if (invoice === undefined) throw missing("invoice", invoiceId);
  if (invoice.status !== "draft")
    throw refused("invoice_not_editable", "This invoice is no longer editable", "invoice");
  if (invoice.customer !== customer.id || invoice.currency !== currency)
    throw invalidRequest(
      undefined,
      "The invoice item must have the same customer and currency as its invoice.",
      "invoice",
    );
  const id = state.nextId("ii");
  const now = state.now();
  const common = {
    amount,
    currency,
    description: text(form, "description") ?? null,
    discountable: true,
    discounts: [],
    livemode: false,
    metadata: mergeMetadata(form),
    period: { start: now, end: now },
    pricing: { type: "price_details" as const, unit_amount_decimal: String(amount) },
    quantity: 1,
    quantity_decimal: "1",
  };
  const item: WireInvoiceItem = {
    id,
    object: "invoiceitem",
    ...common,
    customer: customer.id,
    customer_account: null,
    date: now,
    invoice: invoice.id,
    net_amount: amount,
    parent: null,
    proration: false,
    tax_rates: [],
    test_clock: null,
  };
  const line: WireLine = {
    id: state.nextId("il"),
    object: "line_item",
    ...common,
    discount_amounts: [],
    invoice: invoice.id,
    parent: {
      invoice_item_details: {
        invoice_item: id,
        proration: false,
        proration_details: { credited_items: null },
        subscription: null,
      },
      subscription_item_details: null,
      type: "invoice_item_details",
    },
    pretax_credit_amounts: [],
    subscription: null,
    subtotal: amount,
    taxes: [],
  };
  const changed: WireInvoice = withLine(invoice, line);
  return {
    body: item,
    change: {
      put: [
        { kind: "invoice_item", object: item },
        { kind: "invoice", object: changed },
      ],
    },
  };
}

export function retrieveInvoiceItem({ state, id, form }: Call): Answer {
  only(form);
  const item = state.objects.invoice_item.get(id);
  if (item === undefined) throw missing("invoiceitem", id);
  return { body: item };
}

export function listInvoiceItems({ state, form }: Call): Answer {
  only(form, ...LIST_PARAMETERS, "created", "customer", "invoice", "pending");
  const customer = text(form, "customer");
  const invoice = text(form, "invoice");
  const pending = text(form, "pending");
  const matching = [...state.objects.invoice_item.values()].filter(
    (item) =>
      (customer === undefined || item.customer === customer) &&
      (invoice === undefined || item.invoice === invoice) &&
      pending !== "true",
  );
  return { body: listOf("/v1/invoiceitems", matching, form) };
}
