import { type Money, money, payoutStep } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";

/** A settled balance that was not paid out, and since when it stands there. */
export interface WaitingBalance {
  payee: string;
  name: string;
  currency: string;
  payable: Money;
  held: Money;
  /** What an operator, the provider or the minimum has against paying it; the first that applies. */
  code:
    | "frozen"
    | "no_account"
    | "account_not_ready"
    | "tax_form_missing"
    | "not_this_month"
    | "on_hold"
    | "below_minimum"
    | "held"
    | "next_plan";
  detail: string | null;
  /**
   * The month whose money waits longest: the first closed since the payee was last paid in this currency, or one of which a
   * part is still held. Null when it is of no closed month: a correction, say.
   */
  since: string | null;
}

/** Everybody's money that could be paid and is not, the longest waiting first; what is left below a payout's step is not there. */
export async function waitingBalances(sql: Sql, limit: number): Promise<WaitingBalance[]> {
  const currencies = await sql<{ currency: string }[]>`SELECT DISTINCT currency FROM account_balance`;
  const steps = currencies.map(({ currency }) => [currency, payoutStep(currency).toString()] as const);
  const rows = await sql<
    (Omit<WaitingBalance, "payable" | "held"> & { payable_nanos: string; held_nanos: string })[]
  >`
    WITH balances AS (
      SELECT split_part(a.path, ':', 2) AS payee, b.currency,
        coalesce(-sum(b.balance_nanos) FILTER (WHERE a.kind = 'payee:payable'), 0) AS payable_nanos,
        coalesce(-sum(b.balance_nanos) FILTER (WHERE a.kind = 'payee:held'), 0) AS held_nanos
      FROM account_balance b JOIN ledger_account a USING (account_no)
      WHERE a.kind IN ('payee:payable', 'payee:held') GROUP BY 1, 2),
    held AS (
      SELECT payee, currency, min(period) AS since FROM (
        SELECT h.payee, h.currency, h.period FROM held_share h LEFT JOIN invoice i USING (period, customer, currency)
          LEFT JOIN invoice_release r ON r.invoice_id = i.id WHERE r.released_at IS NULL
        UNION ALL
        SELECT h.payee, i.currency, i.period FROM dispute_hold h
          JOIN dispute d ON d.id = h.dispute_id AND d.state = 'open' JOIN invoice i ON i.id = d.invoice_id
        UNION ALL
        SELECT payee, currency, period FROM reserve WHERE released_at IS NULL) part GROUP BY 1, 2)
    SELECT w.payee, p.name, w.currency, w.payable_nanos::text, w.held_nanos::text,
      CASE WHEN f.reason IS NOT NULL THEN 'frozen'
        WHEN w.payable_nanos < s.step THEN 'held'
        WHEN p.stripe_account IS NULL THEN 'no_account'
        WHEN a.transfers_enabled IS FALSE THEN 'account_not_ready'
        WHEN x.missing IS NOT NULL THEN 'tax_form_missing'
        WHEN t.schedule = 'manual' THEN 'not_this_month'
        WHEN t.schedule = 'quarterly' AND extract(month FROM b.first_open_period)::int % 3 <> 0 THEN 'not_this_month'
        WHEN h.nanos >= w.payable_nanos THEN 'on_hold'
        WHEN t.payout_currency IS NULL AND w.payable_nanos < m.minimum_nanos THEN 'below_minimum'
        ELSE 'next_plan' END AS code,
      coalesce(f.reason, a.disabled_reason) AS detail,
      to_char(least(CASE WHEN w.held_nanos > 0 THEN held.since END,
        (SELECT min(s.period) FROM statement s
         WHERE s.payee = w.payee AND s.currency = w.currency AND (s.closing_nanos > 0 OR s.held_nanos > 0) AND s.period > coalesce(
           (SELECT max(o.period) FROM payout o WHERE o.payee = w.payee AND o.currency = w.currency AND o.state = 'paid'),
           '-infinity'))), 'YYYY-MM') AS since
    FROM balances w JOIN payee p ON p.id = w.payee CROSS JOIN books_state b
    JOIN unnest(${steps.map(([currency]) => currency)}::text[], ${steps.map(([, step]) => step)}::numeric[]) AS s(currency, step)
      ON s.currency = w.currency
    CROSS JOIN LATERAL payout_terms_of(w.payee) t
    CROSS JOIN LATERAL minimum_payout_of(w.payee, w.currency) m
    LEFT JOIN held ON held.payee = w.payee AND held.currency = w.currency
    LEFT JOIN LATERAL on_hold_of(w.payee, w.currency, t.hold_days, now()) h ON true
    LEFT JOIN LATERAL tax_form_missing_of(w.payee, b.first_open_period) x ON true
    LEFT JOIN payee_freeze f ON f.payee = w.payee AND f.lifted_at IS NULL
    LEFT JOIN payout_account a ON a.account = p.stripe_account
    WHERE w.payable_nanos >= s.step OR w.held_nanos > 0
    ORDER BY since NULLS LAST, w.payee, w.currency LIMIT ${limit}`;
  return rows.map(({ payable_nanos, held_nanos, ...row }) => ({
    ...row,
    payable: money(row.currency, BigInt(payable_nanos)),
    held: money(row.currency, BigInt(held_nanos)),
  }));
}
