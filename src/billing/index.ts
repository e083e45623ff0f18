export { type ExportedPiece, exportInvoices } from "./export-invoices.ts";
export type { Invoice, InvoiceLine, InvoiceWithLines, PushState } from "./invoice.ts";
export { invoiceEventHandlers } from "./invoice-events.ts";
export { type InvoiceTotals, makeInvoices } from "./make-invoices.ts";
export { type Payment, recordInvoicePaid } from "./payments.ts";
export type {
  BillingProvider,
  CustomerOutcome,
  CustomerRequest,
  FoundInvoice,
  InvoiceItem,
  InvoiceRequest,
  InvoiceStanding,
  NotDone,
  PushOutcome,
} from "./push/billing-provider.ts";
export { type PushReport, pushInvoices } from "./push/push-invoices.ts";
export { findInvoice, type InvoiceStatus, invoiceStatus, listInvoices, withLines } from "./queries.ts";
export { type ReleaseRule, releaseHeld, releaseRules, setReleaseRule } from "./release-rule.ts";
