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

/** The laws of holds, reserves and disputes count what is held; this keeps the other side of it with the same payee. */
export const movementsStayWithPayee = sqlCheck(
  "what is released, held and let go moves between accounts of one payee, and gives nobody else anything",
  `SELECT format('entry %s: it moves %s %s from or to payee %s', e.key, sum(p.amount_nanos), e.currency, a.owner) AS difference
   FROM journal_entry e JOIN posting p USING (entry_no) JOIN ledger_account a USING (account_no)
   WHERE e.kind IN ('release', 'hold', 'hold_released', 'reserve', 'reserve_released', 'dispute_held', 'dispute_released')
   GROUP BY e.key, e.currency, a.owner HAVING sum(p.amount_nanos) <> 0`,
);

/** Nothing in the product books one: a correction is an adjustment, with a record of who asked for it and who approved. */
export const nothingBookedByHand = sqlCheck(
  "no entry was made by hand, unless it was taken back; and what takes one back is its opposite",
  `SELECT format('entry %s: a %s that no record asked for, and that nothing takes back', e.key, e.kind) AS difference
   FROM journal_entry e WHERE e.kind = 'adjustment'
     AND NOT EXISTS (SELECT FROM journal_entry r WHERE r.kind = 'reversal' AND r.corrects = e.key)
   UNION ALL
   SELECT format('entry %s: it takes back %s %s on %s, entry %s is of %s', key, r.nanos, r.currency, path, corrects, o.nanos)
   FROM (SELECT e.key, e.corrects, e.currency, a.path, p.amount_nanos AS nanos
         FROM journal_entry e JOIN posting p USING (entry_no) JOIN ledger_account a USING (account_no) WHERE e.kind = 'reversal') r
   FULL JOIN (SELECT x.key, e.key AS corrects, e.currency, a.path, p.amount_nanos AS nanos
         FROM journal_entry x JOIN journal_entry e ON e.key = x.corrects AND e.kind = 'adjustment'
         JOIN posting p ON p.entry_no = e.entry_no JOIN ledger_account a USING (account_no) WHERE x.kind = 'reversal') o
     USING (key, corrects, path)
   WHERE (r.currency, -r.nanos) IS DISTINCT FROM (o.currency, o.nanos)
   UNION ALL
   SELECT format('entry %s was taken back %s times', corrects, count(*)) FROM journal_entry WHERE kind = 'reversal'
   GROUP BY corrects HAVING count(*) > 1`,
);
