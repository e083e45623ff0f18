import { formatNanos, fromMinor } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import type { EventHandler, EventOutcome } from "../../provider-events/index.ts";
import { ourInvoice } from "../our-invoice.ts";
import type { ProviderCreditNote, ProviderRefund, RefundRecord } from "../provider-refunds.ts";
import { recordMoneyReturned, refund, returnRefund } from "./refund.ts";

const REFUND_EVENTS = ["refund.created", "refund.updated", "refund.failed", "charge.refund.updated"];
const CREDIT_NOTE_EVENTS = ["credit_note.created", "credit_note.updated", "credit_note.voided"];

/** Refunds and credit notes that people make at the provider: each is refunded once, whichever event comes first. */
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
  if (one.status === "pending")
    return {
      state: "handled",
      outcome: `${one.id} of ${invoice} is on its way: it is booked when it arrived`,
    };
  if (one.status === "failed") return takeBack(sql, one.id, `${one.id} failed at Stripe`);
  const amountNanos = fromMinor(one.currency, one.amountMinor);
  const reason = `refunded at Stripe: ${one.reason ?? "no reason given"}`;
  const common = { reference: one.id, reason, by: "stripe" };
  // Without the refund of ours that it names, it would be refunded a second time.
  const id =
    one.ofRefund !== null && (await isOurs(sql, one.ofRefund, invoice))
      ? await recordMoneyReturned(sql, { ...common, invoice, amountNanos })
      : await refund(sql, {
          ...common,
          asked: { invoice, amount: formatNanos(amountNanos) },
          returnedNanos: amountNanos,
          atMost: true,
        });
  return { state: "handled", outcome: `${one.id} of ${invoice} is ${id}` };
}

async function isOurs(sql: Sql, id: string, invoice: string): Promise<boolean> {
  const rows =
    await sql`SELECT FROM adjustment WHERE id = ${id} AND kind = 'refund' AND invoice_id = ${invoice}`;
  return rows.length > 0;
}

async function takeCreditNote(sql: Sql, note: ProviderCreditNote): Promise<EventOutcome> {
  const invoice = await ourInvoice(sql, note.invoice);
  if (invoice === undefined) return { state: "ignored", outcome: `${note.id} is of no invoice of ours` };
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

/** What came of it in our books is given back, once; what never came there needs nothing. */
async function takeBack(sql: Sql, reference: string, reason: string): Promise<EventOutcome> {
  const [booked] = await sql<{ id: string; back: string | null }[]>`
    SELECT a.id, (SELECT r.id FROM adjustment r WHERE r.reverses = a.adjustment_no) AS back
    FROM adjustment a WHERE reference = ${reference}`;
  if (booked === undefined) return { state: "handled", outcome: `${reason}: nothing was booked for it` };
  if (booked.back !== null)
    return { state: "handled", outcome: `${reason}: ${booked.back} gave it back already` };
  const id = await returnRefund(sql, {
    id: booked.id,
    reference: `${reference}:returned`,
    reason,
    by: "stripe",
  });
  return { state: "handled", outcome: `${reason}: ${id} gives back ${booked.id}` };
}
