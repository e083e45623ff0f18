/** Who moves the money: the port that the payouts stage needs. One adapter, Stripe (`adapters/stripe`). */
export interface PayoutProvider {
  /** Makes a connected account that can be onboarded; the same key makes it once. */
  createAccount(request: { payee: string; country: string; idempotencyKey: string }): Promise<AccountStatus>;
  /** What the provider says of an account now. An account it does not know cannot receive transfers. */
  accountStatus(account: string): Promise<AccountStatus>;
  /** A fresh, single-use link with which the payee completes the account. */
  onboardingLink(
    account: string,
    urls: { returnUrl: string; refreshUrl: string },
  ): Promise<{ url: string; expiresAt: Date }>;
  /** One try, ended within a bounded time. Never throws: what is not known is `unknown`. */
  transfer(request: TransferRequest): Promise<TransferOutcome>;
  /**
   * Looks for the transfer that this very request made, by its group and metadata.
   * @throws ProviderUnavailable when the provider cannot be asked, or holds one that is not as requested
   */
  findTransfer(request: TransferRequest): Promise<string | undefined>;
}

export interface AccountStatus {
  account: string;
  transfersEnabled: boolean;
  /** Why not, in words for the payee that go on a sentence; null when transfers are enabled. */
  disabledReason: string | null;
  /** What no payee can mend: the provider, or the marketplace there, has stopped it, or does not pay out to its country. */
  stopped: "paused" | "country_not_supported" | null;
  /** The provider knows it no more: closed, or no longer connected. */
  closed: boolean;
  /** What the provider still asks for, by its names, and until when. */
  missing: string[];
  missingBy: Date | null;
  /** The payee has handed everything in that was asked for at first. */
  submitted: boolean;
}

export interface TransferRequest {
  payoutId: string;
  payee: string;
  period: string;
  currency: string;
  /** In the currency's minor unit. */
  amountMinor: bigint;
  account: string;
  idempotencyKey: string;
  /** Asked right before each sending: false once the key is too old to be sent safely. */
  maySend(): boolean;
}

export type TransferOutcome =
  | { outcome: "paid"; transferId: string }
  /** Refused for good: the money stays with us, and a new attempt needs a new key. */
  | { outcome: "failed"; detail: string }
  /** The platform's balance is too small; refused for good under this key. */
  | { outcome: "no_funds"; detail: string }
  /** Nothing was done: too many requests, or the same key is being handled. The same key may be sent again soon. */
  | { outcome: "busy"; detail: string }
  /** Nothing was done, and no other payout will fare better: key, permission or mode is wrong. */
  | { outcome: "stop"; detail: string }
  /** It may or may not have been done: time-out, connection lost, server error. */
  | { outcome: "unknown"; detail: string };

/** The provider cannot be asked now. */
export class ProviderUnavailable extends Error {
  override name = "ProviderUnavailable";
}
