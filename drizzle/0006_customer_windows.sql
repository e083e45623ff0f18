-- Why: what customers owe is summed apart from what creators earn, from the same events.

-- The same charged usage by customer: what invoices are made of. It is folded from the blocks some time after them, and
-- before a period is released: a row per customer and model would cost as much as the event itself.
CREATE VIEW customer_window AS
SELECT t.booked_period, w.service_month, w.customer_no, t.model_no, m.meter_no, t.price_no, t.split_plan_no,
  sum(q.quantity) AS quantity, sum(q.events) AS events
FROM usage_term t JOIN customer_term_window w USING (term_no)
CROSS JOIN LATERAL (VALUES ('runs', w.runs, w.events), ('predict_seconds', w.predict_seconds, w.predict_seconds_events),
  ('input_tokens', w.input_tokens, w.input_tokens_events), ('output_tokens', w.output_tokens, w.output_tokens_events),
  ('images', w.images, w.images_events)) AS q(name, quantity, events)
JOIN meter m USING (name) WHERE q.events > 0
GROUP BY 1, 2, 3, 4, 5, 6, 7
UNION ALL
SELECT t.booked_period, w.service_month, w.customer_no, t.model_no, w.meter_no, t.price_no, t.split_plan_no,
  sum(w.quantity), sum(w.events)
FROM usage_term t JOIN customer_term_window_meter w USING (term_no) GROUP BY 1, 2, 3, 4, 5, 6, 7;
--> statement-breakpoint

-- The first day of its month, in UTC.
CREATE FUNCTION month_of_micros(micros bigint) RETURNS date LANGUAGE sql IMMUTABLE AS $$
  SELECT date_trunc('month', (date '1970-01-01' + (micros / 86400000000)::int)::timestamp)::date
$$;
--> statement-breakpoint

-- Adds blocks that are not yet in the customers' windows, the oldest first, at most p_blocks of them, only those of
-- periods up to p_until when it is given; answers how many. One fold at a time.
CREATE FUNCTION fold_customer_windows(p_blocks int, p_until date) RETURNS int LANGUAGE plpgsql VOLATILE
SET work_mem = '128MB' SET jit = off SET enable_nestloop = off AS $$
DECLARE
  v_blocks bigint[];
  v_first_period date;
BEGIN
  PERFORM pg_advisory_xact_lock(7004);
  SELECT array_agg(block_no), min(first_period) INTO v_blocks, v_first_period FROM (
    SELECT block_no, first_period FROM usage_block WHERE folded = 0 AND (p_until IS NULL OR first_period <= p_until)
    ORDER BY block_no LIMIT p_blocks) x;
  IF v_blocks IS NULL THEN RETURN 0; END IF;

  -- All terms that a group may have are read: looking for those that are there would go through all groups once more.
  WITH term AS MATERIALIZED (
    SELECT term_no, price_no FROM usage_term WHERE charged = 1 AND booked_period >= v_first_period
  ), caps AS MATERIALIZED (
    SELECT p.price_no, c.* FROM (SELECT DISTINCT price_no FROM term) p CROSS JOIN LATERAL caps_of_price(p.price_no) c
  ), charged AS MATERIALIZED (
    SELECT t.term_no, c.* FROM term t JOIN caps c USING (price_no)
  ), event_group AS NOT MATERIALIZED (
    -- Not functions in FROM, which are kept as rows first.
    SELECT g.customer_no, g.term_no, month_of_micros(g.first) AS service_month, g.events,
      g.events * least(c.runs, 1) AS runs,
      capped(g.seconds, c.seconds) AS seconds, coalesce(g.seconds_events, CASE WHEN g.seconds IS NOT NULL THEN g.events END) AS seconds_events,
      capped(g.input, c.input) AS input, coalesce(g.input_events, CASE WHEN g.input IS NOT NULL THEN g.events END) AS input_events,
      capped(g.output, c.output) AS output, coalesce(g.output_events, CASE WHEN g.output IS NOT NULL THEN g.events END) AS output_events,
      capped(g.images, c.images) AS images, coalesce(g.images_events, CASE WHEN g.images IS NOT NULL THEN g.events END) AS images_events
    FROM (SELECT unnest(b.group_customer_no) AS customer_no, unnest(b.group_term_no) AS term_no, unnest(b.group_first) AS first,
        unnest(b.group_events) AS events, unnest(b.predict_seconds) AS seconds, unnest(b.predict_seconds_events) AS seconds_events,
        unnest(b.input_tokens) AS input, unnest(b.input_tokens_events) AS input_events,
        unnest(b.output_tokens) AS output, unnest(b.output_tokens_events) AS output_events,
        unnest(b.images) AS images, unnest(b.images_events) AS images_events
      FROM usage_block b WHERE b.block_no = ANY (v_blocks)) g
    JOIN charged c USING (term_no)
  ), windows AS (
    INSERT INTO customer_term_window AS w (customer_no, term_no, service_month, events, runs, predict_seconds,
      predict_seconds_events, input_tokens, input_tokens_events, output_tokens, output_tokens_events, images, images_events)
    SELECT customer_no, term_no, service_month, sum(events), sum(runs),
      coalesce(sum(seconds), 0), coalesce(sum(seconds_events), 0), coalesce(sum(input), 0), coalesce(sum(input_events), 0),
      coalesce(sum(output), 0), coalesce(sum(output_events), 0), coalesce(sum(images), 0), coalesce(sum(images_events), 0)
    FROM event_group GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (customer_no, term_no, service_month) DO UPDATE SET
      events = w.events + excluded.events, runs = w.runs + excluded.runs,
      predict_seconds = w.predict_seconds + excluded.predict_seconds,
      predict_seconds_events = w.predict_seconds_events + excluded.predict_seconds_events,
      input_tokens = w.input_tokens + excluded.input_tokens,
      input_tokens_events = w.input_tokens_events + excluded.input_tokens_events,
      output_tokens = w.output_tokens + excluded.output_tokens,
      output_tokens_events = w.output_tokens_events + excluded.output_tokens_events,
      images = w.images + excluded.images, images_events = w.images_events + excluded.images_events
  ), other AS MATERIALIZED (
    SELECT b.block_no, o.* FROM usage_block b
    CROSS JOIN LATERAL unnest(b.other_group, b.other_meter_no, b.other_quantity, b.other_events) AS o(grp, meter_no, quantity, events)
    WHERE b.block_no = ANY (v_blocks) AND b.other_group IS NOT NULL
  ), group_with_other AS MATERIALIZED (
    SELECT b.block_no, g.grp, g.customer_no, g.term_no, month_of_micros(g.first) AS service_month FROM usage_block b
    CROSS JOIN LATERAL unnest(b.group_customer_no, b.group_term_no, b.group_first) WITH ORDINALITY AS g(customer_no, term_no, first, grp)
    WHERE b.block_no = ANY (v_blocks) AND b.other_group IS NOT NULL
  ), other_windows AS (
    INSERT INTO customer_term_window_meter AS w (customer_no, term_no, service_month, meter_no, quantity, events)
    SELECT g.customer_no, g.term_no, g.service_month, o.meter_no, sum(o.quantity), sum(o.events)
    FROM other o JOIN group_with_other g USING (block_no, grp) JOIN charged USING (term_no)
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ON CONFLICT (customer_no, term_no, service_month, meter_no)
    DO UPDATE SET quantity = w.quantity + excluded.quantity, events = w.events + excluded.events
  )
  -- In order: whoever marks the same blocks as something else waits, and is not waited for.
  UPDATE usage_block SET folded = 1
  WHERE block_no IN (SELECT block_no FROM usage_block WHERE block_no = ANY (v_blocks) ORDER BY block_no FOR UPDATE);
  RETURN cardinality(v_blocks);
END $$;
