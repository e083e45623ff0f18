import type Stripe from "stripe";
import { refused } from "../errors.ts";
import { integer, mergeMetadata, only } from "../form.ts";
import type { Answer, Call } from "../routes.ts";
import type { Change } from "../state.ts";
import { balanceTransaction } from "./balance.ts";
import { LIST_PARAMETERS, listOf } from "./lists.ts";
import { transferOf } from "./transfers.ts";

/** A transfer carries its newest reversals; the others are on their own list. */
const SHOWN_MAX = 10;

/** Brings money of a transfer back, as a whole or in parts. The connected account always has it: it never pays out. */
export function createReversal(call: Call): Answer {
  const { state, form } = call;
  only(form, "amount", "metadata", "description", "refund_application_fee");
  const asked = integer(form, "amount", 1);
  const metadata = mergeMetadata(form);
  const transfer = transferOf(call);
  const left = transfer.amount - transfer.amount_reversed;
  const amount = asked ?? left;
  if (amount > left || left === 0) {
    const message = `Transfer reversal amount (${amount}) is greater than unreversed amount on transfer (${left})`;
    throw refused("amount_too_large", message, "amount");
  }
  const { currency } = transfer;
  const id = state.nextId("trr");
  const movement = balanceTransaction(state, {
    amount,
    currency,
    reporting_category: "transfer_reversal",
    source: id,
    type: "transfer_refund",
  });
  const reversal: Stripe.TransferReversal = {
    id,
    object: "transfer_reversal",
    amount,
    balance_transaction: movement.id,
    created: state.now(),
    currency,
    destination_payment_refund: state.nextId("pyr"),
    metadata,
    source_refund: null,
    transfer: transfer.id,
  };
  const put: Change["put"] = [
    { kind: "reversal", object: reversal },
    { kind: "transfer", object: withReversal(transfer, reversal) },
    { kind: "balance_transaction", object: movement },
  ];
  return { body: reversal, change: { put, balance: [{ currency, add: amount }] } };
}

function withReversal(transfer: Stripe.Transfer, reversal: Stripe.TransferReversal): Stripe.Transfer {
  const amount_reversed = transfer.amount_reversed + reversal.amount;
  const { reversals } = transfer;
  const data = [reversal, ...reversals.data];
  const has_more = reversals.has_more || data.length > SHOWN_MAX;
  return {
    ...transfer,
    amount_reversed,
    reversed: amount_reversed === transfer.amount,
    reversals: { ...reversals, data: data.slice(0, SHOWN_MAX), has_more },
  };
}

export function listReversals(call: Call): Answer {
  only(call.form, ...LIST_PARAMETERS);
  const { id } = transferOf(call);
  const all = [...call.state.objects.reversal.values()].filter(({ transfer }) => transfer === id);
  return { body: listOf(`/v1/transfers/${id}/reversals`, all, call.form) };
}
