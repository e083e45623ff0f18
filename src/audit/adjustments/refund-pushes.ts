import { sqlCheck } from "../check.ts";

export const pushesOfRefunds = sqlCheck(
  "every refund that is made at the provider stands where its attempts left it, each under its own key",
  `SELECT format('refund push %s/%s: state %s as %s after %s attempts, the last is %s of %s', p.adjustment_no, p.means, p.state, p.provider_id,
     p.attempt, last.outcome, a.n) AS difference
   FROM refund_push p
   LEFT JOIN (SELECT adjustment_no, means, count(*) AS n, max(attempt) AS last FROM refund_push_attempt GROUP BY 1, 2) a USING (adjustment_no, means)
   LEFT JOIN refund_push_attempt last ON (last.adjustment_no, last.means, last.attempt) = (p.adjustment_no, p.means, p.attempt)
   WHERE p.attempt <> coalesce(a.n, 0) OR p.attempt <> coalesce(a.last, 0) OR (p.state = 'made') <> (p.provider_id IS NOT NULL)
     -- One that waits again was refused before, or taken back before it was sent.
     OR (p.attempt > 0 AND coalesce(last.outcome, 'sending') <> p.state
       AND NOT (p.state IN ('waiting', 'failed') AND last.outcome IN ('not_sent', 'failed')))
   UNION ALL
   SELECT format('refund push attempt %s/%s/%s: key %s, outcome %s, ended %s', t.adjustment_no, t.means, t.attempt, t.idempotency_key, t.outcome,
     t.ended_at)
   FROM refund_push_attempt t CROSS JOIN books_state LEFT JOIN adjustment a USING (adjustment_no)
   WHERE t.idempotency_key IS DISTINCT FROM format('%s:%s:%s:%s', t.means, installation, a.id, t.attempt)
     OR (t.ended_at IS NULL) <> (coalesce(t.outcome, 'unknown') = 'unknown') OR t.ended_at < t.started_at
     OR NOT EXISTS (SELECT FROM refund_push p WHERE (p.adjustment_no, p.means) = (t.adjustment_no, t.means))`,
);

export const pushesFromRefunds = sqlCheck(
  "the provider is asked for what a refund credits, and for no more money than it gives back; what went is booked once, as much as was asked for",
  `SELECT format('refund push %s/%s: %s of refund %s, which gives back %s and credits %s; booked %s as %s', p.adjustment_no, p.means, p.amount_nanos, a.id,
     -a.gross, a.credited_nanos, m.returned_nanos, m.id) AS difference
   FROM refund_push p LEFT JOIN adjustment a USING (adjustment_no) LEFT JOIN adjustment m ON m.reference = p.provider_id
   WHERE a.kind IS DISTINCT FROM 'refund' OR a.asked->>'at_provider' IS DISTINCT FROM 'true'
     OR (p.means = 'credit_note' AND (p.amount_nanos <> a.credited_nanos OR m.id IS NOT NULL))
     -- What was below a step of refunds before may be with it.
     OR (p.means = 'refund' AND (p.amount_nanos >= -a.gross * 1000000000 - a.credited_nanos + invoice_step(a.currency)
       OR (m.id IS NOT NULL AND (m.kind, m.invoice_id, m.returned_nanos) IS DISTINCT FROM ('money_returned', a.invoice_id, p.amount_nanos))))
   UNION ALL
   SELECT format('refund push of %s is missing: it credits %s', a.id, a.credited_nanos) FROM adjustment a
   WHERE a.kind = 'refund' AND a.asked->>'at_provider' = 'true' AND a.credited_nanos > 0
     AND NOT EXISTS (SELECT FROM refund_push p WHERE p.adjustment_no = a.adjustment_no AND p.means = 'credit_note')`,
);
