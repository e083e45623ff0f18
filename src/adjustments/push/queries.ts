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
 * Why the provider is asked for less than is refunded there, and what comes next; null when it is asked for all of it.
 * What is below a step of the currency comes with the next refund. `refunded` is an exact decimal of major units.
 */
export async function whyNotAtProvider(
  sql: Sql,
  { invoice, currency, refunded }: { invoice: string; currency: string; refunded: string },
  asked: readonly PushedRefund[],
): Promise<string | null> {
  const there = asked.reduce((sum, { amount }) => sum + present(parseNanos(amount.amount), "an amount"), 0n);
  const [row] = await sql<[{ left: string; disputes: string[] }]>`
    SELECT (div(${refunded}::numeric * 1000000000 - ${there.toString()}::numeric, step) * step)::text AS left,
      ARRAY(SELECT id FROM dispute WHERE invoice_id = ${invoice} AND state = 'open' ORDER BY id) AS disputes
    FROM invoice_step(${currency}) AS step`;
  if (BigInt(row.left) <= 0n) return null;
  const left = `${amountInWords(money(currency, BigInt(row.left)))} of it is not made at the payment provider`;
  if (row.disputes.length === 0)
    return `${left}, which gives back only what was paid there and is not back yet: it stays on the customer's account, for its next invoices. GET /v1/owed-customers says what of it may be paid back by other means`;
  return `${left}, which gives back only what was paid there, is not back yet, and no open dispute may take (${row.disputes.join(", ")}). It stays on the customer's account. If the dispute is lost, the customer's bank gives it back; once it is won, pay it back by other means and record that: POST /v1/corrections with kind repayment`;
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
