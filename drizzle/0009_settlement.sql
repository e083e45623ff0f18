-- Why: a month is closed in steps that can each be repeated after any crash. The cut is one statement under the
-- catalogue-and-books lock: usage metered before it is in, usage metered after it belongs to the next period.

ALTER TABLE settlement ADD CHECK (extract(day FROM period) = 1);
--> statement-breakpoint
ALTER TABLE settlement ADD CHECK (state IN ('closing', 'released', 'closed', 'planned', 'approved'));
--> statement-breakpoint
-- Two-person approval is the database's business: no code path can approve its own plan.
ALTER TABLE settlement ADD CONSTRAINT two_persons
  CHECK (NOT two_person OR approved_by IS NULL OR approved_by <> planned_by);
--> statement-breakpoint
ALTER TABLE settlement ADD CHECK ((state = 'approved') = (approved_by IS NOT NULL));
--> statement-breakpoint
ALTER TABLE settlement ADD CHECK (state IN ('closing', 'released', 'closed') OR (plan IS NOT NULL AND plan_hash IS NOT NULL));
--> statement-breakpoint
ALTER TABLE statement ADD CHECK (closing_nanos = opening_nanos + earned_nanos + adjustments_nanos - netted_nanos - held_nanos + released_nanos + converted_nanos - paid_nanos);
--> statement-breakpoint

-- Closing reads statements by period; their key serves payees.
CREATE INDEX statement_period ON statement (period);
--> statement-breakpoint

-- Answers the settlement's state: 'closing' when this call or an earlier one made the cut.
CREATE FUNCTION cut_period(p_period date, p_grace interval) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_state text;
  v_first_open date;
  v_earlier date;
BEGIN
  PERFORM pg_advisory_xact_lock(7001);
  SELECT state INTO v_state FROM settlement WHERE period = p_period;
  IF FOUND THEN RETURN v_state; END IF;

  SELECT first_open_period INTO v_first_open FROM books_state FOR UPDATE;
  IF p_period < v_first_open THEN PERFORM refuse('period_closed'); END IF;
  IF clock_timestamp() < (p_period + interval '1 month') AT TIME ZONE 'UTC' + p_grace THEN
    PERFORM refuse('period_not_over', jsonb_build_object('ends',
      to_char(p_period + interval '1 month' + p_grace, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')));
  END IF;
  SELECT min(period) INTO v_earlier FROM (
    SELECT min(booked_period) AS period FROM usage_term WHERE charged = 1 AND booked_period < p_period AND booked_period >= v_first_open
    UNION ALL SELECT min(period) FROM journal_entry WHERE period < p_period AND period >= v_first_open
    UNION ALL SELECT min(period) FROM settlement WHERE period < p_period AND state IN ('closing', 'released')) x;
  IF v_earlier IS NOT NULL THEN
    PERFORM refuse('earlier_period_open', jsonb_build_object('period', to_char(v_earlier, 'YYYY-MM')));
  END IF;

  INSERT INTO settlement (period, state, cut_at) VALUES (p_period, 'closing', clock_timestamp());
  UPDATE books_state SET first_open_period = p_period + interval '1 month';
  RETURN 'closing';
END $$;
--> statement-breakpoint

-- Many entries of two postings: amounts onto p_to (debit) from p_from (credit), each under the key prefix:name:currency.
CREATE FUNCTION post_transfers(p_kind text, p_period date, p_prefix text, p_names text[], p_currencies text[], p_to text[],
  p_from text[], p_amounts numeric[]) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM post_entries(p_kind, p_period, array_agg(format('%s:%s:%s', p_prefix, t.name, t.currency) ORDER BY t.n),
    p_currencies, array_agg('{}'::jsonb), array_agg(t.n::int ORDER BY t.n) || array_agg(t.n::int ORDER BY t.n),
    p_to || p_from, array_agg(t.amount ORDER BY t.n) || array_agg(-t.amount ORDER BY t.n))
  FROM unnest(p_names, p_currencies, p_amounts) WITH ORDINALITY AS t(name, currency, amount, n);
END $$;
--> statement-breakpoint

-- After the final accrual: moves what was earned from accruing to payable, and what customers owe from unbilled to
-- their receivables. Refuses when the accrual does not stand exactly at the windows; from here on nothing accrues on
-- this period any more, so a worker with older figures cannot post them late. It moves all payees' and all customers'
-- balances, one kind after the other: alone (7015), since a payment takes them in another order.
CREATE FUNCTION release_period(p_period date) RETURNS void LANGUAGE plpgsql VOLATILE
SET jit = off SET work_mem = '128MB' AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(7002);
  PERFORM pg_advisory_xact_lock(7015);
  IF NOT EXISTS (SELECT FROM settlement WHERE period = p_period AND state = 'closing') THEN RETURN; END IF;
  IF EXISTS (SELECT FROM line_to_accrue WHERE booked_period = p_period) THEN PERFORM refuse('accrual_incomplete'); END IF;
  IF EXISTS (SELECT FROM usage_block WHERE folded = 0 AND first_period <= p_period) THEN PERFORM refuse('fold_incomplete'); END IF;

  PERFORM post_transfers('release', p_period, format('release:%s', p_period), array_agg(payee ORDER BY n),
    array_agg(currency ORDER BY n), array_agg(account ORDER BY n), array_agg(format('payee:%s:payable', payee) ORDER BY n),
    array_agg(earned ORDER BY n))
  FROM (SELECT account, split_part(account, ':', 2) AS payee, currency, sum(amount_nanos) AS earned,
          row_number() OVER (ORDER BY account, currency) AS n
        FROM accrual_part WHERE booked_period = p_period AND account LIKE 'payee:%' GROUP BY 1, 2, 3) x;

  PERFORM post_transfers('billing', p_period, format('billing:%s', p_period), array_agg(customer ORDER BY n),
    array_agg(currency ORDER BY n), array_agg(format('customer:%s:receivable', customer) ORDER BY n),
    array_agg('platform:unbilled'::text), array_agg(owed ORDER BY n))
  FROM (SELECT c.id AS customer, g.currency, round_to_nanos(g.gross) AS owed, row_number() OVER (ORDER BY c.id, g.currency) AS n
        FROM customer_gross g JOIN customer c USING (customer_no) WHERE g.booked_period = p_period) x;

  -- Lines and customers round differently by less than a nano each: what is left of this period's unbilled is rounding.
  -- Its key has a prefix of its own: a customer may be called anything.
  PERFORM post_transfers('billing', p_period, format('rounding:%s', p_period), array_agg('lines'::text),
    array_agg(currency), array_agg('platform:rounding'::text), array_agg('platform:unbilled'::text), array_agg(rest))
  FROM (SELECT e.currency, sum(p.amount_nanos) AS rest
        FROM posting p JOIN journal_entry e USING (entry_no) JOIN ledger_account a USING (account_no)
        WHERE a.path = 'platform:unbilled' AND e.period = p_period GROUP BY 1) x;
  -- drizzle/0017_release_rule.sql
  PERFORM hold_until_paid(p_period);
  -- drizzle/0024_netting.sql
  PERFORM net_customers(p_period);
  -- drizzle/0019_reserves.sql
  PERFORM hold_reserves(p_period);
  UPDATE settlement SET state = 'released' WHERE period = p_period;
END $$;
--> statement-breakpoint

-- Who gets a statement for a period: every payee who was there at the cut, in its default currency, and in every other
-- one with earnings or movements in it, or with a balance brought forward.
CREATE FUNCTION statement_figures(p_period date)
RETURNS TABLE (payee text, currency text, opening numeric, earned numeric, adjustments numeric, netted numeric, held numeric,
  released numeric, converted numeric, paid numeric)
LANGUAGE sql STABLE SET jit = off SET work_mem = '64MB' AS $$
  WITH movement AS (
    SELECT a.owner AS payee, e.currency,
      coalesce(-sum(p.amount_nanos) FILTER (WHERE e.kind = 'release'), 0) AS earned,
      coalesce(sum(p.amount_nanos) FILTER (WHERE e.kind = 'netting'), 0) AS netted,
      coalesce(sum(p.amount_nanos) FILTER (WHERE e.kind IN ('hold', 'reserve', 'dispute_held')), 0) AS held,
      coalesce(-sum(p.amount_nanos) FILTER (WHERE e.kind IN ('hold_released', 'reserve_released', 'dispute_released')), 0) AS released,
      coalesce(-sum(p.amount_nanos) FILTER (WHERE e.kind = 'conversion'), 0) AS converted,
      coalesce(sum(p.amount_nanos) FILTER (WHERE e.kind IN ('payout_sent', 'payout_returned', 'payout_reversed')), 0) AS paid,
      coalesce(-sum(p.amount_nanos) FILTER (WHERE e.kind NOT IN ('release', 'netting', 'hold', 'reserve', 'hold_released', 'reserve_released',
        'dispute_held', 'dispute_released', 'conversion', 'payout_sent', 'payout_returned', 'payout_reversed')), 0) AS adjustments
    FROM journal_entry e JOIN posting p USING (entry_no) JOIN ledger_account a USING (account_no)
    WHERE e.period = p_period AND a.kind = 'payee:payable' GROUP BY 1, 2
  ), brought AS (
    -- A balance gets a statement in every settlement until it is gone, so the one before knows them all.
    SELECT s.payee, s.currency, s.closing_nanos AS opening
    FROM statement s WHERE s.period = (SELECT max(period) FROM settlement WHERE period < p_period)
  ), recipient AS (
    SELECT p.id AS payee, p.default_currency AS currency
    FROM payee p JOIN settlement s ON s.period = p_period AND p.created_at < s.cut_at
    UNION SELECT payee, currency FROM movement
    UNION SELECT payee, currency FROM brought WHERE opening <> 0
  )
  SELECT payee, currency, coalesce(b.opening, 0), coalesce(m.earned, 0), coalesce(m.adjustments, 0),
    coalesce(m.netted, 0), coalesce(m.held, 0), coalesce(m.released, 0), coalesce(m.converted, 0), coalesce(m.paid, 0)
  FROM recipient LEFT JOIN movement m USING (payee, currency) LEFT JOIN brought b USING (payee, currency)
$$;
--> statement-breakpoint

CREATE FUNCTION write_statements(p_period date, p_statements jsonb) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  INSERT INTO statement (period, payee, currency, opening_nanos, earned_nanos, adjustments_nanos, netted_nanos, held_nanos,
    released_nanos, converted_nanos, paid_nanos, closing_nanos, content, hash)
  SELECT p_period, s.payee, s.currency, s.opening, s.earned, s.adjustments, s.netted, s.held, s.released, s.converted, s.paid, s.closing,
    s.content, s.hash
  FROM jsonb_to_recordset(p_statements) AS s(payee text, currency text, opening numeric, earned numeric,
    adjustments numeric, netted numeric, held numeric, released numeric, converted numeric, paid numeric, closing numeric, content jsonb, hash text)
  ORDER BY s.payee, s.currency ON CONFLICT DO NOTHING;
END $$;
--> statement-breakpoint

-- The end of closing: every figure has its statement, and every statement its figures.
CREATE FUNCTION finish_close(p_period date) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE v_wrong record;
BEGIN
  PERFORM pg_advisory_xact_lock(7002);
  IF NOT EXISTS (SELECT FROM settlement WHERE period = p_period AND state = 'released') THEN RETURN; END IF;
  SELECT * INTO v_wrong
  FROM statement_figures(p_period) f
  FULL JOIN (SELECT * FROM statement WHERE period = p_period) s USING (payee, currency)
  -- A statement without figures is an empty one, of a payee who has changed the default currency since.
  WHERE (coalesce(f.opening, 0), coalesce(f.earned, 0), coalesce(f.adjustments, 0), coalesce(f.netted, 0), coalesce(f.held, 0), coalesce(f.released, 0),
      coalesce(f.converted, 0), coalesce(f.paid, 0))
    IS DISTINCT FROM (s.opening_nanos, s.earned_nanos, s.adjustments_nanos, s.netted_nanos, s.held_nanos, s.released_nanos, s.converted_nanos,
      s.paid_nanos) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'the statement of % in % does not match the books of %', v_wrong.payee, v_wrong.currency, p_period;
  END IF;
  UPDATE settlement SET state = 'closed', closed_at = clock_timestamp() WHERE period = p_period;
END $$;
--> statement-breakpoint

-- Planning the same again keeps its maker; two-person approval once asked for is not dropped by planning again.
CREATE FUNCTION record_plan(p_period date, p_plan jsonb, p_hash text, p_by text, p_two_person boolean)
RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE v_state text;
BEGIN
  SELECT state INTO v_state FROM settlement WHERE period = p_period FOR UPDATE;
  IF v_state IS NULL OR v_state IN ('closing', 'released') THEN PERFORM refuse('period_not_closed'); END IF;
  UPDATE settlement SET two_person = two_person OR p_two_person
  WHERE period = p_period AND state IN ('closed', 'planned');
  UPDATE settlement SET state = 'planned', plan = p_plan, plan_hash = p_hash, planned_by = p_by,
    planned_at = clock_timestamp()
  WHERE period = p_period AND state IN ('closed', 'planned') AND plan_hash IS DISTINCT FROM p_hash;
  RETURN (SELECT plan_hash FROM settlement WHERE period = p_period);
END $$;
--> statement-breakpoint

-- Binds the approval to the plan's hash and makes its payouts. Approving the same plan again changes nothing. Every kind
-- of warning that the plan has must be among what is confirmed.
CREATE FUNCTION approve_plan(p_period date, p_hash text, p_by text, p_confirmed text[]) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v settlement;
  v_unconfirmed text;
  v_short text;
BEGIN
  SELECT * INTO v FROM settlement WHERE period = p_period FOR UPDATE;
  IF v.plan_hash IS NULL THEN PERFORM refuse('plan_missing'); END IF;
  IF v.plan_hash <> p_hash THEN PERFORM refuse('plan_changed', jsonb_build_object('hash', v.plan_hash)); END IF;
  IF v.state = 'approved' THEN RETURN; END IF;
  IF v.two_person AND same_person(v.planned_by, p_by) THEN PERFORM refuse('approver_made_plan'); END IF;
  SELECT string_agg(DISTINCT w->>'code', ', ') INTO v_unconfirmed
  FROM jsonb_array_elements(v.plan->'warnings') AS w WHERE w->>'code' <> ALL (p_confirmed);
  IF v_unconfirmed IS NOT NULL THEN
    PERFORM refuse('plan_needs_confirmation', jsonb_build_object('codes', v_unconfirmed));
  END IF;
  -- drizzle/0020_payout_terms.sql
  PERFORM book_conversions(p_period, v.plan);
  UPDATE settlement SET state = 'approved', approved_by = p_by, approved_at = clock_timestamp(),
    approved_hash = p_hash, confirmed = p_confirmed WHERE period = p_period;
  INSERT INTO payout (id, period, payee, currency, planned_nanos, amount_nanos, account, state)
  SELECT p.id, p_period, p.payee, p.currency, p.amount_nanos, p.amount_nanos, p.account, 'approved'
  FROM jsonb_to_recordset(v.plan->'payouts')
    AS p(id text, payee text, currency text, amount_nanos numeric, account text);

  -- What was refunded since the plan was made: it can still be planned anew.
  PERFORM pg_advisory_xact_lock_shared(7001);
  PERFORM pg_advisory_xact_lock(7015);
  SELECT o.payee INTO v_short
  FROM payout o
  JOIN (SELECT payee, currency, sum(planned_nanos) AS nanos FROM payout WHERE state = 'approved' GROUP BY 1, 2) d USING (payee, currency)
  WHERE o.period = p_period AND -account_balance_of(format('payee:%s:payable', o.payee), o.currency) < d.nanos
  ORDER BY o.payee LIMIT 1;
  IF FOUND THEN PERFORM refuse('plan_outdated', jsonb_build_object('payee', v_short)); END IF;
END $$;
