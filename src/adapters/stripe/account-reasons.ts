import type Stripe from "stripe";
import type { AccountStatus } from "../../payouts/index.ts";

/** Stripe's `requirements.disabled_reason` as a creator would say it; what is not known here stays as it came. */
const WORDS: Record<string, string> = {
  "requirements.past_due": "Stripe asked for information by a day that is over",
  "requirements.pending_verification": "Stripe is checking what was handed in",
  "action_required.requested_capabilities": "payouts were not asked for at Stripe",
  "rejected.fraud": "Stripe has closed it to payouts: it suspects fraud",
  "rejected.incomplete_verification": "Stripe could not verify the account",
  "rejected.listed": "Stripe found the name on a list of those whom it may not pay",
  "rejected.other": "Stripe has closed it to payouts",
  "rejected.platform_fraud": "the marketplace has closed it: it suspects fraud",
  "rejected.platform_other": "the marketplace has closed it",
  "rejected.platform_terms_of_service": "the marketplace has closed it: its terms were broken",
  "rejected.terms_of_service": "Stripe has closed it to payouts: its terms were broken",
  under_review: "Stripe is reviewing the account",
  platform_paused: "the marketplace has paused the account",
  listed: "Stripe is looking at the account",
  other: "Stripe has not said why",
};

/** Why no transfer can be made to an account, in words that go on a sentence of the payee's. */
export function whyNotReady({ requirements, details_submitted }: Stripe.Account): string {
  const code = requirements?.disabled_reason ?? null;
  // Of an account that is only begun Stripe says past_due, too, though there never was a day.
  if (code === "requirements.past_due" && !details_submitted) return "its set-up at Stripe is not finished";
  if (code !== null) return WORDS[code] ?? code;
  const missing = requirements?.currently_due ?? [];
  if (missing.length === 0) return "Stripe has not switched transfers on yet";
  return `Stripe still asks for: ${missing.map((field) => field.replaceAll(/[._]/g, " ")).join(", ")}`;
}

/** What the payee cannot mend by handing something in. */
export function whyStopped({ requirements }: Stripe.Account): AccountStatus["stopped"] {
  const code = requirements?.disabled_reason ?? "";
  if (/^(rejected|platform_paused|listed)/.test(code)) return "paused";
  return /unsupported_country|country_unsupported/.test(code) ? "country_not_supported" : null;
}
