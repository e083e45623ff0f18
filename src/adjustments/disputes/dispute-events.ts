import { fromMinor } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import type { EventHandler, EventOutcome } from "../../provider-events/index.ts";
import { ourInvoice } from "../our-invoice.ts";
import type { ProviderDispute, RefundRecord } from "../provider-refunds.ts";
import { returnRefund } from "../refunds/refund.ts";
import { loseDispute, openDispute, winDispute } from "./dispute.ts";

const DISPUTE_EVENTS = ["created", "updated", "closed", "funds_withdrawn", "funds_reinstated"];

/** Disputes at the provider, in whatever order their events come: each moves forward only. */
export function disputeEventHandlers(sql: Sql, record: RefundRecord): [string, EventHandler][] {
  const handler: EventHandler = async ({ about }) => {
    const dispute = await record.disputeById(about);
    if (dispute === undefined) throw new Error(`Stripe has no dispute ${about}`);
    return takeDispute(sql, dispute);
  };
  return DISPUTE_EVENTS.map((what) => [`charge.dispute.${what}`, handler]);
}

async function takeDispute(sql: Sql, dispute: ProviderDispute): Promise<EventOutcome> {
  const { id, state, currency, amountMinor, feeMinor, reason } = dispute;
  const invoice = await ourInvoice(sql, dispute.invoice);
  if (invoice === undefined) return ignored(`${id} is of no invoice of ours`);
  const [known] = await sql<{ state: string }[]>`SELECT state FROM dispute WHERE id = ${id}`;
  if (state === "inquiry") return handled(`${id} of ${invoice} is a question of the bank: no money moved`);
  if (known?.state === state) return handled(`${id} of ${invoice} is ${state}, as we knew`);
  if (known === undefined) {
    if (state === "won") return handled(`${id} of ${invoice} is won before we heard of it: nothing was held`);
    const amountNanos = fromMinor(currency, amountMinor);
    await openDispute(sql, { id, invoice, amountNanos, reason, by: "stripe" });
  }
  if (known?.state === "won")
    return handled(`${id} of ${invoice} is won: what comes later does not change it`);
  if (known?.state === "lost") return reinstate(sql, dispute, invoice);
  if (state === "open") return handled(`what ${id} takes of ${invoice} is held until it is decided`);
  if (state === "won") {
    await winDispute(sql, id, "stripe");
    return handled(`${id} of ${invoice} is won: what was held is payable again`);
  }
  const refunded = await loseDispute(sql, { id, by: "stripe", feeNanos: fromMinor(currency, feeMinor) });
  return handled(`${id} of ${invoice} is lost: ${refunded}`);
}

/** Won after all, on appeal: its refund is taken back, and of the fee what the provider does not charge any more. */
async function reinstate(sql: Sql, dispute: ProviderDispute, invoice: string): Promise<EventOutcome> {
  const { id, state, currency, feeMinor } = dispute;
  if (state !== "won") return handled(`${id} of ${invoice} is lost, as we knew`);
  const [lost] = await sql<{ id: string; fee: string; back: string | null }[]>`
    SELECT a.id, a.asked->>'provider_fee' AS fee, (SELECT r.id FROM adjustment r WHERE r.reverses = a.adjustment_no) AS back
    FROM adjustment a WHERE reference = ${`dispute:${id}`}`;
  if (lost === undefined) throw new Error(`dispute ${id} is lost and was never refunded`);
  if (lost.back !== null)
    return handled(`${id} of ${invoice} is won after all: ${lost.back} gave it back already`);
  const reason = `dispute ${id} is won after all`;
  const stillCharged = fromMinor(currency, feeMinor);
  const feeBackNanos = BigInt(lost.fee) > stillCharged ? BigInt(lost.fee) - stillCharged : 0n;
  const back = await returnRefund(sql, {
    ...{ id: lost.id, reference: `dispute_won:${id}`, reason, by: "stripe" },
    feeBackNanos,
  });
  return handled(`${reason}: ${back} gives back ${lost.id}`);
}

const handled = (outcome: string): EventOutcome => ({ state: "handled", outcome });
const ignored = (outcome: string): EventOutcome => ({ state: "ignored", outcome });
