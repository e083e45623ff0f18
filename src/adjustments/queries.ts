import { formatDecimal, type Money, money, type Period, periodOfDay } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import { eventIdentity } from "../usage/index.ts";
import { exact } from "./lines/closed-usage.ts";

export interface AdjustmentView {
  id: string;
  kind: string;
  reference: string;
  invoice: string | null;
  currency: string;
  /** The books period that it corrects; null when it names no usage. */
  corrects: Period | null;
  /** What the customers owe more: exact, in major units. */
  gross: string;
  /** What the invoice asks for less. */
  credited: Money;
  /** Money that went back to the customer; less than nothing came from it. */
  returned: Money;
  /** The adjustment that it takes back. */
  reverses: string | null;
  /** The adjustment that took it back. */
  reversed_by: string | null;
  reason: string;
  made_by: string;
  made_at: string;
}

export interface AdjustmentFilter {
  id?: string | undefined;
  kinds?: readonly string[] | undefined;
  invoice?: string | undefined;
  customer?: string | undefined;
  payee?: string | undefined;
  /** The id of the last one already seen. */
  before?: string | undefined;
  limit: number;
}

type StoredAdjustment = Omit<AdjustmentView, "corrects" | "credited" | "returned" | "made_at"> & {
  corrects: string | null;
  credited: string;
  returned: string;
  made_at: Date;
};

/** The newest first. */
export async function listAdjustments(sql: Sql, filter: AdjustmentFilter): Promise<AdjustmentView[]> {
  const { id, kinds, invoice, customer, payee, before, limit } = filter;
  const rows = await sql<StoredAdjustment[]>`
    SELECT a.id, a.kind, a.reference, a.invoice_id AS invoice, a.currency, a.corrects::text, a.gross::text, a.credited_nanos::text AS credited,
      (a.returned_nanos - coalesce((SELECT sum(m.amount_nanos) FROM adjustment_movement m
        WHERE a.kind IN ('repayment', 'payment', 'refund_returned') AND m.adjustment_no = a.adjustment_no
          AND m.account LIKE 'customer:%:receivable'), 0))::text AS returned, (SELECT r.id FROM adjustment r WHERE r.adjustment_no = a.reverses) AS reverses,
      (SELECT r.id FROM adjustment r WHERE r.reverses = a.adjustment_no) AS reversed_by, a.reason, a.made_by, a.made_at
    FROM adjustment a
    WHERE true
      ${id === undefined ? sql`` : sql`AND a.id = ${id}`}
      ${kinds === undefined ? sql`` : sql`AND a.kind = ANY (${[...kinds]})`}
      ${invoice === undefined ? sql`` : sql`AND a.invoice_id = ${invoice}`}
      ${
        customer === undefined
          ? sql``
          : sql`AND (a.invoice_id IN (SELECT i.id FROM invoice i WHERE i.customer = ${customer})
        OR EXISTS (SELECT FROM adjustment_movement m WHERE m.adjustment_no = a.adjustment_no AND m.account = ${`customer:${customer}:receivable`}))`
      }
      ${
        payee === undefined
          ? sql``
          : sql`AND (EXISTS (SELECT FROM adjustment_part p WHERE p.adjustment_no = a.adjustment_no AND p.payee = ${payee})
        OR EXISTS (SELECT FROM adjustment_movement m WHERE m.adjustment_no = a.adjustment_no AND m.account = ${`payee:${payee}:payable`}))`
      }
      ${before === undefined ? sql`` : sql`AND a.adjustment_no < (SELECT b.adjustment_no FROM adjustment b WHERE b.id = ${before})`}
    ORDER BY a.adjustment_no DESC LIMIT ${limit}`;
  return rows.map(({ corrects, gross, credited, returned, made_at, ...row }) => ({
    ...row,
    corrects: corrects === null ? null : periodOfDay(corrects),
    gross: formatDecimal(exact(gross)),
    credited: money(row.currency, BigInt(credited)),
    returned: money(row.currency, BigInt(returned)),
    made_at: made_at.toISOString(),
  }));
}

export interface PredictionRefund {
  id: string;
  reason: string;
  made_at: string;
}

/** What refunded this very prediction and is not taken back; refunds of amounts and lines are of none in particular. */
export async function refundOfPrediction(
  sql: Sql,
  prediction: { source: string; id: string; customer: string; currency: string; booked_period: Period },
): Promise<PredictionRefund | undefined> {
  const { source, id, customer, currency, booked_period } = prediction;
  // By the name of its invoice, which its creators may not read.
  const invoice = `inv_${booked_period}_${customer}_${currency}`;
  const [found] = await sql<{ id: string; reason: string; made_at: Date }[]>`
    SELECT a.id, a.reason, a.made_at FROM adjustment a
    WHERE a.invoice_id = ${invoice} AND a.kind = 'refund'
      AND a.asked->>'identity' = ${eventIdentity(source, id)}::uuid::text
      AND NOT EXISTS (SELECT FROM adjustment r WHERE r.reverses = a.adjustment_no)`;
  return found && { ...found, made_at: found.made_at.toISOString() };
}

/** What one party gets (or gives, less than nothing) of one line. */
export interface AdjustedPart {
  /** Null for the platform's own. */
  payee: string | null;
  /** Null, as the next two are, for what is of no line: a provider's fee, a credit. */
  model: string | null;
  service_month: Period | null;
  /** What the part was earned for: share, royalty, platform, cost, self_dealing. */
  part: string | null;
  paid_by: string | null;
  amount: Money;
}

/** The parts of an adjustment, those of lines first; only one payee's when it is named. */
export async function adjustedParts(sql: Sql, id: string, payee?: string): Promise<AdjustedPart[]> {
  const rows = await sql<
    (Omit<AdjustedPart, "amount" | "service_month"> & {
      service_month: string | null;
      currency: string;
      nanos: string;
    })[]
  >`
    SELECT p.payee, m.id AS model, p.service_month::text, p.reason AS part, p.paid_by, a.currency, p.amount_nanos::text AS nanos
    FROM adjustment a JOIN adjustment_part p USING (adjustment_no) JOIN model m USING (model_no)
    WHERE a.id = ${id} AND (${payee ?? null}::text IS NULL OR p.payee = ${payee ?? null})
    UNION ALL
    SELECT split_part(v.account, ':', 2), NULL, NULL, NULL, NULL, a.currency, v.amount_nanos::text
    FROM adjustment a JOIN adjustment_movement v USING (adjustment_no)
    WHERE a.id = ${id} AND v.account LIKE 'payee:%' AND (${payee ?? null}::text IS NULL OR split_part(v.account, ':', 2) = ${payee ?? null})
    ORDER BY service_month NULLS LAST, model, payee NULLS LAST, part, paid_by`;
  return rows.map(({ service_month, currency, nanos, ...row }) => ({
    ...row,
    service_month: service_month === null ? null : periodOfDay(service_month),
    amount: money(currency, BigInt(nanos)),
  }));
}

export interface DisputeView {
  id: string;
  invoice: string;
  amount: Money;
  /** What was decided last: a dispute that was lost may be won after all. */
  state: string;
  reason: string;
  /** The adjustment that its loss is. */
  lost_as: string | null;
  /** The adjustment that gave it back: it was lost, and is won after all. */
  given_back_by: string | null;
  /** Of payees' balances, until it is decided. */
  held: Money;
  opened_by: string;
  opened_at: string;
  decided_by: string | null;
  decided_at: string | null;
}

/** Disputes d, with the refund a that a lost one became, and what took that back, b. */
export const disputesAndLosses = (sql: Sql) => sql`
  dispute d LEFT JOIN adjustment a ON a.reference = 'dispute:' || d.id AND a.kind = 'dispute_lost'
  LEFT JOIN adjustment b ON b.reverses = a.adjustment_no`;

/** Of such a row: what was decided last. */
export const toldState = (sql: Sql) => sql`CASE WHEN b.id IS NULL THEN d.state ELSE 'won' END`;

/** The newest first. */
export async function listDisputes(
  sql: Sql,
  of: { id?: string; state?: string | undefined; after?: string | undefined; limit: number },
): Promise<DisputeView[]> {
  const { id = null, state = null, after = null, limit } = of;
  const rows = await sql<
    (Omit<DisputeView, "amount" | "held" | "opened_at" | "decided_at"> & {
      currency: string;
      nanos: string;
      held: string;
      opened_at: Date;
      decided_at: Date | null;
    })[]
  >`
    SELECT d.id, d.invoice_id AS invoice, i.currency, d.amount_nanos::text AS nanos, ${toldState(sql)} AS state, d.reason, d.opened_by, d.opened_at,
      a.id AS lost_as, b.id AS given_back_by, coalesce(b.made_by, d.decided_by) AS decided_by, coalesce(b.made_at, d.decided_at) AS decided_at,
      coalesce((SELECT sum(h.amount_nanos) FROM dispute_hold h WHERE h.dispute_id = d.id AND d.state = 'open'), 0)::text AS held
    FROM ${disputesAndLosses(sql)} JOIN invoice i ON i.id = d.invoice_id
    WHERE (${id}::text IS NULL OR d.id = ${id}) AND (${state}::text IS NULL OR ${toldState(sql)} = ${state})
      AND (${after}::text IS NULL OR EXISTS (SELECT FROM dispute s WHERE s.id = ${after}
        AND (d.opened_at < s.opened_at OR (d.opened_at = s.opened_at AND d.id > s.id))))
    ORDER BY d.opened_at DESC, d.id LIMIT ${limit}`;
  return rows.map(({ currency, nanos, held, opened_at, decided_at, ...row }) => ({
    ...row,
    amount: money(currency, BigInt(nanos)),
    held: money(currency, BigInt(held)),
    opened_at: opened_at.toISOString(),
    decided_at: decided_at?.toISOString() ?? null,
  }));
}
