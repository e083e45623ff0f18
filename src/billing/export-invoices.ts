import { csv, type Period } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import type { Invoice, InvoiceLine, InvoiceWithLines } from "./invoice.ts";
import { listInvoices, withLines } from "./queries.ts";

const INVOICES_AT_ONCE = 500;

const INVOICE_COLUMNS = [
  "invoice",
  "period",
  "customer",
  "currency",
  "gross",
  "carried_in",
  "netted",
  "amount",
  "carried_out",
  "lines",
  "paid_from_credits",
  "left",
];
const LINE_COLUMNS = [
  "invoice",
  "customer",
  "currency",
  "service_month",
  "model",
  "meter",
  "quantity",
  "unit_amount",
  "per",
  "events",
  "gross",
];

/** A period's invoices for a platform that bills elsewhere, some at a time: the files' next pieces. */
export interface ExportedPiece {
  /** One row an invoice; RFC 4180. */
  invoicesCsv: string;
  /** One row a line. */
  linesCsv: string;
  /** One invoice with its lines a line. */
  jsonLines: string;
  invoices: number;
}

export async function* exportInvoices(sql: Sql, period: Period): AsyncGenerator<ExportedPiece> {
  yield {
    invoicesCsv: csv([INVOICE_COLUMNS]),
    linesCsv: csv([LINE_COLUMNS]),
    jsonLines: "",
    invoices: 0,
  };
  for (let after: string | undefined; ; ) {
    const page = await listInvoices(sql, {
      period,
      limit: INVOICES_AT_ONCE,
      ...(after === undefined ? {} : { after }),
    });
    if (page.length > 0) yield pieceOf(await withLines(sql, page));
    after = page.at(-1)?.id;
    if (page.length < INVOICES_AT_ONCE) return;
  }
}

function pieceOf(invoices: readonly InvoiceWithLines[]): ExportedPiece {
  return {
    invoicesCsv: invoices.map(invoiceRow).join(""),
    linesCsv: invoices.flatMap((invoice) => invoice.lines.map((line) => lineRow(invoice, line))).join(""),
    jsonLines: invoices.map((invoice) => `${JSON.stringify(withoutState(invoice))}\n`).join(""),
    invoices: invoices.length,
  };
}

/**
 * How far it is at our own provider, and how it came to what is left, is not the other one's business: it asks for what is `left`, or
 * credits, payments and refunds would be charged once more.
 */
function withoutState(invoice: InvoiceWithLines) {
  const { push: _, paid: _p, credited: _c, refunded: _f, returned: _r, disputed: _d, ...exported } = invoice;
  return exported;
}

function invoiceRow(invoice: Invoice): string {
  const { id, period, customer, currency, gross, carried_in, netted, amount, carried_out, line_count } =
    invoice;
  const { paid_from_credits, left } = invoice;
  return csv([
    [
      id,
      period,
      customer,
      currency,
      gross,
      carried_in,
      netted.amount,
      amount.amount,
      carried_out,
      String(line_count),
      paid_from_credits.amount,
      left.amount,
    ],
  ]);
}

function lineRow({ id, customer, currency }: Invoice, line: InvoiceLine): string {
  const { service_month, model, meter, quantity, unit_amount, per, events, gross } = line;
  return csv([
    [id, customer, currency, service_month, model, meter, quantity, unit_amount, per, events, gross],
  ]);
}
