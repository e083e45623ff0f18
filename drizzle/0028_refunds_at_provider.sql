-- Why: what an operator refunds is made at the provider by us, as far as the invoice is asked for or was paid there. Intent,
-- attempt and key are committed before it is called; the money is booked once, whoever hears of it first.

ALTER TABLE refund_push ADD CHECK (means IN ('credit_note', 'refund') AND amount_nanos > 0 AND attempt >= 0);
--> statement-breakpoint
ALTER TABLE refund_push ADD CHECK (state IN ('waiting', 'sending', 'unknown', 'made', 'failed'));
--> statement-breakpoint
ALTER TABLE refund_push ADD CHECK ((state = 'made') = (provider_id IS NOT NULL));
--> statement-breakpoint

-- Money of refunds that is on its way back at the provider, or may be, and is not booked yet; but for one refund's.
CREATE FUNCTION money_under_way(p_invoice text, p_but_for text) RETURNS numeric LANGUAGE sql STABLE AS $$
  SELECT coalesce(sum(p.amount_nanos), 0) FROM refund_push p JOIN adjustment a USING (adjustment_no)
  WHERE a.invoice_id = p_invoice AND p.means = 'refund' AND p.state <> 'failed' AND a.id IS DISTINCT FROM p_but_for
    AND NOT EXISTS (SELECT FROM adjustment m WHERE m.reference = p.provider_id)
$$;
--> statement-breakpoint

-- What of an invoice may still go back as money: what was paid, but for promotional credits, which were never money (what
-- they paid stays on the customer's account), less what went back or is on its way. p_pays: whose money is being booked.
CREATE FUNCTION money_to_return(p_invoice text, p_pays text) RETURNS numeric LANGUAGE sql STABLE AS $$
  SELECT (SELECT coalesce(sum(amount_nanos), 0) FROM invoice_payment WHERE invoice_id = p_invoice)
    - (SELECT coalesce(sum(u.amount_nanos), 0) FROM credit_use u JOIN credit_grant g ON g.id = u.grant_id
       WHERE u.invoice_id = p_invoice AND g.kind = 'promotional')
    - (SELECT coalesce(sum(returned_nanos), 0) FROM adjustment WHERE invoice_id = p_invoice)
    - money_under_way(p_invoice, p_pays)
$$;
--> statement-breakpoint

-- What somebody here may give back of it, or say is disputed: not what open disputes may take either, or both would.
CREATE FUNCTION undisputed_money(p_invoice text, p_pays text) RETURNS numeric LANGUAGE sql STABLE AS $$
  SELECT money_to_return(p_invoice, p_pays)
    - (SELECT coalesce(sum(amount_nanos), 0) FROM dispute WHERE invoice_id = p_invoice AND state = 'open')
$$;
--> statement-breakpoint

-- What an open dispute takes when it is lost: all of it where the provider told of it or decides it, since that happened, whatever was
-- refunded besides. Where only people here say so, what did not go back meanwhile, is not on its way, and no other dispute may take.
CREATE FUNCTION money_lost(p_id text, p_by text) RETURNS numeric LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN is_provider(opened_by) OR is_provider(p_by) THEN amount_nanos
    ELSE greatest(0, least(amount_nanos, undisputed_money(invoice_id, NULL) + amount_nanos)) END
  FROM dispute WHERE id = p_id AND state = 'open'
$$;
--> statement-breakpoint

-- What the provider is asked for when so much of an invoice is refunded, after all other refunds of it (p_but_for: the
-- adjustment, where it is booked already). A credit note of what the invoice asks for less; and of what was paid there, as
-- much as the refunds that are made there come to together, in whole steps, less what was asked for before: so what is below
-- a step is not lost between them. What an earlier one left on the customer's account stays there.
CREATE FUNCTION refund_push_due(p_invoice text, p_currency text, p_gross numeric, p_credited numeric, p_returned numeric,
  p_but_for bigint) RETURNS TABLE (means text, amount_nanos numeric) LANGUAGE sql STABLE AS $$
  WITH made AS (
    SELECT x.gross, x.credited_nanos AS credited, x.returned_nanos AS returned, p.amount_nanos AS asked, p.state
    FROM adjustment x LEFT JOIN refund_push p ON p.adjustment_no = x.adjustment_no AND p.means = 'refund'
    WHERE x.invoice_id = p_invoice AND x.kind = 'refund' AND x.asked->>'at_provider' = 'true'
      AND x.adjustment_no IS DISTINCT FROM p_but_for
      AND NOT EXISTS (SELECT FROM adjustment r WHERE r.reverses = x.adjustment_no)
    UNION ALL SELECT p_gross, p_credited, p_returned, NULL, NULL
  ), money AS (
    SELECT s.step, least(
        div(sum(-m.gross) * 1000000000, s.step) * s.step - sum(m.credited) - sum(m.returned) - coalesce(sum(m.asked), 0),
        (SELECT coalesce(sum(i.amount_nanos), 0) FROM invoice_payment i JOIN invoice_push r ON r.provider_id = i.reference
         WHERE i.invoice_id = p_invoice AND r.invoice_id = p_invoice)
          - coalesce(sum(m.asked) FILTER (WHERE m.state <> 'failed'), 0),
        undisputed_money(p_invoice, NULL),
        div(ceil(-p_gross * 1000000000) - p_credited + s.step - 1, s.step) * s.step) AS nanos
    FROM made m, (SELECT invoice_step(p_currency) AS step) s GROUP BY s.step
  )
  SELECT 'credit_note', p_credited WHERE p_credited > 0
  UNION ALL SELECT 'refund', div(nanos, step) * step FROM money WHERE div(nanos, step) * step > 0
$$;
--> statement-breakpoint

-- Part of post_adjustment: what the provider is to be asked for.
CREATE FUNCTION plan_refund_push(p_adjustment bigint) RETURNS void LANGUAGE sql VOLATILE AS $$
  INSERT INTO refund_push (adjustment_no, means, amount_nanos, state, attempt)
  SELECT a.adjustment_no, d.means, d.amount_nanos, 'waiting', 0
  FROM adjustment a, refund_push_due(a.invoice_id, a.currency, a.gross, a.credited_nanos, a.returned_nanos, a.adjustment_no) d
  WHERE a.adjustment_no = p_adjustment
$$;
--> statement-breakpoint

-- Part of post_adjustment: a refund that is taken back is not made any more; one that is being made now is waited for.
CREATE FUNCTION drop_refund_push(p_adjustment bigint) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  UPDATE refund_push SET state = 'failed', reason = 'it was taken back before it was made', updated_at = clock_timestamp()
  WHERE adjustment_no = p_adjustment AND state = 'waiting';
  IF EXISTS (SELECT FROM refund_push WHERE adjustment_no = p_adjustment AND state IN ('sending', 'unknown')) THEN
    PERFORM refuse('refund_under_way');
  END IF;
END $$;
--> statement-breakpoint

-- Begins the next attempt, or answers the one under way. No row: nothing to make, or its invoice is not at the provider yet.
-- resumed: something of an earlier try may be there.
CREATE FUNCTION begin_refund_push(p_adjustment bigint, p_means text)
RETURNS TABLE (refund text, invoice text, provider_invoice text, currency text, amount_nanos numeric, attempt int, idempotency_key text,
  started_at timestamptz, resumed boolean) LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
  v refund_push;
  v_resumed boolean;
BEGIN
  SELECT * INTO v FROM refund_push WHERE adjustment_no = p_adjustment AND means = p_means FOR UPDATE;
  IF v.state IS NULL OR v.state IN ('made', 'failed') OR NOT EXISTS (
      SELECT FROM adjustment a JOIN invoice_push i ON i.invoice_id = a.invoice_id
      WHERE a.adjustment_no = p_adjustment AND i.provider_id IS NOT NULL) THEN RETURN; END IF;
  v_resumed := v.attempt > 0;
  IF v.state = 'waiting' THEN
    UPDATE refund_push SET state = 'sending', attempt = v.attempt + 1, reason = NULL, updated_at = clock_timestamp()
    WHERE adjustment_no = p_adjustment AND means = p_means RETURNING * INTO v;
    INSERT INTO refund_push_attempt (adjustment_no, means, attempt, idempotency_key)
    SELECT p_adjustment, p_means, v.attempt, format('%s:%s:%s:%s', p_means, installation, a.id, v.attempt)
    FROM books_state, adjustment a WHERE a.adjustment_no = p_adjustment;
  END IF;
  RETURN QUERY SELECT a.id, a.invoice_id, i.provider_id, a.currency, v.amount_nanos, t.attempt, t.idempotency_key, t.started_at, v_resumed
    FROM adjustment a JOIN invoice_push i ON i.invoice_id = a.invoice_id JOIN refund_push_attempt t USING (adjustment_no)
    WHERE a.adjustment_no = p_adjustment AND t.means = p_means AND t.attempt = v.attempt;
END $$;
--> statement-breakpoint

-- Records that an attempt made nothing, or what is not known; the first answer counts. p_outcome: failed, not_sent (the
-- provider refused for a reason of its own, such as our key) or unknown (the answer was lost).
CREATE FUNCTION finish_refund_push(p_adjustment bigint, p_means text, p_attempt int, p_outcome text, p_detail text) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE v refund_push;
BEGIN
  IF p_outcome NOT IN ('failed', 'not_sent', 'unknown') THEN RAISE EXCEPTION 'no such outcome: %', p_outcome; END IF;
  SELECT * INTO v FROM refund_push WHERE adjustment_no = p_adjustment AND means = p_means FOR UPDATE;
  IF v.attempt <> p_attempt OR v.state NOT IN ('sending', 'unknown') THEN RETURN; END IF;
  UPDATE refund_push_attempt SET outcome = p_outcome, detail = p_detail,
    ended_at = CASE WHEN p_outcome = 'unknown' THEN NULL ELSE clock_timestamp() END
  WHERE adjustment_no = p_adjustment AND means = p_means AND attempt = p_attempt;
  UPDATE refund_push SET reason = p_detail, updated_at = clock_timestamp(),
    state = CASE p_outcome WHEN 'not_sent' THEN 'waiting' ELSE p_outcome END
  WHERE adjustment_no = p_adjustment AND means = p_means;
END $$;
--> statement-breakpoint

-- Records what stands at the provider under our refund's name, from whoever sees it first; p_undone: why what was made does
-- not stand any more. Another amount than what is asked for is not ours: somebody made it by hand.
CREATE FUNCTION settle_refund_push(p_refund text, p_means text, p_provider_id text, p_amount numeric, p_undone text) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE v refund_push;
BEGIN
  SELECT p.* INTO v FROM refund_push p JOIN adjustment a USING (adjustment_no) WHERE a.id = p_refund AND p.means = p_means FOR UPDATE OF p;
  IF v.state IS NULL OR v.amount_nanos <> p_amount OR (v.state = 'made') <> (p_undone IS NOT NULL)
    OR (v.state = 'made' AND v.provider_id <> p_provider_id) THEN RETURN; END IF;
  UPDATE refund_push SET state = CASE WHEN p_undone IS NULL THEN 'made' ELSE 'failed' END,
    provider_id = CASE WHEN p_undone IS NULL THEN p_provider_id END, reason = p_undone, updated_at = clock_timestamp()
  WHERE adjustment_no = v.adjustment_no AND means = v.means;
  UPDATE refund_push_attempt SET outcome = CASE WHEN p_undone IS NULL THEN 'made' ELSE 'failed' END, ended_at = clock_timestamp(),
    detail = p_undone
  WHERE adjustment_no = v.adjustment_no AND means = v.means AND attempt = v.attempt;
END $$;
--> statement-breakpoint

-- Notes that the provider was searched for an unknown attempt in vain; answers since when that is so.
CREATE FUNCTION note_refund_missing(p_adjustment bigint, p_means text, p_attempt int) RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
  UPDATE refund_push_attempt SET missing_since = coalesce(missing_since, clock_timestamp())
  WHERE adjustment_no = p_adjustment AND means = p_means AND attempt = p_attempt RETURNING missing_since
$$;
--> statement-breakpoint

-- Has what the provider refused of a refund made again, if it may still be: not what was paid back elsewhere meanwhile (0037). Answers how much
-- of it the provider was asked for.
CREATE FUNCTION resend_refund(p_refund text) RETURNS int LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  a adjustment;
  v_customer text;
  v_money numeric;
BEGIN
  PERFORM pg_advisory_xact_lock(7015);
  SELECT * INTO a FROM adjustment WHERE id = p_refund AND kind = 'refund';
  IF EXISTS (SELECT FROM adjustment WHERE reverses = a.adjustment_no) THEN PERFORM refuse('already_returned'); END IF;
  SELECT amount_nanos INTO v_money FROM refund_push WHERE adjustment_no = a.adjustment_no AND means = 'refund' AND state = 'failed';
  IF v_money > undisputed_money(a.invoice_id, NULL) THEN PERFORM refuse('refund_exceeds_payments'); END IF;
  SELECT customer INTO v_customer FROM invoice WHERE id = a.invoice_id;
  IF v_money > repayable(v_customer, a.currency) AND EXISTS (
      SELECT FROM adjustment_movement m JOIN adjustment r USING (adjustment_no)
      WHERE m.account = format('customer:%s:receivable', v_customer) AND r.kind = 'repayment' AND r.currency = a.currency
        AND NOT EXISTS (SELECT FROM adjustment b WHERE b.reverses = r.adjustment_no)) THEN
    PERFORM refuse('refund_repaid');
  END IF;
  UPDATE refund_push SET state = 'waiting', reason = NULL, updated_at = clock_timestamp() - interval '1 day'
  WHERE adjustment_no = a.adjustment_no AND state = 'failed';
  RETURN (SELECT count(*) FROM refund_push WHERE adjustment_no = a.adjustment_no);
END $$;
