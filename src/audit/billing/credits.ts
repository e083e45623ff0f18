import { sqlCheck } from "../check.ts";

export const grantsBooked = sqlCheck(
  "every credit grant is one entry on its customer's credit, against what was received or the platform's promotions",
  `WITH expected AS (
     SELECT format('credit:%s', id) AS key, currency, x.path, x.nanos
     FROM credit_grant CROSS JOIN LATERAL (VALUES (format('customer:%s:credit', customer), -amount_nanos),
       (CASE kind WHEN 'paid' THEN 'platform:received' ELSE 'platform:promotions' END, amount_nanos)) AS x(path, nanos)
   ), booked AS (
     SELECT e.key, e.currency, a.path, p.amount_nanos AS nanos
     FROM journal_entry e JOIN posting p USING (entry_no) JOIN ledger_account a USING (account_no) WHERE e.kind = 'credit_granted')
   SELECT format('credit grant, entry %s on %s: booked %s %s, granted %s', key, path, b.nanos, currency, x.nanos) AS difference
   FROM booked b FULL JOIN expected x USING (key, currency, path) WHERE b.nanos IS DISTINCT FROM x.nanos`,
);

export const creditsUsed = sqlCheck(
  "what invoices took of credits is what was paid on them from credits, grant by grant in their order of use, and never more than there was",
  `SELECT format('credit use of invoice %s: uses come to %s, paid from credits %s', invoice_id, u.nanos, p.nanos) AS difference
   FROM (SELECT invoice_id, sum(amount_nanos) AS nanos FROM credit_use GROUP BY 1) u
   FULL JOIN (SELECT invoice_id, amount_nanos AS nanos FROM invoice_payment WHERE reference = 'tributary:credits') p USING (invoice_id)
   WHERE u.nanos IS DISTINCT FROM p.nanos
   UNION ALL
   SELECT format('credit use of grant %s by invoice %s: one of %s, the other of %s', u.grant_id, u.invoice_id, g.customer, i.customer)
   FROM credit_use u LEFT JOIN credit_grant g ON g.id = u.grant_id LEFT JOIN invoice i ON i.id = u.invoice_id
   WHERE (g.customer, g.currency) IS DISTINCT FROM (i.customer, i.currency)
   UNION ALL
   SELECT format('credit grant %s: %s used, %s expired and %s revoked of %s', id, used_nanos, expired_nanos, revoked_nanos, amount_nanos)
   FROM credit_standing WHERE left_nanos < 0
   UNION ALL
   SELECT format('credit grant %s has %s left, and invoice %s took of a later one, credit grant %s', s.id, s.left_nanos, u.invoice_id, n.id)
   FROM credit_standing s JOIN credit_standing n ON n.customer = s.customer AND n.currency = s.currency AND n.place > s.place
   JOIN credit_use u ON u.grant_id = n.id JOIN invoice i ON i.id = u.invoice_id JOIN invoice_run r ON r.period = i.period
   WHERE s.left_nanos > 0 AND s.granted_at < r.made_at`,
);

export const expiriesBooked = sqlCheck(
  "what expired of a credit grant is one entry: a promotional one goes back, a paid one becomes the platform's, none before its time",
  `WITH expected AS (
     SELECT format('credit_expired:%s', g.id) AS key, g.currency, x.path, x.nanos
     FROM credit_expiry e JOIN credit_grant g ON g.id = e.grant_id
     CROSS JOIN LATERAL (VALUES (format('customer:%s:credit', g.customer), e.amount_nanos),
       (CASE g.kind WHEN 'paid' THEN 'platform:breakage' ELSE 'platform:promotions' END, -e.amount_nanos)) AS x(path, nanos)
     WHERE e.amount_nanos > 0
   ), booked AS (
     SELECT e.key, e.currency, a.path, p.amount_nanos AS nanos
     FROM journal_entry e JOIN posting p USING (entry_no) JOIN ledger_account a USING (account_no) WHERE e.kind = 'credit_expired')
   SELECT format('credit expiry, entry %s on %s: booked %s %s, expired %s', key, path, b.nanos, currency, x.nanos) AS difference
   FROM booked b FULL JOIN expected x USING (key, currency, path) WHERE b.nanos IS DISTINCT FROM x.nanos
   UNION ALL
   SELECT format('credit expiry of %s, credit grant: it has no such time', e.grant_id) FROM credit_expiry e LEFT JOIN credit_grant g ON g.id = e.grant_id
   WHERE g.expires_at IS NULL
   UNION ALL
   SELECT format('credit expiry of %s: its grant has %s left, which no usage needs', s.id, s.left_nanos)
   FROM credit_standing s JOIN customer c ON c.id = s.customer
   JOIN spend_account a ON a.customer_no = c.customer_no AND a.currency = s.currency
   -- What is below a step cannot pay an invoice: it may stay.
   WHERE s.is_over AND s.left_nanos > greatest(ceil(a.spent * 1000000000) - a.invoiced_nanos, invoice_step(a.currency) - 1)`,
);

export const revocationsBooked = sqlCheck(
  "what was revoked of a credit grant is its adjustment's: from its customer's credit, back to where the grant came from",
  `SELECT format('credit revocation by adjustment %s: %s of grant %s; booked %s of %s, from %s to %s', adjustment_no, r.amount_nanos, r.grant_id,
     b.nanos, b.grant_id, b.taken, b.given) AS difference
   FROM credit_revocation r FULL JOIN (
     SELECT a.adjustment_no, a.asked->>'credit' AS grant_id, min(m.account) FILTER (WHERE m.amount_nanos < 0) AS taken,
       min(m.account) FILTER (WHERE m.amount_nanos > 0) AS given, sum(m.amount_nanos) FILTER (WHERE m.amount_nanos > 0) AS nanos
     FROM adjustment a LEFT JOIN adjustment_movement m USING (adjustment_no) WHERE a.kind = 'revocation' GROUP BY 1, 2) b USING (adjustment_no)
   LEFT JOIN credit_grant g ON g.id = r.grant_id
   WHERE (r.grant_id, r.amount_nanos, format('customer:%s:credit', g.customer),
       CASE g.kind WHEN 'paid' THEN 'platform:received' ELSE 'platform:promotions' END)
     IS DISTINCT FROM (b.grant_id, b.nanos, b.taken, b.given)`,
);

export const creditBalances = sqlCheck(
  "a customer's credit in the books is what is left of its grants",
  `SELECT format('account customer:%s:credit %s: balance %s, its grants have %s', customer, currency, b.nanos, s.nanos) AS difference
   FROM (SELECT a.owner AS customer, b.currency, -b.balance_nanos AS nanos FROM account_balance b JOIN ledger_account a USING (account_no)
         WHERE a.kind = 'customer:credit') b
   FULL JOIN (SELECT customer, currency, sum(left_nanos) AS nanos FROM credit_standing GROUP BY 1, 2) s USING (customer, currency)
   WHERE coalesce(b.nanos, 0) <> coalesce(s.nanos, 0)`,
);
