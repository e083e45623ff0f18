import Stripe from "stripe";
import type {
  ProviderCreditNote,
  ProviderDispute,
  ProviderRefund,
  RefundRecord,
} from "../../adjustments/index.ts";
import { withinDeadline } from "../../kernel/index.ts";
import { ProviderUnavailable } from "../../payouts/index.ts";
import { openStripe, type StripeOptions } from "./stripe-client.ts";

/** Reads refunds, credit notes and disputes at Stripe, and which of its invoices each is about. */
export function openStripeRefundRecord(options: StripeOptions): RefundRecord {
  const stripe = openStripe(options);

  async function ask<T>(what: string, call: () => Promise<T>): Promise<T | undefined> {
    try {
      return await withinDeadline(what, 2 * options.timeoutMs, call());
    } catch (error) {
      if (error instanceof Stripe.errors.StripeError && error.code === "resource_missing") return undefined;
      throw new ProviderUnavailable(error instanceof Error ? error.message : String(error), { cause: error });
    }
  }

  /** A payment does not say which invoice it paid: the invoice's payments do. */
  async function invoiceOf(paymentIntent: string | { id: string } | null): Promise<string | null> {
    if (paymentIntent === null) return null;
    const payment_intent = idOf(paymentIntent);
    const found = await stripe.invoicePayments.list({
      payment: { type: "payment_intent", payment_intent },
      limit: 1,
    });
    const [payment] = found.data;
    return payment === undefined ? null : idOf(payment.invoice);
  }

  const refundOf = async (one: Stripe.Refund): Promise<ProviderRefund> => ({
    id: one.id,
    status: statusOf(one.status),
    currency: one.currency.toUpperCase(),
    amountMinor: BigInt(one.amount),
    invoice: await invoiceOf(one.payment_intent),
    ofRefund: one.metadata?.refund ?? null,
    reason: one.reason,
  });

  return {
    refundById: (id) => ask("the refund", async () => refundOf(await stripe.refunds.retrieve(id))),

    async refundsOfCharge(charge) {
      const found = await ask("the refunds", async () => {
        const all: ProviderRefund[] = [];
        for await (const one of stripe.refunds.list({ charge, limit: 100 })) all.push(await refundOf(one));
        return all;
      });
      return found ?? [];
    },

    creditNoteById: (id) =>
      ask("the credit note", async () => creditNoteOf(await stripe.creditNotes.retrieve(id))),

    disputeById: (id) =>
      ask("the dispute", async () => {
        const one = await stripe.disputes.retrieve(id);
        return disputeOf(one, await invoiceOf(one.payment_intent));
      }),
  };
}

function statusOf(status: string | null): ProviderRefund["status"] {
  if (status === "succeeded") return "succeeded";
  return status === "failed" || status === "canceled" ? "failed" : "pending";
}

function creditNoteOf(note: Stripe.CreditNote): ProviderCreditNote {
  const refunded = note.refunds.reduce((all, { amount_refunded }) => all + BigInt(amount_refunded), 0n);
  return {
    id: note.id,
    isVoid: note.status === "void",
    currency: note.currency.toUpperCase(),
    invoice: idOf(note.invoice),
    creditedMinor: BigInt(note.total) - refunded,
    ofRefund: note.metadata?.refund ?? null,
    reason: note.reason,
  };
}

const STATES: Record<string, ProviderDispute["state"]> = {
  needs_response: "open",
  under_review: "open",
  won: "won",
  warning_closed: "won",
  prevented: "won",
  lost: "lost",
  appeal_needs_response: "lost",
  appeal_under_review: "lost",
};

function disputeOf(one: Stripe.Dispute, invoice: string | null): ProviderDispute {
  const fees = one.balance_transactions
    .filter(({ currency }) => currency === one.currency)
    .map(({ fee }) => BigInt(fee));
  return {
    id: one.id,
    state: STATES[one.status] ?? "inquiry",
    currency: one.currency.toUpperCase(),
    amountMinor: BigInt(one.amount),
    invoice,
    reason: one.reason,
    feeMinor: fees.reduce((all, fee) => all + fee, 0n),
  };
}

function idOf(of: string | { id: string }): string {
  return typeof of === "string" ? of : of.id;
}
