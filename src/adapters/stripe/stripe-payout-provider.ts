import Stripe from "stripe";
import { withinDeadline } from "../../kernel/index.ts";
import {
  type AccountStatus,
  type PayoutProvider,
  type ProviderRecord,
  ProviderUnavailable,
  type TransferOutcome,
  type TransferRequest,
} from "../../payouts/index.ts";
import { whyNotReady, whyStopped } from "./account-reasons.ts";
import { isCut } from "./candid-http-client.ts";
import { outcomeOfError } from "./outcome-of-error.ts";
import { openStripe, type StripeOptions, safeInteger } from "./stripe-client.ts";
import { stripeRecord } from "./stripe-record.ts";

/** Stripe Connect: separate charges and transfers, through the official SDK. It never retries by itself: we do. */
export function openStripePayoutProvider(options: StripeOptions): PayoutProvider & ProviderRecord {
  const stripe = openStripe(options);

  // The SDK's own limit is for silence; an answer that trickles in would have no end.
  const deadlineMs = 2 * options.timeoutMs;

  return {
    async createAccount({ payee, country, idempotencyKey }) {
      const account = await ask(() =>
        stripe.accounts.create(
          {
            country,
            controller: {
              fees: { payer: "application" },
              losses: { payments: "application" },
              stripe_dashboard: { type: "express" },
            },
            capabilities: { transfers: { requested: true } },
            metadata: { payee },
          },
          { idempotencyKey },
        ),
      );
      return statusOf(account);
    },

    async accountStatus(account) {
      try {
        return statusOf(await stripe.accounts.retrieve(account));
      } catch (error) {
        const missing =
          error instanceof Stripe.errors.StripeInvalidRequestError ||
          error instanceof Stripe.errors.StripePermissionError;
        if (missing) return goneAccount(account);
        throw unavailable(error);
      }
    },

    async onboardingLink(account, { returnUrl, refreshUrl }) {
      const link = await ask(() =>
        stripe.accountLinks.create({
          account,
          return_url: returnUrl,
          refresh_url: refreshUrl,
          type: "account_onboarding",
        }),
      );
      return { url: link.url, expiresAt: new Date(link.expires_at * 1000) };
    },

    async transfer(request) {
      const first = await tryTransfer(stripe, request, deadlineMs);
      if (!first.cut) return first.outcome;
      // Once more under the same key: most cut connections are mended by that. But a refused key now says nothing of
      // the first try, which may have paid.
      const { outcome } = await tryTransfer(stripe, request, deadlineMs);
      return outcome.outcome === "stop" ? { outcome: "unknown", detail: outcome.detail } : outcome;
    },

    async findTransfer(request) {
      return ask(async () => {
        for await (const transfer of stripe.transfers.list({
          transfer_group: request.payoutId,
          limit: 100,
        })) {
          if (transfer.metadata.attempt === request.idempotencyKey)
            return requireAsRequested(transfer, request);
        }
        return undefined;
      });
    },

    ...stripeRecord(stripe),
  };
}

/** A transfer under our attempt's name with another amount or receiver is nothing to guess about. */
function requireAsRequested(transfer: Stripe.Transfer, request: TransferRequest): string {
  const same =
    BigInt(transfer.amount) === request.amountMinor &&
    transfer.currency === request.currency.toLowerCase() &&
    (typeof transfer.destination === "string" ? transfer.destination : transfer.destination?.id) ===
      request.account;
  if (!same)
    throw new Error(
      `transfer ${transfer.id} is not as payout ${request.payoutId} asked for: somebody must look`,
    );
  return transfer.id;
}

/** `cut`: the connection was lost before the answer came. */
async function tryTransfer(
  stripe: Stripe,
  request: TransferRequest,
  deadlineMs: number,
): Promise<{ outcome: TransferOutcome; cut: boolean }> {
  if (!request.maySend()) {
    const detail = "the key grew too old before it could be sent: the next run looks for the transfer";
    return { outcome: { outcome: "unknown", detail }, cut: false };
  }
  try {
    const transfer = await withinDeadline("the transfer", deadlineMs, createTransfer(stripe, request));
    return { outcome: { outcome: "paid", transferId: transfer.id }, cut: false };
  } catch (error) {
    return { outcome: outcomeOfError(error), cut: isCut(error) };
  }
}

function createTransfer(stripe: Stripe, request: TransferRequest): Promise<Stripe.Transfer> {
  const { payoutId, payee, period, currency, amountMinor, account, idempotencyKey } = request;
  return stripe.transfers.create(
    {
      amount: safeInteger(amountMinor),
      currency: currency.toLowerCase(),
      destination: account,
      transfer_group: payoutId,
      metadata: { payee, payout: payoutId, period, attempt: idempotencyKey },
    },
    { idempotencyKey },
  );
}

function goneAccount(account: string): AccountStatus {
  const nothing = { stopped: null, missing: [], missingBy: null, submitted: false };
  const disabledReason = "Stripe has no such account, or it is no longer connected";
  return { account, transfersEnabled: false, disabledReason, closed: true, ...nothing };
}

function statusOf(account: Stripe.Account): AccountStatus {
  const transfersEnabled = account.capabilities?.transfers === "active";
  const deadline = account.requirements?.current_deadline ?? null;
  return {
    account: account.id,
    transfersEnabled,
    disabledReason: transfersEnabled ? null : whyNotReady(account),
    stopped: whyStopped(account),
    closed: false,
    missing: account.requirements?.currently_due ?? [],
    missingBy: deadline === null ? null : new Date(deadline * 1000),
    submitted: account.details_submitted,
  };
}

async function ask<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw unavailable(error);
  }
}

function unavailable(error: unknown): ProviderUnavailable {
  return new ProviderUnavailable(error instanceof Error ? error.message : String(error), { cause: error });
}
