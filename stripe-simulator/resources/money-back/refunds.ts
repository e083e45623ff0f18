import type Stripe from "stripe";
import { invalidRequest, missing, refused } from "../../errors.ts";
import { integer, mergeMetadata, only, text } from "../../form.ts";
import type { Answer, Call } from "../../routes.ts";
import type { Change, State } from "../../state.ts";
import { balanceTransaction } from "../balance.ts";
import { LIST_PARAMETERS, listOf } from "../lists.ts";
import { chargeOf, type WireCharge } from "./payments.ts";

/** All or some of what is left of a charge goes back to the customer, at once. */
export function createRefund({ state, form }: Call): Answer {
  only(form, "amount", "charge", "metadata", "payment_intent", "reason");
  const charge = chargeAsked(state, text(form, "charge"), text(form, "payment_intent"));
  const left = charge.amount - charge.amount_refunded;
  if (left === 0) throw refused("charge_already_refunded", `Charge ${charge.id} has already been refunded.`);
  const amount = integer(form, "amount", 1) ?? left;
  if (amount > left)
    throw refused(
      "amount_too_large",
      `Refund amount (${amount}) is greater than unrefunded amount on charge (${left})`,
      "amount",
    );
  const { refund, change } = refundOf(state, charge, amount, {
    metadata: mergeMetadata(form),
    reason: (text(form, "reason") ?? null) as Stripe.Refund["reason"],
  });
  return { body: refund, change };
}

export function refundOf(
  state: State,
  charge: WireCharge,
  amount: number,
  given: Pick<Stripe.Refund, "metadata" | "reason">,
): { refund: Stripe.Refund; change: Change } {
  const { currency } = charge;
  const id = state.nextId("re");
  const movement = balanceTransaction(state, {
    amount: -amount,
    currency,
    reporting_category: "refund",
    source: id,
    type: "refund",
  });
  const refund: Stripe.Refund = {
    ...{
      id,
      object: "refund",
      amount,
      balance_transaction: movement.id,
      charge: charge.id,
      created: state.now(),
    },
    ...{ currency, customer: charge.customer, customer_account: null, payment_intent: charge.payment_intent },
    ...{ payment_method: null, receipt_number: null, source_transfer_reversal: null, status: "succeeded" },
    ...{ transfer_reversal: null, ...given },
  };
  const amount_refunded = charge.amount_refunded + amount;
  const after = { ...charge, amount_refunded, refunded: amount_refunded === charge.amount };
  return {
    refund,
    change: {
      put: [
        { kind: "refund", object: refund },
        { kind: "charge", object: after },
        { kind: "balance_transaction", object: movement },
      ],
      balance: [{ currency, add: -amount }],
    },
  };
}

function chargeAsked(state: State, charge: string | undefined, intent: string | undefined): WireCharge {
  if (charge !== undefined) return chargeOf(state, charge);
  if (intent === undefined)
    throw invalidRequest(
      "parameter_missing",
      "One of the following params should be provided for this request: payment_intent or charge.",
    );
  const found = [...state.objects.charge.values()].find(({ payment_intent }) => payment_intent === intent);
  if (found === undefined) throw missing("payment_intent", intent);
  return found;
}

export function retrieveRefund({ state, id, form }: Call): Answer {
  only(form);
  const refund = state.objects.refund.get(id);
  if (refund === undefined) throw missing("refund", id);
  return { body: refund };
}

export function listRefunds({ state, form }: Call): Answer {
  only(form, ...LIST_PARAMETERS, "created", "charge", "payment_intent");
  const charge = text(form, "charge");
  const intent = text(form, "payment_intent");
  const matching = [...state.objects.refund.values()].filter(
    (one) =>
      (charge === undefined || one.charge === charge) &&
      (intent === undefined || one.payment_intent === intent),
  );
  return { body: listOf("/v1/refunds", matching, form) };
}

/** A lever: the customer's bank does not take it, days later. The money is the platform's again. */
export function failRefund(state: State, id: string): Change {
  const refund = state.objects.refund.get(id);
  if (refund === undefined) throw missing("refund", id);
  if (refund.status === "failed") throw refused("refund_failed", "It failed already.");
  const charge = chargeOf(state, String(refund.charge));
  const failed = { ...refund, status: "failed", failure_reason: "declined" };
  return {
    put: [
      { kind: "refund", object: failed },
      {
        kind: "charge",
        object: { ...charge, amount_refunded: charge.amount_refunded - refund.amount, refunded: false },
      },
    ],
    balance: [{ currency: refund.currency, add: refund.amount }],
  };
}
