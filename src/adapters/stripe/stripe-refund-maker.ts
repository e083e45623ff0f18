import type Stripe from "stripe";
import type { RefundMaker, RefundToMake } from "../../adjustments/index.ts";
import { withinDeadline } from "../../kernel/index.ts";
import { ask, candidly } from "./candidly.ts";
import { openStripe, type StripeOptions, safeInteger } from "./stripe-client.ts";
import { openStripeRefundRecord } from "./stripe-refund-record.ts";

/**
 * What an invoice still asks for is lessened by a credit note; money of its payment goes back by a refund of that payment,
 * not by a credit note with a refund in it, since only the refund itself can carry our name and be found by it.
 */
export function openStripeRefundMaker(options: StripeOptions): RefundMaker {
  const stripe = openStripe(options);
  const bounded = <T>(what: string, call: Promise<T>) => withinDeadline(what, 2 * options.timeoutMs, call);

  /** The largest, when several paid it: the same one for each try. */
  async function paymentOf(invoice: string): Promise<string | undefined> {
    const list = stripe.invoicePayments.list({ invoice, status: "paid", limit: 100 });
    const { data } = await bounded("the invoice's payments", list);
    const [largest] = data
      .filter(({ payment }) => payment.payment_intent !== undefined)
      .toSorted((a, b) => (b.amount_paid ?? 0) - (a.amount_paid ?? 0) || (a.id < b.id ? -1 : 1));
    const intent = largest?.payment.payment_intent;
    return typeof intent === "object" ? intent.id : intent;
  }

  async function standing(
    request: RefundToMake,
  ): Promise<{ id: string; amount: number; currency: string }[]> {
    const { means, invoice, refund, installation } = request;
    const isOurs = ({ metadata }: { metadata: Stripe.Metadata | null }) =>
      metadata?.refund === refund && metadata.installation === installation;
    if (means === "credit_note") {
      const notes = await stripe.creditNotes
        .list({ invoice, limit: 100 })
        .autoPagingToArray({ limit: LISTED_MAX });
      return notes.filter((note) => isOurs(note) && note.status !== "void");
    }
    const payment_intent = await paymentOf(invoice);
    if (payment_intent === undefined) return [];
    const refunds = await stripe.refunds
      .list({ payment_intent, limit: 100 })
      .autoPagingToArray({ limit: LISTED_MAX });
    return refunds.filter((one) => isOurs(one) && one.status !== "failed" && one.status !== "canceled");
  }

  return {
    ...openStripeRefundRecord(options),

    makeRefund(request) {
      const { means, invoice, refund, installation, idempotencyKey } = request;
      return candidly(async () => {
        const amount = safeInteger(request.amountMinor);
        const metadata = { refund, installation, attempt: idempotencyKey };
        const payment_intent = means === "refund" ? await paymentOf(invoice) : undefined;
        if (means === "refund" && payment_intent === undefined)
          return { outcome: "failed" as const, detail: `${invoice} was not paid through Stripe` };
        if (!request.maySend())
          return { outcome: "unknown" as const, detail: "the key grew too old before it could be sent" };
        const made =
          payment_intent === undefined
            ? stripe.creditNotes.create({ invoice, amount, metadata }, { idempotencyKey })
            : stripe.refunds.create({ payment_intent, amount, metadata }, { idempotencyKey });
        const { id } = await bounded<{ id: string }>("the refund", made);
        return { outcome: "made" as const, providerId: id };
      });
    },

    findRefund(request) {
      return ask(async () => {
        const found = await bounded("the refunds", standing(request));
        const [one] = found;
        if (one === undefined) return undefined;
        if (found.length > 1)
          throw new Error(
            `${found.length} of Stripe's ${request.means}s name ${request.refund}: somebody must look`,
          );
        if (BigInt(one.amount) !== request.amountMinor || one.currency !== request.currency.toLowerCase())
          throw new Error(
            `${one.id} at Stripe names ${request.refund} and comes to ${one.amount} ${one.currency}: somebody must look`,
          );
        return one.id;
      });
    },
  };
}

/** Of one payment or invoice: Stripe has fewer. */
const LISTED_MAX = 10_000;
