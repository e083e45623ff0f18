import { sqlCheck } from "../check.ts";

// What the computed entries book, from the figures below them: so that neither can be changed alone, chained or not.

export const accrualEntries = sqlCheck(
  "the accrual entries of a period come to its parts and to what its lines are owed",
  `SELECT format('accruals of %s on %s in %s: entries come to %s, accrual lines and parts to %s', period, path, currency, e.nanos, p.nanos) AS difference
   FROM (SELECT e.period, a.path, e.currency, sum(p.amount_nanos) AS nanos
         FROM journal_entry e JOIN posting p USING (entry_no) JOIN ledger_account a USING (account_no)
         WHERE e.kind = 'accrual' AND a.path <> 'platform:rounding' GROUP BY 1, 2, 3) e
   FULL JOIN (SELECT booked_period AS period, account AS path, currency, -sum(amount_nanos) AS nanos FROM accrual_part GROUP BY 1, 2, 3
         UNION ALL SELECT booked_period, 'platform:unbilled', currency, sum(receivable_nanos) FROM accrual_line GROUP BY 1, 3) p
     USING (period, path, currency)
   WHERE coalesce(e.nanos, 0) <> coalesce(p.nanos, 0)`,
);

export const receivablesFromGross = sqlCheck(
  "every accrued line's receivable is its gross rounded to a nano, half to even",
  `SELECT format('accrual line %s/%s/%s/%s/%s: receivable %s, its gross rounds to %s', booked_period, service_month, model_no,
     split_plan_no, currency, receivable_nanos, round_to_nanos(gross)) AS difference
   FROM accrual_line WHERE receivable_nanos <> round_to_nanos(gross)`,
);

export const releaseEntries = sqlCheck(
  "a released period has moved exactly its parts to payable",
  `SELECT format('release of %s to %s in %s: entries come to %s, accrual parts to %s', period, payee, currency, e.nanos, p.nanos) AS difference
   FROM (SELECT e.period, a.owner AS payee, e.currency, -sum(p.amount_nanos) AS nanos
         FROM journal_entry e JOIN posting p USING (entry_no) JOIN ledger_account a USING (account_no)
         WHERE e.kind = 'release' AND a.kind = 'payee:payable' GROUP BY 1, 2, 3) e
   FULL JOIN (SELECT booked_period AS period, split_part(account, ':', 2) AS payee, currency, sum(amount_nanos) AS nanos
         FROM accrual_part JOIN settlement s ON s.period = booked_period AND s.state <> 'closing'
         WHERE account LIKE 'payee:%' GROUP BY 1, 2, 3) p USING (period, payee, currency)
   WHERE coalesce(e.nanos, 0) <> coalesce(p.nanos, 0)`,
);

export const billingEntries = sqlCheck(
  "a released period has moved to each customer's receivable what its windows come to, and left nothing unbilled",
  `SELECT format('bill of %s to %s in %s: entries come to %s, customer windows to %s', period, customer, currency, e.nanos, w.nanos) AS difference
   FROM (SELECT e.period, a.owner AS customer, e.currency, sum(p.amount_nanos) AS nanos
         FROM journal_entry e JOIN posting p USING (entry_no) JOIN ledger_account a USING (account_no)
         WHERE e.kind = 'billing' AND a.kind = 'customer:receivable' GROUP BY 1, 2, 3) e
   FULL JOIN (SELECT g.booked_period AS period, c.id AS customer, g.currency, round_to_nanos(g.gross) AS nanos
         FROM customer_gross g LEFT JOIN customer c USING (customer_no)
         JOIN settlement s ON s.period = g.booked_period AND s.state <> 'closing') w USING (period, customer, currency)
   WHERE coalesce(e.nanos, 0) <> coalesce(w.nanos, 0)
   UNION ALL
   SELECT format('platform:unbilled of %s in %s: %s is left', e.period, e.currency, sum(p.amount_nanos))
   FROM journal_entry e JOIN posting p USING (entry_no) JOIN ledger_account a USING (account_no)
   JOIN settlement s ON s.period = e.period AND s.state <> 'closing'
   WHERE a.path = 'platform:unbilled' GROUP BY e.period, e.currency HAVING sum(p.amount_nanos) <> 0`,
);
