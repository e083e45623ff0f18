import { setTimeout as pause } from "node:timers/promises";
import Stripe from "stripe";
import {
  type BankPayout,
  type ProviderMovement,
  type ProviderRecord,
  type ProviderReversal,
  type ProviderTransfer,
  ProviderUnavailable,
} from "../../payouts/index.ts";

const PAGE = 100;
const TRIES_MAX = 6;
const KIND_OF_MOVEMENT = {
  transfer: "transfer",
  transfer_refund: "reversal",
  transfer_cancel: "undone",
  transfer_failure: "undone",
} as const;

type PageOf = { limit: number; starting_after?: string };

/** What Stripe has on record, through its lists; reading is safe to repeat, so a busy or broken Stripe is asked again. */
export function stripeRecord(stripe: Stripe): ProviderRecord {
  const allReversals = async ({ id, reversals }: Stripe.Transfer): Promise<Stripe.TransferReversal[]> => {
    if (!reversals.has_more) return reversals.data;
    const all: Stripe.TransferReversal[] = [];
    for await (const one of everyOne((page) => stripe.transfers.listReversals(id, page))) all.push(one);
    return all;
  };

  return {
    async *transfers(since) {
      const created = { gte: seconds(since) };
      for await (const transfer of everyOne((page) => stripe.transfers.list({ ...page, created })))
        yield transferOf(transfer, await allReversals(transfer));
    },

    async transferById(id) {
      const transfer = await patiently(() => stripe.transfers.retrieve(id)).catch((error: unknown) => {
        if (isMissing(error)) return undefined;
        throw error;
      });
      return transfer === undefined ? undefined : transferOf(transfer, await allReversals(transfer));
    },

    async *movements(since) {
      const created = { gte: seconds(since) };
      for (const [type, kind] of Object.entries(KIND_OF_MOVEMENT))
        for await (const movement of everyOne((page) =>
          stripe.balanceTransactions.list({ ...page, type, created }),
        ))
          yield movementOf(movement, kind);
    },

    async bankPayoutById(account, id) {
      const payout = await patiently(() => stripe.payouts.retrieve(id, {}, { stripeAccount: account })).catch(
        (error: unknown) => {
          if (isMissing(error) || (error instanceof ProviderUnavailable && isForbidden(error.cause)))
            return undefined;
          throw error;
        },
      );
      return payout === undefined ? undefined : bankPayoutOf(account, payout);
    },

    async *bankPayouts(account, since) {
      const list = (page: PageOf) =>
        stripe.payouts.list({ ...page, created: { gte: seconds(since) } }, { stripeAccount: account });
      try {
        for await (const payout of everyOne(list)) yield bankPayoutOf(account, payout);
      } catch (error) {
        // A closed account shows its payouts to nobody; its transfers are still compared.
        if (!(error instanceof ProviderUnavailable && isForbidden(error.cause))) throw error;
      }
    },
  };
}

async function* everyOne<T extends { id: string }>(
  list: (page: PageOf) => Promise<Stripe.ApiList<T>>,
): AsyncGenerator<T, void> {
  for (let after: string | undefined; ; ) {
    const page = await patiently(() =>
      list({ limit: PAGE, ...(after === undefined ? {} : { starting_after: after }) }),
    );
    yield* page.data;
    after = page.data.at(-1)?.id;
    if (!page.has_more || after === undefined) return;
  }
}

/** @throws ProviderUnavailable */
async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await call();
    } catch (error) {
      if (tries === TRIES_MAX || !mayPass(error))
        throw new ProviderUnavailable(error instanceof Error ? error.message : String(error), {
          cause: error,
        });
    }
    await pause(100 * 2 ** tries);
  }
}

function mayPass(error: unknown): boolean {
  const { errors } = Stripe;
  return (
    error instanceof errors.StripeConnectionError ||
    error instanceof errors.StripeRateLimitError ||
    error instanceof errors.StripeAPIError
  );
}

function isMissing(error: unknown): boolean {
  const { cause } = error as ProviderUnavailable;
  return cause instanceof Stripe.errors.StripeError && cause.code === "resource_missing";
}

function isForbidden(error: unknown): boolean {
  return error instanceof Stripe.errors.StripePermissionError;
}

function transferOf(transfer: Stripe.Transfer, reversals: Stripe.TransferReversal[]): ProviderTransfer {
  return {
    id: transfer.id,
    currency: transfer.currency.toUpperCase(),
    amountMinor: BigInt(transfer.amount),
    account: idOf(transfer.destination) ?? "",
    group: transfer.transfer_group,
    metadata: transfer.metadata,
    createdAt: date(transfer.created),
    movementId: idOf(transfer.balance_transaction),
    reversals: reversals.map(reversalOf),
  };
}

function reversalOf(reversal: Stripe.TransferReversal): ProviderReversal {
  return {
    id: reversal.id,
    amountMinor: BigInt(reversal.amount),
    createdAt: date(reversal.created),
    movementId: idOf(reversal.balance_transaction),
  };
}

function movementOf(movement: Stripe.BalanceTransaction, kind: ProviderMovement["kind"]): ProviderMovement {
  return {
    id: movement.id,
    kind,
    currency: movement.currency.toUpperCase(),
    amountMinor: BigInt(movement.amount),
    source: idOf(movement.source),
    createdAt: date(movement.created),
  };
}

function bankPayoutOf(account: string, payout: Stripe.Payout): BankPayout {
  return {
    id: payout.id,
    account,
    currency: payout.currency.toUpperCase(),
    amountMinor: BigInt(payout.amount),
    status: payout.status as BankPayout["status"],
    failure: payout.failure_message ?? payout.failure_code,
    createdAt: date(payout.created),
  };
}

function idOf(reference: string | { id: string } | null | undefined): string | null {
  return typeof reference === "object" ? (reference?.id ?? null) : (reference ?? null);
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}

function date(unixSeconds: number): Date {
  return new Date(unixSeconds * 1000);
}
