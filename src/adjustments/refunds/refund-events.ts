import { formatNanos, fromMinor } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import type { EventHandler, EventOutcome } from "../../provider-events/index.ts";
import { ourInvoice } from "../our-invoice.ts";
import type { ProviderCreditNote, ProviderRefund, RefundRecord } from "../provider-refunds.ts";
import {
  bookMoney,
  leftOnAccountBy,
  ourRefund,
  takeOurCreditNote,
  takeOurRefund,
} from "../push/our-refunds.ts";
import { refund } from "./refund.ts";
import { takeBack } from "./take-back.ts";

const REFUND_EVENTS = ["refund.created", "refund.updated", "refund.failed", "charge.refund.updated"];
const CREDIT_NOTE_EVENTS = ["credit_note.created", "credit_note.updated", "credit_note.voided"];

/**
 * Refunds and credit notes at the provider: what people made there is refunded once, whichever event comes first; what we
 * made, or what names a refund of ours, is known to be of it and refunds nothing anew; nor does what names another adjustment
 * that left something on the customer's account.
 */
export function refundEventHandlers(sql: Sql, record: RefundRecord): [string, EventHandler][] {
  const ofCharge: EventHandler = async ({ about }) => {
    const outcomes: EventOutcome[] = [];
    for (const one of await record.refundsOfCharge(about)) outcomes.push(await takeRefund(sql, one));
    return together(outcomes, `${about} has no refunds`);
  };
  const ofRefund: EventHandler = async ({ about }) => {
    const one = await record.refundById(about);
    if (one === undefined) throw new Error(`Stripe has no refund ${about}`);
    return takeRefund(sql, one);
  };
  const ofCreditNote: EventHandler = async ({ about }) => {
    const note = await record.creditNoteById(about);
    if (note === undefined) throw new Error(`Stripe has no credit note ${about}`);
    return takeCreditNote(sql, note);
  };
  return [
    ["charge.refunded", ofCharge],
    ...REFUND_EVENTS.map((type): [string, EventHandler] => [type, ofRefund]),
    ...CREDIT_NOTE_EVENTS.map((type): [string, EventHandler] => [type, ofCreditNote]),
  ];
}

function together(outcomes: readonly EventOutcome[], none: string): EventOutcome {
  if (outcomes.length === 0) return { state: "ignored", outcome: none };
  const handled = outcomes.some(({ state }) => state === "handled");
  return {
    state: handled ? "handled" : "ignored",
    outcome: outcomes.map(({ outcome }) => outcome).join("; "),
  };
}

async function takeRefund(sql: Sql, one: ProviderRefund): Promise<EventOutcome> {
  const invoice = await ourInvoice(sql, one.invoice);
  if (invoice === undefined) return { state: "ignored", outcome: `${one.id} is of no invoice of ours` };
  const ours = await ourRefund(sql, one.ofRefund, invoice);
  if (ours !== undefined) {
    const state = await takeOurRefund(sql, one, ours);
    return {
      state: "handled",
      outcome: `${one.id} of ${invoice} is of ${ours.id}: ${state === "made" ? one.status : state}`,
    };
  }
  if (one.status === "pending")
    return {
      state: "handled",
      outcome: `${one.id} of ${invoice} is on its way: it is booked when it arrived`,
    };
  if (one.status === "failed") return takeBack(sql, one.id, `${one.id} failed at Stripe`);
  if (await leftOnAccountBy(sql, one.ofRefund, invoice)) {
    const id = await bookMoney(sql, one, { invoice });
    return {
      state: "handled",
      outcome: `${one.id} of ${invoice} pays back what ${one.ofRefund} left on the customer's account: ${id}`,
    };
  }
  const amountNanos = fromMinor(one.currency, one.amountMinor);
  const id = await refund(sql, {
    asked: { invoice, amount: formatNanos(amountNanos) },
    reference: one.id,
    reason: `refunded at Stripe: ${one.reason ?? "no reason given"}`,
    by: "stripe",
    returnedNanos: amountNanos,
    atMost: true,
  });
  return { state: "handled", outcome: `${one.id} of ${invoice} is ${id}` };
}

async function takeCreditNote(sql: Sql, note: ProviderCreditNote): Promise<EventOutcome> {
  const invoice = await ourInvoice(sql, note.invoice);
  if (invoice === undefined) return { state: "ignored", outcome: `${note.id} is of no invoice of ours` };
  const ours = await ourRefund(sql, note.ofRefund, invoice);
  if (ours !== undefined) {
    const state = await takeOurCreditNote(sql, note, ours.id);
    const what = state === "made" ? "booked with it" : "voided, and its refund stays booked";
    return { state: "handled", outcome: `${note.id} of ${invoice} is of ${ours.id}: ${what}` };
  }
  if (note.isVoid) return takeBack(sql, note.id, `${note.id} was voided at Stripe`);
  if (note.creditedMinor === 0n)
    return { state: "handled", outcome: `${note.id} only refunds: its refunds tell of themselves` };
  const id = await refund(sql, {
    asked: { invoice, amount: formatNanos(fromMinor(note.currency, note.creditedMinor)) },
    reference: note.id,
    reason: `credited at Stripe: ${note.reason ?? "no reason given"}`,
    by: "stripe",
    atMost: true,
  });
  return { state: "handled", outcome: `${note.id} of ${invoice} is ${id}` };
}
