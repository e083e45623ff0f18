import { sqlCheck } from "../check.ts";

export const adjustmentEntries = sqlCheck(
  "every adjustment is one entry, to the nano what its cells, parts and movements come to",
  `WITH expected AS (
     SELECT 'adjustment:' || a.id AS key, a.kind, a.currency, p.path, p.amount FROM adjustment a CROSS JOIN LATERAL adjustment_postings(a.adjustment_no) p
   ), booked AS (
     SELECT e.key, e.kind, e.currency, l.path, p.amount_nanos AS amount
     FROM journal_entry e JOIN posting p USING (entry_no) JOIN ledger_account l USING (account_no)
     -- By its kind: under another key it would be one that no adjustment made.
     WHERE e.kind IN ('refund', 'refund_returned', 'money_returned', 'dispute_lost', 'rerate', 'reattribution', 'credit', 'debit',
       'write_off', 'revocation', 'repayment', 'payment'))
   SELECT format('adjustment entry %s on %s: booked %s, adjustment cells, parts, held and movements say %s', key, path, b.amount, x.amount) AS difference
   FROM booked b FULL JOIN expected x USING (key, kind, currency, path) WHERE b.amount IS DISTINCT FROM x.amount`,
);

export const adjustmentsAsBooked = sqlCheck(
  "every adjustment says what its entry says: who, why, what was asked for, and what it came to",
  `SELECT format('adjustment %s: %s by %s at %s for %s (%s credited, %s returned); its entry says %s at %s', a.id, a.reason, a.made_by, a.made_at,
     a.asked, a.credited_nanos, a.returned_nanos, e.detail, e.created_at) AS difference
   FROM adjustment a JOIN journal_entry e ON e.key = 'adjustment:' || a.id
   WHERE (a.id, a.reason, a.made_by, a.asked, a.credited_nanos::text, a.returned_nanos::text)
       IS DISTINCT FROM (e.detail->>'adjustment', e.detail->>'reason', e.detail->>'by', e.detail->'asked', e.detail->>'credited', e.detail->>'returned')
     OR a.made_at <> e.created_at
   UNION ALL
   SELECT format('adjustment %s: of %s, it comes to %s; its cells to %s', a.id, a.corrects, a.gross, c.gross)
   FROM adjustment a LEFT JOIN (SELECT adjustment_no, sum(rerated - refunded) AS gross, min(booked_period) AS first, max(booked_period) AS last
     FROM adjustment_cell GROUP BY 1) c USING (adjustment_no)
   LEFT JOIN invoice i ON i.id = a.invoice_id LEFT JOIN adjustment r ON r.adjustment_no = a.reverses
   WHERE a.gross <> coalesce(c.gross, 0) OR c.first <> a.corrects OR c.last <> a.corrects OR i.period <> a.corrects OR (a.invoice_id IS NOT NULL AND i.id IS NULL)
     OR (coalesce(r.kind, a.kind) IN ('refund', 'money_returned', 'dispute_lost')) <> (a.invoice_id IS NOT NULL)
     OR (coalesce(r.kind, a.kind) IN ('credit', 'debit', 'write_off', 'revocation', 'repayment', 'payment')) <> (a.corrects IS NULL)
   UNION ALL
   SELECT format('adjustment %s: it takes back %s, which came to %s', a.id, r.id, r.gross)
   FROM adjustment a LEFT JOIN adjustment r ON r.adjustment_no = a.reverses
   WHERE a.kind = 'refund_returned' AND (a.invoice_id, a.gross, a.credited_nanos, a.returned_nanos, a.asked->>'returns')
     IS DISTINCT FROM (r.invoice_id, -r.gross, -r.credited_nanos, -r.returned_nanos, r.id)
   UNION ALL
   SELECT format('reattribution %s: %s from %s to %s; its adjustment says %s', r.adjustment_no, r.booked_period, r.from_payee, r.to_payee, a.asked)
   FROM reattribution r LEFT JOIN adjustment a USING (adjustment_no)
   WHERE (a.kind, a.corrects, a.asked->>'from', a.asked->>'to', a.asked->>'model')
     IS DISTINCT FROM ('reattribution', r.booked_period, r.from_payee, r.to_payee, (SELECT id FROM model m WHERE m.model_no = r.model_no))`,
);

export const cellsWereCharged = sqlCheck(
  "what is refunded or charged otherwise was charged, of the invoice's customer, and no more is refunded than was charged",
  `SELECT format('adjustment cell %s/%s/%s/%s/%s/%s of %s: %s refunded, %s re-rated, of %s that was charged', c.customer_no, c.booked_period,
     c.service_month, c.model_no, c.meter_no, c.split_plan_no, c.adjustment_no, c.refunded, c.rerated, u.gross) AS difference
   FROM adjustment_cell c
   LEFT JOIN (SELECT p.booked_period, x.* FROM (SELECT DISTINCT booked_period FROM adjustment_cell) p
     CROSS JOIN LATERAL usage_cells(p.booked_period, NULL, NULL) x) u
     USING (booked_period, customer_no, service_month, model_no, meter_no, price_no, split_plan_no)
   LEFT JOIN adjustment a USING (adjustment_no) LEFT JOIN invoice i ON i.id = a.invoice_id
   LEFT JOIN customer k ON k.customer_no = c.customer_no
   WHERE u.gross IS NULL OR u.refunded < 0 OR u.refunded > u.gross + u.rerated OR a.id IS NULL OR i.customer <> k.id`,
);

export const invoicesNotOverCredited = sqlCheck(
  "no invoice is credited with more than was refunded of it and not paid back, nor paid back more than was paid, but by the bank",
  `SELECT format('adjustments of invoice %s: %s refunded, %s credited, %s returned, %s paid of %s', i.id, a.refunded, a.credited, a.returned, p.paid,
     i.amount_nanos) AS difference
   FROM invoice i JOIN (
     SELECT invoice_id AS id, -sum(gross) * 1000000000 AS refunded, sum(credited_nanos) AS credited, sum(returned_nanos) AS returned,
       bool_or(kind = 'dispute_lost') AS disputed, bool_or(kind = 'refund_returned') AS taken_back,
       bool_or(kind = 'dispute_lost' AND (is_provider(made_by) OR EXISTS (SELECT FROM dispute d WHERE d.id = asked->>'dispute'
         AND is_provider(d.opened_by)))) AS taken_by_bank
     FROM adjustment WHERE invoice_id IS NOT NULL GROUP BY 1) a USING (id)
   CROSS JOIN LATERAL (SELECT coalesce(sum(amount_nanos), 0) AS paid FROM invoice_payment WHERE invoice_id = i.id) p
   WHERE a.credited < 0
     OR (NOT a.taken_by_bank AND NOT a.taken_back AND a.returned > p.paid)
     OR (NOT a.disputed AND NOT a.taken_back AND (a.credited > a.refunded OR a.credited + p.paid > i.amount_nanos))`,
);
