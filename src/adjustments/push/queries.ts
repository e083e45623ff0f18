import { formatDecimal, type Money, money, type Rational, Refusal } from "../../kernel/index.ts";
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
