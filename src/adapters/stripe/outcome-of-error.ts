import Stripe from "stripe";
import type { TransferOutcome } from "../../payouts/index.ts";

const NO_FUNDS = new Set(["balance_insufficient", "insufficient_funds"]);
const BUSY = new Set(["idempotency_key_in_use", "lock_timeout", "rate_limit"]);
const PLATFORM_FAULT = new Set([
  "livemode_mismatch",
  "testmode_charges_only",
  "api_key_expired",
  "platform_api_key_expired",
  "secret_key_required",
]);

/** Refusals that a payee can do something about, in words for it: Stripe's own are for who writes programs. */
const WORDS: Record<string, string> = {
  insufficient_capabilities_for_transfer:
    "the payout account cannot take transfers now; its profile page says what Stripe asks for",
};

/**
 * What an error of a transfer means for the money. Only a clear refusal is definitive; everything that leaves doubt is
 * `unknown`. Source: Stripe's error handling guide and payments.md, section 6.
 */
export function outcomeOfError(error: unknown): TransferOutcome {
  const { errors } = Stripe;
  if (!(error instanceof errors.StripeError)) {
    return { outcome: "unknown", detail: error instanceof Error ? error.message : String(error) };
  }
  const code = error.code ?? "";
  const detail = code === "" ? error.message : `${code}: ${WORDS[code] ?? error.message}`;
  if (BUSY.has(code) || error instanceof errors.StripeRateLimitError) return { outcome: "busy", detail };
  if (PLATFORM_FAULT.has(code)) return { outcome: "stop", detail };
  if (error instanceof errors.StripeAuthenticationError) return { outcome: "stop", detail };
  if (error instanceof errors.StripePermissionError) return { outcome: "stop", detail };
  // Our key with other parameters: a bug, or a restored database. Something may have been paid under it: look first.
  if (error instanceof errors.StripeIdempotencyError) return { outcome: "unknown", detail };
  if (NO_FUNDS.has(code)) return { outcome: "no_funds", detail };
  if (error instanceof errors.StripeInvalidRequestError || error instanceof errors.StripeCardError)
    return { outcome: "failed", detail };
  return { outcome: "unknown", detail };
}
