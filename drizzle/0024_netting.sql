-- Why: an app whose owner pays its upstream models is a customer and a payee at once. What it used is paid out of what it
-- earned in the same month, in the same currency, as far as that goes: its owner is neither asked for money that is owed to
-- it anyway, nor paid what it owes. docs/decisions/0027 has what was decided, and what was not taken.

ALTER TABLE netting_rule ADD CHECK (extract(day FROM from_period) = 1);
--> statement-breakpoint
-- Never more than was used.
ALTER TABLE netting ADD CHECK (extract(day FROM period) = 1 AND amount_nanos > 0 AND amount_nanos <= owed_nanos);
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON netting
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
INSERT INTO permitted_flow (entry_kind, account_kind) VALUES ('netting', 'payee:payable'), ('netting', 'customer:receivable');
--> statement-breakpoint

-- A linked customer's usage is netted unless it was said otherwise.
CREATE FUNCTION is_netted(p_customer text, p_period date) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT nets FROM netting_rule WHERE customer = p_customer AND from_period <= p_period
                   ORDER BY from_period DESC LIMIT 1), true)
$$;
--> statement-breakpoint

-- For open periods only: what a closed month netted stands.
CREATE FUNCTION set_netting_rule(p_customer text, p_from date, p_nets boolean, p_by text) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(7001);
  IF p_from < (SELECT first_open_period FROM books_state) THEN
    PERFORM refuse('period_closed', jsonb_build_object('open', to_char(open_period(), 'YYYY-MM')));
  END IF;
  INSERT INTO netting_rule (customer, from_period, nets, set_by) VALUES (p_customer, p_from, p_nets, p_by)
  ON CONFLICT (customer, from_period) DO UPDATE SET nets = excluded.nets, set_by = excluded.set_by, set_at = clock_timestamp();
END $$;
--> statement-breakpoint

-- To whom customers' usage of a service month is netted: the payee that the customer was linked to during all of it. A
-- month in which the link began, ended or moved is nobody's: its usage cannot be told apart, and no payee may pay another's.
CREATE FUNCTION linked_payees(p_customers int[], p_months date[])
RETURNS TABLE (customer_no int, service_month date, payee_no int) LANGUAGE sql STABLE AS $$
  SELECT v.customer_no, m.month, min(v.payee_no)
  FROM unnest(p_months) AS m(month)
  JOIN customer_version v ON v.customer_no = ANY (p_customers)
    AND v.effective_from < (m.month + interval '1 month') AT TIME ZONE 'UTC' AND v.effective_until > m.month AT TIME ZONE 'UTC'
  GROUP BY 1, 2 HAVING count(DISTINCT v.payee_no) = 1 AND count(v.payee_no) = count(*)
$$;
--> statement-breakpoint

-- What linked customers used in a period, booked so far, by the payee it is netted to: exact, floored to a nano once. Of one
-- payee's customers, or of all.
CREATE FUNCTION usage_to_net(p_period date, p_payee text)
RETURNS TABLE (customer text, currency text, payee text, owed_nanos numeric) LANGUAGE plpgsql STABLE
SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_customers int[];
  v_months date[];
BEGIN
  SELECT array_agg(DISTINCT v.customer_no) INTO v_customers FROM customer_version v JOIN payee p USING (payee_no)
  WHERE p_payee IS NULL OR p.id = p_payee;
  IF v_customers IS NULL THEN RETURN; END IF;
  SELECT array_agg(DISTINCT w.service_month) INTO v_months
  FROM customer_term_window w JOIN usage_term t USING (term_no) WHERE w.customer_no = ANY (v_customers) AND t.booked_period = p_period;
  RETURN QUERY
  WITH used AS (
    SELECT w.customer_no, w.service_month, v.currency, sum(w.quantity * c.unit_amount) AS gross
    FROM customer_window w JOIN price_component c USING (price_no, meter_no) JOIN price_version v USING (price_no)
    WHERE w.booked_period = p_period AND w.customer_no = ANY (v_customers) GROUP BY 1, 2, 3
  )
  SELECT c.id, u.currency, p.id, floor(sum(u.gross) * 1000000000)
  FROM used u JOIN linked_payees(v_customers, v_months) l USING (customer_no, service_month)
  JOIN payee p USING (payee_no) JOIN customer c USING (customer_no)
  WHERE is_netted(c.id, p_period) AND (p_payee IS NULL OR p.id = p_payee)
  GROUP BY 1, 2, 3 HAVING floor(sum(u.gross) * 1000000000) > 0;
END $$;
--> statement-breakpoint

-- What a released period nets: customers in order of their ids, each as far as what its payee earned in this period and
-- currency goes, less what is held of it. Earnings only, never an older balance: that may be on its way in a payout.
CREATE FUNCTION netting_due(p_period date)
RETURNS TABLE (customer text, currency text, payee text, owed_nanos numeric, amount_nanos numeric) LANGUAGE sql STABLE
SET jit = off AS $$
  WITH owed AS MATERIALIZED (
    SELECT u.*, coalesce(sum(u.owed_nanos) OVER (PARTITION BY u.payee, u.currency ORDER BY u.customer COLLATE "C"
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
    FROM usage_to_net(p_period, NULL) u
  ), earned AS (
    SELECT o.payee, o.currency,
      (SELECT coalesce(sum(a.amount_nanos), 0) FROM accrual_part a
       WHERE a.booked_period = p_period AND a.account = format('payee:%s:accruing', o.payee) AND a.currency = o.currency)
      - (SELECT coalesce(sum(h.amount_nanos), 0) FROM held_share h
         WHERE h.payee = o.payee AND h.period = p_period AND h.currency = o.currency) AS nanos
    FROM (SELECT DISTINCT payee, currency FROM owed) o
  )
  SELECT o.customer, o.currency, o.payee, o.owed_nanos, least(o.owed_nanos, e.nanos - o.before)
  FROM owed o JOIN earned e USING (payee, currency) WHERE e.nanos > o.before
$$;
--> statement-breakpoint

-- Part of release_period: in its transaction, so that nothing can be paid out between.
CREATE FUNCTION net_customers(p_period date) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  INSERT INTO netting (period, customer, currency, payee, owed_nanos, amount_nanos)
  SELECT p_period, customer, currency, payee, owed_nanos, amount_nanos FROM netting_due(p_period) ORDER BY 2, 3, 4;
  -- A slash is in no id.
  PERFORM post_transfers('netting', p_period, format('netting:%s', p_period), array_agg(format('%s/%s', payee, customer) ORDER BY n),
    array_agg(currency ORDER BY n), array_agg(format('payee:%s:payable', payee) ORDER BY n),
    array_agg(format('customer:%s:receivable', customer) ORDER BY n), array_agg(amount_nanos ORDER BY n))
  FROM (SELECT *, row_number() OVER (ORDER BY customer, currency, payee) AS n FROM netting WHERE period = p_period) x
  HAVING count(*) > 0;
END $$;
--> statement-breakpoint

-- A closed month's usage stays with the payee it was netted to: who a customer is linked to cannot change under it any more.
CREATE FUNCTION guard_closed_links() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE v_open date := (SELECT first_open_period FROM books_state);
BEGIN
  IF NEW.effective_from < v_open::timestamp AT TIME ZONE 'UTC'
    AND EXISTS (SELECT FROM customer_version v WHERE v.customer_no = NEW.customer_no AND v.payee_no IS DISTINCT FROM NEW.payee_no)
    AND EXISTS (SELECT FROM customer_term_window w JOIN usage_term t USING (term_no)
                WHERE w.customer_no = NEW.customer_no AND t.booked_period < v_open) THEN
    PERFORM refuse('effective_from_in_metered_past', jsonb_build_object(
      'subject', (SELECT id FROM customer WHERE customer_no = NEW.customer_no),
      'earliest', to_char(v_open, 'YYYY-MM-DD"T00:00:00Z"')));
  END IF;
  RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER guard_closed_links BEFORE INSERT ON customer_version FOR EACH ROW EXECUTE FUNCTION guard_closed_links();
