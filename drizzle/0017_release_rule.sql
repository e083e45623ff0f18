-- Why: a marketplace may pay creators only from what its customers have paid. Then a month's earnings wait on payee:held,
-- share by share, each for the invoice of the customer whose usage made it. Off until a rule is set.

ALTER TABLE release_rule ADD CHECK (rule IN ('at_close', 'on_payment') AND hold_days BETWEEN 0 AND 365
  AND extract(day FROM from_period) = 1);
--> statement-breakpoint
ALTER TABLE held_share ADD CHECK (amount_nanos > 0);
--> statement-breakpoint
ALTER TABLE invoice_payment ADD CHECK (amount_nanos > 0);
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON held_share
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice_payment
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
INSERT INTO permitted_flow (entry_kind, account_kind) VALUES
  ('hold', 'payee:payable'), ('hold', 'payee:held'), ('hold_released', 'payee:held'), ('hold_released', 'payee:payable'),
  ('customer_paid', 'platform:received'), ('customer_paid', 'customer:receivable');
--> statement-breakpoint

CREATE FUNCTION release_rule_of(p_period date, OUT rule text, OUT hold_days int) LANGUAGE sql STABLE AS $$
  SELECT coalesce(min(r.rule), 'at_close'), coalesce(min(r.hold_days), 0)
  FROM (SELECT rule, hold_days FROM release_rule WHERE from_period <= p_period ORDER BY from_period DESC LIMIT 1) r
$$;
--> statement-breakpoint

-- For open periods only: a closed month's earnings are where its rule put them.
CREATE FUNCTION set_release_rule(p_from date, p_rule text, p_hold_days int, p_by text) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(7001);
  IF p_from < (SELECT first_open_period FROM books_state) THEN
    PERFORM refuse('period_closed', jsonb_build_object('open', to_char(open_period(), 'YYYY-MM')));
  END IF;
  INSERT INTO release_rule (from_period, rule, hold_days, set_by) VALUES (p_from, p_rule, p_hold_days, p_by)
  ON CONFLICT (from_period) DO UPDATE SET rule = excluded.rule, hold_days = excluded.hold_days, set_by = excluded.set_by,
    set_at = clock_timestamp();
END $$;
--> statement-breakpoint

-- Each payee's part of a period by customer: of every line, part × gross up to the customer ÷ gross, floored, less that of
-- the customers before it (by number). So the shares of a part always come to the part, whoever pays first.
CREATE FUNCTION customer_shares(p_period date)
RETURNS TABLE (customer text, currency text, payee text, amount_nanos numeric) LANGUAGE sql STABLE
SET jit = off SET work_mem = '128MB' AS $$
  WITH used AS (
    SELECT w.service_month, w.model_no, w.split_plan_no, v.currency, w.customer_no, sum(w.quantity * c.unit_amount) AS gross
    FROM customer_window w JOIN price_component c USING (price_no, meter_no) JOIN price_version v USING (price_no)
    WHERE w.booked_period = p_period GROUP BY 1, 2, 3, 4, 5
  ), running AS (
    SELECT u.*, sum(gross) OVER (PARTITION BY service_month, model_no, split_plan_no, currency ORDER BY customer_no) AS upto
    FROM used u WHERE gross > 0
  ), share AS (
    SELECT r.customer_no, r.currency, split_part(p.account, ':', 2) AS payee,
      div(p.amount_nanos * r.upto, l.gross) - div(p.amount_nanos * (r.upto - r.gross), l.gross) AS amount
    FROM accrual_part p
    JOIN accrual_line l USING (booked_period, service_month, model_no, split_plan_no, currency)
    JOIN running r USING (service_month, model_no, split_plan_no, currency)
    WHERE p.booked_period = p_period AND p.account LIKE 'payee:%'
  )
  SELECT c.id, s.currency, s.payee, sum(s.amount) FROM share s JOIN customer c USING (customer_no)
  GROUP BY 1, 2, 3 HAVING sum(s.amount) > 0
$$;
--> statement-breakpoint

-- Part of release_period: under on_payment, what became payable is held at once, to the nano.
CREATE FUNCTION hold_until_paid(p_period date) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF (release_rule_of(p_period)).rule <> 'on_payment' THEN RETURN; END IF;
  INSERT INTO held_share (period, customer, currency, payee, amount_nanos)
  SELECT p_period, customer, currency, payee, amount_nanos FROM customer_shares(p_period) ORDER BY 2, 3, 4;
  PERFORM post_transfers('hold', p_period, format('hold:%s', p_period), array_agg(payee ORDER BY n), array_agg(currency ORDER BY n),
    array_agg(format('payee:%s:payable', payee) ORDER BY n), array_agg(format('payee:%s:held', payee) ORDER BY n),
    array_agg(held ORDER BY n))
  FROM (SELECT payee, currency, sum(amount_nanos) AS held, row_number() OVER (ORDER BY payee, currency) AS n
        FROM held_share WHERE period = p_period GROUP BY 1, 2) x
  HAVING count(*) > 0;
END $$;
--> statement-breakpoint

-- Which release of an invoice is the next one: a refund that is taken back after one makes it ask for something again, and
-- what comes back waits for another one.
CREATE FUNCTION held_round(p_invoice text) RETURNS int LANGUAGE sql STABLE AS $$
  SELECT 1 + count(*)::int FROM invoice_release WHERE invoice_id = p_invoice AND released_at IS NOT NULL
$$;
--> statement-breakpoint

-- What a release of an invoice is called in the names of what it books.
CREATE FUNCTION release_name(p_invoice text, p_round int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT p_invoice || CASE WHEN p_round > 1 THEN ':' || p_round ELSE '' END
$$;
--> statement-breakpoint

-- What waits for a release of an invoice: for the first one its shares as they were held at close, for a later one nothing
-- but what came back; and what adjustments (drizzle/0022_adjustments.sql) have made of that.
CREATE FUNCTION held_shares_of(p_invoice text, p_round int) RETURNS TABLE (payee text, given numeric, still_held numeric)
LANGUAGE sql STABLE AS $$
  SELECT x.payee, sum(x.given), sum(x.given) + sum(x.moved) FROM (
    SELECT h.payee, h.amount_nanos AS given, 0::numeric AS moved FROM invoice i JOIN held_share h USING (period, customer, currency)
    WHERE i.id = p_invoice AND p_round = 1
    UNION ALL
    SELECT m.payee, 0, m.amount_nanos FROM adjustment a JOIN adjustment_held m USING (adjustment_no)
    WHERE a.invoice_id = p_invoice AND m.round = p_round) x
  GROUP BY 1
$$;
--> statement-breakpoint

-- The same of the next release: what is held now.
CREATE FUNCTION held_shares_left(p_invoice text) RETURNS TABLE (payee text, given numeric, still_held numeric) LANGUAGE sql STABLE AS $$
  SELECT * FROM held_shares_of(p_invoice, held_round(p_invoice))
$$;
--> statement-breakpoint

-- All that waits for customers to pay, or for the days after that. No invoice: it is not made yet.
CREATE VIEW waiting_share AS
SELECT h.payee, h.currency, h.period, h.customer, i.id AS invoice_id, h.amount_nanos + coalesce((
    SELECT sum(m.amount_nanos) FROM adjustment a JOIN adjustment_held m USING (adjustment_no)
    WHERE a.invoice_id = i.id AND m.payee = h.payee AND m.round = 1), 0) AS amount_nanos, r.due_at
FROM held_share h LEFT JOIN invoice i USING (period, customer, currency) LEFT JOIN invoice_release r ON r.invoice_id = i.id AND r.round = 1
WHERE r.released_at IS NULL
UNION ALL
SELECT m.payee, i.currency, i.period, i.customer, i.id, m.amount_nanos, r.due_at
FROM adjustment_held m JOIN adjustment a USING (adjustment_no) JOIN invoice i ON i.id = a.invoice_id
LEFT JOIN invoice_release r ON r.invoice_id = i.id AND r.round = m.round
WHERE m.round > 1 AND r.released_at IS NULL;
--> statement-breakpoint

-- What is held for invoices whose time has come becomes payable, the earliest first; answers how many invoices. One
-- invoice alone when it is named. Not while its payment is disputed. What posts several entries at once, or one over many
-- payees' accounts, does so alone (7015, as adjustments and payments): each locks balances in an order of its own.
CREATE FUNCTION release_held(p_invoice text, p_limit int) RETURNS int LANGUAGE plpgsql VOLATILE AS $$
DECLARE v record; v_released int := 0;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7001);
  PERFORM pg_advisory_xact_lock(7015);
  FOR v IN SELECT i.id, i.currency, r.round FROM invoice_release r JOIN invoice i ON i.id = r.invoice_id
           WHERE r.released_at IS NULL AND r.due_at <= clock_timestamp() AND (p_invoice IS NULL OR r.invoice_id = p_invoice)
             AND NOT EXISTS (SELECT FROM dispute d WHERE d.invoice_id = r.invoice_id AND d.state = 'open')
           ORDER BY r.due_at, r.invoice_id LIMIT p_limit FOR UPDATE OF r SKIP LOCKED
  LOOP
    PERFORM post_transfers('hold_released', open_period(), format('unheld:%s', release_name(v.id, v.round)), array_agg(payee ORDER BY payee),
      array_agg(v.currency ORDER BY payee), array_agg(format('payee:%s:held', payee) ORDER BY payee),
      array_agg(format('payee:%s:payable', payee) ORDER BY payee), array_agg(still_held ORDER BY payee))
    FROM held_shares_left(v.id) WHERE still_held > 0 HAVING count(*) > 0;
    PERFORM hold_reserves_of_invoice(v.id, v.round);
    UPDATE invoice_release SET released_at = clock_timestamp() WHERE invoice_id = v.id AND round = v.round;
    v_released := v_released + 1;
  END LOOP;
  RETURN v_released;
END $$;
--> statement-breakpoint

-- From when on an invoice's held shares are payable; nothing when none is held for it. For whoever brought what is left to
-- pay to nothing.
CREATE FUNCTION plan_release(p_invoice text, p_paid_at timestamptz) RETURNS void LANGUAGE sql VOLATILE AS $$
  INSERT INTO invoice_release (invoice_id, round, due_at)
  SELECT i.id, held_round(i.id), p_paid_at + make_interval(hours => 24 * (release_rule_of(i.period)).hold_days) FROM invoice i
  WHERE i.id = p_invoice AND EXISTS (SELECT FROM held_share h WHERE h.period = i.period AND h.customer = i.customer AND h.currency = i.currency)
  ON CONFLICT DO NOTHING
$$;
--> statement-breakpoint

-- What an invoice still asks for, in nanos: less what was paid, and less what was credited because it was refunded.
CREATE FUNCTION invoice_left(p_invoice text) RETURNS numeric LANGUAGE sql STABLE AS $$
  SELECT i.amount_nanos - (SELECT coalesce(sum(amount_nanos), 0) FROM invoice_payment WHERE invoice_id = i.id)
    - (SELECT coalesce(sum(credited_nanos), 0) FROM adjustment WHERE invoice_id = i.id)
  FROM invoice i WHERE i.id = p_invoice
$$;
--> statement-breakpoint

-- What the provider is to be asked for of an invoice that is not there yet, and what is left out of it, in whole steps: what was paid
-- elsewhere or credited because it was refunded, but for credit notes that the provider is still to make (0028).
CREATE FUNCTION invoice_to_ask(p_invoice text) RETURNS TABLE (off_nanos numeric, asked_nanos numeric) LANGUAGE sql STABLE AS $$
  SELECT o.nanos, i.amount_nanos - p.credits - o.nanos FROM invoice i,
    LATERAL (SELECT coalesce(sum(amount_nanos), 0) AS paid,
      coalesce(sum(amount_nanos) FILTER (WHERE reference = 'tributary:credits'), 0) AS credits
      FROM invoice_payment WHERE invoice_id = i.id) p,
    LATERAL (SELECT coalesce(sum(a.credited_nanos), 0) AS nanos FROM adjustment a WHERE a.invoice_id = i.id) c,
    LATERAL (SELECT coalesce(sum(r.amount_nanos), 0) AS nanos FROM refund_push r JOIN adjustment a USING (adjustment_no)
      WHERE a.invoice_id = i.id AND r.means = 'credit_note' AND r.state <> 'failed') n,
    LATERAL (SELECT div(greatest(p.paid - p.credits + c.nanos - n.nanos, 0), invoice_step(i.currency)) * invoice_step(i.currency) AS nanos) o
  WHERE i.id = p_invoice
$$;
--> statement-breakpoint

-- Money came for an invoice: receivable → received; paid in full, what is held for it is released when its time comes.
-- The same reference again changes nothing. Answers what is left to pay, in nanos.
CREATE FUNCTION record_invoice_payment(p_invoice text, p_reference text, p_amount numeric, p_by text, p_paid_at timestamptz)
RETURNS numeric LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v invoice;
  v_left numeric;
  v_known numeric;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7001);
  PERFORM pg_advisory_xact_lock(7015);
  SELECT * INTO v FROM invoice WHERE id = p_invoice FOR UPDATE;
  IF v.id IS NULL THEN PERFORM refuse('invoice_unknown'); END IF;
  v_left := invoice_left(p_invoice);
  SELECT amount_nanos INTO v_known FROM invoice_payment WHERE invoice_id = p_invoice AND reference = p_reference;
  IF v_known = p_amount THEN
    -- drizzle/0038_payments_told.sql: what the provider refused to be told is told again.
    UPDATE payment_push SET state = 'waiting', reason = NULL, updated_at = clock_timestamp()
    WHERE invoice_id = p_invoice AND reference = p_reference AND state = 'failed';
    RETURN v_left;
  END IF;
  IF v_known IS NOT NULL THEN PERFORM refuse('payment_differs', jsonb_build_object('nanos', v_known, 'currency', v.currency)); END IF;
  IF p_amount <= 0 OR p_amount > v_left THEN PERFORM refuse('payment_too_large', jsonb_build_object('nanos', v_left, 'currency', v.currency)); END IF;
  INSERT INTO invoice_payment (invoice_id, reference, amount_nanos, recorded_by, paid_at)
  VALUES (p_invoice, p_reference, p_amount, p_by, p_paid_at);
  PERFORM post_entry(format('payment:%s:%s', p_invoice, p_reference), 'customer_paid', v.currency, open_period(),
    jsonb_build_object('invoice', p_invoice, 'reference', p_reference),
    ARRAY['platform:received', format('customer:%s:receivable', v.customer)], ARRAY[p_amount, -p_amount]);
  -- What came at the provider it knows.
  IF p_by NOT LIKE 'stripe:%' THEN PERFORM plan_payment_push(p_invoice, p_reference); END IF;
  IF p_amount = v_left THEN
    PERFORM plan_release(p_invoice, p_paid_at);
    PERFORM release_held(p_invoice, 1);
  END IF;
  RETURN v_left - p_amount;
END $$;
