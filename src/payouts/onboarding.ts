import type { AccountStatus } from "./payout-provider.ts";

export const ONBOARDING_STATES = [
  "not_connected",
  "incomplete",
  "under_review",
  "ready",
  "paused",
  "closed",
  "country_not_supported",
] as const;
export type OnboardingState = (typeof ONBOARDING_STATES)[number];

export interface Onboarding {
  state: OnboardingState;
  /** What to do, for the payee. */
  message: string;
  /** What the provider still asks for, by its names. */
  missing: string[];
  missingBy: Date | null;
}

const MESSAGES: Record<OnboardingState, string> = {
  not_connected: "No payout account yet: open the onboarding link to connect one.",
  incomplete: "The provider still needs something from you: open the onboarding link and complete it.",
  under_review: "Everything is handed in; the provider is checking it. There is nothing to do.",
  ready: "Payouts can be sent to this account. There is nothing to do.",
  paused: "The provider has paused this account: ask its support, or open the onboarding link to see why.",
  closed: "This account is closed, or no longer connected to us: ask support to connect another one.",
  country_not_supported: "The provider does not pay out to this country: ask support what else is possible.",
};

const ASKED_FOR_MORE =
  "Payouts can be sent to this account, but the provider asks for more: open the onboarding link and complete it, or it may stop them.";

/** Whether a link to the provider's form leads anywhere: finished payees are not sent back to it. */
export function isToBeCompleted({ state, missing }: Onboarding): boolean {
  return missing.length > 0 || !(state === "ready" || state === "under_review");
}

/** How far a payee is with its account, from what the provider says of it now; null while there is none. */
export function onboardingOf(status: AccountStatus | null): Onboarding {
  const state = stateOf(status);
  const isAsked = state === "incomplete" || state === "paused" || state === "ready";
  const missing = isAsked ? (status?.missing ?? []) : [];
  return {
    state,
    message: state === "ready" && missing.length > 0 ? ASKED_FOR_MORE : MESSAGES[state],
    missing,
    missingBy: isAsked ? (status?.missingBy ?? null) : null,
  };
}

function stateOf(status: AccountStatus | null): OnboardingState {
  if (status === null) return "not_connected";
  if (status.closed) return "closed";
  if (status.transfersEnabled) return "ready";
  if (status.stopped !== null) return status.stopped;
  if (status.missing.length > 0) return "incomplete";
  return status.submitted ? "under_review" : "incomplete";
}
