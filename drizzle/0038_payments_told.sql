-- Why: money that came for an invoice elsewhere, after the provider was asked to collect it, is told to the provider, or it charges the
-- customer a second time. Intent and attempt are committed before it is called; nothing here changes the books.

ALTER TABLE payment_push ADD CHECK (amount_nanos >= 0 AND attempt >= 0 AND (attempt = 0) = (started_at IS NULL));
--> statement-breakpoint
-- none: less than a step, which goes with the next one.
ALTER TABLE payment_push ADD CHECK (state IN ('none', 'waiting', 'sending', 'unknown', 'told', 'failed') AND (state = 'none') = (amount_nanos = 0));
--> statement-breakpoint
ALTER TABLE payment_push ADD CHECK ((state = 'told') = (provider_id IS NOT NULL));
--> statement-breakpoint
SELECT protect_rows('payment_push', 'invoice_id IN (SELECT id FROM invoice)');
--> statement-breakpoint

-- Part of record_invoice_payment: what of a payment the provider is to be told, in whole steps over all that came since it was asked.
-- What came before that, or before an attempt that failed is made anew, it is not asked for (invoice_to_ask).
CREATE FUNCTION plan_payment_push(p_invoice text, p_reference text) RETURNS void LANGUAGE sql VOLATILE AS $$
  INSERT INTO payment_push (invoice_id, reference, amount_nanos, state, attempt)
  SELECT p_invoice, p_reference, x.nanos, CASE WHEN x.nanos = 0 THEN 'none' ELSE 'waiting' END, 0
  FROM invoice_push p JOIN invoice i ON i.id = p.invoice_id, LATERAL (
    SELECT div(sum(m.amount_nanos), invoice_step(i.currency)) * invoice_step(i.currency)
      - (SELECT coalesce(sum(t.amount_nanos), 0) FROM payment_push t WHERE t.invoice_id = p_invoice) AS nanos
    FROM invoice_payment m WHERE m.invoice_id = p_invoice AND (m.reference = p_reference
      OR EXISTS (SELECT FROM payment_push t WHERE t.invoice_id = p_invoice AND t.reference = m.reference))) x
  WHERE p.invoice_id = p_invoice AND p.state IN ('pushing', 'unknown', 'pushed')
$$;
--> statement-breakpoint

-- What the provider counts as paid of an invoice because it was told of it, or may.
CREATE FUNCTION told_of_invoice(p_invoice text) RETURNS numeric LANGUAGE sql STABLE AS $$
  SELECT coalesce(sum(amount_nanos), 0) FROM payment_push WHERE invoice_id = p_invoice AND state IN ('told', 'sending', 'unknown')
$$;
--> statement-breakpoint

-- Begins the next attempt, or answers the one under way. No row: nothing to tell, or the invoice is not at the provider yet.
CREATE FUNCTION begin_payment_push(p_invoice text, p_reference text)
RETURNS TABLE (provider_invoice text, currency text, amount_nanos numeric, paid_at timestamptz, attempt int, idempotency_key text, started_at timestamptz)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE v payment_push;
BEGIN
  SELECT * INTO v FROM payment_push WHERE invoice_id = p_invoice AND reference = p_reference FOR UPDATE;
  IF v.state IS NULL OR v.state IN ('none', 'told', 'failed')
    OR NOT EXISTS (SELECT FROM invoice_push p WHERE p.invoice_id = p_invoice AND p.provider_id IS NOT NULL) THEN RETURN; END IF;
  IF v.state = 'waiting' THEN
    UPDATE payment_push SET state = 'sending', attempt = v.attempt + 1, started_at = clock_timestamp(), reason = NULL,
      updated_at = clock_timestamp() WHERE invoice_id = p_invoice AND reference = p_reference RETURNING * INTO v;
  END IF;
  -- A reference may be longer than the provider's keys.
  RETURN QUERY SELECT p.provider_id, i.currency, v.amount_nanos, m.paid_at, v.attempt,
      format('payment:%s:%s:%s', s.installation, left(encode(sha256(convert_to(p_invoice || '/' || p_reference, 'UTF8')), 'hex'), 32), v.attempt),
      v.started_at
    FROM books_state s, invoice i JOIN invoice_push p ON p.invoice_id = i.id JOIN invoice_payment m ON m.invoice_id = i.id
    WHERE i.id = p_invoice AND m.reference = p_reference;
END $$;
--> statement-breakpoint

-- Records what came of an attempt; the first answer that says what is the case counts. p_outcome: told, failed, not_sent (begun again
-- under a new key) or unknown (the answer was lost).
CREATE FUNCTION finish_payment_push(p_invoice text, p_reference text, p_attempt int, p_outcome text, p_provider_id text, p_detail text)
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF p_outcome NOT IN ('told', 'failed', 'not_sent', 'unknown') THEN RAISE EXCEPTION 'no such outcome: %', p_outcome; END IF;
  UPDATE payment_push SET state = CASE p_outcome WHEN 'not_sent' THEN 'waiting' ELSE p_outcome END, provider_id = p_provider_id,
    reason = p_detail, updated_at = clock_timestamp()
  WHERE invoice_id = p_invoice AND reference = p_reference AND attempt = p_attempt AND state IN ('sending', 'unknown');
END $$;
