import { sqlCheck } from "../check.ts";

export const reservesFromRules = sqlCheck(
  "what is held back of what became payable is the rule's part of it, floored, until the rule's days are over",
  `WITH base AS (
     SELECT s.period, '' AS invoice_id, x.payee, x.currency, x.amount_nanos AS base, s.cut_at AS since
     FROM settlement s CROSS JOIN LATERAL payable_at_close(s.period) x WHERE s.state <> 'closing'
     UNION ALL
     SELECT i.period, release_name(i.id, r.round), h.payee, i.currency, h.still_held, r.due_at
     FROM invoice_release r JOIN invoice i ON i.id = r.invoice_id CROSS JOIN LATERAL held_shares_of(i.id, r.round) h
     WHERE r.released_at IS NOT NULL
   ), due AS (
     SELECT b.period, b.invoice_id, b.payee, b.currency, b.base, div(b.base * r.basis_points, 10000) AS amount,
       b.since + make_interval(hours => 24 * r.days) AS due_at
     FROM base b CROSS JOIN LATERAL reserve_rule_of(b.payee, b.period) r
     WHERE b.base > 0 AND div(b.base * r.basis_points, 10000) > 0
   )
   SELECT format('reserve of %s %s %s %s: %s of %s until %s, by the rule %s of %s until %s', payee, period, currency, invoice_id,
     r.amount_nanos, r.base_nanos, r.due_at, d.amount, d.base, d.due_at) AS difference
   FROM reserve r FULL JOIN due d USING (period, invoice_id, payee, currency)
   WHERE (r.base_nanos, r.amount_nanos, r.due_at) IS DISTINCT FROM (d.base, d.amount, d.due_at)`,
);

export const reserveEntries = sqlCheck(
  "every reserve is booked once as held and, once it was released, once as payable; none was released before it was due",
  `WITH expected AS (
     SELECT format('reserve:%s:%s:%s', coalesce(nullif(invoice_id, ''), period::text), payee, currency) AS key, currency, payee, amount_nanos AS nanos
     FROM reserve
     UNION ALL
     SELECT format('unreserve:%s:%s:%s:%s', period, invoice_id, payee, currency), currency, payee, -amount_nanos
     FROM reserve WHERE released_at IS NOT NULL
   ), booked AS (
     SELECT e.key, e.currency, a.owner AS payee, -p.amount_nanos AS nanos
     FROM journal_entry e JOIN posting p USING (entry_no) JOIN ledger_account a USING (account_no)
     WHERE e.kind IN ('reserve', 'reserve_released') AND a.kind = 'payee:held')
   SELECT format('reserve, entry %s of %s: booked %s %s, reserves say %s %s', key, coalesce(b.payee, x.payee), b.nanos, b.currency, x.nanos,
     x.currency) AS difference
   FROM booked b FULL JOIN expected x USING (key) WHERE (b.nanos, b.currency, b.payee) IS DISTINCT FROM (x.nanos, x.currency, x.payee)
   UNION ALL
   SELECT format('reserve of %s %s %s: due %s, released %s', payee, period, currency, due_at, released_at) FROM reserve
   WHERE released_at < due_at`,
);

export const heldFromHoldsAndReserves = sqlCheck(
  "what stands on a held account is what waits for customers, what is held back and what is disputed, and no more",
  `SELECT format('account payee:%s:held %s: balance %s, held shares, reserves and disputes say %s', payee, currency, b.nanos, w.nanos) AS difference
   FROM (SELECT a.owner AS payee, b.currency, -b.balance_nanos AS nanos FROM account_balance b JOIN ledger_account a USING (account_no)
         WHERE a.kind = 'payee:held' AND b.balance_nanos <> 0) b
   FULL JOIN (SELECT payee, currency, sum(amount_nanos) AS nanos FROM (
       SELECT payee, currency, amount_nanos FROM reserve WHERE released_at IS NULL
       UNION ALL SELECT payee, currency, amount_nanos FROM waiting_share
       UNION ALL SELECT h.payee, i.currency, h.amount_nanos FROM dispute_hold h JOIN dispute d ON d.id = h.dispute_id AND d.state = 'open'
       JOIN invoice i ON i.id = d.invoice_id) x GROUP BY 1, 2) w USING (payee, currency)
   WHERE b.nanos IS DISTINCT FROM nullif(w.nanos, 0)`,
);
