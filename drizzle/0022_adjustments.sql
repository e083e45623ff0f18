-- Why: what is refunded, disputed or corrected after a month was closed walks back through the very lines and split plans
-- that made it. It is one fact and one entry in the open period; nothing of the closed month changes.

ALTER TABLE refund_policy ADD CHECK (fee IN ('returned', 'kept') AND provider_fee IN ('platform', 'payees')
  AND extract(day FROM from_period) = 1);
--> statement-breakpoint
ALTER TABLE adjustment ADD CHECK (kind IN ('refund', 'refund_returned', 'money_returned', 'dispute_lost', 'rerate', 'reattribution',
  'credit', 'debit', 'write_off', 'revocation'));
--> statement-breakpoint
ALTER TABLE adjustment ADD CHECK ((kind = 'refund_returned') = (reverses IS NOT NULL));
--> statement-breakpoint
ALTER TABLE adjustment ADD FOREIGN KEY (reverses) REFERENCES adjustment (adjustment_no);
--> statement-breakpoint
ALTER TABLE adjustment ADD FOREIGN KEY (invoice_id) REFERENCES invoice (id);
--> statement-breakpoint
ALTER TABLE credit_revocation ADD FOREIGN KEY (adjustment_no) REFERENCES adjustment (adjustment_no);
--> statement-breakpoint
ALTER TABLE adjustment_part ADD CHECK (amount_nanos <> 0);
--> statement-breakpoint
ALTER TABLE dispute ADD FOREIGN KEY (invoice_id) REFERENCES invoice (id);
--> statement-breakpoint
ALTER TABLE dispute ADD CHECK (amount_nanos > 0 AND state IN ('open', 'won', 'lost') AND (state = 'open') = (decided_by IS NULL)
  AND (state = 'open') = (decided_at IS NULL));
--> statement-breakpoint
ALTER TABLE dispute_hold ADD CHECK (amount_nanos > 0);
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON adjustment
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON adjustment_cell
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON adjustment_part
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON adjustment_held
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON adjustment_movement
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON reattribution
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON dispute_hold
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint

INSERT INTO permitted_flow (entry_kind, account_kind)
SELECT k.kind, a.kind FROM unnest(ARRAY['refund', 'refund_returned', 'dispute_lost', 'rerate', 'reattribution']) AS k(kind)
CROSS JOIN unnest(ARRAY['payee:payable', 'payee:held', 'platform:revenue', 'platform:cost_recovery', 'platform:rounding',
  'customer:receivable', 'platform:received', 'platform:fees']) AS a(kind)
UNION ALL VALUES
  ('money_returned', 'platform:received'), ('money_returned', 'customer:receivable'), ('money_returned', 'platform:fees'),
  ('money_returned', 'payee:payable'),
  ('credit', 'payee:payable'), ('credit', 'customer:receivable'), ('credit', 'platform:loss'),
  ('debit', 'payee:payable'), ('debit', 'customer:receivable'), ('debit', 'platform:loss'),
  ('write_off', 'payee:payable'), ('write_off', 'platform:loss'),
  ('revocation', 'customer:credit'), ('revocation', 'platform:promotions'), ('revocation', 'platform:received'),
  ('dispute_held', 'payee:payable'), ('dispute_held', 'payee:held'),
  ('dispute_released', 'payee:held'), ('dispute_released', 'payee:payable');
--> statement-breakpoint

-- The terms under which a period's usage was earned are those of its refunds, whenever they come.
CREATE FUNCTION refund_policy_of(p_period date, OUT fee text, OUT provider_fee text) LANGUAGE sql STABLE AS $$
  SELECT coalesce(min(r.fee), 'returned'), coalesce(min(r.provider_fee), 'platform')
  FROM (SELECT * FROM refund_policy WHERE from_period <= p_period ORDER BY from_period DESC LIMIT 1) r
$$;
--> statement-breakpoint

-- For open periods only: what was earned in a closed one was earned under its policy.
CREATE FUNCTION set_refund_policy(p_from date, p_fee text, p_provider_fee text, p_by text) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(7001);
  IF p_from < (SELECT first_open_period FROM books_state) THEN
    PERFORM refuse('period_closed', jsonb_build_object('open', to_char(open_period(), 'YYYY-MM')));
  END IF;
  INSERT INTO refund_policy (from_period, fee, provider_fee, set_by) VALUES (p_from, p_fee, p_provider_fee, p_by)
  ON CONFLICT (from_period) DO UPDATE SET fee = excluded.fee, provider_fee = excluded.provider_fee, set_by = excluded.set_by,
    set_at = clock_timestamp();
END $$;
--> statement-breakpoint

-- The finest pieces of usage that are adjusted: what one customer used of a model and meter, at one price, under one split
-- plan; with what adjustments have made of each so far. NULL for all customers, or all models.
CREATE FUNCTION usage_cells(p_period date, p_customer int, p_model int)
RETURNS TABLE (customer_no int, service_month date, model_no int, meter_no smallint, price_no int, split_plan_no int,
  currency text, quantity numeric, gross numeric, rerated numeric, refunded numeric) LANGUAGE sql STABLE SET jit = off AS $$
  -- Summed, not joined: a join of two sums is one of all with all when the planner takes them for small.
  SELECT x.customer_no, x.service_month, x.model_no, x.meter_no, x.price_no, x.split_plan_no, v.currency, sum(x.quantity),
    sum(x.quantity) * c.unit_amount, sum(x.rerated), sum(x.refunded)
  FROM (
    SELECT w.customer_no, w.service_month, w.model_no, w.meter_no, w.price_no, w.split_plan_no, w.quantity, 0 AS rerated, 0 AS refunded
    FROM customer_window w
    WHERE w.booked_period = p_period AND (p_customer IS NULL OR w.customer_no = p_customer) AND (p_model IS NULL OR w.model_no = p_model)
    UNION ALL
    SELECT a.customer_no, a.service_month, a.model_no, a.meter_no, a.price_no, a.split_plan_no, NULL, a.rerated, a.refunded
    FROM adjustment_cell a
    WHERE a.booked_period = p_period AND (p_customer IS NULL OR a.customer_no = p_customer) AND (p_model IS NULL OR a.model_no = p_model)
  ) x JOIN price_component c USING (price_no, meter_no) JOIN price_version v USING (price_no)
  GROUP BY 1, 2, 3, 4, 5, 6, 7, c.unit_amount
  HAVING count(x.quantity) > 0
$$;
--> statement-breakpoint

-- Nobody gets back more than was charged, nor less than nothing, whatever the code above asks for.
CREATE FUNCTION check_cells_were_charged() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE v_known bigint; v_wrong bigint;
BEGIN
  SELECT count(*) FILTER (WHERE x.is_used), count(*) FILTER (WHERE x.refunded < 0 OR x.refunded > x.charged) INTO v_known, v_wrong FROM (
    SELECT bool_or(is_added) AS is_added, bool_or(NOT is_added) AS is_used, sum(charged) AS charged, sum(refunded) AS refunded FROM (
      SELECT booked_period, customer_no, service_month, model_no, meter_no, price_no, split_plan_no, true AS is_added, 0 AS charged, 0 AS refunded
      FROM added
      UNION ALL
      SELECT t.booked_period, u.customer_no, u.service_month, u.model_no, u.meter_no, u.price_no, u.split_plan_no, false,
        u.gross + u.rerated, u.refunded
      FROM (SELECT booked_period, model_no, CASE WHEN min(customer_no) = max(customer_no) THEN min(customer_no) END AS customer
        FROM added GROUP BY 1, 2) t
      CROSS JOIN LATERAL usage_cells(t.booked_period, t.customer, t.model_no) u) y
    GROUP BY booked_period, customer_no, service_month, model_no, meter_no, price_no, split_plan_no) x
  WHERE x.is_added;
  IF v_known <> (SELECT count(*) FROM added) THEN
    RAISE EXCEPTION 'usage can only be adjusted where there is some' USING ERRCODE = 'check_violation';
  END IF;
  IF v_wrong > 0 THEN PERFORM refuse('refund_too_large'); END IF;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER cells_were_charged AFTER INSERT ON adjustment_cell REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION check_cells_were_charged();
--> statement-breakpoint

-- What a plan of adjustment has seen: 0 for a model's usage that was never adjusted.
CREATE FUNCTION latest_adjustment(p_period date, p_model int) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT greatest(0, (SELECT max(adjustment_no) FROM adjustment_cell WHERE booked_period = p_period AND model_no = p_model),
    (SELECT max(adjustment_no) FROM reattribution WHERE booked_period = p_period AND model_no = p_model))
$$;
--> statement-breakpoint

-- p_seen: [{model_no, seen}]. Parts were planned from what was there then: if more is there now they must be planned anew.
CREATE FUNCTION require_seen(p_period date, p_seen jsonb) RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF EXISTS (SELECT FROM jsonb_to_recordset(p_seen) AS s(model_no int, seen bigint)
             WHERE latest_adjustment(p_period, s.model_no) <> s.seen) THEN
    PERFORM refuse('adjustment_raced');
  END IF;
END $$;
--> statement-breakpoint

-- Corrections of a model's month move payable balances. So they wait for customers' payments: what is corrected of earnings
-- that nobody has paid for yet would be paid out at once.
CREATE FUNCTION require_earnings_released(p_period date, p_currency text, p_models int[]) RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF EXISTS (SELECT FROM waiting_share s JOIN customer c ON c.id = s.customer
             JOIN customer_window w ON w.customer_no = c.customer_no AND w.booked_period = p_period AND w.model_no = ANY (p_models)
             WHERE s.period = p_period AND s.currency = p_currency AND s.amount_nanos <> 0) THEN
    PERFORM refuse('earnings_held', jsonb_build_object('period', to_char(p_period, 'YYYY-MM')));
  END IF;
END $$;
--> statement-breakpoint

-- Locks what decides where an invoice's shares are: the same order everywhere. Answers whether they are still held, or what
-- came back of them is.
CREATE FUNCTION lock_held_shares(p_invoice text) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM FROM invoice WHERE id = p_invoice FOR UPDATE;
  PERFORM FROM invoice_release WHERE invoice_id = p_invoice FOR UPDATE;
  RETURN held_round(p_invoice) = 1 OR invoice_left(p_invoice) > 0
    OR EXISTS (SELECT FROM invoice_release WHERE invoice_id = p_invoice AND released_at IS NULL);
END $$;
--> statement-breakpoint

-- ---- Disputes ----

-- Who books what the provider tells of: that has happened, and is booked even where nobody here would be let do it.
CREATE FUNCTION is_provider(p_by text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT p_by = 'stripe' $$;
--> statement-breakpoint

-- What of an invoice a bank may still take back: what was paid, but for promotional credits, less what other disputes ask for
-- or took. Not less what was refunded: banks do take that back once more, and the customer owes it then. What somebody here
-- says is disputed is less that too (undisputed_money).
CREATE FUNCTION money_to_dispute(p_invoice text) RETURNS numeric LANGUAGE sql STABLE AS $$
  SELECT (SELECT coalesce(sum(amount_nanos), 0) FROM invoice_payment WHERE invoice_id = p_invoice)
    - (SELECT coalesce(sum(u.amount_nanos), 0) FROM credit_use u JOIN credit_grant g ON g.id = u.grant_id
       WHERE u.invoice_id = p_invoice AND g.kind = 'promotional')
    - (SELECT coalesce(sum(amount_nanos), 0) FROM dispute WHERE invoice_id = p_invoice AND state = 'open')
    - (SELECT coalesce(sum(a.returned_nanos), 0) FROM adjustment a WHERE a.invoice_id = p_invoice AND a.kind = 'dispute_lost'
       AND NOT EXISTS (SELECT FROM adjustment r WHERE r.reverses = a.adjustment_no))
$$;
--> statement-breakpoint

-- p: {id, invoice, amount, reason, by, corrects, seen, shares: [{payee, amount}]}: what a refund of it would take. What is held
-- for the invoice's payment already is held enough; the rest is taken from payable, below zero if need be.
CREATE FUNCTION open_dispute(p jsonb) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_known dispute;
  v invoice;
  v_held boolean;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7001);
  PERFORM pg_advisory_xact_lock(7015);
  SELECT * INTO v_known FROM dispute WHERE id = p->>'id';
  IF FOUND THEN
    IF v_known.invoice_id = p->>'invoice' AND v_known.amount_nanos = (p->>'amount')::numeric THEN RETURN v_known.state; END IF;
    PERFORM refuse('adjustment_differs', jsonb_build_object('id', v_known.id));
  END IF;
  PERFORM require_seen((p->>'corrects')::date, p->'seen');
  v_held := lock_held_shares(p->>'invoice');
  SELECT * INTO v FROM invoice WHERE id = p->>'invoice';
  IF (p->>'amount')::numeric > v.amount_nanos THEN
    PERFORM refuse('refund_too_large', jsonb_build_object('nanos', v.amount_nanos));
  END IF;
  IF (p->>'amount')::numeric > (CASE WHEN is_provider(p->>'by') THEN money_to_dispute(v.id) ELSE undisputed_money(v.id, NULL) END) THEN
    PERFORM refuse('dispute_exceeds_payments');
  END IF;
  INSERT INTO dispute (id, invoice_id, amount_nanos, state, reason, opened_by)
  VALUES (p->>'id', v.id, (p->>'amount')::numeric, 'open', p->>'reason', p->>'by');
  INSERT INTO dispute_hold (dispute_id, payee, amount_nanos)
  SELECT p->>'id', s.payee, s.amount - CASE WHEN v_held THEN coalesce(h.still_held, 0) ELSE 0 END
  FROM jsonb_to_recordset(p->'shares') AS s(payee text, amount numeric) LEFT JOIN held_shares_left(v.id) h USING (payee)
  WHERE s.amount > CASE WHEN v_held THEN coalesce(h.still_held, 0) ELSE 0 END ORDER BY 2;
  PERFORM post_entry(format('dispute:%s:held', p->>'id'), 'dispute_held', v.currency, open_period(),
    jsonb_build_object('dispute', p->>'id', 'invoice', v.id, 'reason', p->>'reason', 'by', p->>'by'),
    array_agg(format('payee:%s:payable', payee)) || array_agg(format('payee:%s:held', payee)),
    array_agg(amount_nanos) || array_agg(-amount_nanos))
  FROM dispute_hold WHERE dispute_id = p->>'id' HAVING count(*) > 0;
  RETURN 'open';
END $$;
--> statement-breakpoint

-- Decides an open dispute and gives back what was held for it. Answers its state, which stays once decided.
CREATE FUNCTION decide_dispute(p_id text, p_state text, p_by text) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE v dispute; v_currency text;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7001);
  PERFORM pg_advisory_xact_lock(7015);
  SELECT * INTO v FROM dispute WHERE id = p_id FOR UPDATE;
  IF v.state IS DISTINCT FROM 'open' THEN RETURN v.state; END IF;
  PERFORM lock_held_shares(v.invoice_id);
  SELECT currency INTO v_currency FROM invoice WHERE id = v.invoice_id;
  UPDATE dispute SET state = p_state, decided_by = p_by, decided_at = clock_timestamp() WHERE id = p_id;
  PERFORM post_entry(format('dispute:%s:released', p_id), 'dispute_released', v_currency, open_period(),
    jsonb_build_object('dispute', p_id, 'invoice', v.invoice_id, 'reason', p_state, 'by', p_by),
    array_agg(format('payee:%s:held', payee)) || array_agg(format('payee:%s:payable', payee)),
    array_agg(amount_nanos) || array_agg(-amount_nanos))
  FROM dispute_hold WHERE dispute_id = p_id HAVING count(*) > 0;
  RETURN p_state;
END $$;
--> statement-breakpoint

-- ---- Adjustments ----

-- What an invoice asks for less: of what was refunded and not paid back, as much as is not paid yet, in its currency's steps.
CREATE FUNCTION credit_due(p_invoice text, p_gross numeric, p_returned numeric) RETURNS numeric LANGUAGE sql STABLE AS $$
  SELECT greatest(0, least(i.amount_nanos - (SELECT coalesce(sum(amount_nanos), 0) FROM invoice_payment WHERE invoice_id = i.id),
      div(greatest(0, -(a.gross + p_gross) * 1000000000 - a.returned - p_returned), invoice_step(i.currency)) * invoice_step(i.currency))
    - a.credited)
  FROM invoice i CROSS JOIN (
    SELECT coalesce(sum(gross), 0) AS gross, coalesce(sum(returned_nanos), 0) AS returned, coalesce(sum(credited_nanos), 0) AS credited
    FROM adjustment WHERE invoice_id = p_invoice) a
  WHERE i.id = p_invoice
$$;
--> statement-breakpoint

-- By how much customers' receivables move, once the cells are there: the difference of what each comes to for the period,
-- rounded half-even to a nano as close did, before and after.
CREATE FUNCTION receivable_changes(p_adjustment bigint, p_period date, p_currency text)
RETURNS TABLE (customer text, amount numeric) LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan AS $$
DECLARE v_changed int[] := ARRAY(SELECT DISTINCT customer_no FROM adjustment_cell WHERE adjustment_no = p_adjustment);
BEGIN
  RETURN QUERY SELECT u.id, round_to_nanos(s.before + s.change) - round_to_nanos(s.before)
  FROM (
    SELECT x.customer_no, sum(x.before) AS before, sum(x.change) AS change FROM (
      SELECT g.customer_no, g.gross AS before, 0 AS change FROM customer_gross g
      WHERE g.booked_period = p_period AND g.currency = p_currency AND g.customer_no = ANY (v_changed)
      UNION ALL
      SELECT c.customer_no, c.rerated - c.refunded, 0 FROM adjustment_cell c JOIN price_version v USING (price_no)
      WHERE c.customer_no = ANY (v_changed) AND c.booked_period = p_period AND v.currency = p_currency AND c.adjustment_no < p_adjustment
      UNION ALL
      SELECT c.customer_no, 0, c.rerated - c.refunded FROM adjustment_cell c WHERE c.adjustment_no = p_adjustment) x
    GROUP BY 1) s
  JOIN customer u USING (customer_no);
END $$;
--> statement-breakpoint

-- Books one adjustment: its cells, its parts and its entry stand or fall together. The same reference again answers the same.
-- p: {reference, kind, currency, corrects, invoice, returned, reverses, asked, reason, by, seen: [{model_no, seen}],
--     cells: [{customer_no, service_month, model_no, meter_no, price_no, split_plan_no, refunded, rerated}],
--     parts: [{service_month, model_no, split_plan_no, payee, reason, paid_by, amount}], movements: [{account, amount}],
--     reattribution: {model_no, from_payee, to_payee}, dispute, correction, approved_by, at_provider, pays}. Amounts in nanos, credits positive.
CREATE FUNCTION post_adjustment(p jsonb) RETURNS text LANGUAGE plpgsql VOLATILE SET jit = off AS $$
DECLARE
  v_known adjustment;
  v_reversed adjustment;
  v_invoice invoice;
  v_no bigint;
  v_id text := 'adj_' || replace(gen_random_uuid()::text, '-', '');
  v_kind text := p->>'kind';
  v_currency text := p->>'currency';
  v_corrects date := (p->>'corrects')::date;
  v_gross numeric;
  v_returned numeric := coalesce((p->>'returned')::numeric, 0);
  v_credited numeric := 0;
  v_held boolean := false;
  v_round int;
  v_size numeric;
  v_names text;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7001);
  PERFORM pg_advisory_xact_lock(7015);
  SELECT * INTO v_known FROM adjustment WHERE reference = p->>'reference';
  IF FOUND THEN
    IF v_known.kind = v_kind AND v_known.asked = p->'asked' THEN RETURN v_known.id; END IF;
    PERFORM refuse('adjustment_differs', jsonb_build_object('id', v_known.id));
  END IF;
  PERFORM require_seen(v_corrects, coalesce(p->'seen', '[]'));
  IF v_kind IN ('rerate', 'reattribution') THEN
    PERFORM require_earnings_released(v_corrects, v_currency, (SELECT array_agg(s.model_no)
      FROM jsonb_to_recordset(p->'seen') AS s(model_no int)));
  END IF;

  IF p->>'invoice' IS NOT NULL THEN
    v_held := lock_held_shares(p->>'invoice');
    SELECT * INTO v_invoice FROM invoice WHERE id = p->>'invoice';
  END IF;
  IF p->>'dispute' IS NOT NULL THEN
    IF NOT EXISTS (SELECT FROM dispute WHERE id = p->>'dispute' AND state = 'open') THEN PERFORM refuse('dispute_decided'); END IF;
    -- drizzle/0028_refunds_at_provider.sql
    IF v_returned <> money_lost(p->>'dispute', p->>'by') THEN PERFORM refuse('adjustment_raced'); END IF;
    PERFORM decide_dispute(p->>'dispute', 'lost', p->>'by');
  END IF;

  SELECT coalesce(sum(c.rerated - c.refunded), 0) INTO v_gross
  FROM jsonb_to_recordset(coalesce(p->'cells', '[]')) AS c(refunded numeric, rerated numeric);
  IF p->>'reverses' IS NOT NULL THEN
    SELECT * INTO v_reversed FROM adjustment WHERE id = p->>'reverses';
    IF EXISTS (SELECT FROM adjustment WHERE reverses = v_reversed.adjustment_no) THEN PERFORM refuse('already_returned'); END IF;
    -- It is with the customer until the provider says that it failed.
    IF v_reversed.kind <> 'dispute_lost' AND v_reversed.returned_nanos > 0 AND is_provider(v_reversed.made_by) AND NOT is_provider(p->>'by') THEN
      PERFORM refuse('refund_made');
    END IF;
    PERFORM drop_refund_push(v_reversed.adjustment_no);
    v_returned := -v_reversed.returned_nanos;
    v_credited := -v_reversed.credited_nanos;
    -- The invoice asks for something again: what is held waits for that, and so does what comes back of what was released.
    IF v_credited < 0 THEN
      DELETE FROM invoice_release WHERE invoice_id = v_invoice.id AND released_at IS NULL;
      v_held := true;
    END IF;
  ELSIF v_kind IN ('refund', 'money_returned') THEN
    IF v_returned > 0 AND v_returned > (CASE WHEN is_provider(p->>'by') THEN money_to_return(v_invoice.id, p->>'pays')
        ELSE undisputed_money(v_invoice.id, p->>'pays') END) THEN
      PERFORM refuse('refund_exceeds_payments');
    END IF;
    IF v_kind = 'refund' THEN v_credited := credit_due(v_invoice.id, v_gross, v_returned); END IF;
  END IF;

  INSERT INTO adjustment (id, reference, kind, currency, corrects, invoice_id, gross, credited_nanos, returned_nanos, reverses,
    asked, reason, made_by, made_at)
  VALUES (v_id, p->>'reference', v_kind, v_currency, v_corrects, v_invoice.id, v_gross, v_credited, v_returned,
    v_reversed.adjustment_no, p->'asked', p->>'reason', p->>'by', now())
  RETURNING adjustment_no INTO v_no;
  INSERT INTO adjustment_cell (adjustment_no, customer_no, booked_period, service_month, model_no, meter_no, price_no, split_plan_no,
    refunded, rerated)
  SELECT v_no, c.customer_no, v_corrects, c.service_month, c.model_no, c.meter_no, c.price_no, c.split_plan_no, c.refunded, c.rerated
  FROM jsonb_to_recordset(coalesce(p->'cells', '[]')) AS c(customer_no int, service_month date, model_no int, meter_no smallint,
    price_no int, split_plan_no int, refunded numeric, rerated numeric);
  INSERT INTO adjustment_part (adjustment_no, booked_period, service_month, model_no, split_plan_no, payee, reason, paid_by, amount_nanos)
  SELECT v_no, v_corrects, c.service_month, c.model_no, c.split_plan_no, c.payee, c.reason, c.paid_by, c.amount
  FROM jsonb_to_recordset(coalesce(p->'parts', '[]')) AS c(service_month date, model_no int, split_plan_no int, payee text,
    reason text, paid_by text, amount numeric);
  INSERT INTO adjustment_movement (adjustment_no, account, amount_nanos)
  SELECT v_no, m.account, m.amount FROM jsonb_to_recordset(coalesce(p->'movements', '[]')) AS m(account text, amount numeric);
  IF (SELECT coalesce(sum(amount_nanos), 0) FROM adjustment_movement WHERE adjustment_no = v_no) <> 0 THEN
    RAISE EXCEPTION 'the movements of % do not balance', p->>'reference' USING ERRCODE = 'check_violation';
  END IF;
  IF v_kind = 'revocation' THEN PERFORM revoke_credit(v_no, p->'asked'->>'credit'); END IF;
  IF p->'reattribution' IS NOT NULL THEN
    INSERT INTO reattribution (adjustment_no, booked_period, model_no, from_payee, to_payee)
    SELECT v_no, v_corrects, r.model_no, r.from_payee, r.to_payee
    FROM jsonb_to_record(p->'reattribution') AS r(model_no int, from_payee text, to_payee text);
  END IF;
  -- What waits for the invoice's payment is taken first, and what comes back goes there: before the first release as far as
  -- it was taken from there, after one all of it.
  IF v_held THEN
    v_round := held_round(v_invoice.id);
    INSERT INTO adjustment_held (adjustment_no, payee, round, amount_nanos)
    SELECT v_no, payee, v_round, moved FROM (
      SELECT d.payee, CASE WHEN d.amount < 0 THEN greatest(d.amount, -coalesce(h.still_held, 0)) WHEN v_round > 1 THEN d.amount
        ELSE least(d.amount, coalesce(h.given - h.still_held, 0)) END AS moved
      FROM (SELECT payee, sum(amount_nanos) AS amount FROM adjustment_part WHERE adjustment_no = v_no AND payee IS NOT NULL GROUP BY 1) d
      LEFT JOIN held_shares_of(v_invoice.id, v_round) h USING (payee)) x
    WHERE moved <> 0 ORDER BY payee;
  END IF;

  -- Payees see what an entry takes back: so it names no customer.
  SELECT e.key INTO v_names FROM journal_entry e WHERE e.key = 'adjustment:' || v_reversed.id;
  PERFORM post_entry('adjustment:' || v_id, v_kind, v_currency, open_period(),
    jsonb_strip_nulls(jsonb_build_object('adjustment', v_id, 'reason', p->>'reason', 'by', p->>'by', 'asked', p->'asked',
      'credited', v_credited::text, 'returned', v_returned::text, 'corrects', v_names)),
    array_agg(b.path), array_agg(b.amount)) FROM adjustment_postings(v_no) b;

  IF (p->>'at_provider')::boolean THEN PERFORM plan_refund_push(v_no); END IF;
  IF p->>'correction' IS NOT NULL THEN
    SELECT greatest(sum(greatest(amount, 0)), -sum(least(amount, 0))) INTO v_size FROM adjustment_postings(v_no);
    PERFORM book_correction(p->>'correction', v_no, coalesce(v_size, 0), p->>'approved_by');
  END IF;
  IF v_kind = 'write_off' AND EXISTS (
      SELECT FROM adjustment_movement m WHERE m.adjustment_no = v_no AND m.account LIKE 'payee:%' AND account_balance_of(m.account, v_currency) < 0) THEN
    PERFORM refuse('write_off_too_large');
  END IF;
  -- Nothing is left to pay: what is still held for the invoice waits for nobody.
  IF v_held AND invoice_left(v_invoice.id) = 0 THEN
    PERFORM plan_release(v_invoice.id, now());
    PERFORM release_held(v_invoice.id, 1);
  END IF;
  RETURN v_id;
END $$;
--> statement-breakpoint

-- The postings that an adjustment's facts come to, debit positive.
CREATE FUNCTION adjustment_postings(p_adjustment bigint) RETURNS TABLE (path text, amount numeric) LANGUAGE sql STABLE AS $$
  WITH a AS (
    SELECT a.*, i.customer FROM adjustment a LEFT JOIN invoice i ON i.id = a.invoice_id WHERE a.adjustment_no = p_adjustment
  ), part AS (
    SELECT CASE WHEN p.payee IS NOT NULL THEN format('payee:%s:payable', p.payee) WHEN p.reason = 'cost' THEN 'platform:cost_recovery'
        ELSE 'platform:revenue' END AS path, -p.amount_nanos AS amount
    FROM adjustment_part p WHERE p.adjustment_no = p_adjustment
  ), receivable AS (
    SELECT format('customer:%s:receivable', r.customer) AS path, r.amount
    FROM a CROSS JOIN LATERAL receivable_changes(a.adjustment_no, a.corrects, a.currency) r
  ), moved AS (
    SELECT * FROM part
    UNION ALL SELECT * FROM receivable
    UNION ALL SELECT 'platform:rounding', -coalesce((SELECT sum(amount) FROM part), 0) - coalesce((SELECT sum(amount) FROM receivable), 0)
    UNION ALL SELECT format('payee:%s:payable', h.payee), h.amount_nanos FROM adjustment_held h WHERE h.adjustment_no = p_adjustment
    UNION ALL SELECT format('payee:%s:held', h.payee), -h.amount_nanos FROM adjustment_held h WHERE h.adjustment_no = p_adjustment
    UNION ALL SELECT 'platform:received', -a.returned_nanos FROM a WHERE a.returned_nanos <> 0
    UNION ALL SELECT format('customer:%s:receivable', a.customer), a.returned_nanos FROM a WHERE a.returned_nanos <> 0
    UNION ALL SELECT m.account, -m.amount_nanos FROM adjustment_movement m WHERE m.adjustment_no = p_adjustment
  )
  SELECT m.path, sum(m.amount) FROM moved m GROUP BY 1 HAVING sum(m.amount) <> 0
$$;
