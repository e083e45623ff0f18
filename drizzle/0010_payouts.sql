-- Why: money leaves in two phases. Intent, attempt and idempotency key are committed together with the ledger's move
-- to in transit before the provider is called; what came of it is recorded once, whoever learns of it first.

ALTER TABLE payout ADD CHECK (state IN ('approved', 'sending', 'unknown', 'paid', 'failed', 'carried'));
--> statement-breakpoint
ALTER TABLE payout ADD CHECK (amount_nanos > 0 AND amount_nanos <= planned_nanos);
--> statement-breakpoint
ALTER TABLE payout_attempt ADD CHECK (amount_nanos > 0);
--> statement-breakpoint
ALTER TABLE payout ADD CHECK ((state = 'paid') = (transfer_id IS NOT NULL));
--> statement-breakpoint
-- A transfer pays one payout, ever.
CREATE UNIQUE INDEX payout_transfer_once ON payout (transfer_id) WHERE transfer_id IS NOT NULL;
--> statement-breakpoint

-- Where what happens now is booked: the first open month; this one, while none was ever closed (what is booked in an earlier
-- one would have to be closed before all usage).
CREATE FUNCTION open_period() RETURNS date LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN first_open_period > '0001-01-01' THEN first_open_period ELSE date_trunc('month', now() AT TIME ZONE 'UTC')::date END
  FROM books_state
$$;
--> statement-breakpoint

-- An amount as people are told it: "2.22 USD", "1000 JPY", "1.500 KWD". The kernel's amountInWords says the same.
CREATE FUNCTION amount_in_words(p_nanos numeric, p_currency text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT format('%s %s', CASE WHEN scale(exact) < digits THEN round(exact, digits) ELSE exact END, p_currency)
  FROM (SELECT trim_scale(p_nanos * 0.000000001) AS exact, CASE
    WHEN p_currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'JPY', 'KMF', 'KRW', 'MGA', 'PYG', 'RWF', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') THEN 0
    WHEN p_currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 3 ELSE 2 END AS digits) x
$$;
--> statement-breakpoint

-- Begins a payout's next attempt, or answers the one under way (sending, unknown), and why the payee is frozen, if it is: then
-- that one is looked for, and not sent. Each attempt sends what is payable when it begins, in whole steps (p_step, of the currency),
-- and at most what was approved: what was taken back since is not paid. No row: nothing to send.
CREATE FUNCTION begin_payout_attempt(p_id text, p_step numeric)
RETURNS TABLE (attempt int, amount_nanos numeric, idempotency_key text, started_at timestamptz, resumed boolean, frozen text)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
  v payout;
  v_payable numeric;
  v_minimum numeric;
  v_brake text;
  v_frozen text;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7001);
  SELECT * INTO v FROM payout WHERE id = p_id FOR UPDATE;
  IF v.state = 'paid' THEN RETURN; END IF;
  SELECT reason INTO v_brake FROM payout_stop WHERE resumed_at IS NULL;
  IF FOUND THEN PERFORM refuse('payouts_stopped', jsonb_build_object('reason', v_brake)); END IF;
  SELECT reason INTO v_frozen FROM payee_freeze WHERE payee = v.payee AND lifted_at IS NULL;
  IF v.state IN ('sending', 'unknown') THEN
    RETURN QUERY SELECT a.attempt, a.amount_nanos, a.idempotency_key, a.started_at, true, v_frozen
                 FROM payout_attempt a WHERE a.payout_id = p_id AND a.attempt = v.attempt;
    RETURN;
  END IF;

  IF v_frozen IS NOT NULL THEN
    UPDATE payout SET reason = 'the payee is frozen: ' || v_frozen, updated_at = clock_timestamp() WHERE id = p_id;
    RETURN;
  END IF;

  -- Whoever takes of this balance at the same moment (another attempt, a conversion) is waited for, and then seen.
  PERFORM FROM account_balance b JOIN ledger_account a USING (account_no)
  WHERE a.path = 'payee:' || v.payee || ':payable' AND b.currency = v.currency FOR UPDATE OF b;
  IF v.state IN ('failed', 'carried') AND EXISTS (SELECT FROM settlement WHERE period > v.period AND state = 'approved') THEN
    UPDATE payout SET updated_at = clock_timestamp(),
      reason = 'a later settlement is approved: what this payout was for is planned there, or in the next one' WHERE id = p_id;
    RETURN;
  END IF;
  v_payable := -account_balance_of('payee:' || v.payee || ':payable', v.currency);
  v.amount_nanos := least(v.planned_nanos, div(greatest(v_payable, 0), p_step) * p_step);
  SELECT m.minimum_nanos INTO v_minimum FROM minimum_payout_of(v.payee, v.currency) m;
  IF v.amount_nanos = 0 OR (v.amount_nanos < v.planned_nanos AND v.amount_nanos < v_minimum) THEN
    UPDATE payout SET state = 'carried', updated_at = clock_timestamp(),
      reason = CASE WHEN v_payable < 0
        THEN format('what was refunded, disputed or corrected since %s were approved took %s more than there was: that comes off later earnings',
          amount_in_words(v.planned_nanos, v.currency), amount_in_words(-v_payable, v.currency))
        ELSE format('what was refunded, disputed or corrected since it was approved left %s of %s, %s: that is carried on, and the next plan pays it',
          amount_in_words(v_payable, v.currency), amount_in_words(v.planned_nanos, v.currency), CASE WHEN v.amount_nanos = 0
            THEN 'too little to be paid' ELSE format('less than the minimum payout of %s', amount_in_words(v_minimum, v.currency)) END) END
    WHERE id = p_id;
    RETURN;
  END IF;

  v.attempt := v.attempt + 1;
  PERFORM post_entry(format('payout:%s:%s:sent', p_id, v.attempt), 'payout_sent', v.currency, open_period(),
    jsonb_build_object('payout', p_id, 'attempt', v.attempt),
    ARRAY['payee:' || v.payee || ':payable', 'payee:' || v.payee || ':in_transit'], ARRAY[v.amount_nanos, -v.amount_nanos]);
  INSERT INTO payout_attempt (payout_id, attempt, amount_nanos, idempotency_key)
  SELECT p_id, v.attempt, v.amount_nanos, format('payout:%s:%s:%s', installation, p_id, v.attempt) FROM books_state;
  UPDATE payout SET state = 'sending', attempt = v.attempt, amount_nanos = v.amount_nanos, reason = NULL, updated_at = clock_timestamp() WHERE id = p_id;
  RETURN QUERY SELECT a.attempt, a.amount_nanos, a.idempotency_key, a.started_at, false, NULL::text
               FROM payout_attempt a WHERE a.payout_id = p_id AND a.attempt = v.attempt;
END $$;
--> statement-breakpoint

-- Records what came of an attempt; the first answer counts. p_outcome: paid, failed, not_sent (the provider refused
-- for a reason of its own: funds, keys; the payout stays approved) or unknown (the answer was lost).
CREATE FUNCTION finish_payout_attempt(p_id text, p_attempt int, p_outcome text, p_transfer text, p_detail text)
RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE v payout;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7001);
  SELECT * INTO v FROM payout WHERE id = p_id FOR UPDATE;
  IF v.attempt <> p_attempt OR v.state NOT IN ('sending', 'unknown') THEN RETURN v.state; END IF;

  UPDATE payout_attempt SET outcome = p_outcome, detail = p_detail,
    ended_at = CASE WHEN p_outcome = 'unknown' THEN NULL ELSE clock_timestamp() END
  WHERE payout_id = p_id AND attempt = p_attempt;

  IF p_outcome = 'paid' THEN
    PERFORM post_entry(format('payout:%s:%s:paid', p_id, p_attempt), 'payout_paid', v.currency, open_period(),
      jsonb_build_object('payout', p_id, 'transfer', p_transfer),
      ARRAY['payee:' || v.payee || ':in_transit', 'stripe:clearing'], ARRAY[v.amount_nanos, -v.amount_nanos]);
  ELSIF p_outcome IN ('failed', 'not_sent') THEN
    PERFORM post_entry(format('payout:%s:%s:returned', p_id, p_attempt), 'payout_returned', v.currency, open_period(),
      jsonb_build_object('payout', p_id, 'attempt', p_attempt, 'why', p_detail),
      ARRAY['payee:' || v.payee || ':in_transit', 'payee:' || v.payee || ':payable'], ARRAY[v.amount_nanos, -v.amount_nanos]);
  ELSIF p_outcome <> 'unknown' THEN
    RAISE EXCEPTION 'no such outcome: %', p_outcome;
  END IF;

  UPDATE payout SET transfer_id = p_transfer, reason = CASE WHEN p_outcome = 'paid' THEN NULL ELSE p_detail END,
    updated_at = clock_timestamp(),
    state = CASE p_outcome WHEN 'not_sent' THEN 'approved' ELSE p_outcome END
  WHERE id = p_id RETURNING state INTO v.state;
  RETURN v.state;
END $$;
--> statement-breakpoint

-- Notes that the provider was searched for an unknown attempt in vain; answers since when that is so.
CREATE FUNCTION note_attempt_missing(p_id text, p_attempt int) RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
  UPDATE payout_attempt SET missing_since = coalesce(missing_since, clock_timestamp())
  WHERE payout_id = p_id AND attempt = p_attempt RETURNING missing_since
$$;
