import type Stripe from "stripe";
import { invalidRequest, missing, refused } from "../../errors.ts";
import { group, integer, mergeMetadata, only, requiredText, text } from "../../form.ts";
import type { Answer, Call } from "../../routes.ts";
import { invoiceOf, shown } from "../invoices.ts";
import { LIST_PARAMETERS, listOf } from "../lists.ts";
import type { WirePayment } from "./payments.ts";

/** What somebody wrote down of money that came elsewhere; here it came for certain. */
export function reportPayment({ state, form }: Call): Answer {
  only(
    form,
    "amount_requested",
    "initiated_at",
    "outcome",
    "guaranteed",
    "payment_method_details",
    "customer_details",
    "description",
    "metadata",
  );
  const asked = group(form, "amount_requested");
  const currency = requiredText(asked, "currency");
  const value = integer(asked, "value") ?? 0;
  if (value <= 0)
    throw invalidRequest("parameter_invalid_integer", "Invalid positive integer", "amount_requested[value]");
  if (text(form, "outcome") !== "guaranteed")
    throw invalidRequest(undefined, "Only outcome 'guaranteed' is simulated.", "outcome");
  requiredText(form, "initiated_at");
  const kind = requiredText(group(form, "payment_method_details"), "type") as "custom";
  const nothing = { currency, value: 0 };
  const amount = { currency, value };
  const record: Stripe.PaymentRecord = {
    ...{ id: state.nextId("pr"), object: "payment_record", application: null, created: state.now() },
    ...{ amount, amount_authorized: amount, amount_canceled: nothing, amount_failed: nothing },
    ...{ amount_guaranteed: amount, amount_refunded: nothing, amount_requested: amount },
    ...{ customer_details: null, customer_presence: null, description: text(form, "description") ?? null },
    ...{ latest_payment_attempt_record: state.nextId("par"), livemode: false, metadata: mergeMetadata(form) },
    payment_method_details: { billing_details: null, payment_method: null, type: kind },
    processor_details: { type: "custom" },
    ...{ reported_by: "self", shipping_details: null },
  };
  return { body: record, change: { put: [{ kind: "payment_record", object: record }] } };
}

export function retrievePaymentRecord({ state, id, form }: Call): Answer {
  only(form);
  const record = state.objects.payment_record.get(id);
  if (record === undefined) throw missing("payment_record", id);
  return { body: record };
}

export function listPaymentRecords({ state, form }: Call): Answer {
  only(form, ...LIST_PARAMETERS, "created_after", "created_before");
  return { body: listOf("/v1/payment_records", [...state.objects.payment_record.values()], form) };
}

/** The invoice asks for that much less; once it asks for nothing, it is paid. No collection is tried, and no money moves here. */
export function attachPayment(call: Call): Answer {
  const { state, form } = call;
  only(form, "payment_record");
  const invoice = invoiceOf(call);
  const id = requiredText(form, "payment_record");
  const record = state.objects.payment_record.get(id);
  if (record === undefined) throw missing("payment_record", id);
  if (invoice.status !== "open" && invoice.status !== "uncollectible")
    throw refused(
      "invoice_not_editable",
      `Payments are attached to open invoices, not to ${invoice.status}.`,
    );
  const { value, currency } = record.amount_guaranteed;
  if (currency !== invoice.currency)
    throw invalidRequest(undefined, "The payment is in another currency than the invoice.", "payment_record");
  if ([...state.objects.invoice_payment.values()].some(({ payment }) => payment.payment_record === id))
    throw invalidRequest(
      undefined,
      "This payment record is attached to an invoice already.",
      "payment_record",
    );
  const now = state.now();
  const left = Math.max(invoice.amount_remaining - value, 0);
  const payment: WirePayment = {
    ...{ id: state.nextId("inpay"), object: "invoice_payment", amount_paid: value, amount_requested: value },
    ...{ created: now, currency, invoice: invoice.id, is_default: false, livemode: false, status: "paid" },
    payment: { type: "payment_record", payment_record: id },
    status_transitions: { canceled_at: null, paid_at: now },
  };
  const lessened = {
    ...invoice,
    amount_paid: invoice.amount_paid + value,
    amount_paid_off_stripe: (invoice.amount_paid_off_stripe ?? 0) + value,
    amount_overpaid: Math.max(value - invoice.amount_remaining, 0),
    amount_remaining: left,
    ...(left === 0
      ? {
          status: "paid" as const,
          status_transitions: { ...invoice.status_transitions, paid_at: now },
        }
      : {}),
  };
  const put = [
    { kind: "invoice_payment" as const, object: payment },
    { kind: "invoice" as const, object: lessened },
  ];
  return { body: shown(lessened), change: { put } };
}
