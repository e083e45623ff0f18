import type Stripe from "stripe";
import { missing } from "../errors.ts";
import { only, text } from "../form.ts";
import type { Answer, Call } from "../routes.ts";
import type { BankPayout, State } from "../state.ts";
import { LIST_PARAMETERS, listOf } from "./lists.ts";

// Payouts of connected accounts to their banks. They are made by the lever, as Stripe's schedule makes them.

export const PAYOUT_STATUSES = ["pending", "in_transit", "paid", "failed", "canceled"] as const;
type Status = (typeof PAYOUT_STATUSES)[number];

const ARRIVES_AFTER_SECONDS = 2 * 86_400;
const FAILURES: Record<string, string> = {
  account_closed: "The bank account has been closed.",
  no_account: "The bank account could not be located.",
  insufficient_funds: "Your Stripe account has insufficient funds to cover the payout.",
};

/** What an account has: transfers to it without their reversals, and without what went to the bank. */
export function availableOf(state: State, account: string, currency: string): number {
  let available = 0;
  for (const transfer of state.objects.transfer.values())
    if (transfer.destination === account && transfer.currency === currency)
      available += transfer.amount - transfer.amount_reversed;
  for (const { account: whose, payout } of state.objects.bank_payout.values())
    if (whose === account && payout.currency === currency && !isReturned(payout)) available -= payout.amount;
  return available;
}

export function currenciesOf(state: State, account: string): string[] {
  const transfers = [...state.objects.transfer.values()].filter(({ destination }) => destination === account);
  return [...new Set(transfers.map(({ currency }) => currency))];
}

/** What the schedule would pay out now: everything there is, of one account or of all. */
export function payOutAll(state: State, only: string | undefined): BankPayout[] {
  const accounts = only === undefined ? [...state.objects.account.keys()] : [only];
  return accounts.flatMap((account) =>
    currenciesOf(state, account)
      .map((currency) => ({ currency, amount: availableOf(state, account, currency) }))
      .filter(({ amount }) => amount > 0)
      .map(({ currency, amount }) => bankPayout(state, account, currency, amount)),
  );
}

function bankPayout(state: State, account: string, currency: string, amount: number): BankPayout {
  const id = state.nextId("po");
  const created = state.now();
  const payout: Stripe.Payout = {
    id,
    object: "payout",
    amount,
    application_fee: null,
    application_fee_amount: null,
    arrival_date: created + ARRIVES_AFTER_SECONDS,
    automatic: true,
    balance_transaction: state.nextId("txn"),
    created,
    currency,
    description: "STRIPE PAYOUT",
    destination: state.nextId("ba"),
    failure_balance_transaction: null,
    failure_code: null,
    failure_message: null,
    livemode: false,
    metadata: {},
    method: "standard",
    original_payout: null,
    payout_method: null,
    reconciliation_status: "in_progress",
    reversed_by: null,
    source_type: "card",
    statement_descriptor: null,
    status: "in_transit",
    trace_id: null,
    type: "bank_account",
  };
  return { id, account, payout };
}

/** A payout that was paid may still fail, days later: then its money is on the account again. */
export function changePayout(known: BankPayout, status: Status, failureCode: string): BankPayout {
  const failed = status === "failed";
  const failure = failed
    ? { failure_code: failureCode, failure_message: FAILURES[failureCode] ?? "The payout failed." }
    : { failure_code: null, failure_message: null };
  const failure_balance_transaction = failed ? `${known.payout.balance_transaction}_failed` : null;
  return { ...known, payout: { ...known.payout, ...failure, failure_balance_transaction, status } };
}

export function listPayouts({ state, form, account }: Call): Answer {
  only(form, ...LIST_PARAMETERS, "arrival_date", "created", "destination", "status");
  const status = text(form, "status");
  const matching = payoutsOf(state, account).filter(
    (payout) => status === undefined || payout.status === status,
  );
  return { body: listOf("/v1/payouts", matching, form) };
}

export function retrievePayout({ state, id, form, account }: Call): Answer {
  only(form);
  const payout = payoutsOf(state, account).find((one) => one.id === id);
  if (payout === undefined) throw missing("payout", id);
  return { body: payout };
}

/** The platform's own money does not go to a bank here. */
function payoutsOf(state: State, account: string | undefined): Stripe.Payout[] {
  return [...state.objects.bank_payout.values()]
    .filter((one) => one.account === account)
    .map(({ payout }) => payout);
}

function isReturned({ status }: Stripe.Payout): boolean {
  return status === "failed" || status === "canceled";
}
