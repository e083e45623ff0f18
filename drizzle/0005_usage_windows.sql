-- Why: stages after metering read events, windows and lines as rows, however they are stored.

-- A block's events with what was decided for their groups. The arrays are taken into variables first: looked into where
-- they lie, each of their elements would read the whole array from its table.
CREATE FUNCTION events_of_block(p_events text, p_terms int[], p_customers int[], p_sources int[], p_hardware text[], p_group_hardware int[])
RETURNS TABLE (place bigint, term_no int, customer_no int, source_no int, occurred_at bigint, id text, parent text,
  predict_seconds bigint, input_tokens bigint, output_tokens bigint, images bigint, hardware text)
LANGUAGE plpgsql IMMUTABLE ROWS 10000 AS $$
DECLARE
  v_terms int[] := p_terms;
  v_customers int[] := p_customers;
  v_hardware int[] := p_group_hardware;
BEGIN
  RETURN QUERY SELECT e.place, v_terms[e.grp], v_customers[e.grp], p_sources[e.source], e.occurred_at, e.id, e.parent,
    e.predict_seconds, e.input_tokens, e.output_tokens, e.images, p_hardware[v_hardware[e.grp]]
  FROM unpack_events(p_events) e;
END $$;
--> statement-breakpoint

CREATE FUNCTION other_meters_of_block(p_events text, p_terms int[], p_customers int[], p_first bigint[])
RETURNS TABLE (place bigint, term_no int, customer_no int, first_occurred_at bigint, meter text, quantity bigint)
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  v_terms int[] := p_terms;
  v_customers int[] := p_customers;
  v_first bigint[] := p_first;
BEGIN
  RETURN QUERY SELECT o.place, v_terms[o.grp], v_customers[o.grp], v_first[o.grp], o.meter, o.quantity
  FROM unpack_other_meters(p_events) o;
END $$;
--> statement-breakpoint

-- One metered event a row, with everything that was decided about it.
CREATE VIEW usage_event AS
SELECT b.block_no, e.place, (b.block_no << 20) + e.place AS event_no, b.shard, e.id, e.source_no,
  from_epoch_micros(e.occurred_at) AS occurred_at, e.customer_no, e.parent, t.*,
  e.predict_seconds, e.input_tokens, e.output_tokens, e.images, e.hardware
FROM usage_block b
CROSS JOIN LATERAL events_of_block(b.events, b.group_term_no, b.group_customer_no, b.source_nos, b.hardware, b.group_hardware) e
JOIN usage_term t ON t.term_no = e.term_no;
--> statement-breakpoint

-- Events by their numbers; only their thousand of a block is parsed, and once, and nothing but these events taken out of it.
-- quantities: what it was reported to have used, by meter.
CREATE FUNCTION usage_events_at(p_event_nos bigint[])
RETURNS TABLE (event_no bigint, id text, parent text, source_no int, occurred_at timestamptz, customer_no int, term_no int,
  quantities jsonb, hardware text) LANGUAGE sql STABLE AS $$
  WITH wanted AS MATERIALIZED (
    SELECT w.event_no, w.event_no >> 20 AS block_no, (w.event_no & 1048575)::int - 1 AS at FROM unnest(p_event_nos) AS w(event_no)
  ), line AS MATERIALIZED (
    SELECT l.block_no, l.n, nullif(split_part(b.events, E'\n', l.n + 1), '')::jsonb AS j, b.source_nos, b.group_customer_no, b.group_term_no,
      b.hardware, b.group_hardware
    FROM (SELECT DISTINCT block_no, at / 1000 AS n FROM wanted) l JOIN usage_block b USING (block_no)
  ), event AS MATERIALIZED (
    SELECT w.event_no, w.block_no, l.n, w.at, (l.j #>> ARRAY['g', c.at])::int AS grp, l.j #>> ARRAY['e', c.at] AS id,
      l.j #>> ARRAY['p', c.at] AS parent, (l.j #>> ARRAY['s', c.at])::int AS source, (l.j #>> ARRAY['t', c.at])::bigint AS occurred_at,
      jsonb_strip_nulls(jsonb_build_object('runs', 1, 'predict_seconds', (l.j #>> ARRAY['ps', c.at])::bigint,
        'input_tokens', (l.j #>> ARRAY['it', c.at])::bigint, 'output_tokens', (l.j #>> ARRAY['ot', c.at])::bigint,
        'images', (l.j #>> ARRAY['im', c.at])::bigint)) AS quantities
    FROM wanted w JOIN line l ON l.block_no = w.block_no AND l.n = w.at / 1000
    CROSS JOIN LATERAL (SELECT (w.at % 1000)::text AS at) AS c
  )
  SELECT e.event_no, e.id, e.parent, l.source_nos[e.source], from_epoch_micros(e.occurred_at), l.group_customer_no[e.grp],
    l.group_term_no[e.grp], e.quantities || coalesce((SELECT jsonb_object_agg(o->>2, (o->>3)::bigint)
      FROM jsonb_array_elements(l.j->'o') AS o WHERE (o->>0)::bigint = e.at + 1), '{}'),
    l.hardware[l.group_hardware[e.grp]]
  FROM event e JOIN line l USING (block_no, n) WHERE e.id IS NOT NULL
$$;
--> statement-breakpoint

-- What events were reported to have used, one meter a row (occurred_at may be another moment of the same day): the built-in ones, and those that the price or cost step names.
CREATE VIEW usage_event_meter AS
SELECT e.block_no, e.place, e.shard, e.occurred_at, e.customer_no, e.term_no, m.meter_no, q.quantity
FROM usage_event e
CROSS JOIN LATERAL (VALUES ('runs', 1::bigint), ('predict_seconds', e.predict_seconds), ('input_tokens', e.input_tokens),
  ('output_tokens', e.output_tokens), ('images', e.images)) AS q(name, quantity)
JOIN meter m USING (name) WHERE q.quantity IS NOT NULL
UNION ALL
SELECT b.block_no, o.place, b.shard, from_epoch_micros(o.first_occurred_at), o.customer_no, t.term_no, m.meter_no, o.quantity
FROM usage_block b
CROSS JOIN LATERAL other_meters_of_block(b.events, b.group_term_no, b.group_customer_no, b.group_first) o
JOIN usage_term t ON t.term_no = o.term_no
JOIN meter m ON m.name = o.meter AND m.built_in = 0
JOIN split_plan p ON p.split_plan_no = t.split_plan_no
LEFT JOIN price_component c ON c.price_no = t.price_no AND c.meter_no = m.meter_no
WHERE m.meter_no = p.cost_meter_no OR c.meter_no IS NOT NULL;
--> statement-breakpoint

-- Charged usage, summed: what earnings are made of.
CREATE VIEW usage_window AS
SELECT t.booked_period, w.service_day, t.model_no, t.model_version_no, t.country, m.meter_no, t.price_no, t.split_plan_no,
  w.shard, q.quantity, q.events
FROM usage_term t JOIN term_window w USING (term_no)
CROSS JOIN LATERAL (VALUES ('runs', w.runs, w.events), ('predict_seconds', w.predict_seconds, w.predict_seconds_events),
  ('input_tokens', w.input_tokens, w.input_tokens_events), ('output_tokens', w.output_tokens, w.output_tokens_events),
  ('images', w.images, w.images_events)) AS q(name, quantity, events)
JOIN meter m USING (name) WHERE t.charged = 1 AND q.events > 0
UNION ALL
SELECT t.booked_period, w.service_day, t.model_no, t.model_version_no, t.country, w.meter_no, t.price_no, t.split_plan_no,
  w.shard, w.quantity, w.events
FROM usage_term t JOIN term_window_meter w USING (term_no) WHERE t.charged = 1;
--> statement-breakpoint

-- Events whose status the price does not charge: counted, never charged.
CREATE VIEW uncharged_window AS
SELECT t.booked_period, w.service_day, t.model_no, t.model_version_no, t.status, w.shard, w.events
FROM usage_term t JOIN term_window w USING (term_no) WHERE t.charged = 0;
--> statement-breakpoint

-- Charged usage in money, by term and day: gross is exact, in major units (SQL multiplies by exact decimals and never
-- divides), with the quantity that a cost step counts. Partitions are summed before anything is multiplied.
CREATE VIEW priced_usage AS
SELECT t.booked_period, w.service_day, t.model_no, t.model_version_no, t.country, t.split_plan_no, p.currency,
  w.runs * p.runs + w.predict_seconds * p.predict_seconds + w.input_tokens * p.input_tokens
    + w.output_tokens * p.output_tokens + w.images * p.images AS gross,
  CASE m.name WHEN 'runs' THEN w.runs WHEN 'predict_seconds' THEN w.predict_seconds WHEN 'input_tokens' THEN w.input_tokens
    WHEN 'output_tokens' THEN w.output_tokens WHEN 'images' THEN w.images ELSE 0 END AS cost_quantity,
  w.events
FROM usage_term t
JOIN split_plan s USING (split_plan_no)
LEFT JOIN meter m ON m.meter_no = s.cost_meter_no
CROSS JOIN LATERAL (
  SELECT min(v.currency) AS currency, coalesce(sum(c.unit_amount) FILTER (WHERE x.name = 'runs'), 0) AS runs,
    coalesce(sum(c.unit_amount) FILTER (WHERE x.name = 'predict_seconds'), 0) AS predict_seconds,
    coalesce(sum(c.unit_amount) FILTER (WHERE x.name = 'input_tokens'), 0) AS input_tokens,
    coalesce(sum(c.unit_amount) FILTER (WHERE x.name = 'output_tokens'), 0) AS output_tokens,
    coalesce(sum(c.unit_amount) FILTER (WHERE x.name = 'images'), 0) AS images
  FROM price_version v LEFT JOIN price_component c USING (price_no) LEFT JOIN meter x USING (meter_no)
  WHERE v.price_no = t.price_no) p
CROSS JOIN LATERAL (
  SELECT service_day, sum(events) AS events, sum(runs) AS runs, sum(predict_seconds) AS predict_seconds,
    sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens, sum(images) AS images
  FROM term_window WHERE term_no = t.term_no GROUP BY service_day) w
WHERE t.charged = 1
UNION ALL
SELECT t.booked_period, w.service_day, t.model_no, t.model_version_no, t.country, t.split_plan_no, p.currency,
  w.quantity * coalesce(c.unit_amount, 0), CASE WHEN w.meter_no = s.cost_meter_no THEN w.quantity ELSE 0 END, 0
FROM usage_term t JOIN term_window_meter w USING (term_no)
JOIN split_plan s USING (split_plan_no)
JOIN price_version p USING (price_no)
LEFT JOIN price_component c ON c.price_no = t.price_no AND c.meter_no = w.meter_no
WHERE t.charged = 1;
--> statement-breakpoint

-- A line: charged usage of one model under one split plan, booked in one period, used in one month, in one currency.
-- Windows are summed before they are priced: exact either way, and multiplying is what costs.
CREATE VIEW usage_line AS
SELECT booked_period, service_month, model_no, split_plan_no, currency,
  sum(gross) AS gross, sum(cost_quantity) AS cost_quantity, sum(events) AS events
FROM (
  SELECT t.booked_period, w.service_month, t.model_no, t.split_plan_no, p.currency,
    w.runs * p.runs + w.predict_seconds * p.predict_seconds + w.input_tokens * p.input_tokens
      + w.output_tokens * p.output_tokens + w.images * p.images AS gross,
    CASE m.name WHEN 'runs' THEN w.runs WHEN 'predict_seconds' THEN w.predict_seconds WHEN 'input_tokens' THEN w.input_tokens
      WHEN 'output_tokens' THEN w.output_tokens WHEN 'images' THEN w.images ELSE 0 END AS cost_quantity,
    w.events
  FROM usage_term t
  JOIN split_plan s USING (split_plan_no)
  LEFT JOIN meter m ON m.meter_no = s.cost_meter_no
  CROSS JOIN LATERAL (
    SELECT date_trunc('month', d.service_day::timestamp)::date AS service_month, sum(d.events) AS events, sum(d.runs) AS runs,
      sum(d.predict_seconds) AS predict_seconds, sum(d.input_tokens) AS input_tokens,
      sum(d.output_tokens) AS output_tokens, sum(d.images) AS images
    FROM term_window d WHERE d.term_no = t.term_no GROUP BY 1) w
  CROSS JOIN LATERAL (
    SELECT min(v.currency) AS currency, coalesce(sum(c.unit_amount) FILTER (WHERE x.name = 'runs'), 0) AS runs,
      coalesce(sum(c.unit_amount) FILTER (WHERE x.name = 'predict_seconds'), 0) AS predict_seconds,
      coalesce(sum(c.unit_amount) FILTER (WHERE x.name = 'input_tokens'), 0) AS input_tokens,
      coalesce(sum(c.unit_amount) FILTER (WHERE x.name = 'output_tokens'), 0) AS output_tokens,
      coalesce(sum(c.unit_amount) FILTER (WHERE x.name = 'images'), 0) AS images
    FROM price_version v LEFT JOIN price_component c USING (price_no) LEFT JOIN meter x USING (meter_no)
    WHERE v.price_no = t.price_no) p
  WHERE t.charged = 1
  UNION ALL
  SELECT t.booked_period, date_trunc('month', w.service_day::timestamp)::date, t.model_no, t.split_plan_no, p.currency,
    w.quantity * coalesce(c.unit_amount, 0), CASE WHEN w.meter_no = s.cost_meter_no THEN w.quantity ELSE 0 END, 0
  FROM usage_term t JOIN term_window_meter w USING (term_no)
  JOIN split_plan s USING (split_plan_no)
  JOIN price_version p USING (price_no)
  LEFT JOIN price_component c ON c.price_no = t.price_no AND c.meter_no = w.meter_no
  WHERE t.charged = 1) u
GROUP BY 1, 2, 3, 4, 5;
--> statement-breakpoint

-- Partitions write windows of their own, so that they never wait for each other. Days that are over are merged into one
-- window each, at most p_rows windows in a call: who reads them later reads as many rows as there are partitions less.
-- A window that is being written just now is passed over; what comes later begins a new one. Answers how many were merged.
CREATE FUNCTION merge_windows(p_before date, p_rows int) RETURNS int LANGUAGE plpgsql VOLATILE AS $$
DECLARE v_rows int;
BEGIN
  PERFORM pg_advisory_xact_lock(7004);
  WITH chosen AS MATERIALIZED (
    SELECT term_no, service_day, shard FROM term_window WHERE shard >= 0 AND service_day < p_before
    LIMIT p_rows FOR UPDATE SKIP LOCKED
  ), taken AS (
    DELETE FROM term_window w USING chosen c
    WHERE w.term_no = c.term_no AND w.service_day = c.service_day AND w.shard = c.shard RETURNING w.*
  ), merged AS (
    INSERT INTO term_window AS w (term_no, service_day, shard, events, runs, predict_seconds, predict_seconds_events,
      input_tokens, input_tokens_events, output_tokens, output_tokens_events, images, images_events)
    SELECT term_no, service_day, -1, sum(events), sum(runs), sum(predict_seconds), sum(predict_seconds_events),
      sum(input_tokens), sum(input_tokens_events), sum(output_tokens), sum(output_tokens_events), sum(images), sum(images_events)
    FROM taken GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (term_no, service_day, shard) DO UPDATE SET
      events = w.events + excluded.events, runs = w.runs + excluded.runs,
      predict_seconds = w.predict_seconds + excluded.predict_seconds,
      predict_seconds_events = w.predict_seconds_events + excluded.predict_seconds_events,
      input_tokens = w.input_tokens + excluded.input_tokens,
      input_tokens_events = w.input_tokens_events + excluded.input_tokens_events,
      output_tokens = w.output_tokens + excluded.output_tokens,
      output_tokens_events = w.output_tokens_events + excluded.output_tokens_events,
      images = w.images + excluded.images, images_events = w.images_events + excluded.images_events
  )
  SELECT count(*) INTO v_rows FROM taken;
  RETURN v_rows;
END $$;
