import { sqlCheck } from "../check.ts";

export const entriesBalance = sqlCheck(
  "every journal entry has all its postings and sums to zero",
  `SELECT format('entry %s: %s of %s postings, sum %s', e.key, count(p.*), e.postings, coalesce(sum(p.amount_nanos), 0)) AS difference
   FROM journal_entry e LEFT JOIN posting p USING (entry_no)
   GROUP BY e.entry_no, e.key, e.postings HAVING count(p.*) <> e.postings OR coalesce(sum(p.amount_nanos), 0) <> 0`,
);

export const balancesFromPostings = sqlCheck(
  "every balance is the sum of its postings",
  `SELECT format('account %s %s: stored %s, postings say %s', a.path, currency, b.balance_nanos, s.sum) AS difference
   FROM account_balance b
   FULL JOIN (SELECT p.account_no, e.currency, sum(p.amount_nanos) FROM posting p JOIN journal_entry e USING (entry_no) GROUP BY 1, 2) s
     USING (account_no, currency)
   LEFT JOIN ledger_account a USING (account_no)
   WHERE b.balance_nanos IS DISTINCT FROM s.sum`,
);

export const accruingFromParts = sqlCheck(
  "what stands on an accruing account is what was accrued and not released yet",
  `SELECT format('%s %s: balance %s, parts say %s', path, currency, b.balance, p.amount) AS difference
   FROM (SELECT a.path, b.currency, -b.balance_nanos AS balance FROM account_balance b JOIN ledger_account a USING (account_no)
         WHERE a.kind = 'payee:accruing' AND b.balance_nanos <> 0) b
   FULL JOIN (SELECT account AS path, currency, sum(amount_nanos) AS amount FROM accrual_part
         WHERE account LIKE 'payee:%' AND booked_period NOT IN (SELECT period FROM settlement WHERE state <> 'closing')
         GROUP BY 1, 2 HAVING sum(amount_nanos) <> 0) p USING (path, currency)
   WHERE coalesce(b.balance, 0) <> coalesce(p.amount, 0)`,
);
