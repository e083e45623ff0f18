-- Why: stages after metering read events, windows and lines as rows, however they are stored.

-- A block's events with what was decided for their groups. The arrays are taken into variables first: looked into where
-- they lie, each of their elements would read the whole array from its table.
CREATE FUNCTION events_of_block(p_events text, p_terms int[], p_customers int[], p_sources int[])
RETURNS TABLE (place bigint, term_no int, customer_no int, source_no int, occurred_at bigint, id text, parent text,
  predict_seconds bigint, input_tokens bigint, output_tokens bigint, images bigint)
LANGUAGE plpgsql IMMUTABLE ROWS 10000 AS $$
DECLARE
  v_terms int[] := p_terms;
  v_customers int[] := p_customers;
BEGIN
  RETURN QUERY SELECT e.place, v_terms[e.grp], v_customers[e.grp], p_sources[e.source], e.occurred_at, e.id, e.parent,
    e.predict_seconds, e.input_tokens, e.output_tokens, e.images
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
  e.predict_seconds, e.input_tokens, e.output_tokens, e.images
FROM usage_block b
CROSS JOIN LATERAL events_of_block(b.events, b.group_term_no, b.group_customer_no, b.source_nos) e
JOIN usage_term t ON t.term_no = e.term_no;
--> statement-breakpoint

-- One event of a block; only its thousand is unpacked. quantities: what it was reported to have used, by meter.
CREATE FUNCTION usage_event_at(p_block_no bigint, p_place int)
RETURNS TABLE (id text, parent text, source_no int, occurred_at timestamptz, customer_no int, term_no int, quantities jsonb)
LANGUAGE sql STABLE AS $$
  SELECT e.id, e.parent, b.source_nos[e.source], from_epoch_micros(e.occurred_at), b.group_customer_no[e.grp],
    b.group_term_no[e.grp], jsonb_strip_nulls(jsonb_build_object('runs', 1, 'predict_seconds', e.predict_seconds,
      'input_tokens', e.input_tokens, 'output_tokens', e.output_tokens, 'images', e.images))
    || coalesce((SELECT jsonb_object_agg(o.meter, o.quantity) FROM unpack_other_meters(line.events) o
                 WHERE o.place = p_place), '{}')
  FROM usage_block b
  CROSS JOIN LATERAL (SELECT split_part(b.events, E'\n', (p_place - 1) / 1000 + 1) AS events OFFSET 0) AS line
  CROSS JOIN LATERAL unpack_events(line.events) e
  WHERE b.block_no = p_block_no AND e.place = (p_place - 1) % 1000 + 1
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

-- A line: charged usage of one model under one split plan, booked in one period, used in one month, in one currency.
-- gross is exact, in major units: SQL multiplies by exact decimals and never divides.
CREATE VIEW usage_line AS
SELECT w.booked_period, date_trunc('month', w.service_day)::date AS service_month, w.model_no, w.split_plan_no, p.currency,
  sum(w.quantity * coalesce(c.unit_amount, 0)) AS gross,
  coalesce(sum(w.quantity) FILTER (WHERE w.meter_no = s.cost_meter_no), 0) AS cost_quantity,
  coalesce(sum(w.events) FILTER (WHERE m.name = 'runs'), 0) AS events
FROM usage_window w
JOIN price_version p USING (price_no)
JOIN split_plan s USING (split_plan_no)
JOIN meter m USING (meter_no)
LEFT JOIN price_component c ON c.price_no = w.price_no AND c.meter_no = w.meter_no
GROUP BY 1, 2, 3, 4, 5;
