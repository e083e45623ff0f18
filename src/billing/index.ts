export type {
  BillingProvider,
  CustomerOutcome,
  CustomerRequest,
  FoundInvoice,
  InvoiceItem,
  InvoiceRequest,
  NotDone,
  PushOutcome,
} from "./billing-provider.ts";
export { type ExportedPiece, exportInvoices } from "./export-invoices.ts";
export type { Invoice, InvoiceLine, InvoiceWithLines, PushState } from "./invoice.ts";
export { type InvoiceTotals, makeInvoices } from "./make-invoices.ts";
export { type PushReport, pushInvoices } from "./push-invoices.ts";
export { findInvoice, type InvoiceStatus, invoiceStatus, listInvoices, withLines } from "./queries.ts";
