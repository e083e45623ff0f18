import type Stripe from "stripe";
import { missing, refused } from "../../errors.ts";
import { integer, mergeMetadata, only, requiredText, text } from "../../form.ts";
import type { Answer, Call } from "../../routes.ts";
import type { Change } from "../../state.ts";
import { paid } from "../invoice-steps.ts";
import { invoiceOf, type WireInvoice } from "../invoices.ts";
import { LIST_PARAMETERS, listOf } from "../lists.ts";
import { refundOf } from "./refunds.ts";

export type WireCreditNote = Omit<Stripe.CreditNote, "lines" | "invoice" | "customer" | "refunds"> & {
  invoice: string;
  customer: string;
  refunds: { amount_refunded: number; payment_record_refund: null; refund: string; type: "refund" }[];
};

/**
 * Takes from what an invoice still asks for; what goes beyond it is refunded (`refund_amount`), left on the customer's
 * balance or given outside of Stripe, and each of these has to be said.
 */
export function createCreditNote({ state, form }: Call): Answer {
  only(
    form,
    ...["invoice", "amount", "credit_amount", "refund_amount", "out_of_band_amount"],
    ...["memo", "metadata", "reason"],
  );
  const invoice = invoiceOf({ state, id: requiredText(form, "invoice") });
  if (invoice.status !== "open" && invoice.status !== "paid")
    throw refused("invoice_not_open", "Credit notes are for open and paid invoices.");
  const refundAmount = integer(form, "refund_amount", 0) ?? 0;
  const outOfBand = integer(form, "out_of_band_amount", 0) ?? 0;
  const given = refundAmount + outOfBand + (integer(form, "credit_amount", 0) ?? 0);
  const amount = integer(form, "amount", 1) ?? given;
  const credited = invoice.pre_payment_credit_notes_amount + invoice.post_payment_credit_notes_amount;
  if (amount === 0 || amount > invoice.total - credited)
    throw refused("amount_too_large", "That is more than can be credited of this invoice.", "amount");
  const before = Math.min(amount, invoice.amount_remaining);
  if (given !== amount - before)
    throw refused(
      undefined,
      `The sum of credit amount, refund amount and out of band amount (${given}) must equal the amount of the credit note after payment (${amount - before}).`,
    );
  const changes: Change[] = [];
  const refunds: WireCreditNote["refunds"] = [];
  if (refundAmount > 0) {
    const payment = [...state.objects.invoice_payment.values()].find(
      (one) => one.invoice === invoice.id && one.payment.type === "payment_intent",
    );
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
  const note = noteOf(
    state.nextId("cn"),
    state.now(),
    invoice,
    { amount, before, outOfBand, refunds },
    {
      memo: text(form, "memo") ?? null,
      metadata: mergeMetadata(form),
      reason: (text(form, "reason") ?? null) as Stripe.CreditNote["reason"],
    },
  );
  return {
    body: note,
    change: {
      put: [
        ...changes.flatMap(({ put }) => put ?? []),
        { kind: "credit_note", object: note },
        { kind: "invoice", object: withNote(invoice, { before, after: amount - before }, state.now()) },
      ],
      balance: changes.flatMap(({ balance }) => balance ?? []),
    },
  };
}

interface Divided {
  amount: number;
  /** What of it the invoice asks for less; the rest was paid already. */
  before: number;
  outOfBand: number;
  refunds: WireCreditNote["refunds"];
}

function noteOf(
  id: string,
  now: number,
  { currency, customer, id: invoice }: WireInvoice,
  { amount, before, outOfBand, refunds }: Divided,
  given: Pick<WireCreditNote, "memo" | "metadata" | "reason">,
): WireCreditNote {
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
    ...{
      livemode: false,
      number: `SIM-${id.slice(-8).toUpperCase()}`,
      out_of_band_amount: outOfBand || null,
      pdf: "",
    },
    ...{
      post_payment_amount: amount - before,
      pre_payment_amount: before,
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
      type: before === 0 ? "post_payment" : amount === before ? "pre_payment" : "mixed",
      voided_at: null,
    },
    ...given,
  };
}

/** An invoice that asks for nothing any more is paid. */
function withNote(invoice: WireInvoice, { before, after }: Record<"before" | "after", number>, now: number) {
  const amount_due = invoice.amount_due - before;
  const credited: WireInvoice = {
    ...invoice,
    amount_due,
    amount_remaining: invoice.amount_remaining - before,
    pre_payment_credit_notes_amount: invoice.pre_payment_credit_notes_amount + before,
    post_payment_credit_notes_amount: invoice.post_payment_credit_notes_amount + after,
  };
  return invoice.status === "open" && amount_due === 0 ? paid(credited, now) : credited;
}

export function retrieveCreditNote({ state, id, form }: Call): Answer {
  only(form);
  const note = state.objects.credit_note.get(id);
  if (note === undefined) throw missing("credit_note", id);
  return { body: note };
}

export function listCreditNotes({ state, form }: Call): Answer {
  only(form, ...LIST_PARAMETERS, "created", "customer", "invoice");
  const invoice = text(form, "invoice");
  const customer = text(form, "customer");
  const matching = [...state.objects.credit_note.values()].filter(
    (one) =>
      (invoice === undefined || one.invoice === invoice) &&
      (customer === undefined || one.customer === customer),
  );
  return { body: listOf("/v1/credit_notes", matching, form) };
}

export function voidCreditNote({ state, id, form }: Call): Answer {
  only(form);
  const note = state.objects.credit_note.get(id);
  if (note === undefined) throw missing("credit_note", id);
  const credited = invoiceOf({ state, id: note.invoice });
  if (note.status === "void" || credited.status !== "open")
    throw refused("credit_note_not_voidable", "This credit note cannot be voided.");
  const voided: WireCreditNote = { ...note, status: "void", voided_at: state.now() };
  const invoice = withNote(credited, { before: -note.amount, after: 0 }, state.now());
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
