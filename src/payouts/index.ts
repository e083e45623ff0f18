export { accountReadiness, recordAccount } from "./accounts.ts";
export { isToBeCompleted, ONBOARDING_STATES, type Onboarding, onboardingOf } from "./onboarding.ts";
export { type PayReport, payMonth } from "./pay-month.ts";
export {
  type AccountStatus,
  type PayoutProvider,
  ProviderUnavailable,
  type TransferOutcome,
  type TransferRequest,
} from "./payout-provider.ts";
export type {
  BankPayout,
  ProviderMovement,
  ProviderRecord,
  ProviderReversal,
  ProviderTransfer,
} from "./provider-record.ts";
export { openAccount, provisionAccounts } from "./provision-accounts.ts";
export { bookReversal } from "./reconcile/book-reversal.ts";
export { DIFFERENCE_KINDS, type DifferenceKind } from "./reconcile/difference.ts";
export { differencesCsv } from "./reconcile/differences-csv.ts";
export { listReconciliations } from "./reconcile/list-reconciliations.ts";
export { type ReconcileReport, reconcile, type ShownDifference } from "./reconcile/reconcile.ts";
