import { sqlCheck } from "../check.ts";

export const heldSharesFromParts = sqlCheck(
  "what is held for each customer's invoice is the payees' exact share of what that customer used, where the release rule says so",
  `WITH due AS (SELECT s.period, x.* FROM settlement s CROSS JOIN LATERAL customer_shares(s.period) x
     WHERE s.state <> 'closing' AND (release_rule_of(s.period)).rule = 'on_payment')
   SELECT format('held share %s/%s/%s/%s: stored %s, by the release rule it is %s', period, customer, currency, payee, h.amount_nanos,
     d.amount_nanos) AS difference
   FROM held_share h FULL JOIN due d USING (period, customer, currency, payee) WHERE h.amount_nanos IS DISTINCT FROM d.amount_nanos`,
);

export const holdEntries = sqlCheck(
  "every held share is booked as held at its close, and what refunds left of it as payable once its invoice was released",
  `WITH expected AS (
     SELECT format('hold:%s:%s:%s', period, payee, currency) AS key, sum(amount_nanos) AS nanos FROM held_share GROUP BY period, payee, currency
     UNION ALL
     SELECT format('unheld:%s:%s:%s', release_name(i.id, r.round), h.payee, i.currency), -h.still_held
     FROM invoice_release r JOIN invoice i ON i.id = r.invoice_id CROSS JOIN LATERAL held_shares_of(i.id, r.round) h
     WHERE r.released_at IS NOT NULL AND h.still_held <> 0
   ), booked AS (
     SELECT e.key, -sum(p.amount_nanos) AS nanos FROM journal_entry e JOIN posting p USING (entry_no) JOIN ledger_account a USING (account_no)
     WHERE e.kind IN ('hold', 'hold_released') AND a.kind = 'payee:held' GROUP BY 1)
   SELECT format('held share, entry %s: booked %s, invoice release and held shares say %s', key, b.nanos, x.nanos) AS difference
   FROM booked b FULL JOIN expected x USING (key) WHERE b.nanos IS DISTINCT FROM x.nanos`,
);

export const paymentsBooked = sqlCheck(
  "every payment of an invoice is one entry on its customer's receivable, and no invoice is paid more than once",
  `WITH expected AS (
     SELECT format('payment:%s:%s', p.invoice_id, p.reference) AS key, format('customer:%s:receivable', i.customer) AS path, i.currency,
       -p.amount_nanos AS nanos
     FROM invoice_payment p LEFT JOIN invoice i ON i.id = p.invoice_id
   ), booked AS (
     SELECT e.key, a.path, e.currency, p.amount_nanos AS nanos
     FROM journal_entry e JOIN posting p USING (entry_no) JOIN ledger_account a USING (account_no)
     WHERE e.kind = 'customer_paid' AND a.kind = 'customer:receivable')
   SELECT format('invoice payment %s on %s: booked %s, recorded %s', key, path, b.nanos, x.nanos) AS difference
   FROM booked b FULL JOIN expected x USING (key, path, currency) WHERE b.nanos IS DISTINCT FROM x.nanos
   UNION ALL
   SELECT format('invoice payments of %s: %s of %s', i.id, paid, i.amount_nanos)
   FROM invoice i JOIN (SELECT invoice_id AS id, sum(amount_nanos) AS paid FROM invoice_payment GROUP BY 1) p USING (id)
   WHERE paid > i.amount_nanos`,
);

export const releasesFromPayments = sqlCheck(
  "what is held for an invoice is released when nothing is left to pay and the rule's days are over, and not before",
  `WITH paid AS (
     SELECT i.id, i.period, i.amount_nanos, invoice_left(i.id) AS left_to_pay, held_round(i.id) AS round,
       (SELECT coalesce(-sum(a.credited_nanos), 0) FROM adjustment a WHERE a.invoice_id = i.id AND a.kind = 'refund_returned') AS asked_again,
       EXISTS (SELECT FROM adjustment a JOIN adjustment_held m USING (adjustment_no)
         WHERE a.invoice_id = i.id AND m.round = held_round(i.id)) AS holds_more,
       EXISTS (SELECT FROM adjustment a JOIN adjustment_part p USING (adjustment_no)
         WHERE a.invoice_id = i.id AND a.kind = 'refund_returned' AND a.credited_nanos < 0 AND p.payee IS NOT NULL
         AND p.amount_nanos > 0) AS gave_back,
       (SELECT array_agg(x.at) FROM (SELECT p.paid_at AS at FROM invoice_payment p WHERE p.invoice_id = i.id
          UNION ALL SELECT a.made_at FROM adjustment a WHERE a.invoice_id = i.id) x) AS moments,
       EXISTS (SELECT FROM held_share h WHERE h.period = i.period AND h.customer = i.customer AND h.currency = i.currency) AS holds
     FROM invoice i)
   SELECT format('invoice release of %s: due %s, released %s; %s of %s is left to pay, paid or credited at %s', coalesce(p.id, r.invoice_id),
     r.due_at, r.released_at, p.left_to_pay, p.amount_nanos, p.moments) AS difference
   FROM paid p FULL JOIN invoice_release r ON r.invoice_id = p.id
   WHERE (r.invoice_id IS NULL AND p.holds AND p.left_to_pay = 0)
     -- What came back after a release waits for one of its own, and for nothing else than what is left to pay.
     OR (p.left_to_pay = 0 AND p.round > 1 AND p.holds_more AND NOT EXISTS (
          SELECT FROM invoice_release x WHERE x.invoice_id = p.id AND x.round = p.round))
     OR (p.left_to_pay > 0 AND p.round > 1 AND p.gave_back AND NOT p.holds_more)
     OR (r.invoice_id IS NOT NULL AND (p.holds AND r.round = CASE WHEN r.released_at IS NULL THEN p.round ELSE least(r.round, p.round - 1) END AND (p.left_to_pay = 0
          OR (r.released_at IS NOT NULL AND p.left_to_pay <= p.asked_again))) IS NOT TRUE)
     OR r.released_at < r.due_at
     OR (p.amount_nanos > 0 AND r.due_at IS NOT NULL
         AND r.due_at - make_interval(hours => 24 * (release_rule_of(p.period)).hold_days) <> ALL (p.moments))`,
);
