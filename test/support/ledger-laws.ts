import { expect } from "vitest";
import type { Sql } from "../../src/postgres/index.ts";

/** Every posting counted: Σ = 0, balances are their postings, and each payee's payouts are where their states say. */
export async function expectLedgerToHold(sql: Sql): Promise<void> {
  expect(
    await sql`SELECT e.currency, sum(amount_nanos) FROM posting JOIN journal_entry e USING (entry_no)
              GROUP BY 1 HAVING sum(amount_nanos) <> 0`,
    "the postings of a currency sum to zero",
  ).toEqual([]);
  expect(
    await sql`
      WITH posted AS (SELECT p.account_no, e.currency, sum(p.amount_nanos) AS nanos
                      FROM posting p JOIN journal_entry e USING (entry_no) GROUP BY 1, 2)
      SELECT * FROM posted FULL JOIN account_balance b USING (account_no, currency)
      WHERE posted.nanos IS DISTINCT FROM b.balance_nanos`,
    "an account's balance is the sum of its postings",
  ).toEqual([]);
  expect(
    await sql`
      WITH expected AS (
        SELECT 'payee:' || payee || ':in_transit' AS path, currency, -sum(amount_nanos) AS nanos
        FROM payout WHERE state IN ('sending', 'unknown') GROUP BY 1, 2
        UNION ALL SELECT 'stripe:clearing', currency, nullif(sum(reversed) - sum(amount_nanos), 0)
        FROM (SELECT o.*, (SELECT coalesce(sum(r.amount_nanos), 0) FROM payout_reversal r WHERE r.payout_id = o.id) AS reversed
              FROM payout o WHERE state = 'paid') paid GROUP BY 1, 2
      ), held AS (
        SELECT a.path, b.currency, b.balance_nanos AS nanos FROM account_balance b JOIN ledger_account a USING (account_no)
        WHERE (a.kind = 'payee:in_transit' OR a.path = 'stripe:clearing') AND b.balance_nanos <> 0
      )
      SELECT path, currency, expected.nanos AS expected, held.nanos AS held
      FROM expected FULL JOIN held USING (path, currency) WHERE expected.nanos IS DISTINCT FROM held.nanos`,
    "in transit is what is under way, clearing is what was paid",
  ).toEqual([]);
  expect(
    await sql`
      WITH moved AS (
        SELECT a.owner AS payee, e.currency, -p.amount_nanos AS nanos
        FROM posting p JOIN journal_entry e USING (entry_no) JOIN ledger_account a USING (account_no)
        WHERE a.kind = 'payee:payable' AND e.kind = 'release'
        UNION ALL SELECT payee, currency, -amount_nanos FROM payout WHERE state IN ('sending', 'unknown', 'paid')
        UNION ALL SELECT o.payee, o.currency, r.amount_nanos FROM payout_reversal r JOIN payout o ON o.id = r.payout_id
        UNION ALL SELECT payee, currency, -amount_nanos FROM netting
        UNION ALL SELECT payee, from_currency, -from_nanos FROM conversion
        UNION ALL SELECT payee, to_currency, to_nanos FROM conversion
        UNION ALL SELECT payee, currency, -amount_nanos FROM reserve WHERE released_at IS NULL
      ), corrected AS (
        SELECT a.owner AS payee, e.currency, -p.amount_nanos AS nanos
        FROM posting p JOIN journal_entry e USING (entry_no) JOIN ledger_account a USING (account_no)
        WHERE a.kind = 'payee:payable' AND e.kind IN ('credit', 'debit', 'refund', 'dispute_held', 'dispute_released', 'dispute_lost')
      )
      SELECT payee, currency FROM (SELECT *, false AS is_corrected FROM moved UNION ALL SELECT *, true FROM corrected) x GROUP BY 1, 2
      HAVING sum(nanos) <> -account_balance_of('payee:' || payee || ':payable', currency) OR (sum(nanos) < 0 AND NOT bool_or(is_corrected))`,
    "payable is what was earned without what is held back, exchanged, under way or paid, and negative only where something was taken back",
  ).toEqual([]);
}
