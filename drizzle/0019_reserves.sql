-- Why: a marketplace may hold back a part of what creators earn against refunds that come later. What is held back is decided
-- where money becomes payable, in the same statement, and goes back by itself when it is due.

ALTER TABLE reserve_rule ADD CHECK (basis_points BETWEEN 0 AND 10000 AND days BETWEEN 0 AND 1095
  AND (basis_points IS NULL) = (days IS NULL) AND extract(day FROM from_period) = 1);
--> statement-breakpoint
ALTER TABLE reserve ADD CHECK (amount_nanos > 0 AND amount_nanos <= base_nanos);
--> statement-breakpoint
-- Never before its time, whoever asks.
ALTER TABLE reserve ADD CHECK (released_at >= due_at);
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON reserve FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER once_released BEFORE UPDATE ON reserve FOR EACH ROW
  WHEN (OLD.released_at IS NOT NULL OR (OLD.period, OLD.invoice_id, OLD.payee, OLD.currency, OLD.base_nanos, OLD.amount_nanos, OLD.due_at)
    IS DISTINCT FROM (NEW.period, NEW.invoice_id, NEW.payee, NEW.currency, NEW.base_nanos, NEW.amount_nanos, NEW.due_at))
  EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
INSERT INTO permitted_flow (entry_kind, account_kind) VALUES
  ('reserve', 'payee:payable'), ('reserve', 'payee:held'),
  ('reserve_released', 'payee:held'), ('reserve_released', 'payee:payable');
--> statement-breakpoint

-- The payee's own rule for this period, or everybody's; no row without one. A set: see minimum_payout_of.
CREATE FUNCTION reserve_rule_of(p_payee text, p_period date) RETURNS TABLE (basis_points int, days int) LANGUAGE sql STABLE AS $$
  SELECT r.basis_points, r.days FROM (
    (SELECT * FROM reserve_rule WHERE payee = p_payee AND from_period <= p_period ORDER BY from_period DESC LIMIT 1)
    UNION ALL
    (SELECT * FROM reserve_rule WHERE payee = '*' AND from_period <= p_period ORDER BY from_period DESC LIMIT 1)) r
  WHERE r.basis_points IS NOT NULL ORDER BY r.payee = '*' LIMIT 1
$$;
--> statement-breakpoint

-- For open periods only: of a closed month it is held back what its rule said. Without a percentage, the rule before ends.
CREATE FUNCTION set_reserve_rule(p_payee text, p_from date, p_basis_points int, p_days int, p_by text) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(7001);
  IF p_from < (SELECT first_open_period FROM books_state) THEN
    PERFORM refuse('period_closed', jsonb_build_object('open', to_char(open_period(), 'YYYY-MM')));
  END IF;
  INSERT INTO reserve_rule (payee, from_period, basis_points, days, set_by) VALUES (p_payee, p_from, p_basis_points, p_days, p_by)
  ON CONFLICT (payee, from_period) DO UPDATE SET basis_points = excluded.basis_points, days = excluded.days,
    set_by = excluded.set_by, set_at = clock_timestamp();
END $$;
--> statement-breakpoint

-- What a period's close makes payable at once: what was earned less what waits for customers and what paid for own usage.
CREATE FUNCTION payable_at_close(p_period date) RETURNS TABLE (payee text, currency text, amount_nanos numeric)
LANGUAGE sql STABLE SET jit = off SET work_mem = '64MB' AS $$
  SELECT x.payee, x.currency, sum(x.nanos) FROM (
    SELECT split_part(p.account, ':', 2) AS payee, p.currency, p.amount_nanos AS nanos
    FROM accrual_part p WHERE p.booked_period = p_period AND p.account LIKE 'payee:%'
    UNION ALL SELECT h.payee, h.currency, -h.amount_nanos FROM held_share h WHERE h.period = p_period
    UNION ALL SELECT n.payee, n.currency, -n.amount_nanos FROM netting n WHERE n.period = p_period) x
  GROUP BY 1, 2
$$;
--> statement-breakpoint

-- Holds back its part of each amount that became payable: per cent of it, floored to a nano, until so many days after p_since.
CREATE FUNCTION take_reserves(p_period date, p_invoice text, p_booked date, p_since timestamptz, p_payees text[], p_currencies text[],
  p_bases numeric[]) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  WITH taken AS (
    INSERT INTO reserve (period, invoice_id, payee, currency, base_nanos, amount_nanos, due_at)
    SELECT p_period, p_invoice, x.payee, x.currency, x.base, div(x.base * r.basis_points, 10000), p_since + make_interval(hours => 24 * r.days)
    FROM unnest(p_payees, p_currencies, p_bases) AS x(payee, currency, base) CROSS JOIN LATERAL reserve_rule_of(x.payee, p_period) r
    WHERE x.base > 0 AND div(x.base * r.basis_points, 10000) > 0 ORDER BY 3, 4
    RETURNING payee, currency, amount_nanos
  )
  SELECT array_agg(payee ORDER BY payee, currency), array_agg(currency ORDER BY payee, currency), array_agg(amount_nanos ORDER BY payee, currency)
  INTO p_payees, p_currencies, p_bases FROM taken;
  IF p_payees IS NULL THEN RETURN; END IF;
  PERFORM post_transfers('reserve', p_booked, format('reserve:%s', coalesce(nullif(p_invoice, ''), p_period::text)), p_payees, p_currencies,
    (SELECT array_agg(format('payee:%s:payable', payee) ORDER BY n) FROM unnest(p_payees) WITH ORDINALITY AS p(payee, n)),
    (SELECT array_agg(format('payee:%s:held', payee) ORDER BY n) FROM unnest(p_payees) WITH ORDINALITY AS p(payee, n)), p_bases);
END $$;
--> statement-breakpoint

-- Part of release_period, after hold_until_paid and net_customers.
CREATE FUNCTION hold_reserves(p_period date) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM reserve_rule WHERE from_period <= p_period) THEN RETURN; END IF;
  PERFORM take_reserves(p_period, '', p_period, (SELECT cut_at FROM settlement WHERE period = p_period), array_agg(payee),
    array_agg(currency), array_agg(amount_nanos))
  FROM payable_at_close(p_period);
END $$;
--> statement-breakpoint

-- Part of release_held: of what a customer's payment let go, as much is held back as would have been at close.
CREATE FUNCTION hold_reserves_of_invoice(p_invoice text, p_round int) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE v invoice;
BEGIN
  SELECT * INTO v FROM invoice WHERE id = p_invoice;
  IF NOT EXISTS (SELECT FROM reserve_rule WHERE from_period <= v.period) THEN RETURN; END IF;
  PERFORM take_reserves(v.period, release_name(p_invoice, p_round), open_period(),
    (SELECT due_at FROM invoice_release WHERE invoice_id = p_invoice AND round = p_round),
    array_agg(payee), array_agg(v.currency), array_agg(still_held))
  FROM held_shares_of(p_invoice, p_round) WHERE still_held > 0;
END $$;
--> statement-breakpoint

-- What is due becomes payable, the earliest first; answers how many. Alone (7015), as release_held.
CREATE FUNCTION release_reserves(p_limit int) RETURNS int LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_names text[];
  v_currencies text[];
  v_payees text[];
  v_amounts numeric[];
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7001);
  PERFORM pg_advisory_xact_lock(7015);
  WITH due AS (
    SELECT period, invoice_id, payee, currency FROM reserve WHERE released_at IS NULL AND due_at <= clock_timestamp()
    ORDER BY due_at, period, invoice_id, payee, currency LIMIT p_limit FOR UPDATE SKIP LOCKED
  ), released AS (
    UPDATE reserve r SET released_at = clock_timestamp() FROM due d
    WHERE (r.period, r.invoice_id, r.payee, r.currency) = (d.period, d.invoice_id, d.payee, d.currency)
    RETURNING format('%s:%s:%s', r.period, r.invoice_id, r.payee) AS name, r.currency, r.payee, r.amount_nanos
  )
  SELECT array_agg(name ORDER BY name, currency), array_agg(currency ORDER BY name, currency), array_agg(payee ORDER BY name, currency),
    array_agg(amount_nanos ORDER BY name, currency)
  INTO v_names, v_currencies, v_payees, v_amounts FROM released;
  IF v_names IS NULL THEN RETURN 0; END IF;
  PERFORM post_transfers('reserve_released', open_period(), 'unreserve', v_names, v_currencies,
    (SELECT array_agg(format('payee:%s:held', payee) ORDER BY n) FROM unnest(v_payees) WITH ORDINALITY AS p(payee, n)),
    (SELECT array_agg(format('payee:%s:payable', payee) ORDER BY n) FROM unnest(v_payees) WITH ORDINALITY AS p(payee, n)), v_amounts);
  RETURN cardinality(v_names);
END $$;
