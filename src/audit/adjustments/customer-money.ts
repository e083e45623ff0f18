import { sqlCheck } from "../check.ts";

export const customerMoneyAsAsked = sqlCheck(
  "money that was paid back to a customer, or by it, moves what was asked for, between its account and what was received, and is taken back whole",
  `WITH asked AS (
     SELECT a.adjustment_no, a.id, a.currency, o.kind, o.asked, CASE o.kind WHEN 'repayment' THEN -1 ELSE 1 END
       * CASE a.kind WHEN 'refund_returned' THEN -1 ELSE 1 END * (o.asked->>'amount')::numeric * 1000000000 AS nanos
     FROM adjustment a JOIN adjustment o ON o.adjustment_no = coalesce(a.reverses, a.adjustment_no)
     WHERE o.kind IN ('repayment', 'payment')
   ), expected AS (
     SELECT adjustment_no, format('customer:%s:receivable', asked->>'customer') AS account, nanos FROM asked
     UNION ALL SELECT adjustment_no, 'platform:received', -nanos FROM asked)
   SELECT format('adjustment %s on %s: moved %s, its %s of %s says %s', a.id, account, m.amount_nanos, a.kind, a.asked, x.nanos) AS difference
   FROM (SELECT m.* FROM adjustment_movement m JOIN asked USING (adjustment_no)) m FULL JOIN expected x USING (adjustment_no, account)
   JOIN asked a USING (adjustment_no)
   WHERE m.amount_nanos IS DISTINCT FROM x.nanos OR a.currency IS DISTINCT FROM a.asked->>'currency'`,
);

/** Adjustments are booked one after the other, so what they had left on an account stands at each of them. */
export const moneyWasOwed = sqlCheck(
  "no customer was paid back more than refunds and corrections had left in its favour, nor paid more than they had left it to owe",
  `WITH moved AS (
     SELECT a.adjustment_no, l.owner AS customer, a.currency, -p.amount_nanos AS nanos
     FROM adjustment a JOIN journal_entry e ON e.key = 'adjustment:' || a.id JOIN posting p USING (entry_no) JOIN ledger_account l USING (account_no)
     WHERE l.kind = 'customer:receivable'
     UNION ALL
     SELECT a.adjustment_no, i.customer, a.currency, -a.credited_nanos FROM adjustment a JOIN invoice i ON i.id = a.invoice_id
   ), left_then AS (
     SELECT adjustment_no, customer, currency, sum(sum(nanos)) OVER (PARTITION BY customer, currency ORDER BY adjustment_no) AS nanos
     FROM moved GROUP BY 1, 2, 3)
   SELECT format('adjustment %s: a %s of %s, after which refunds and corrections leave %s on account of %s in %s', a.id, a.kind, a.asked->>'amount',
     l.nanos, l.customer, l.currency) AS difference
   FROM adjustment a JOIN left_then l USING (adjustment_no)
   WHERE (a.kind = 'repayment' AND l.nanos < 0) OR (a.kind = 'payment' AND l.nanos > 0)`,
);
