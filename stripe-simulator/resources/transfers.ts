import type Stripe from "stripe";
import { invalidRequest, missing, refused } from "../errors.ts";
import { type Form, integer, mergeMetadata, only, requiredText, text } from "../form.ts";
import type { Answer, Call } from "../routes.ts";
import type { State } from "../state.ts";
import { balanceTransaction } from "./balance.ts";
import { LIST_PARAMETERS, listOf } from "./lists.ts";

const CURRENCIES = new Set(Intl.supportedValuesOf("currency"));

/** Moves money from the platform's balance to a connected account. */
export function createTransfer({ state, form }: Call): Answer {
  const asked = readTransfer(form);
  requireReady(state, asked.destination);
  const { amount, currency } = asked;
  if (state.available(currency) < amount)
    throw refused("balance_insufficient", "You have insufficient available funds in your Stripe account.");
  const id = state.nextId("tr");
  const movement = balanceTransaction(state, {
    amount: -amount,
    currency,
    reporting_category: "transfer",
    source: id,
    type: "transfer",
  });
  const transfer: Stripe.Transfer = {
    id,
    object: "transfer",
    ...asked,
    amount_reversed: 0,
    balance_transaction: movement.id,
    created: state.now(),
    destination_payment: state.nextId("py"),
    livemode: false,
    reversals: { object: "list", data: [], has_more: false, url: `/v1/transfers/${id}/reversals` },
    reversed: false,
    source_transaction: null,
  };
  const put = [
    { kind: "transfer" as const, object: transfer },
    { kind: "balance_transaction" as const, object: movement },
  ];
  return { body: transfer, change: { put, balance: [{ currency, add: -amount }] } };
}

/** Nothing here is kept under an idempotency key: these are refusals before execution. */
function readTransfer(form: Form) {
  const known = [
    "amount",
    "currency",
    "destination",
    "description",
    "metadata",
    "source_type",
    "transfer_group",
  ];
  only(form, ...known, "source_transaction");
  requiredText(form, "amount");
  const amount = integer(form, "amount", 1) ?? 0;
  const currency = requiredText(form, "currency").toLowerCase();
  if (!CURRENCIES.has(currency.toUpperCase()))
    throw invalidRequest(undefined, `Invalid currency: ${currency.slice(0, 100)}.`, "currency");
  const charge = text(form, "source_transaction");
  if (charge !== undefined)
    throw invalidRequest("resource_missing", `No such charge: '${charge}'`, "source_transaction");
  return {
    amount,
    currency,
    description: text(form, "description") ?? null,
    destination: requiredText(form, "destination"),
    metadata: mergeMetadata(form),
    source_type: text(form, "source_type") ?? "card",
    transfer_group: text(form, "transfer_group") ?? null,
  };
}

function requireReady(state: State, destination: string): void {
  const account = state.account(destination);
  if (account === undefined)
    throw refused("resource_missing", `No such destination: '${destination}'`, "destination");
  if (account.capabilities?.transfers !== "active") {
    throw refused(
      "insufficient_capabilities_for_transfer",
      "Your destination account needs to have at least one of the following capabilities enabled: transfers, crypto_transfers, legacy_payments",
    );
  }
}

/** @throws StripeProblem resource_missing */
export function transferOf({ state, id }: Call): Stripe.Transfer {
  const transfer = state.objects.transfer.get(id);
  if (transfer === undefined) throw missing("transfer", id);
  return transfer;
}

export function retrieveTransfer(call: Call): Answer {
  only(call.form);
  return { body: transferOf(call) };
}

export function updateTransfer(call: Call): Answer {
  const { form } = call;
  only(form, "metadata", "description");
  const transfer = transferOf(call);
  const metadata = mergeMetadata(form, transfer.metadata);
  const description =
    form.description === undefined ? transfer.description : (text(form, "description") ?? null);
  const updated = { ...transfer, metadata, description };
  return { body: updated, change: { put: [{ kind: "transfer", object: updated }] } };
}

export function listTransfers({ state, form }: Call): Answer {
  only(form, ...LIST_PARAMETERS, "created", "destination", "transfer_group");
  const transferGroup = text(form, "transfer_group");
  const destination = text(form, "destination");
  const matching = [...state.objects.transfer.values()].filter(
    (transfer) =>
      (transferGroup === undefined || transfer.transfer_group === transferGroup) &&
      (destination === undefined || transfer.destination === destination),
  );
  return { body: listOf("/v1/transfers", matching, form) };
}
