export { CREDIT_KINDS, type Credit, type CreditKind } from "./credits/credit.ts";
export { expireCredits } from "./credits/expire-credits.ts";
export { grantCredit, type NewCredit } from "./credits/grant-credit.ts";
export { listCredits } from "./credits/list-credits.ts";
export { type RevocableCredit, revocableCredit } from "./credits/revocable-credit.ts";
export {
  type CustomerAccount,
  customerAccounts,
  type OwedCustomer,
  owedCustomers,
} from "./customer-accounts.ts";
export { type ExportedPiece, exportInvoices } from "./export-invoices.ts";
export type { Invoice, InvoiceLine, InvoiceWithLines, PushState } from "./invoice.ts";
export { invoiceEventHandlers } from "./invoice-events.ts";
export { type InvoiceTotals, makeInvoices } from "./make-invoices.ts";
export {
  type Payment,
  type PaymentView,
  paymentsOf,
  recordInvoicePaid,
  recordPaidAtProvider,
  requireHappened,
} from "./payments.ts";
export type {
  BillingProvider,
  CustomerOutcome,
  CustomerRequest,
  FoundInvoice,
  InvoiceItem,
  InvoiceRequest,
  InvoiceStanding,
  NotDone,
  PaymentToTell,
  PushOutcome,
  ToldOutcome,
} from "./push/billing-provider.ts";
export { KEY_SAFE_MS, wasNeverMade } from "./push/key-age.ts";
export { type PushReport, pushInvoices } from "./push/push-invoices.ts";
export { type ToldPayments, tellDuePayments } from "./push/tell-payments.ts";
export { untilNotBusy } from "./push/until-not-busy.ts";
export { findInvoice, type InvoiceStatus, invoiceStatus, listInvoices, withLines } from "./queries.ts";
export { type ReleaseRule, releaseHeld, releaseRules, setReleaseRule } from "./release-rule.ts";
export {
  type Authorization,
  type AuthorizeReason,
  type AuthorizeRequest,
  authorize,
  releaseReservation,
} from "./spend/authorize.ts";
export { countSpend, expireReservations, sweepSpend } from "./spend/count-spend.ts";
export { LIMIT_PERIODS, type SpendLimits, setSpendLimits } from "./spend/limits.ts";
export {
  customerSpend,
  SPEND_GROUPS,
  type SpendGroup,
  type SpendLine,
  type SpendStanding,
  spendStandings,
} from "./spend/spend.ts";
