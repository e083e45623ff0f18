import { fromMinor } from "../kernel/index.ts";
import {
  type BankPayout,
  type PayoutProvider,
  type ProviderRecord,
  type ProviderTransfer,
  recordAccount,
} from "../payouts/index.ts";
import type { Sql } from "../postgres/index.ts";
import type { EventHandler, EventOutcome } from "./provider-event.ts";

/** Whatever may change whether an account can be paid; it is asked for anew each time. */
const ACCOUNT_EVENTS = [
  "account.updated",
  "account.application.authorized",
  "account.application.deauthorized",
  "account.external_account.created",
  "account.external_account.updated",
  "account.external_account.deleted",
  "capability.updated",
  "person.created",
  "person.updated",
  "person.deleted",
  "v2.core.account.created",
  "v2.core.account.updated",
  "v2.core.account.closed",
  "v2.core.account[defaults].updated",
  "v2.core.account[identity].updated",
  "v2.core.account[requirements].updated",
  "v2.core.account[future_requirements].updated",
  "v2.core.account[configuration.recipient].updated",
  "v2.core.account[configuration.recipient].capability_status_updated",
  "v2.core.account_person.created",
  "v2.core.account_person.updated",
  "v2.core.account_person.deleted",
];
const TRANSFER_EVENTS = ["transfer.created", "transfer.updated", "transfer.reversed"];
const BANK_PAYOUT_EVENTS = [
  "created",
  "updated",
  "paid",
  "failed",
  "canceled",
  "reconciliation_completed",
].map((what) => `payout.${what}`);

/** What payouts want to hear of: accounts, transfers and their reversals, and what accounts sent on to their banks. */
export function payoutEventHandlers(
  sql: Sql,
  provider: PayoutProvider & ProviderRecord,
): [string, EventHandler][] {
  const account: EventHandler = ({ account, about }) => refreshAccount(sql, provider, account ?? about);
  const transfer: EventHandler = ({ about }) => lookAtTransfer(sql, provider, about);
  const payout: EventHandler = (event) => refreshBankPayout(sql, provider, event.account, event.about);
  return [
    ...ACCOUNT_EVENTS.map((type): [string, EventHandler] => [type, account]),
    ...TRANSFER_EVENTS.map((type): [string, EventHandler] => [type, transfer]),
    ...BANK_PAYOUT_EVENTS.map((type): [string, EventHandler] => [type, payout]),
  ];
}

async function payeeOf(sql: Sql, account: string): Promise<string | undefined> {
  const [row] = await sql<{ id: string }[]>`SELECT id FROM payee WHERE stripe_account = ${account}`;
  return row?.id;
}

async function refreshAccount(sql: Sql, provider: PayoutProvider, account: string): Promise<EventOutcome> {
  const payee = await payeeOf(sql, account);
  if (payee === undefined) return ignored(`${account} is no payee's account`);
  const askedAt = new Date();
  const status = await provider.accountStatus(account);
  await recordAccount(sql, status, askedAt);
  const can = status.transfersEnabled
    ? "can receive payouts"
    : `cannot receive payouts: ${status.disabledReason}`;
  return { state: "handled", outcome: `${payee} ${can}` };
}

/** The money of a reversal is not given out again before a person has said so: it is told, and reconcile tells it too. */
async function lookAtTransfer(sql: Sql, provider: ProviderRecord, id: string): Promise<EventOutcome> {
  const [payout] = await sql<{ id: string }[]>`SELECT id FROM payout WHERE transfer_id = ${id}`;
  if (payout === undefined) return ignored(`${id} is no payout's transfer; reconcile tells whose it may be`);
  const transfer = await provider.transferById(id);
  if (transfer === undefined) throw new Error(`Stripe has no transfer ${id}`);
  const open = await unbooked(sql, transfer);
  if (open.length === 0) return { state: "handled", outcome: `${payout.id} is as our books have it` };
  return {
    state: "handled",
    outcome: `${open.join(", ")} of ${payout.id} came back and is not in our books: an operator books it with POST /v1/payouts/${payout.id}/reversals`,
  };
}

async function unbooked(sql: Sql, { reversals }: ProviderTransfer): Promise<string[]> {
  const ids = reversals.map(({ id }) => id);
  const booked = await sql<{ reversal_id: string }[]>`
    SELECT reversal_id FROM payout_reversal WHERE reversal_id = ANY (${ids})`;
  const known = new Set(booked.map(({ reversal_id }) => reversal_id));
  return ids.filter((id) => !known.has(id));
}

/** In the order in which a payout goes through them. */
const STATUSES: readonly BankPayout["status"][] = ["pending", "in_transit", "paid", "canceled", "failed"];

async function refreshBankPayout(
  sql: Sql,
  provider: ProviderRecord,
  account: string | null,
  id: string,
): Promise<EventOutcome> {
  if (account === null) return ignored(`${id} is a payout of the platform itself`);
  const payee = await payeeOf(sql, account);
  if (payee === undefined) return ignored(`${account} is no payee's account`);
  const payout = await provider.bankPayoutById(account, id);
  if (payout === undefined) return ignored(`${account} shows no payout ${id}`);
  const amount = fromMinor(payout.currency, payout.amountMinor);
  const stored = await sql`
    INSERT INTO bank_payout AS b (id, account, currency, amount_nanos, status, failure, created_at)
    VALUES (${id}, ${account}, ${payout.currency}, ${String(amount)}, ${payout.status}, ${payout.failure}, ${payout.createdAt})
    ON CONFLICT (id) DO UPDATE SET status = excluded.status, failure = excluded.failure, updated_at = now()
    WHERE array_position(${STATUSES as string[]}::text[], b.status)
      < array_position(${STATUSES as string[]}::text[], excluded.status)
    RETURNING 1`;
  const told = `${payee}'s payout ${id} to the bank is ${payout.status}`;
  return { state: "handled", outcome: stored.length > 0 ? told : `${told}, as we knew` };
}

function ignored(outcome: string): EventOutcome {
  return { state: "ignored", outcome };
}
