import { type Money, money } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";

/** A payout that has left the payable balance and is not known to have arrived. */
export interface Transfer {
  payout: string;
  amount: Money;
  /** RFC 3339: when the attempt that is under way began. */
  since: string;
  state: string;
  /** What support can find it by at the provider. */
  trace_id: string;
}

/** The oldest first. Their amounts are the in-transit balance. */
export async function transfersUnderWay(sql: Sql, payee: string): Promise<Transfer[]> {
  const rows = await sql<
    { payout: string; currency: string; amount: string; since: string; state: string; trace_id: string }[]
  >`
    SELECT p.id AS payout, p.currency, p.amount_nanos::text AS amount, p.state,
      to_char(a.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS since,
      coalesce(p.transfer_id, a.idempotency_key) AS trace_id
    FROM payout p JOIN payout_attempt a ON a.payout_id = p.id AND a.attempt = p.attempt
    WHERE p.payee = ${payee} AND p.state IN ('sending', 'unknown') ORDER BY a.started_at, p.id`;
  return rows.map(({ currency, amount, ...row }) => ({ ...row, amount: money(currency, BigInt(amount)) }));
}
