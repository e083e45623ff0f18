import { amountInWords, fromMinor, money, toMinor } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import type { EventHandler, EventOutcome } from "../provider-events/index.ts";
import { recordPaidWith } from "./carried-over.ts";
import { recordPaidAtProvider } from "./payments.ts";
import type { BillingProvider, InvoiceStanding } from "./push/billing-provider.ts";

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
const handled = (...outcome: string[]): EventOutcome => ({ state: "handled", outcome: outcome.join("; ") });

async function lookAtInvoice(
  sql: Sql,
  provider: BillingProvider,
  providerId: string,
  event: string,
): Promise<EventOutcome> {
  const [ours] = await sql<{ id: string; told: string }[]>`
    SELECT invoice_id AS id, told_of_invoice(invoice_id)::text AS told FROM invoice_push WHERE provider_id = ${providerId}`;
  if (ours === undefined) return { state: "ignored", outcome: `${providerId} is no invoice of ours` };
  const standing = await provider.invoiceStanding(providerId);
  if (standing === undefined) throw new Error(`Stripe has no invoice ${providerId}`);
  const { status, currency, totalMinor, paidMinor, receivedMinor, creditedMinor, carriedMinor } = standing;
  if (status !== "paid") return handled(`${ours.id} is ${status}`);
  const nanos = (minor: bigint) => fromMinor(currency, minor);
  const said = (amountNanos: bigint) => amountInWords(money(currency, amountNanos));
  const askedMinor = totalMinor - creditedMinor;
  // Stripe calls an invoice paid that it carried over or that was marked so by hand: no money came then.
  if (paidMinor < askedMinor && carriedMinor > 0n)
    return handled(
      `${ours.id} is too small to be charged: it is paid with the customer's next invoice at Stripe`,
    );
  if (paidMinor < askedMinor)
    return handled(
      `${ours.id} is paid at Stripe with ${said(nanos(paidMinor))} of ${said(nanos(totalMinor))}: an operator records what came with POST /v1/invoices/${ours.id}/payments`,
    );
  if (paidMinor === 0n) return handled(`${ours.id} is paid: there was nothing to pay`);
  const payment = { by: `stripe:${event}`, paidAt: standing.paidAt ?? new Date() };
  const toldMinor = min(toMinor(currency, BigInt(ours.told)), paidMinor - receivedMinor);
  const { ownMinor, beyondMinor } = splitPayment(standing, toldMinor);
  const creditedNanos = await recordPaidAtProvider(sql, {
    ...{ ...payment, invoice: ours.id, reference: providerId },
    amountNanos: nanos(min(paidMinor, askedMinor)),
    receivedNanos: nanos(ownMinor),
  });
  const outcome = [`${ours.id} is paid`];
  if (creditedNanos > 0n)
    outcome.push(`${said(creditedNanos)} more than it asked for: that is credit of the customer now`);
  if (beyondMinor === 0n) return handled(...outcome);
  const ofNoneNanos = await recordPaidWith(sql, provider, {
    ...{ ...payment, invoice: ours.id, providerId, standing },
    amountNanos: nanos(beyondMinor),
    receivedNanos: nanos(min(beyondMinor, receivedMinor - ownMinor)),
  });
  outcome.push(`${said(nanos(beyondMinor) - ofNoneNanos)} more for invoices that Stripe had carried over`);
  if (ofNoneNanos > 0n)
    outcome.push(
      `${said(ofNoneNanos)} more for none of our invoices: look at the customer's balance at Stripe, and record what is ours with POST /v1/invoices/{id}/payments`,
    );
  return handled(...outcome);
}

/**
 * How much of what the provider received is for the invoice itself, and how much was paid for others that it asked for with it. What it counts as
 * paid because it was told of it pays the invoice itself: without that the same money would pay those before and be credit of the customer too.
 */
function splitPayment(
  { totalMinor, creditedMinor, paidMinor, receivedMinor, carriedMinor }: InvoiceStanding,
  toldMinor: bigint,
): { ownMinor: bigint; beyondMinor: bigint } {
  const askedMinor = totalMinor - creditedMinor;
  const moreMinor = paidMinor - askedMinor;
  if (toldMinor === 0n) return { ownMinor: min(receivedMinor, askedMinor), beyondMinor: moreMinor };
  const beyondMinor = min(moreMinor, -min(carriedMinor, 0n));
  const ownMinor = min(receivedMinor, min(askedMinor, paidMinor - beyondMinor - toldMinor));
  return { ownMinor: -min(-ownMinor, 0n), beyondMinor };
}
