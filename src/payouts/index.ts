export { accountReadiness, recordAccount } from "./accounts.ts";
export { type PayReport, payMonth } from "./pay-month.ts";
export {
  type AccountStatus,
  type PayoutProvider,
  ProviderUnavailable,
  type TransferOutcome,
  type TransferRequest,
} from "./payout-provider.ts";
export { openAccount, provisionAccounts } from "./provision-accounts.ts";
