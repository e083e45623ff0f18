export { type ExportedPiece, exportInvoices } from "./export-invoices.ts";
export type { Invoice, InvoiceLine, InvoiceWithLines, PushState } from "./invoice.ts";
export { type InvoiceTotals, makeInvoices } from "./make-invoices.ts";
export { findInvoice, type InvoiceStatus, invoiceStatus, listInvoices, withLines } from "./queries.ts";
