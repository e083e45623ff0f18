import { firstDay, formatScaled, type Money, money, type Period, periodOfDay } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import type { Invoice, InvoiceLine, InvoiceWithLines, PushState } from "./invoice.ts";

export interface InvoiceFilter {
  id?: string;
  customer?: string;
  period?: Period;
  limit: number;
  /** The id of the last one already seen. */
  after?: string;
}

/** In the order of their ids, and so of their periods. */
export async function listInvoices(sql: Sql, filter: InvoiceFilter): Promise<Invoice[]> {
  const { id, customer, period, after, limit } = filter;
  return select(
    sql,
    sql`true
      ${id === undefined ? sql`` : sql`AND i.id = ${id}`}
      ${customer === undefined ? sql`` : sql`AND i.customer = ${customer}`}
      ${period === undefined ? sql`` : sql`AND i.period = ${firstDay(period)}`}
      ${after === undefined ? sql`` : sql`AND i.id > ${after}`}
    ORDER BY i.id LIMIT ${limit}`,
  );
}

/** Those of a period that ask for something and are not at the provider yet. */
export async function listToPush(sql: Sql, period: Period): Promise<Invoice[]> {
  return select(
    sql,
    sql`i.period = ${firstDay(period)} AND p.state IS DISTINCT FROM 'pushed'
      AND (p.state IN ('pushing', 'unknown') OR (SELECT asked_nanos > 0 FROM invoice_to_ask(i.id))) ORDER BY i.id`,
  );
}

async function select(sql: Sql, condition: ReturnType<Sql>): Promise<Invoice[]> {
  const rows = await sql<StoredInvoice[]>`
    SELECT i.id, i.period::text, i.customer, i.currency, i.lines AS line_count, trim_scale(i.gross)::text AS gross,
      trim_scale(i.carried_in)::text AS carried_in, i.netted_nanos::text AS netted, i.amount_nanos::text AS nanos,
      trim_scale(i.carried_out)::text AS carried_out, coalesce(k.amount_nanos, 0)::text AS credit_nanos,
      (SELECT coalesce(sum(amount_nanos), 0)::text FROM invoice_payment WHERE invoice_id = i.id) AS paid,
      (SELECT coalesce(sum(credited_nanos), 0)::text FROM adjustment WHERE invoice_id = i.id) AS credited,
      (SELECT trim_scale(-coalesce(sum(gross), 0))::text FROM adjustment WHERE invoice_id = i.id) AS refunded,
      (SELECT coalesce(sum(returned_nanos), 0)::text FROM adjustment WHERE invoice_id = i.id) AS returned,
      (SELECT coalesce(sum(amount_nanos), 0)::text FROM dispute WHERE invoice_id = i.id AND state = 'open') AS disputed,
      invoice_left(i.id)::text AS left_nanos,
      coalesce(p.state, 'not_pushed') AS state, coalesce(p.attempt, 0) AS attempt, p.reason, p.provider_id
    FROM invoice i LEFT JOIN invoice_push p ON p.invoice_id = i.id
    LEFT JOIN invoice_payment k ON k.invoice_id = i.id AND k.reference = 'tributary:credits'
    WHERE ${condition}`;
  return rows.map(fromStored);
}

export async function findInvoice(sql: Sql, id: string): Promise<InvoiceWithLines | undefined> {
  const [invoice] = await listInvoices(sql, { id, limit: 1 });
  return invoice === undefined ? undefined : (await withLines(sql, [invoice]))[0];
}

/** The invoices with their lines, by service month, model and meter. */
export async function withLines(sql: Sql, invoices: readonly Invoice[]): Promise<InvoiceWithLines[]> {
  const rows = await sql<StoredLine[]>`
    SELECT l.invoice_id, l.service_month::text, m.id AS model, t.name AS meter, t.scale, c.amount AS unit_amount, c.per,
      l.quantity::text, l.events::text, trim_scale(l.gross)::text AS gross
    FROM invoice_line l JOIN model m USING (model_no) JOIN meter t USING (meter_no) JOIN price_component c USING (price_no, meter_no)
    WHERE l.invoice_id = ANY (${invoices.map(({ id }) => id)})
    ORDER BY l.invoice_id, l.service_month, m.id, t.name, l.price_no`;
  const lines = new Map<string, InvoiceLine[]>(invoices.map(({ id }) => [id, []]));
  for (const { invoice_id, scale, service_month, quantity, ...line } of rows)
    lines.get(invoice_id)?.push({
      ...line,
      service_month: periodOfDay(service_month),
      quantity: formatScaled(BigInt(quantity), scale),
    });
  return invoices.map((invoice) => ({ ...invoice, lines: lines.get(invoice.id) ?? [] }));
}

export interface InvoiceStatus {
  made: boolean;
  states: { state: PushState; currency: string; invoices: number; amount: Money }[];
}

/** How far the invoices of a period are. */
export async function invoiceStatus(sql: Sql, period: Period): Promise<InvoiceStatus> {
  const made = await sql`SELECT FROM invoice_run WHERE period = ${firstDay(period)}`;
  const rows = await sql<{ state: PushState; currency: string; invoices: number; nanos: string }[]>`
    SELECT coalesce(p.state, 'not_pushed') AS state, i.currency, count(*)::int AS invoices, sum(i.amount_nanos)::text AS nanos
    FROM invoice i LEFT JOIN invoice_push p ON p.invoice_id = i.id
    WHERE i.period = ${firstDay(period)} GROUP BY 1, 2 ORDER BY 1, 2`;
  return {
    made: made.length > 0,
    states: rows.map(({ nanos, ...row }) => ({ ...row, amount: money(row.currency, BigInt(nanos)) })),
  };
}

type Counted = "netted" | "paid" | "credited" | "returned" | "disputed";

/** Amounts in nanos. */
type StoredInvoice = Omit<Invoice, Counted | "period" | "amount" | "paid_from_credits" | "left" | "push"> &
  Record<Counted | "period" | "nanos" | "credit_nanos" | "left_nanos", string> &
  Invoice["push"];

type StoredLine = InvoiceLine & { invoice_id: string; scale: number };

function fromStored(row: StoredInvoice): Invoice {
  const { nanos, credit_nanos, left_nanos, state, attempt, reason, provider_id, period, ...rest } = row;
  const amount = (text: string) => money(row.currency, BigInt(text));
  return {
    ...rest,
    period: periodOfDay(period),
    netted: amount(row.netted),
    amount: amount(nanos),
    paid_from_credits: amount(credit_nanos),
    paid: amount(row.paid),
    credited: amount(row.credited),
    returned: amount(row.returned),
    disputed: amount(row.disputed),
    left: amount(left_nanos),
    push: { state, attempt, reason, provider_id },
  };
}
