-- Why: accrual posts differences between the cumulative split of a line and what was posted of it. Both stand in the
-- same statement as the entry, so a repeated or concurrent accrual can only ever post what is still missing.

-- p_lines: [{service_month, model_no, model, split_plan_no, currency, gross, cost_quantity, events, receivable,
-- parts: [{account, reason, paid_by, amount}]}], cumulative, amounts in nanos. Answers how many entries it wrote.
-- What earlier accruals left is looked up line by line (OFFSET 0 keeps it so), whatever the planner believes: these tables
-- grow while a month closes, and with the months.
CREATE FUNCTION post_accrual(p_period date, p_lines jsonb) RETURNS bigint LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off SET jit = off AS $$
DECLARE
  v_lines jsonb;
  v_entries bigint;
BEGIN
  -- One accrual at a time (advisory lock 7002): the difference is taken against what the last one left.
  PERFORM pg_advisory_xact_lock(7002);
  IF EXISTS (SELECT FROM settlement WHERE period = p_period AND state <> 'closing') THEN
    PERFORM refuse('period_closed');
  END IF;

  -- Each event raises its line's count, so figures with fewer than the books know are older ones: they are passed over.
  SELECT jsonb_agg(l.line) INTO v_lines
  FROM (SELECT line, x.* FROM jsonb_array_elements(p_lines) AS line CROSS JOIN LATERAL jsonb_to_record(line)
          AS x(service_month date, model_no int, split_plan_no int, currency text, events bigint)) l
  LEFT JOIN LATERAL (
    SELECT a.events FROM accrual_line a WHERE a.booked_period = p_period AND a.service_month = l.service_month
      AND a.model_no = l.model_no AND a.split_plan_no = l.split_plan_no AND a.currency = l.currency OFFSET 0) a ON true
  WHERE a.events IS NULL OR a.events <= l.events;
  IF v_lines IS NULL THEN RETURN 0; END IF;

  WITH line AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(v_lines) AS l(service_month date, model_no int, model text, split_plan_no int,
      currency text, receivable numeric, parts jsonb)
  ), movement AS (
    -- Parts are credits: those to be, against those that were posted. One that is gone is taken back whole.
    SELECT l.model_no, l.model, l.currency, p.account, -p.amount AS amount
    FROM line l CROSS JOIN LATERAL jsonb_to_recordset(l.parts) AS p(account text, amount numeric)
    UNION ALL
    SELECT l.model_no, l.model, l.currency, a.account, a.amount_nanos
    FROM line l CROSS JOIN LATERAL (
      SELECT a.account, a.amount_nanos FROM accrual_part a WHERE a.booked_period = p_period
        AND a.service_month = l.service_month AND a.model_no = l.model_no AND a.split_plan_no = l.split_plan_no
        AND a.currency = l.currency OFFSET 0) a
    UNION ALL
    SELECT l.model_no, l.model, l.currency, 'platform:unbilled', l.receivable - coalesce(a.receivable_nanos, 0)
    FROM line l LEFT JOIN LATERAL (
      SELECT a.receivable_nanos FROM accrual_line a WHERE a.booked_period = p_period AND a.service_month = l.service_month
        AND a.model_no = l.model_no AND a.split_plan_no = l.split_plan_no AND a.currency = l.currency OFFSET 0) a ON true
  ), balanced AS (
    SELECT * FROM movement
    UNION ALL
    SELECT model_no, model, currency, 'platform:rounding', -sum(amount) FROM movement GROUP BY 1, 2, 3
  ), numbered AS MATERIALIZED (
    SELECT dense_rank() OVER (ORDER BY model_no, currency)::int AS n, model, currency, account, amount FROM balanced
  ), entry AS (
    SELECT array_agg(format('accrual:%s:%s:%s:%s', p_period, model, currency, gen_random_uuid()) ORDER BY n) AS keys,
      array_agg(currency ORDER BY n) AS currencies, array_agg(jsonb_build_object('model', model) ORDER BY n) AS details
    FROM (SELECT DISTINCT n, model, currency FROM numbered) x
  ), amount AS (
    SELECT array_agg(n) AS entries, array_agg(account) AS accounts, array_agg(amount) AS amounts FROM numbered
  )
  SELECT count(w.*) INTO v_entries FROM entry CROSS JOIN amount CROSS JOIN LATERAL post_entries('accrual', p_period,
    entry.keys, entry.currencies, entry.details, amount.entries, amount.accounts, amount.amounts) AS w;

  INSERT INTO accrual_line (booked_period, service_month, model_no, split_plan_no, currency, gross, cost_quantity,
    events, receivable_nanos)
  SELECT p_period, service_month, model_no, split_plan_no, currency, gross, cost_quantity, events, receivable
  FROM jsonb_to_recordset(v_lines) AS l(service_month date, model_no int, split_plan_no int, currency text,
    gross numeric, cost_quantity numeric, events bigint, receivable numeric)
  ON CONFLICT (booked_period, service_month, model_no, split_plan_no, currency)
  DO UPDATE SET gross = excluded.gross, cost_quantity = excluded.cost_quantity, events = excluded.events,
    receivable_nanos = excluded.receivable_nanos;

  DELETE FROM accrual_part WHERE ctid = ANY (ARRAY(
    SELECT a.ctid
    FROM jsonb_to_recordset(v_lines) AS l(service_month date, model_no int, split_plan_no int, currency text)
    CROSS JOIN LATERAL (
      SELECT a.ctid FROM accrual_part a WHERE a.booked_period = p_period AND a.service_month = l.service_month
        AND a.model_no = l.model_no AND a.split_plan_no = l.split_plan_no AND a.currency = l.currency OFFSET 0) a));
  INSERT INTO accrual_part (booked_period, service_month, model_no, split_plan_no, currency, account, reason, paid_by,
    amount_nanos)
  SELECT p_period, l.service_month, l.model_no, l.split_plan_no, l.currency, p.account, p.reason, p.paid_by, p.amount
  FROM jsonb_to_recordset(v_lines)
    AS l(service_month date, model_no int, split_plan_no int, currency text, parts jsonb)
  CROSS JOIN jsonb_to_recordset(l.parts) AS p(account text, reason text, paid_by text, amount numeric);
  RETURN v_entries;
END $$;
--> statement-breakpoint

-- Lines whose windows have moved since they were accrued.
CREATE VIEW line_to_accrue AS
SELECT u.*, m.id AS model, p.content AS plan
FROM usage_line u
JOIN model m USING (model_no)
JOIN split_plan p USING (split_plan_no)
LEFT JOIN accrual_line a USING (booked_period, service_month, model_no, split_plan_no, currency)
WHERE a.model_no IS NULL OR a.gross <> u.gross OR a.cost_quantity <> u.cost_quantity OR a.events <> u.events;
--> statement-breakpoint

-- Blocks after p_after that no accrual has seen, the oldest first, at most p_limit of them, and the models that their
-- events moved: moved is [{period, models: [model_no]}], open periods only. What an accrual reads after this has all of it.
CREATE FUNCTION usage_to_accrue(p_after bigint, p_limit int, OUT blocks bigint[], OUT moved jsonb)
LANGUAGE plpgsql STABLE SET jit = off AS $$
BEGIN
  SELECT array_agg(b.block_no ORDER BY b.block_no) INTO blocks FROM (
    SELECT block_no FROM usage_block WHERE accrued = 0 AND block_no > p_after ORDER BY block_no LIMIT p_limit) b;
  SELECT coalesce(jsonb_agg(jsonb_build_object('period', x.booked_period, 'models', x.models)), '[]') INTO moved FROM (
    SELECT t.booked_period, array_agg(DISTINCT t.model_no ORDER BY t.model_no) AS models
    FROM (SELECT DISTINCT u.term_no FROM usage_block b CROSS JOIN LATERAL unnest(b.group_term_no) AS u(term_no)
          WHERE b.block_no = ANY (blocks)) g
    JOIN usage_term t USING (term_no)
    WHERE t.charged = 1 AND t.booked_period >= (SELECT first_open_period FROM books_state) GROUP BY 1) x;
END $$;
--> statement-breakpoint

-- To be called when what these blocks moved is posted. One that another transaction holds is left for the next time.
CREATE FUNCTION mark_accrued(p_blocks bigint[]) RETURNS void LANGUAGE sql VOLATILE AS $$
  UPDATE usage_block SET accrued = 1 WHERE block_no IN (
    SELECT block_no FROM usage_block WHERE block_no = ANY (p_blocks) AND accrued = 0 ORDER BY block_no FOR UPDATE SKIP LOCKED)
$$;
--> statement-breakpoint

-- What each customer owes for a period, exact, in major units: the customers' side of the same usage.
CREATE VIEW customer_gross AS
SELECT booked_period, customer_no, currency, sum(gross) AS gross FROM (
  SELECT t.booked_period, w.customer_no, p.currency,
    w.runs * p.runs + w.predict_seconds * p.predict_seconds + w.input_tokens * p.input_tokens
      + w.output_tokens * p.output_tokens + w.images * p.images AS gross
  FROM usage_term t JOIN customer_term_window w USING (term_no)
  JOIN (
    SELECT v.price_no, v.currency, coalesce(sum(c.unit_amount) FILTER (WHERE m.name = 'runs'), 0) AS runs,
      coalesce(sum(c.unit_amount) FILTER (WHERE m.name = 'predict_seconds'), 0) AS predict_seconds,
      coalesce(sum(c.unit_amount) FILTER (WHERE m.name = 'input_tokens'), 0) AS input_tokens,
      coalesce(sum(c.unit_amount) FILTER (WHERE m.name = 'output_tokens'), 0) AS output_tokens,
      coalesce(sum(c.unit_amount) FILTER (WHERE m.name = 'images'), 0) AS images
    FROM price_version v LEFT JOIN price_component c USING (price_no) LEFT JOIN meter m USING (meter_no) GROUP BY 1, 2
  ) p USING (price_no)
  UNION ALL
  SELECT t.booked_period, w.customer_no, v.currency, w.quantity * c.unit_amount
  FROM usage_term t JOIN customer_term_window_meter w USING (term_no) JOIN price_version v USING (price_no)
  JOIN price_component c ON c.price_no = t.price_no AND c.meter_no = w.meter_no
) x GROUP BY 1, 2, 3;
