import type Stripe from "stripe";
import { missing } from "../../errors.ts";
import { group, only, text } from "../../form.ts";
import type { Answer, Call } from "../../routes.ts";
import type { Change, State } from "../../state.ts";
import { balanceTransaction } from "../balance.ts";
import type { WireInvoice } from "../invoices.ts";
import { LIST_PARAMETERS, listOf } from "../lists.ts";

/** What of a charge programs read here; Stripe's has many more fields. */
export type WireCharge = Pick<
  Stripe.Charge,
  | "id"
  | "object"
  | "amount"
  | "amount_captured"
  | "amount_refunded"
  | "captured"
  | "created"
  | "currency"
  | "disputed"
  | "livemode"
  | "metadata"
  | "paid"
  | "refunded"
  | "status"
> & { balance_transaction: string; customer: string; payment_intent: string };
export type WirePayment = Omit<Stripe.InvoicePayment, "invoice" | "payment"> & {
  invoice: string;
  payment: { type: "payment_intent" | "payment_record"; payment_intent?: string; payment_record?: string };
};

/** A card paid the invoice: its charge, and what says that the charge's payment is the invoice's. */
export function received(state: State, invoice: WireInvoice): Change {
  const { amount_remaining: amount, currency } = invoice;
  const now = state.now();
  const id = state.nextId("ch");
  const payment_intent = state.nextId("pi");
  const movement = balanceTransaction(state, {
    amount,
    currency,
    reporting_category: "charge",
    source: id,
    type: "charge",
  });
  const charge: WireCharge = {
    ...{
      id,
      object: "charge",
      amount,
      amount_captured: amount,
      amount_refunded: 0,
      captured: true,
      created: now,
    },
    ...{
      balance_transaction: movement.id,
      currency,
      customer: invoice.customer,
      disputed: false,
      livemode: false,
    },
    ...{ metadata: {}, paid: true, payment_intent, refunded: false, status: "succeeded" as const },
  };
  const payment: WirePayment = {
    ...{
      id: state.nextId("inpay"),
      object: "invoice_payment",
      amount_paid: amount,
      amount_requested: amount,
    },
    ...{ created: now, currency, invoice: invoice.id, is_default: true, livemode: false, status: "paid" },
    payment: { type: "payment_intent", payment_intent },
    status_transitions: { canceled_at: null, paid_at: now },
  };
  return {
    put: [
      { kind: "balance_transaction", object: movement },
      { kind: "charge", object: charge },
      { kind: "invoice_payment", object: payment },
    ],
    balance: [{ currency, add: amount }],
  };
}

export function retrieveCharge({ state, id, form }: Call): Answer {
  only(form);
  return { body: chargeOf(state, id) };
}

/** @throws StripeProblem resource_missing */
export function chargeOf(state: State, id: string): WireCharge {
  const charge = state.objects.charge.get(id);
  if (charge === undefined) throw missing("charge", id);
  return charge;
}

export function listInvoicePayments({ state, form }: Call): Answer {
  only(form, ...LIST_PARAMETERS, "created", "invoice", "payment", "status");
  const invoice = text(form, "invoice");
  const intent = text(group(form, "payment"), "payment_intent");
  const matching = [...state.objects.invoice_payment.values()].filter(
    (one) =>
      (invoice === undefined || one.invoice === invoice) &&
      (intent === undefined || one.payment.payment_intent === intent),
  );
  return { body: listOf("/v1/invoice_payments", matching, form) };
}
