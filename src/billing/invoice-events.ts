import { formatNanos, fromMinor } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import type { EventHandler, EventOutcome } from "../provider-events/index.ts";
import { recordPaidAtProvider } from "./payments.ts";
import type { BillingProvider } from "./push/billing-provider.ts";

const INVOICE_EVENTS = [
  "invoice.finalized",
  "invoice.paid",
  "invoice.payment_succeeded",
  "invoice.payment_failed",
  "invoice.voided",
  "invoice.marked_uncollectible",
  "invoice.overpaid",
  "invoice.overdue",
  "invoice.payment_action_required",
];

/** What billing wants to hear of: how its invoices stand. Only money that came changes the books. */
export function invoiceEventHandlers(sql: Sql, provider: BillingProvider): [string, EventHandler][] {
  const handler: EventHandler = ({ about, id }) => lookAtInvoice(sql, provider, about, id);
  return INVOICE_EVENTS.map((type) => [type, handler]);
}

const min = (a: bigint, b: bigint) => (a < b ? a : b);

async function lookAtInvoice(
  sql: Sql,
  provider: BillingProvider,
  providerId: string,
  event: string,
): Promise<EventOutcome> {
  const [ours] = await sql<{ id: string }[]>`
    SELECT invoice_id AS id FROM invoice_push WHERE provider_id = ${providerId}`;
  if (ours === undefined) return { state: "ignored", outcome: `${providerId} is no invoice of ours` };
  const standing = await provider.invoiceStanding(providerId);
  if (standing === undefined) throw new Error(`Stripe has no invoice ${providerId}`);
  const { status, currency, totalMinor, paidMinor, receivedMinor, creditedMinor, paidAt } = standing;
  if (status !== "paid") return { state: "handled", outcome: `${ours.id} is ${status}` };
  // Stripe calls an invoice paid that it carried over or that was marked so by hand: no money came then.
  if (paidMinor + creditedMinor < totalMinor)
    return {
      state: "handled",
      outcome: `${ours.id} is paid at Stripe with ${paidMinor} of ${totalMinor}: an operator records what came with POST /v1/invoices/${ours.id}/payments`,
    };
  if (paidMinor === 0n) return { state: "handled", outcome: `${ours.id} is paid: there was nothing to pay` };
  // What is paid beyond the total is of an invoice before, which Stripe carried over.
  const ofTotal = (minor: bigint) => fromMinor(currency, min(minor, totalMinor - creditedMinor));
  const creditedNanos = await recordPaidAtProvider(sql, {
    invoice: ours.id,
    amountNanos: ofTotal(paidMinor),
    receivedNanos: ofTotal(receivedMinor),
    reference: providerId,
    by: `stripe:${event}`,
    paidAt: paidAt ?? new Date(),
  });
  const outcome = [`${ours.id} is paid`];
  if (creditedNanos > 0n)
    outcome.push(`${formatNanos(creditedNanos)} more than it asked for: that is credit of the customer now`);
  if (paidMinor + creditedMinor > totalMinor)
    outcome.push(
      `${formatNanos(fromMinor(currency, paidMinor + creditedMinor - totalMinor))} more, for what Stripe carried over: record it of that invoice with POST /v1/invoices/{id}/payments`,
    );
  return { state: "handled", outcome: outcome.join("; ") };
}
