import { sqlCheck } from "../check.ts";

export const disputeEntries = sqlCheck(
  "what a dispute holds is booked as held when it was opened, and given back once it is decided",
  `WITH expected AS (
     SELECT format('dispute:%s:held', d.id) AS key, format('payee:%s:held', h.payee) AS path, -h.amount_nanos AS nanos
     FROM dispute d JOIN dispute_hold h ON h.dispute_id = d.id
     UNION ALL
     SELECT format('dispute:%s:released', d.id), format('payee:%s:held', h.payee), h.amount_nanos
     FROM dispute d JOIN dispute_hold h ON h.dispute_id = d.id WHERE d.state <> 'open'
   ), booked AS (
     SELECT e.key, a.path, p.amount_nanos AS nanos FROM journal_entry e JOIN posting p USING (entry_no) JOIN ledger_account a USING (account_no)
     WHERE e.kind IN ('dispute_held', 'dispute_released') AND a.kind = 'payee:held')
   SELECT format('dispute hold, entry %s on %s: booked %s, the dispute says %s', key, path, b.nanos, x.nanos) AS difference
   FROM booked b FULL JOIN expected x USING (key, path) WHERE b.nanos IS DISTINCT FROM x.nanos`,
);

export const disputesAsBooked = sqlCheck(
  "every dispute is of an invoice, for no more than it asked for, and a lost one is refunded once: whole where the provider told of it",
  `SELECT format('dispute %s: %s of invoice %s, for %s because of %s by %s, decided by %s; its entry says %s, its refund %s', d.id, d.state, d.invoice_id,
     d.amount_nanos, d.reason, d.opened_by, d.decided_by, e.detail, a.asked) AS difference
   FROM dispute d LEFT JOIN invoice i ON i.id = d.invoice_id
   LEFT JOIN journal_entry e ON e.key = format('dispute:%s:held', d.id)
   LEFT JOIN journal_entry r ON r.key = format('dispute:%s:released', d.id)
   LEFT JOIN adjustment a ON a.reference = 'dispute:' || d.id AND a.kind = 'dispute_lost'
   WHERE i.id IS NULL OR d.amount_nanos > i.amount_nanos OR (d.state = 'lost') <> (a.id IS NOT NULL)
     OR (a.invoice_id, a.reason) IS DISTINCT FROM (CASE WHEN a.id IS NOT NULL THEN d.invoice_id END, CASE WHEN a.id IS NOT NULL THEN d.reason END)
     OR (a.asked->>'amount')::numeric * 1000000000 <> d.amount_nanos OR a.returned_nanos > d.amount_nanos
     OR (a.returned_nanos < d.amount_nanos AND (is_provider(d.opened_by) OR is_provider(a.made_by)))
     OR (e.key IS NOT NULL AND (e.detail->>'invoice', e.detail->>'reason', e.detail->>'by') IS DISTINCT FROM (d.invoice_id, d.reason, d.opened_by))
     OR (r.key IS NOT NULL AND (r.detail->>'reason', r.detail->>'by') IS DISTINCT FROM (d.state, d.decided_by))
   UNION ALL
   SELECT format('dispute %s: there is none, but it was refunded', a.reference) FROM adjustment a
   WHERE a.kind = 'dispute_lost' AND NOT EXISTS (SELECT FROM dispute d WHERE 'dispute:' || d.id = a.reference)`,
);

export const correctionsAsBooked = sqlCheck(
  "every correction is booked as it was proposed, and above its limit with somebody else's approval",
  `SELECT format('correction %s: %s of %s %s (limit %s) for %s by %s, approved by %s; booked as %s', c.id, c.kind, c.amount_nanos, c.currency, c.limit_nanos,
     c.reason, c.proposed_by, c.approved_by, a.id) AS difference
   FROM correction c LEFT JOIN adjustment a USING (adjustment_no)
   CROSS JOIN LATERAL (SELECT coalesce(greatest(sum(greatest(p.amount, 0)), -sum(least(p.amount, 0))), 0) AS size
     FROM adjustment_postings(c.adjustment_no) p) s
   WHERE c.adjustment_no IS NOT NULL AND ((a.reference, a.kind, a.currency, a.asked, a.reason, a.made_by, s.size)
       IS DISTINCT FROM (c.id, c.kind, c.currency, c.asked, c.reason, c.proposed_by, c.amount_nanos)
     OR (c.amount_nanos > c.limit_nanos AND c.approved_by IS NULL) OR (c.approved_by IS NOT NULL AND same_person(c.proposed_by, c.approved_by)))
   UNION ALL
   SELECT format('correction of adjustment %s is missing', a.id) FROM adjustment a
   WHERE a.kind IN ('credit', 'debit', 'write_off', 'revocation', 'rerate', 'reattribution', 'repayment', 'payment')
     AND NOT EXISTS (SELECT FROM correction c WHERE c.adjustment_no = a.adjustment_no)`,
);
