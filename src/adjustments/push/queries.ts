import {
  amountInWords,
  formatDecimal,
  type Money,
  money,
  parseNanos,
  present,
  type Rational,
  Refusal,
} from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { refusalOf } from "../lines/post-adjustment.ts";
import type { RefundMeans } from "./refund-maker.ts";

/** A part of a statement. */
type Part = ReturnType<Sql>;

/** What of a refund is made at the provider, and how far that is. */
export interface PushedRefund {
  means: RefundMeans;
  amount: Money;
  /** waiting for the next try (or for the invoice to be there), sending, unknown: the answer was lost, made, failed. */
  state: "waiting" | "sending" | "unknown" | "made" | "failed";
  /** The provider's name for it, once it is made. */
  provider_id: string | null;
  /** Why it is not made. */
  reason: string | null;
}

export async function pushedRefunds(sql: Sql, refund: string): Promise<PushedRefund[]> {
  const rows = await sql<(Omit<PushedRefund, "amount"> & { currency: string; nanos: string })[]>`
    SELECT p.means, a.currency, p.amount_nanos::text AS nanos, p.state, p.provider_id, p.reason
    FROM refund_push p JOIN adjustment a USING (adjustment_no) WHERE a.id = ${refund} ORDER BY p.means`;
  return rows.map(({ currency, nanos, ...row }) => ({ ...row, amount: money(currency, BigInt(nanos)) }));
}

/** What the provider would be asked for if so much of an invoice were refunded now; writes nothing. */
export async function refundPushDue(
  sql: Sql,
  { invoice, currency, refunded }: { invoice: string; currency: string; refunded: Rational },
): Promise<PushedRefund[]> {
  const gross = `-${formatDecimal(refunded)}`;
  const rows = await sql<{ means: RefundMeans; nanos: string }[]>`
    SELECT means, amount_nanos::text AS nanos FROM refund_push_due(${invoice}, ${currency}, ${gross}::numeric,
      credit_due(${invoice}, ${gross}::numeric, 0), 0, NULL) ORDER BY means`;
  return rows.map(({ means, nanos }) => ({
    means,
    amount: money(currency, BigInt(nanos)),
    state: "waiting",
    provider_id: null,
    reason: null,
  }));
}

/**
 * Why the provider would be asked for less than is refunded there, and what comes next; null when it is asked for all of it.
 * What is below a step of the currency comes with the next refund.
 */
export async function whyNotAtProvider(
  sql: Sql,
  { invoice, currency, refunded }: { invoice: string; currency: string; refunded: Rational },
  asked: readonly PushedRefund[],
): Promise<string | null> {
  const there = asked.reduce((sum, { amount }) => sum + present(parseNanos(amount.amount), "an amount"), 0n);
  const [row] = await sql<[NotThere]>`
    SELECT ${currency} AS currency, ${notMade(sql, sql`${formatDecimal(refunded)}::numeric`, sql`${there.toString()}::numeric`, sql`${currency}`)} AS nanos,
      ${openDisputes(sql, sql`${invoice}`)} AS disputes`;
  return noteOf(row);
}

/** The same of refunds that are booked, by their ids, as it stands now; those without a note, or taken back, are left out. */
export async function notesAtProvider(
  sql: Sql,
  refunds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await sql<(NotThere & { id: string })[]>`
    SELECT a.id, a.currency, ${openDisputes(sql, sql`a.invoice_id`)} AS disputes, ${notMade(
      sql,
      sql`-a.gross`,
      sql`(SELECT coalesce(sum(p.amount_nanos), 0) FROM refund_push p WHERE p.adjustment_no = a.adjustment_no)`,
      sql`a.currency`,
    )} AS nanos
    FROM adjustment a
    WHERE a.id = ANY (${[...refunds]}) AND a.kind = 'refund' AND a.asked->>'at_provider' = 'true'
      AND NOT EXISTS (SELECT FROM adjustment r WHERE r.reverses = a.adjustment_no)`;
  return new Map(
    rows.flatMap((row) => {
      const note = noteOf(row);
      return note === null ? [] : [[row.id, note]];
    }),
  );
}

/** What of a refund the provider is not asked for, and the open disputes that its money may be waiting for. */
interface NotThere {
  currency: string;
  nanos: string;
  disputes: string[];
}

const notMade = (sql: Sql, refunded: Part, there: Part, currency: Part) =>
  sql`(SELECT (div(${refunded} * 1000000000 - ${there}, step) * step)::text FROM invoice_step(${currency}) AS step)`;

const openDisputes = (sql: Sql, invoice: Part) =>
  sql`ARRAY(SELECT d.id FROM dispute d WHERE d.invoice_id = ${invoice} AND d.state = 'open' ORDER BY d.id)`;

function noteOf({ currency, nanos, disputes }: NotThere): string | null {
  if (BigInt(nanos) <= 0n) return null;
  const left = `${amountInWords(money(currency, BigInt(nanos)))} of it is not made at the payment provider`;
  if (disputes.length === 0)
    return `${left}, which gives back only what was paid there and is not back yet: it went to the customer's account, for its next invoices. GET /v1/owed-customers says what of it may be paid back by other means`;
  return `${left}, which gives back only what was paid there, is not back yet, and no open dispute may take (${disputes.join(", ")}). It went to the customer's account. If the dispute is lost, the customer's bank gives it back; once it is won, pay it back by other means and record that: POST /v1/corrections with kind repayment`;
}

/**
 * Has what the provider refused of a refund made again, under a new key. What is under way or made stays as it is.
 * @throws Refusal not_found, already_returned, refund_too_large
 */
export async function resendRefund(sql: Sql, id: string): Promise<void> {
  try {
    const [row] = await sql<[{ pushes: number }]>`SELECT resend_refund(${id}) AS pushes`;
    if (row.pushes === 0)
      throw new Refusal("not_found", `there is no refund ${id} that is to be made at the provider`);
  } catch (error) {
    throw refusalOf(error);
  }
}
