import type Stripe from "stripe";
import { missing, refused } from "../../errors.ts";
import { integer, mergeMetadata, only, requiredText, text } from "../../form.ts";
import type { Answer, Call } from "../../routes.ts";
import type { Change } from "../../state.ts";
import { invoiceOf, type WireInvoice } from "../invoices.ts";
import { refundOf } from "./refunds.ts";

export type WireCreditNote = Omit<Stripe.CreditNote, "lines" | "invoice" | "customer" | "refunds"> & {
  invoice: string;
  customer: string;
  refunds: { amount_refunded: number; payment_record_refund: null; refund: string; type: "refund" }[];
};

/** Takes from an open invoice; of a paid one it refunds (`refund_amount`), or leaves it on the customer's balance. */
export function createCreditNote({ state, form }: Call): Answer {
  only(form, "invoice", "amount", "credit_amount", "refund_amount", "memo", "metadata", "reason");
  const invoice = invoiceOf({ state, id: requiredText(form, "invoice") });
  if (invoice.status !== "open" && invoice.status !== "paid")
    throw refused("invoice_not_open", "Credit notes are for open and paid invoices.");
  const refundAmount = integer(form, "refund_amount", 0) ?? 0;
  const amount = integer(form, "amount", 1) ?? refundAmount + (integer(form, "credit_amount", 0) ?? 0);
  const credited = invoice.pre_payment_credit_notes_amount + invoice.post_payment_credit_notes_amount;
  if (amount === 0 || amount > invoice.total - credited || (invoice.status === "open" && refundAmount > 0))
    throw refused("amount_too_large", "That is more than can be credited of this invoice.", "amount");
  const changes: Change[] = [];
  const refunds: WireCreditNote["refunds"] = [];
  if (refundAmount > 0) {
    const payment = [...state.objects.invoice_payment.values()].find((one) => one.invoice === invoice.id);
    const charge = [...state.objects.charge.values()].find(
      ({ payment_intent }) => payment_intent === payment?.payment.payment_intent,
    );
    if (charge === undefined)
      throw refused("charge_missing", "No card paid this invoice: nothing can be refunded.");
    const { refund, change } = refundOf(state, charge, refundAmount, { metadata: {}, reason: null });
    refunds.push({
      amount_refunded: refundAmount,
      payment_record_refund: null,
      refund: refund.id,
      type: "refund",
    });
    changes.push(change);
  }
  const note = noteOf(state.nextId("cn"), state.now(), invoice, amount, refunds, {
    memo: text(form, "memo") ?? null,
    metadata: mergeMetadata(form),
    reason: (text(form, "reason") ?? null) as Stripe.CreditNote["reason"],
  });
  return {
    body: note,
    change: {
      put: [
        ...changes.flatMap(({ put }) => put ?? []),
        { kind: "credit_note", object: note },
        { kind: "invoice", object: withNote(invoice, amount) },
      ],
      balance: changes.flatMap(({ balance }) => balance ?? []),
    },
  };
}

function noteOf(
  id: string,
  now: number,
  { status, currency, customer, id: invoice }: WireInvoice,
  amount: number,
  refunds: WireCreditNote["refunds"],
  given: Pick<WireCreditNote, "memo" | "metadata" | "reason">,
): WireCreditNote {
  const paid = status === "paid";
  return {
    ...{
      id,
      object: "credit_note",
      amount,
      amount_shipping: 0,
      created: now,
      currency,
      customer,
      customer_account: null,
    },
    ...{
      customer_balance_transaction: null,
      discount_amount: 0,
      discount_amounts: [],
      effective_at: now,
      invoice,
    },
    ...{ livemode: false, number: `SIM-${id.slice(-8).toUpperCase()}`, out_of_band_amount: null, pdf: "" },
    ...{
      post_payment_amount: paid ? amount : 0,
      pre_payment_amount: paid ? 0 : amount,
      pretax_credit_amounts: [],
    },
    ...{
      refunds,
      shipping_cost: null,
      status: "issued",
      subtotal: amount,
      subtotal_excluding_tax: amount,
      total: amount,
    },
    ...{
      total_excluding_tax: amount,
      total_taxes: [],
      type: paid ? "post_payment" : "pre_payment",
      voided_at: null,
    },
    ...given,
  };
}

function withNote(invoice: WireInvoice, amount: number): WireInvoice {
  if (invoice.status === "paid")
    return {
      ...invoice,
      post_payment_credit_notes_amount: invoice.post_payment_credit_notes_amount + amount,
    };
  const amount_due = invoice.amount_due - amount;
  return {
    ...invoice,
    amount_due,
    amount_remaining: amount_due,
    pre_payment_credit_notes_amount: invoice.pre_payment_credit_notes_amount + amount,
  };
}

export function retrieveCreditNote({ state, id, form }: Call): Answer {
  only(form);
  const note = state.objects.credit_note.get(id);
  if (note === undefined) throw missing("credit_note", id);
  return { body: note };
}

export function voidCreditNote({ state, id, form }: Call): Answer {
  only(form);
  const note = state.objects.credit_note.get(id);
  if (note === undefined) throw missing("credit_note", id);
  if (note.status === "void" || note.refunds.length > 0)
    throw refused("credit_note_not_voidable", "This credit note cannot be voided.");
  const voided: WireCreditNote = { ...note, status: "void", voided_at: state.now() };
  const invoice = withNote(invoiceOf({ state, id: note.invoice }), -note.amount);
  return {
    body: voided,
    change: {
      put: [
        { kind: "credit_note", object: voided },
        { kind: "invoice", object: invoice },
      ],
    },
  };
}
