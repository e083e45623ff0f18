-- Why: accrual posts differences between the cumulative split of a line and what was posted of it. Both stand in the
-- same statement as the entry, so a repeated or concurrent accrual can only ever post what is still missing.

-- p_lines: [{service_month, model_no, model, split_plan_no, currency, gross, cost_quantity, events, receivable,
-- parts: [{account, reason, paid_by, amount}]}], cumulative, amounts in nanos.
CREATE FUNCTION post_accrual(p_period date, p_lines jsonb) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_group record;
  v_entries bigint := 0;
BEGIN
  -- One accrual at a time (advisory lock 7002): the difference is taken against what the last one left.
  PERFORM pg_advisory_xact_lock(7002);
  IF EXISTS (SELECT FROM settlement WHERE period = p_period AND state <> 'closing') THEN
    PERFORM refuse('period_closed');
  END IF;

  FOR v_group IN
    WITH line AS MATERIALIZED (
      SELECT * FROM jsonb_to_recordset(p_lines) AS l(service_month date, model_no int, model text, split_plan_no int,
        currency text, receivable numeric, parts jsonb)
    ), target AS (
      SELECT l.service_month, l.model_no, l.split_plan_no, l.currency, p.account, p.reason, p.paid_by, p.amount
      FROM line l CROSS JOIN jsonb_to_recordset(l.parts) AS p(account text, reason text, paid_by text, amount numeric)
    ), posted AS (
      SELECT a.service_month, a.model_no, a.split_plan_no, a.currency, a.account, a.reason, a.paid_by, a.amount_nanos
      FROM accrual_part a JOIN line l USING (service_month, model_no, split_plan_no, currency)
      WHERE a.booked_period = p_period
    ), difference AS (
      -- Parts are credits. A part that is gone from the target is taken back whole.
      SELECT model_no, currency, account, posted.amount_nanos AS before, target.amount AS after
      FROM target FULL JOIN posted USING (service_month, model_no, split_plan_no, currency, account, reason, paid_by)
    ), movement AS (
      SELECT model_no, currency, account, coalesce(before, 0) - coalesce(after, 0) AS amount FROM difference
      UNION ALL
      SELECT l.model_no, l.currency, 'platform:unbilled', l.receivable - coalesce(a.receivable_nanos, 0)
      FROM line l LEFT JOIN accrual_line a ON a.booked_period = p_period AND a.service_month = l.service_month
        AND a.model_no = l.model_no AND a.split_plan_no = l.split_plan_no AND a.currency = l.currency
    ), balanced AS (
      SELECT * FROM movement
      UNION ALL
      SELECT model_no, currency, 'platform:rounding', -sum(amount) FROM movement GROUP BY model_no, currency
    )
    SELECT b.model_no, b.currency, min(l.model) AS model,
      array_agg(b.account) AS accounts, array_agg(b.amount) AS amounts
    FROM balanced b JOIN (SELECT DISTINCT model_no, model FROM line) l USING (model_no)
    GROUP BY b.model_no, b.currency ORDER BY b.model_no, b.currency
  LOOP
    IF post_entry('accrual:' || p_period || ':' || v_group.model || ':' || v_group.currency || ':' || gen_random_uuid(),
         'accrual', v_group.currency, p_period, jsonb_build_object('model', v_group.model),
         v_group.accounts, v_group.amounts) IS NOT NULL THEN
      v_entries := v_entries + 1;
    END IF;
  END LOOP;

  INSERT INTO accrual_line (booked_period, service_month, model_no, split_plan_no, currency, gross, cost_quantity,
    events, receivable_nanos)
  SELECT p_period, service_month, model_no, split_plan_no, currency, gross, cost_quantity, events, receivable
  FROM jsonb_to_recordset(p_lines) AS l(service_month date, model_no int, split_plan_no int, currency text,
    gross numeric, cost_quantity numeric, events bigint, receivable numeric)
  ON CONFLICT (booked_period, service_month, model_no, split_plan_no, currency)
  DO UPDATE SET gross = excluded.gross, cost_quantity = excluded.cost_quantity, events = excluded.events,
    receivable_nanos = excluded.receivable_nanos;

  DELETE FROM accrual_part a USING jsonb_to_recordset(p_lines)
    AS l(service_month date, model_no int, split_plan_no int, currency text)
  WHERE a.booked_period = p_period AND a.service_month = l.service_month AND a.model_no = l.model_no
    AND a.split_plan_no = l.split_plan_no AND a.currency = l.currency;
  INSERT INTO accrual_part (booked_period, service_month, model_no, split_plan_no, currency, account, reason, paid_by,
    amount_nanos)
  SELECT p_period, l.service_month, l.model_no, l.split_plan_no, l.currency, p.account, p.reason, p.paid_by, p.amount
  FROM jsonb_to_recordset(p_lines)
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
