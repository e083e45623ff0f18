-- Why: customers pay for the very windows that made the creators' gross. An invoice is rounded once, what is left of it
-- is carried exactly to the customer's next one, and neither it nor its lines ever change.

-- The smallest step of an invoice, in nanos: the minor unit; a whole unit where Stripe charges no cents (ISK, UGX), ten
-- minor units where it takes no third digit but zero.
CREATE FUNCTION invoice_step(p_currency text) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN p_currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'JPY', 'KMF', 'KRW', 'MGA', 'PYG', 'RWF', 'VND', 'VUV', 'XAF', 'XOF', 'XPF',
                        'ISK', 'UGX') THEN 1000000000
    ELSE 10000000 END::numeric
$$;
--> statement-breakpoint

ALTER TABLE invoice_run ADD CHECK (extract(day FROM period) = 1 AND invoices >= 0);
--> statement-breakpoint
ALTER TABLE invoice ADD CHECK (netted_nanos >= 0 AND amount_nanos >= 0 AND mod(amount_nanos, invoice_step(currency)) = 0);
--> statement-breakpoint
-- Floored: nobody is asked for more than was used, and what is carried is less than a step.
ALTER TABLE invoice ADD CHECK (carried_out >= 0 AND carried_out < invoice_step(currency) * 0.000000001);
--> statement-breakpoint
ALTER TABLE invoice ADD CHECK (gross + carried_in = (netted_nanos + amount_nanos) * 0.000000001 + carried_out);
--> statement-breakpoint
ALTER TABLE invoice ADD CHECK (id = format('inv_%s-%s_%s_%s', extract(year FROM period), lpad(extract(month FROM period)::text, 2, '0'),
  customer, currency));
--> statement-breakpoint

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice_run
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice_line
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint

-- Once per invoice, at commit: all its lines are there, and they come to its gross.
CREATE FUNCTION check_invoice_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE v_lines bigint; v_gross numeric;
BEGIN
  SELECT count(*), coalesce(sum(gross), 0) INTO v_lines, v_gross FROM invoice_line WHERE invoice_id = NEW.id;
  IF v_lines <> NEW.lines OR v_gross <> NEW.gross THEN
    RAISE EXCEPTION 'invoice % does not add up: % of % lines, sum %', NEW.id, v_lines, NEW.lines, v_gross
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER invoice_adds_up AFTER INSERT ON invoice DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION check_invoice_adds_up();
--> statement-breakpoint

-- No line is slipped under an invoice afterwards, not even one that costs nothing.
CREATE FUNCTION check_lines_fit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM (SELECT invoice_id, count(*) AS lines FROM invoice_line
                          WHERE invoice_id IN (SELECT invoice_id FROM added) GROUP BY 1) l
             JOIN invoice i ON i.id = l.invoice_id WHERE l.lines > i.lines) THEN
    RAISE EXCEPTION 'lines can only be written with their invoice' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER lines_fit AFTER INSERT ON invoice_line REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION check_lines_fit();
--> statement-breakpoint

-- What customers used in a period, priced: the lines of their invoices. The same windows and prices as customer_gross,
-- by which close moved what they owe to their receivables.
CREATE FUNCTION customer_lines(p_period date)
RETURNS TABLE (customer text, currency text, service_month date, model_no int, meter_no smallint, price_no int,
  quantity numeric, events numeric, gross numeric) LANGUAGE sql STABLE SET jit = off SET work_mem = '128MB' AS $$
  SELECT c.id, v.currency, w.service_month, w.model_no, w.meter_no, w.price_no, sum(w.quantity), sum(w.events),
    sum(w.quantity * p.unit_amount)
  FROM customer_window w JOIN price_component p USING (price_no, meter_no) JOIN price_version v USING (price_no)
  JOIN customer c USING (customer_no)
  WHERE w.booked_period = p_period GROUP BY 1, 2, 3, 4, 5, 6
$$;
--> statement-breakpoint

-- The invoices of a period as they are to be: what netting (drizzle/0024_netting.sql) left, floored to the currency's step, the rest carried on.
CREATE FUNCTION draft_invoices(p_period date)
RETURNS TABLE (customer text, currency text, lines bigint, gross numeric, carried_in numeric, netted_nanos numeric,
  amount_nanos numeric)
LANGUAGE sql STABLE SET jit = off AS $$
  -- div() is in whole numbers: the numeric `/` would round.
  SELECT customer, currency, lines, gross, carried_in, netted,
    div((gross + carried_in) * 1000000000 - netted, invoice_step(currency)) * invoice_step(currency)
  FROM (SELECT t.*, coalesce((SELECT i.carried_out FROM invoice i WHERE i.customer = t.customer AND i.currency = t.currency
                              AND i.period < p_period ORDER BY i.period DESC LIMIT 1), 0) AS carried_in,
          (SELECT coalesce(sum(n.amount_nanos), 0) FROM netting n
           WHERE n.period = p_period AND n.customer = t.customer AND n.currency = t.currency) AS netted
        FROM (SELECT customer, currency, count(*) AS lines, sum(gross) AS gross FROM customer_lines(p_period) GROUP BY 1, 2) t) x
$$;
--> statement-breakpoint

-- In order of the periods, because each carries on what the one before left.
CREATE FUNCTION require_invoices_due(p_period date) RETURNS void LANGUAGE plpgsql STABLE AS $$
DECLARE v_earlier date;
BEGIN
  IF NOT EXISTS (SELECT FROM settlement WHERE period = p_period AND state NOT IN ('closing', 'released')) THEN
    PERFORM refuse('period_not_closed');
  END IF;
  SELECT min(s.period) INTO v_earlier FROM settlement s
  WHERE s.period < p_period AND NOT EXISTS (SELECT FROM invoice_run r WHERE r.period = s.period);
  IF v_earlier IS NOT NULL THEN
    PERFORM refuse('earlier_invoices_missing', jsonb_build_object('period', to_char(v_earlier, 'YYYY-MM')));
  END IF;
END $$;
--> statement-breakpoint

-- Makes the invoices of a closed period, all or none; made before, nothing. Answers how many there are.
CREATE FUNCTION make_invoices(p_period date, p_by text) RETURNS int LANGUAGE plpgsql VOLATILE SET jit = off AS $$
DECLARE v_made int;
BEGIN
  PERFORM pg_advisory_xact_lock(7014);
  SELECT invoices INTO v_made FROM invoice_run WHERE period = p_period;
  IF FOUND THEN RETURN v_made; END IF;
  PERFORM require_invoices_due(p_period);

  INSERT INTO invoice (id, period, customer, currency, lines, gross, carried_in, netted_nanos, amount_nanos, carried_out)
  SELECT format('inv_%s_%s_%s', to_char(p_period, 'YYYY-MM'), customer, currency), p_period, customer, currency, lines,
    gross, carried_in, netted_nanos, amount_nanos, gross + carried_in - (netted_nanos + amount_nanos) * 0.000000001
  FROM draft_invoices(p_period) ORDER BY 1;
  GET DIAGNOSTICS v_made = ROW_COUNT;
  INSERT INTO invoice_line (invoice_id, service_month, model_no, meter_no, price_no, quantity, events, gross)
  SELECT i.id, l.service_month, l.model_no, l.meter_no, l.price_no, l.quantity, l.events, l.gross
  FROM customer_lines(p_period) l JOIN invoice i ON i.period = p_period AND i.customer = l.customer AND i.currency = l.currency
  ORDER BY 1, 2, 3, 4, 5;
  INSERT INTO invoice_run (period, invoices, made_by) VALUES (p_period, v_made, p_by);
  -- drizzle/0021_credits.sql
  PERFORM pay_from_credits(p_period);
  -- Nobody will pay an invoice of nothing: what is held for it need not wait for that.
  PERFORM plan_release(id, clock_timestamp()) FROM invoice WHERE period = p_period AND amount_nanos = 0;
  RETURN v_made;
END $$;
--> statement-breakpoint

-- ---- The way to the provider: intent, attempt and key are committed before it is called ----

ALTER TABLE invoice_push ADD CHECK (state IN ('waiting', 'pushing', 'unknown', 'pushed', 'failed') AND attempt >= 1 AND off_nanos >= 0);
--> statement-breakpoint
ALTER TABLE invoice_push ADD CHECK ((state = 'pushed') = (provider_id IS NOT NULL));
--> statement-breakpoint

-- The customer's name at the provider, or the key under which it is being made. resumed: an earlier run began it.
CREATE FUNCTION begin_billing_customer(p_customer text, p_currency text)
RETURNS TABLE (provider_id text, idempotency_key text, attempt int, started_at timestamptz, resumed boolean)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE v_new int;
BEGIN
  INSERT INTO billing_customer (customer, currency, attempt, idempotency_key)
  SELECT p_customer, p_currency, 1, format('customer:%s:%s:%s:1', installation, p_customer, p_currency) FROM books_state
  ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS v_new = ROW_COUNT;
  RETURN QUERY SELECT b.provider_id, b.idempotency_key, b.attempt, b.started_at, v_new = 0
               FROM billing_customer b WHERE b.customer = p_customer AND b.currency = p_currency;
END $$;
--> statement-breakpoint

-- What the provider refused, or forgot, is tried again under a new key.
CREATE FUNCTION renew_billing_customer(p_customer text, p_currency text, p_attempt int) RETURNS void LANGUAGE sql VOLATILE AS $$
  UPDATE billing_customer SET attempt = p_attempt + 1, started_at = clock_timestamp(),
    idempotency_key = (SELECT format('customer:%s:%s:%s:%s', installation, p_customer, p_currency, p_attempt + 1) FROM books_state)
  WHERE customer = p_customer AND currency = p_currency AND attempt = p_attempt AND provider_id IS NULL
$$;
--> statement-breakpoint

-- The first one that is recorded stays: answers which.
CREATE FUNCTION record_billing_customer(p_customer text, p_currency text, p_provider_id text) RETURNS text LANGUAGE sql VOLATILE AS $$
  UPDATE billing_customer SET provider_id = coalesce(provider_id, p_provider_id)
  WHERE customer = p_customer AND currency = p_currency RETURNING provider_id
$$;
--> statement-breakpoint

-- Begins an invoice's next attempt, or answers the one under way. No row: nothing to push. resumed: something of an
-- earlier try may be at the provider.
CREATE FUNCTION begin_invoice_push(p_id text)
RETURNS TABLE (attempt int, idempotency_key text, started_at timestamptz, resumed boolean) LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
  v invoice_push;
  v_new int;
  v_off numeric;
  v_asks boolean;
BEGIN
  -- A payment that is being recorded locks it: it counts before this attempt, or after it.
  PERFORM FROM invoice WHERE id = p_id FOR UPDATE;
  SELECT off_nanos, asked_nanos > 0 INTO v_off, v_asks FROM invoice_to_ask(p_id);
  INSERT INTO invoice_push (invoice_id, state, attempt, off_nanos) SELECT p_id, 'pushing', 1, v_off WHERE v_asks ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS v_new = ROW_COUNT;
  SELECT * INTO v FROM invoice_push WHERE invoice_id = p_id FOR UPDATE;
  IF v.state IS NULL OR v.state = 'pushed' THEN RETURN; END IF;
  IF v_new = 0 AND v.state IN ('waiting', 'failed') THEN
    IF NOT v_asks THEN RETURN; END IF;
    -- The new attempt does not ask for what was to be told of the one before.
    DELETE FROM payment_push WHERE invoice_id = p_id;
    UPDATE invoice_push SET state = 'pushing', attempt = v.attempt + 1, off_nanos = v_off, reason = NULL, updated_at = clock_timestamp()
    WHERE invoice_id = p_id RETURNING * INTO v;
  END IF;
  INSERT INTO invoice_push_attempt (invoice_id, attempt, idempotency_key)
  SELECT p_id, v.attempt, format('invoice:%s:%s:%s', installation, p_id, v.attempt) FROM books_state ON CONFLICT DO NOTHING;
  RETURN QUERY SELECT a.attempt, a.idempotency_key, a.started_at, v_new = 0
               FROM invoice_push_attempt a WHERE a.invoice_id = p_id AND a.attempt = v.attempt;
END $$;
--> statement-breakpoint

-- What the provider told of an invoice before we knew that it is there was of no invoice of ours then: that it was paid,
-- or what went back of it (named after refund, credit note or dispute). Each such event is handled once more. One in hand
-- just now may have looked before this is committed: it counts as another attempt, whose end is not heard. Never what was
-- ignored when it came, which is of the other mode. Eight push at once (push-invoices.ts), and wake the same ones: in one order.
CREATE FUNCTION hear_again_of_invoice(p_provider_id text, p_since timestamptz) RETURNS void LANGUAGE sql VOLATILE AS $$
  UPDATE provider_event e SET state = 'waiting', outcome = NULL, next_try_at = clock_timestamp(), updated_at = clock_timestamp(),
    attempts = CASE e.state WHEN 'waiting' THEN e.attempts + 1 ELSE 0 END
  FROM (SELECT id FROM provider_event
    WHERE received_at >= p_since AND state IN ('waiting', 'ignored', 'dead') AND attempts > 0
      AND (about = p_provider_id OR type ~ '^(v1\.)?(refund\.|credit_note\.|charge\.(refunded|refund\.|dispute\.))')
    ORDER BY id FOR UPDATE) told
  WHERE e.id = told.id
$$;
--> statement-breakpoint

-- Records what came of an attempt; the first answer counts. p_outcome: pushed, failed, not_sent (the provider refused for
-- a reason of its own, such as our key) or unknown (the answer was lost).
CREATE FUNCTION finish_invoice_push(p_id text, p_attempt int, p_outcome text, p_provider_id text, p_detail text)
RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE v invoice_push;
BEGIN
  IF p_outcome NOT IN ('pushed', 'failed', 'not_sent', 'unknown') THEN RAISE EXCEPTION 'no such outcome: %', p_outcome; END IF;
  SELECT * INTO v FROM invoice_push WHERE invoice_id = p_id FOR UPDATE;
  IF v.attempt <> p_attempt OR v.state NOT IN ('pushing', 'unknown') THEN RETURN v.state; END IF;
  UPDATE invoice_push_attempt SET outcome = p_outcome, detail = p_detail,
    ended_at = CASE WHEN p_outcome = 'unknown' THEN NULL ELSE clock_timestamp() END
  WHERE invoice_id = p_id AND attempt = p_attempt;
  UPDATE invoice_push SET provider_id = p_provider_id, reason = p_detail, updated_at = clock_timestamp(),
    state = CASE p_outcome WHEN 'not_sent' THEN 'waiting' ELSE p_outcome END
  WHERE invoice_id = p_id RETURNING state INTO v.state;
  IF v.state = 'pushed' THEN
    PERFORM hear_again_of_invoice(p_provider_id, (SELECT min(started_at) FROM invoice_push_attempt WHERE invoice_id = p_id));
  ELSIF v.state <> 'unknown' THEN
    -- There is no invoice to tell of payments of, and never will be one where they paid all of it.
    DELETE FROM payment_push WHERE invoice_id = p_id;
  END IF;
  RETURN v.state;
END $$;
--> statement-breakpoint

-- Notes that the provider was searched for an unknown attempt in vain; answers since when that is so.
CREATE FUNCTION note_invoice_missing(p_id text, p_attempt int) RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
  UPDATE invoice_push_attempt SET missing_since = coalesce(missing_since, clock_timestamp())
  WHERE invoice_id = p_id AND attempt = p_attempt RETURNING missing_since
$$;
