import { sqlCheck } from "../check.ts";

export const pushesOfInvoices = sqlCheck(
  "every invoice that was pushed stands where its attempts left it, each under its own key, and leaves out no more than was paid elsewhere or credited",
  `SELECT format('invoice push %s: state %s as %s after %s attempts, the last is %s of %s', p.invoice_id, p.state, p.provider_id, p.attempt,
     last.outcome, a.n) AS difference
   FROM invoice_push p
   LEFT JOIN (SELECT invoice_id, count(*) AS n, max(attempt) AS last FROM invoice_push_attempt GROUP BY 1) a USING (invoice_id)
   LEFT JOIN invoice_push_attempt last ON last.invoice_id = p.invoice_id AND last.attempt = p.attempt
   WHERE p.attempt <> coalesce(a.n, 0) OR p.attempt <> coalesce(a.last, 0) OR (p.state = 'pushed') <> (p.provider_id IS NOT NULL)
     OR coalesce(last.outcome, 'pushing') <> CASE p.state WHEN 'waiting' THEN 'not_sent' ELSE p.state END
     OR NOT EXISTS (SELECT FROM invoice i WHERE i.id = p.invoice_id AND i.amount_nanos > 0)
   UNION ALL
   SELECT format('invoice push %s: asks for %s less; %s were paid elsewhere or credited', invoice_id, off_nanos, nanos)
   FROM invoice_push p JOIN invoice i ON i.id = p.invoice_id, LATERAL (
     SELECT (SELECT coalesce(sum(amount_nanos), 0) FROM invoice_payment m WHERE m.invoice_id = i.id AND m.reference <> 'tributary:credits'
         AND m.reference IS DISTINCT FROM p.provider_id)
       + (SELECT coalesce(sum(credited_nanos) FILTER (WHERE credited_nanos > 0), 0) FROM adjustment a WHERE a.invoice_id = i.id) AS nanos) x
   WHERE off_nanos > nanos OR off_nanos % invoice_step(i.currency) <> 0
   UNION ALL
   SELECT format('invoice push attempt %s/%s: key %s, outcome %s, ended %s', invoice_id, attempt, idempotency_key, outcome, ended_at)
   FROM invoice_push_attempt, books_state
   WHERE idempotency_key <> format('invoice:%s:%s:%s', installation, invoice_id, attempt)
     OR (ended_at IS NULL) <> (coalesce(outcome, 'unknown') = 'unknown') OR ended_at < started_at
     OR NOT EXISTS (SELECT FROM invoice_push p WHERE p.invoice_id = invoice_push_attempt.invoice_id)`,
);

export const billingCustomers = sqlCheck(
  "whoever was sent an invoice is known at the provider, under a key of its own",
  `SELECT format('billing customer %s in %s: key %s, attempt %s', customer, currency, idempotency_key, attempt) AS difference
   FROM billing_customer, books_state
   WHERE idempotency_key <> format('customer:%s:%s:%s:%s', installation, customer, currency, attempt)
   UNION ALL
   SELECT format('billing customer %s in %s: invoice %s was pushed, but it is not known at the provider', i.customer, i.currency, i.id)
   FROM invoice_push p JOIN invoice i ON i.id = p.invoice_id LEFT JOIN billing_customer b USING (customer, currency)
   WHERE b.provider_id IS NULL
   UNION ALL
   SELECT format('billing customer %s in %s: it has no invoice', customer, currency) FROM billing_customer b
   WHERE NOT EXISTS (SELECT FROM invoice i WHERE i.customer = b.customer AND i.currency = b.currency)`,
);

export const pushesOfPayments = sqlCheck(
  "the provider is told of what came elsewhere for the invoices it collects, and of no more, in whole steps",
  `SELECT format('payment push of %s: %s of %s is told', invoice_id, told, paid) AS difference
   FROM (SELECT t.invoice_id, sum(t.amount_nanos) AS told, sum(m.amount_nanos) AS paid FROM payment_push t
     LEFT JOIN invoice_payment m USING (invoice_id, reference) GROUP BY 1) x JOIN invoice i ON i.id = x.invoice_id
   WHERE paid IS NULL OR told <> div(paid, invoice_step(i.currency)) * invoice_step(i.currency)
   UNION ALL
   SELECT format('payment push of %s: %s is of the provider, or of an invoice that is not there', t.invoice_id, t.reference)
   FROM payment_push t LEFT JOIN invoice_payment m USING (invoice_id, reference) LEFT JOIN invoice_push p USING (invoice_id)
   WHERE p.state IS NULL OR m.recorded_by LIKE 'stripe:%' OR (t.state IN ('sending', 'unknown', 'told') AND p.provider_id IS NULL)
   UNION ALL
   SELECT format('payment push of %s: %s came elsewhere; %s is left out and nothing is told of the rest', x.invoice_id, paid, off_nanos)
   FROM (SELECT m.invoice_id, sum(m.amount_nanos) AS paid FROM invoice_payment m LEFT JOIN payment_push t USING (invoice_id, reference)
     WHERE t.invoice_id IS NULL AND m.recorded_by NOT LIKE 'stripe:%' AND m.reference <> 'tributary:credits' GROUP BY 1) x
   JOIN invoice i ON i.id = x.invoice_id JOIN invoice_push p ON p.invoice_id = i.id
   WHERE p.state IN ('pushing', 'unknown', 'pushed') AND off_nanos < div(paid, invoice_step(i.currency)) * invoice_step(i.currency)`,
);
