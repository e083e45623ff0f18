import type Stripe from "stripe";
import { missing } from "../errors.ts";
import { only, text } from "../form.ts";
import type { Answer, Call } from "../routes.ts";
import type { State } from "../state.ts";
import { LIST_PARAMETERS, listOf } from "./lists.ts";
import { availableOf, currenciesOf } from "./payouts.ts";

export function retrieveBalance({ state, form, account }: Call): Answer {
  only(form);
  const currencies = account === undefined ? state.currencies() : currenciesOf(state, account);
  const amounts = (of: (currency: string) => number) =>
    currencies.map((currency) => {
      const amount = of(currency);
      return { amount, currency, source_types: { card: amount } };
    });
  const balance: Stripe.Balance = {
    object: "balance",
    available: amounts((currency) =>
      account === undefined ? state.available(currency) : availableOf(state, account, currency),
    ),
    ...(account === undefined
      ? { connect_reserved: currencies.map((currency) => ({ amount: 0, currency })) }
      : {}),
    livemode: false,
    pending: amounts((currency) => (account === undefined ? state.pending(currency) : 0)),
  };
  return { body: balance };
}

/** One movement of the platform's balance. Minor units; negative when money leaves. */
export function balanceTransaction(
  state: State,
  movement: Pick<Stripe.BalanceTransaction, "amount" | "currency" | "reporting_category" | "type"> & {
    source: string;
  },
): Stripe.BalanceTransaction {
  const now = state.now();
  return {
    id: state.nextId("txn"),
    object: "balance_transaction",
    ...movement,
    available_on: now,
    balance_type: "payments",
    created: now,
    description: null,
    exchange_rate: null,
    fee: 0,
    fee_details: [],
    net: movement.amount,
    status: "available",
  };
}

/** `payout` is accepted and has no say: no payouts are simulated. */
export function listBalanceTransactions({ state, form }: Call): Answer {
  only(form, ...LIST_PARAMETERS, "created", "currency", "payout", "source", "type");
  const type = text(form, "type");
  const source = text(form, "source");
  const currency = text(form, "currency");
  const matching = [...state.objects.balance_transaction.values()].filter(
    (movement) =>
      (type === undefined || movement.type === type) &&
      (source === undefined || movement.source === source) &&
      (currency === undefined || movement.currency === currency),
  );
  return { body: listOf("/v1/balance_transactions", matching, form) };
}

export function retrieveBalanceTransaction({ state, id, form }: Call): Answer {
  only(form);
  const movement = state.objects.balance_transaction.get(id);
  if (movement === undefined) throw missing("balance transaction", id);
  return { body: movement };
}
