import { type Money, money, type Period, periodOfDay } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";

/** A part of what is held, and what it waits for. Customers are counted, never named: a payee does not see them. */
export interface HeldFor {
  code: "invoice_not_made" | "invoice_unpaid" | "hold_days" | "dispute" | "reserve";
  message: string;
  period: Period;
  /** None for a reserve. */
  customers: number;
  amount: Money;
  /** The last of the days on which it becomes payable, once that is known. */
  until: string | null;
}

const MESSAGES: Record<HeldFor["code"], string> = {
  invoice_not_made:
    "The month's invoices are not made yet; it becomes payable when the customers have paid them.",
  invoice_unpaid: "Customers have not paid their invoices of this month yet.",
  hold_days: "Customers have paid; it becomes payable after the marketplace's hold.",
  dispute: "A customer disputes its payment at the bank; it is payable again if the dispute is won.",
  reserve: "Held back against refunds; it becomes payable by itself.",
};

/**
 * Why a payee's earnings wait, by currency: for customers' payments, for disputes, or as a reserve. All parts together are
 * what is held: what refunds took of it is taken here too (a law of verify has the same sum).
 */
export async function heldFor(sql: Sql, payee: string): Promise<Map<string, HeldFor[]>> {
  const rows = await sql<
    {
      currency: string;
      period: string;
      code: HeldFor["code"];
      customers: number;
      nanos: string;
      until: string | null;
    }[]
  >`
    SELECT currency, period::text, code, count(DISTINCT customer)::int AS customers, sum(amount_nanos)::text AS nanos,
      to_char(max(due_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS until
    FROM (
      SELECT w.currency, w.period, w.customer, w.amount_nanos, CASE WHEN d.id IS NULL THEN w.due_at END AS due_at,
        CASE WHEN w.invoice_id IS NULL THEN 'invoice_not_made' WHEN d.id IS NOT NULL THEN 'dispute'
          WHEN w.due_at IS NULL THEN 'invoice_unpaid' ELSE 'hold_days' END AS code
      FROM waiting_share w
      LEFT JOIN LATERAL (SELECT id FROM dispute WHERE invoice_id = w.invoice_id AND state = 'open' LIMIT 1) d ON true
      WHERE w.payee = ${payee}
      UNION ALL
      SELECT i.currency, i.period, i.customer, h.amount_nanos, NULL, 'dispute'
      FROM dispute_hold h JOIN dispute d ON d.id = h.dispute_id AND d.state = 'open' JOIN invoice i ON i.id = d.invoice_id
      WHERE h.payee = ${payee}
      UNION ALL
      SELECT currency, period, NULL, amount_nanos, due_at, 'reserve' FROM reserve
      WHERE payee = ${payee} AND released_at IS NULL) part
    GROUP BY currency, period, code HAVING sum(amount_nanos) <> 0 ORDER BY 1, 2, 3`;
  const held = new Map<string, HeldFor[]>();
  for (const { currency, period, code, customers, nanos, until } of rows) {
    const amount = money(currency, BigInt(nanos));
    const reason = { code, message: MESSAGES[code], period: periodOfDay(period), customers, amount, until };
    held.set(currency, [...(held.get(currency) ?? []), reason]);
  }
  return held;
}
