-- Why: a catalogue change touches many tables, and every usage batch must see all of it or nothing. So it is one
-- statement, under the catalogue-and-books lock (advisory lock 7001: shared by usage batches, exclusive here and for
-- closing), and it refuses to be applied to another catalogue than the one it was planned on.

INSERT INTO catalog_state DEFAULT VALUES;
--> statement-breakpoint
INSERT INTO books_state DEFAULT VALUES;
--> statement-breakpoint
INSERT INTO meter (name, scale, built_in) VALUES
  ('predict_seconds', 6, 1), ('input_tokens', 0, 1), ('output_tokens', 0, 1), ('images', 0, 1), ('runs', 0, 1);
--> statement-breakpoint
INSERT INTO revenue_policy (model_no, effective_from, steps) VALUES (NULL, '0001-01-01T00:00:00Z',
  '[{"take":"platform","percent":"20","of":"gross"},{"take":"shares","shares":[{"payee":"$owner","weight":1}]}]');
--> statement-breakpoint
INSERT INTO self_dealing_rule (effective_from, rule) VALUES ('0001-01-01T00:00:00Z', 'platform');
--> statement-breakpoint
ALTER TABLE self_dealing_rule ADD CHECK (rule IN ('platform', 'earner'));
--> statement-breakpoint
ALTER TABLE catalog_state ADD CHECK (singleton = 1);
--> statement-breakpoint
ALTER TABLE books_state ADD CHECK (singleton = 1 AND extract(day FROM first_open_period) = 1);
--> statement-breakpoint
ALTER TABLE customer_version ADD CHECK (effective_from < effective_until);
--> statement-breakpoint
ALTER TABLE price_version ADD CHECK (effective_from < effective_until);
--> statement-breakpoint
ALTER TABLE split_segment ADD CHECK (effective_from < effective_until);
--> statement-breakpoint

-- Refusals raised by our functions: SQLSTATE TRIBU, the message is the code, the detail is JSON for the caller.
CREATE FUNCTION refuse(code text, detail jsonb DEFAULT '{}') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'TRIBU', MESSAGE = code, DETAIL = detail::text;
END $$;
--> statement-breakpoint

CREATE FUNCTION epoch_micros(t timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN t = 'infinity' THEN 9223372036854775807
              WHEN t = '-infinity' THEN -9223372036854775808
              ELSE (extract(epoch FROM t AT TIME ZONE 'UTC') * 1000000)::bigint END
$$;
--> statement-breakpoint
-- The most that one event of a price is charged for on each built-in meter; NULL where nothing limits it.
CREATE FUNCTION caps_of_price(p_price_no int)
RETURNS TABLE (seconds bigint, input bigint, output bigint, images bigint, runs bigint) LANGUAGE sql STABLE AS $$
  SELECT max(most) FILTER (WHERE meter_no = 1), max(most) FILTER (WHERE meter_no = 2), max(most) FILTER (WHERE meter_no = 3),
    max(most) FILTER (WHERE meter_no = 4), max(most) FILTER (WHERE meter_no = 5)
  FROM price_component
  -- A limit beyond what a quantity can be, 10^15, limits nothing.
  CROSS JOIN LATERAL (SELECT least(max_per_event, 1000000000000000)::bigint) AS cap(most)
  WHERE price_no = p_price_no AND max_per_event IS NOT NULL
$$;
--> statement-breakpoint

-- least() leaves NULLs out, and a metric that is missing must not become its limit.
CREATE FUNCTION capped(quantity bigint, most bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN quantity > most THEN most ELSE quantity END
$$;
--> statement-breakpoint

-- No version may begin at or before usage that was metered under the one it replaces, or under an earlier one that said the
-- same when it was metered. p_guards: [{kind, subject, changes_from}].
CREATE FUNCTION require_unmetered(p_guards jsonb) RETURNS void LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_guard record;
BEGIN
  FOR v_guard IN
    SELECT g.subject, g.changes_from, max(x.last_occurred_at) AS last_occurred_at
    FROM jsonb_to_recordset(p_guards)
      AS g(kind text, subject text, changes_from timestamptz)
    LEFT JOIN model m ON g.kind <> 'customer' AND m.id = g.subject
    LEFT JOIN customer c ON g.kind = 'customer' AND c.id = g.subject
    JOIN metered_extents x ON x.kind = g.kind AND x.segment_from <= g.changes_from
      AND x.subject_no = coalesce(m.model_no, c.customer_no)
    GROUP BY g.subject, g.changes_from
    HAVING max(x.last_occurred_at) >= g.changes_from
    ORDER BY max(x.last_occurred_at) DESC LIMIT 1
  LOOP
    PERFORM refuse('effective_from_in_metered_past', jsonb_build_object(
      'subject', v_guard.subject,
      'earliest', to_char((v_guard.last_occurred_at + interval '1 microsecond') AT TIME ZONE 'UTC',
                          'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')));
  END LOOP;
END $$;
--> statement-breakpoint

-- change: what plan-catalog-change.ts planned. Times are RFC 3339 text, other rows are named by their ids.
CREATE FUNCTION apply_catalog_change(change jsonb) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_version bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(7001);

  SELECT version INTO v_version FROM catalog_state FOR UPDATE;
  IF v_version <> (change->>'expected_version')::bigint THEN
    PERFORM refuse('catalog_changed');
  END IF;

  PERFORM require_unmetered(change->'guards');

  -- For keep_payee_account(), drizzle/0035_payee_accounts.sql.
  PERFORM set_config('app.account_set_by', coalesce(change->>'by', ''), true),
    set_config('app.account_opened', coalesce(change->>'opened', ''), true);

  -- The time under the lock, so that a closing period knows exactly who was there before its cut.
  INSERT INTO payee (id, name, country, default_currency, minimum_payout_nanos, stripe_account, created_at)
  SELECT id, name, country, default_currency, minimum_payout_nanos, stripe_account, clock_timestamp()
  FROM jsonb_to_recordset(change->'payees') AS p(id text, name text, country text, default_currency text,
    minimum_payout_nanos numeric, stripe_account text)
  ON CONFLICT (id) DO UPDATE SET name = excluded.name, country = excluded.country,
    default_currency = excluded.default_currency, minimum_payout_nanos = excluded.minimum_payout_nanos,
    stripe_account = coalesce(excluded.stripe_account, payee.stripe_account);

  INSERT INTO payee_name (payee, name, country, given_at)
  SELECT p.id, p.name, p.country, clock_timestamp()
  FROM jsonb_to_recordset(change->'payees') AS p(id text, name text, country text)
  WHERE NOT EXISTS (
    SELECT FROM (SELECT * FROM payee_name WHERE payee = p.id ORDER BY payee_name_no DESC LIMIT 1) k
    WHERE (k.name, k.country) = (p.name, p.country));

  INSERT INTO payee_legal (payee, name, address, tax_id, given_at)
  SELECT p.id, l.name, l.address, l.tax_id, clock_timestamp()
  FROM jsonb_to_recordset(change->'payees') AS p(id text, legal jsonb)
  CROSS JOIN LATERAL jsonb_to_record(p.legal) AS l(name text, address text, tax_id text)
  WHERE jsonb_typeof(p.legal) = 'object' AND NOT EXISTS (
    SELECT FROM (SELECT * FROM payee_legal WHERE payee = p.id
      ORDER BY coalesce(corrects, payee_legal_no) DESC, payee_legal_no DESC LIMIT 1) k
    WHERE (k.name, k.address) = (l.name, l.address) AND k.tax_id IS NOT DISTINCT FROM l.tax_id);

  UPDATE payee SET stripe_account = a.stripe_account
  FROM jsonb_to_recordset(change->'accounts') AS a(payee text, stripe_account text) WHERE payee.id = a.payee;

  INSERT INTO customer (id, name)
  SELECT id, name FROM jsonb_to_recordset(change->'customers') AS c(id text, name text)
  ON CONFLICT (id) DO UPDATE SET name = excluded.name;

  INSERT INTO customer_version (customer_no, effective_from, currency, country, payee_no)
  SELECT c.customer_no, v.effective_from, v.currency, v.country, p.payee_no
  FROM jsonb_to_recordset(change->'customer_versions')
    AS v(customer text, effective_from timestamptz, currency text, country text, payee text)
  JOIN customer c ON c.id = v.customer LEFT JOIN payee p ON p.id = v.payee;

  UPDATE customer_version v SET effective_until = n.effective_until
  FROM (SELECT customer_version_no,
               lead(effective_from, 1, 'infinity') OVER (PARTITION BY customer_no ORDER BY effective_from) AS effective_until
        FROM customer_version WHERE customer_no IN (
          SELECT c.customer_no FROM jsonb_to_recordset(change->'customer_versions') AS x(customer text)
          JOIN customer c ON c.id = x.customer)) n
  WHERE n.customer_version_no = v.customer_version_no AND n.effective_until <> v.effective_until;

  INSERT INTO model (id) SELECT id FROM jsonb_to_recordset(change->'models') AS m(id text) ON CONFLICT DO NOTHING;

  INSERT INTO model_lineage (model_no, effective_from, payee_no, base_model_no)
  SELECT m.model_no, l.effective_from, p.payee_no, b.model_no
  FROM jsonb_to_recordset(change->'lineages')
    AS l(model text, effective_from timestamptz, payee text, base_model text)
  JOIN model m ON m.id = l.model JOIN payee p ON p.id = l.payee LEFT JOIN model b ON b.id = l.base_model;

  -- Only new names: ON CONFLICT would use up a number for each known one, and these numbers are small.
  INSERT INTO meter (name, scale)
  SELECT DISTINCT x.name, x.scale FROM jsonb_to_recordset(change->'meters') AS x(name text, scale smallint)
  WHERE NOT EXISTS (SELECT FROM meter m WHERE m.name = x.name);

  INSERT INTO price_version (model_no, currency, effective_from, charge_statuses)
  SELECT m.model_no, x.currency, x.effective_from, x.charge_statuses
  FROM jsonb_to_recordset(change->'prices')
    AS x(model text, currency text, effective_from timestamptz, charge_statuses text[])
  JOIN model m ON m.id = x.model;

  -- The models first: rows that were written just now have no statistics, and a plan that joins by currency and time
  -- alone takes as many steps as the square of an import.
  WITH priced AS MATERIALIZED (
    SELECT m.model_no, x.currency, x.effective_from, x.components
    FROM jsonb_to_recordset(change->'prices') AS x(model text, currency text, effective_from timestamptz, components jsonb)
    JOIN model m ON m.id = x.model)
  INSERT INTO price_component (price_no, meter_no, amount, per, unit_amount, max_per_event)
  SELECT v.price_no, t.meter_no, c.amount, c.per, c.unit_amount, c.max_per_event
  FROM priced x JOIN price_version v USING (model_no, currency, effective_from)
  CROSS JOIN jsonb_to_recordset(x.components)
    AS c(meter text, amount text, per text, unit_amount numeric, max_per_event numeric)
  JOIN meter t ON t.name = c.meter;

  UPDATE price_version v SET effective_until = n.effective_until
  FROM (SELECT price_no, lead(effective_from, 1, 'infinity')
                 OVER (PARTITION BY model_no, currency ORDER BY effective_from) AS effective_until
        FROM price_version WHERE model_no IN (
          SELECT m.model_no FROM jsonb_to_recordset(change->'prices') AS x(model text) JOIN model m ON m.id = x.model)) n
  WHERE n.price_no = v.price_no AND n.effective_until <> v.effective_until;

  INSERT INTO revenue_policy (model_no, effective_from, steps)
  SELECT m.model_no, x.effective_from, x.steps
  FROM jsonb_to_recordset(change->'policies') AS x(model text, effective_from timestamptz, steps jsonb)
  JOIN model m ON m.id = x.model;

  INSERT INTO split_plan (hash, content, cost_meter_no, cost_currency, payees)
  SELECT x.hash, x.content, t.meter_no, x.cost_currency, x.payees
  FROM jsonb_to_recordset(change->'plans')
    AS x(hash text, content jsonb, cost_meter text, cost_currency text, payees text[])
  LEFT JOIN meter t ON t.name = x.cost_meter
  ON CONFLICT (hash) DO NOTHING;

  INSERT INTO self_dealing_plan (split_plan_no, payee_no, redirected_plan_no)
  SELECT s.split_plan_no, p.payee_no, r.split_plan_no
  FROM jsonb_to_recordset(change->'redirects') AS x(plan text, payee text, redirected text)
  JOIN split_plan s ON s.hash = x.plan JOIN payee p ON p.id = x.payee JOIN split_plan r ON r.hash = x.redirected
  ON CONFLICT DO NOTHING;

  DELETE FROM split_segment WHERE model_no IN (
    SELECT m.model_no FROM jsonb_to_recordset(change->'segments') AS x(model text) JOIN model m ON m.id = x.model);
  INSERT INTO split_segment (model_no, effective_from, effective_until, split_plan_no)
  SELECT m.model_no, x.effective_from,
         lead(x.effective_from, 1, 'infinity') OVER (PARTITION BY m.model_no ORDER BY x.effective_from), s.split_plan_no
  FROM jsonb_to_recordset(change->'segments') AS x(model text, effective_from timestamptz, plan text)
  JOIN model m ON m.id = x.model JOIN split_plan s ON s.hash = x.plan;

  DELETE FROM rate_segment WHERE model_no IN (
    SELECT m.model_no FROM jsonb_to_recordset(change->'segments') AS x(model text) JOIN model m ON m.id = x.model
    UNION SELECT m.model_no FROM jsonb_to_recordset(change->'prices') AS x(model text) JOIN model m ON m.id = x.model);
  INSERT INTO rate_segment (model_no, currency, since, until, price_no, price_from, split_plan_no, segment_from,
    cost_meter_no, charge_statuses, limits_events, max_seconds, max_input, max_output, max_images, max_runs)
  SELECT v.model_no, v.currency, epoch_micros(greatest(v.effective_from, g.effective_from)),
    epoch_micros(least(v.effective_until, g.effective_until)), v.price_no, v.effective_from, g.split_plan_no,
    g.effective_from, plan.cost_meter_no, v.charge_statuses,
    num_nonnulls(cap.seconds, cap.input, cap.output, cap.images) > 0, cap.seconds, cap.input, cap.output, cap.images, cap.runs
  FROM price_version v
  JOIN split_segment g ON g.model_no = v.model_no
    AND g.effective_from < v.effective_until AND v.effective_from < g.effective_until
  JOIN split_plan plan ON plan.split_plan_no = g.split_plan_no
    AND coalesce(plan.cost_currency, v.currency) = v.currency
  CROSS JOIN LATERAL caps_of_price(v.price_no) AS cap
  WHERE v.model_no IN (
    SELECT m.model_no FROM jsonb_to_recordset(change->'segments') AS x(model text) JOIN model m ON m.id = x.model
    UNION SELECT m.model_no FROM jsonb_to_recordset(change->'prices') AS x(model text) JOIN model m ON m.id = x.model);

  UPDATE catalog_state SET version = version + 1;
  RETURN v_version + 1;
END $$;
