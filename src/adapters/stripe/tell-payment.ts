import type Stripe from "stripe";
import type { PaymentToTell, ToldOutcome } from "../../billing/index.ts";
import { safeInteger } from "./stripe-client.ts";

/**
 * A payment record says what came elsewhere, and attached to the invoice lessens what that asks for; in full, it is paid. Unlike
 * `paid_out_of_band` it carries an amount and our name. The invoice is read before its payments: what is attached between
 * the two is among them.
 */
export async function tellStripeOfPayment(
  stripe: Stripe,
  request: PaymentToTell,
  bounded: <T>(what: string, call: Promise<T>) => Promise<T>,
): Promise<ToldOutcome> {
  const { providerInvoice, idempotencyKey } = request;
  const invoice = await bounded("the invoice", stripe.invoices.retrieve(providerInvoice));
  const told = await toldAlready(stripe, request, bounded);
  if (told !== undefined) return { outcome: "told", providerId: told };
  if (invoice.status !== "open" && invoice.status !== "uncollectible")
    return {
      outcome: "failed",
      detail: `${providerInvoice} is ${invoice.status} at Stripe, which takes no payment of it any more; what was paid there besides becomes the customer's credit when Stripe says so`,
    };
  const asked = BigInt(invoice.amount_remaining);
  const value = safeInteger(request.amountMinor < asked ? request.amountMinor : asked);
  const seconds = Math.floor(request.paidAt.getTime() / 1000);
  if (!request.maySend()) return TOO_OLD;
  // A retry that finds less to be paid asks for something else: under a key of its own.
  const record = await bounded(
    "the payment record",
    stripe.paymentRecords.reportPayment(
      {
        amount_requested: { currency: request.currency.toLowerCase(), value },
        initiated_at: seconds,
        outcome: "guaranteed",
        guaranteed: { guaranteed_at: seconds },
        payment_method_details: { type: "custom", custom: { display_name: "Paid outside Stripe" } },
        metadata: nameOf(request),
      },
      { idempotencyKey: `${idempotencyKey}:report:${value}` },
    ),
  );
  if (!request.maySend()) return TOO_OLD;
  const attached = stripe.invoices.attachPayment(
    providerInvoice,
    { payment_record: record.id },
    { idempotencyKey: `${idempotencyKey}:attach:${value}` },
  );
  await bounded("the attached payment", attached);
  return { outcome: "told", providerId: record.id };
}

const TOO_OLD = { outcome: "not_sent", detail: "the key grew too old before it could be sent" } as const;

function nameOf({ invoice, reference, installation }: PaymentToTell) {
  return { invoice, payment: reference, installation };
}

async function toldAlready(
  stripe: Stripe,
  request: PaymentToTell,
  bounded: <T>(what: string, call: Promise<T>) => Promise<T>,
): Promise<string | undefined> {
  const listed = stripe.invoicePayments
    .list({ invoice: request.providerInvoice, limit: 100 })
    .autoPagingToArray({ limit: LISTED_MAX });
  const name = Object.entries(nameOf(request));
  for (const { payment } of await bounded("the invoice's payments", listed)) {
    const id =
      typeof payment.payment_record === "object" ? payment.payment_record.id : payment.payment_record;
    if (id === undefined) continue;
    const { metadata } = await bounded("a payment record", stripe.paymentRecords.retrieve(id));
    if (name.every(([key, value]) => metadata[key] === value)) return id;
  }
  return undefined;
}

/** Of one invoice: Stripe has fewer. */
const LISTED_MAX = 1_000;
