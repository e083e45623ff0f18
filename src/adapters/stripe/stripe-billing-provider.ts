import Stripe from "stripe";
import type {
  BillingProvider,
  FoundInvoice,
  InvoiceItem,
  InvoiceRequest,
  InvoiceStanding,
  PushOutcome,
} from "../../billing/index.ts";
import { withinDeadline } from "../../kernel/index.ts";
import { ProviderUnavailable } from "../../payouts/index.ts";
import { ask, candidly } from "./candidly.ts";
import { openStripe, type StripeOptions, safeInteger } from "./stripe-client.ts";
import { tellStripeOfPayment } from "./tell-payment.ts";

const DESCRIPTION_MAX = 500;

/**
 * Stripe Invoicing: a draft that never moves by itself, its items, and only then, when it comes to what was asked for,
 * finalised and left to Stripe's collection.
 */
export function openStripeBillingProvider(options: StripeOptions): BillingProvider {
  const stripe = openStripe(options);
  // The SDK's own limit is for silence; an answer that trickles in would have no end.
  const bounded = <T>(what: string, call: Promise<T>) => withinDeadline(what, 2 * options.timeoutMs, call);

  /** One step of an invoice under a key of its own. */
  function step<T>({ idempotencyKey, maySend }: InvoiceRequest, name: string, call: Call<T>): Promise<T> {
    if (!maySend()) throw new KeyTooOld();
    return bounded(name, call({ idempotencyKey: `${idempotencyKey}:${name}` }));
  }

  async function finish(request: InvoiceRequest, draft: string, present: Set<string>): Promise<PushOutcome> {
    for (const [n, item] of request.items.entries())
      if (!present.has(String(n)))
        await step(request, `item-${n}`, (key) =>
          stripe.invoiceItems.create(itemOf(request, draft, n, item), key),
        );
    const whole = await bounded("the draft", stripe.invoices.retrieve(draft));
    if (BigInt(whole.total) !== request.amountMinor || whole.currency !== request.currency.toLowerCase())
      return {
        outcome: "failed",
        detail: `draft ${draft} comes to ${whole.total} ${whole.currency}, not to ${request.amountMinor}: delete it at Stripe, then push again`,
      };
    await step(request, "finalize", (key) =>
      stripe.invoices.finalizeInvoice(draft, { auto_advance: true }, key),
    );
    return { outcome: "pushed", providerId: draft };
  }

  return {
    createCustomer({ customer, currency, name, installation, idempotencyKey }) {
      return candidly(async () => {
        const metadata = { customer, currency, installation };
        const made = stripe.customers.create({ name, metadata }, { idempotencyKey });
        return { outcome: "made" as const, providerId: (await bounded("the customer", made)).id };
      });
    },

    async findCustomer({ customer, installation, currency }, since) {
      return ask(async () => {
        const created = { gte: Math.floor(since.getTime() / 1000) };
        for await (const one of stripe.customers.list({ created, limit: 100 })) {
          const { metadata } = one;
          if (
            metadata.customer === customer &&
            metadata.currency === currency &&
            metadata.installation === installation
          )
            return one.id;
        }
        return undefined;
      });
    },

    pushInvoice(request) {
      return candidly(async () => {
        const draft = await step(request, "create", (key) =>
          stripe.invoices.create(
            {
              customer: request.providerCustomer,
              currency: request.currency.toLowerCase(),
              auto_advance: false,
              collection_method: "charge_automatically",
              pending_invoice_items_behavior: "exclude",
              metadata: metadataOf(request),
            },
            key,
          ),
        );
        return finish(request, draft.id, new Set());
      });
    },

    completeInvoice(request, { providerId, isDraft }) {
      return candidly(async () => {
        if (!isDraft) return { outcome: "pushed", providerId };
        const present = new Set<string>();
        for await (const item of stripe.invoiceItems.list({ invoice: providerId, limit: 100 }))
          present.add(item.metadata?.item ?? "");
        return finish(request, providerId, present);
      });
    },

    tellPayment: (request) => candidly(() => tellStripeOfPayment(stripe, request, bounded)),

    async invoiceStanding(providerId) {
      try {
        const one = await bounded("the invoice", stripe.invoices.retrieve(providerId));
        const payments = stripe.invoicePayments.list({ invoice: providerId, limit: 100 });
        return standingOf(one, (await bounded("its payments", payments)).data);
      } catch (error) {
        if (error instanceof Stripe.errors.StripeError && error.code === "resource_missing") return undefined;
        throw new ProviderUnavailable(error instanceof Error ? error.message : String(error), {
          cause: error,
        });
      }
    },

    findInvoice(request) {
      return ask(async () => {
        const found: FoundInvoice[] = [];
        for await (const one of stripe.invoices.list({ customer: request.providerCustomer, limit: 100 })) {
          const { metadata } = one;
          if (metadata?.invoice === request.invoice && metadata.installation === request.installation)
            found.push({ providerId: one.id, isDraft: requireAsAsked(one, request).status === "draft" });
        }
        if (found.length > 1)
          throw new Error(`${found.length} invoices at Stripe name ${request.invoice}: somebody must look`);
        return found[0];
      });
    },
  };
}

function standingOf(one: Stripe.Invoice, payments: readonly Stripe.InvoicePayment[]): InvoiceStanding {
  // A payment record is what somebody wrote down of money that came elsewhere.
  const received = payments.filter(
    ({ status, payment }) => status === "paid" && payment.type !== "payment_record",
  );
  const moment = (seconds: number | null) => (seconds === null ? null : new Date(seconds * 1000));
  // A balance above nothing is what the customer owes; below, what it has to its credit.
  const owed = (balance: number | null) => BigInt(Math.max(balance ?? 0, 0));
  const { paid_at, finalized_at } = one.status_transitions;
  return {
    status: (one.status ?? "draft") as InvoiceStanding["status"],
    currency: one.currency.toUpperCase(),
    totalMinor: BigInt(one.total),
    paidMinor: BigInt(one.amount_paid),
    receivedMinor: received.reduce((all, { amount_paid }) => all + BigInt(amount_paid ?? 0), 0n),
    creditedMinor: BigInt(one.pre_payment_credit_notes_amount),
    carriedMinor: finalized_at === null ? 0n : owed(one.ending_balance) - owed(one.starting_balance),
    finalizedAt: moment(finalized_at),
    paidAt: moment(paid_at),
  };
}

/** Under our invoice's name nobody may be asked for another amount: that is nothing to guess about. */
function requireAsAsked(one: Stripe.Invoice, { invoice, amountMinor }: InvoiceRequest): Stripe.Invoice {
  if (one.status !== "draft" && BigInt(one.total) !== amountMinor)
    throw new Error(`${one.id} at Stripe names ${invoice} and comes to ${one.total}: somebody must look`);
  return one;
}

type Call<T> = (key: { idempotencyKey: string }) => Promise<T>;

class KeyTooOld extends Error {
  override name = "KeyTooOld";
  override message = "the key grew too old before it could be sent: the next run looks for the invoice";
}

function metadataOf({ invoice, period, installation, idempotencyKey }: InvoiceRequest): Stripe.MetadataParam {
  return { invoice, period, installation, attempt: idempotencyKey };
}

function itemOf(
  { providerCustomer, currency, invoice }: InvoiceRequest,
  draft: string,
  n: number,
  { amountMinor, description }: InvoiceItem,
): Stripe.InvoiceItemCreateParams {
  return {
    customer: providerCustomer,
    invoice: draft,
    amount: safeInteger(amountMinor),
    currency: currency.toLowerCase(),
    description: description.slice(0, DESCRIPTION_MAX),
    metadata: { invoice, item: String(n) },
  };
}
