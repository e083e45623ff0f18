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

-- Adds blocks that are not yet in the customers' windows, the oldest first, at most p_blocks of them, only those of
-- periods up to p_until when it is given; answers how many. One fold at a time.
CREATE FUNCTION fold_customer_windows(p_blocks int, p_until date) RETURNS int LANGUAGE plpgsql VOLATILE
SET work_mem = '128MB' SET jit = off AS $$
DECLARE v_blocks bigint[];
BEGIN
  PERFORM pg_advisory_xact_lock(7004);
  SELECT array_agg(block_no) INTO v_blocks FROM (
    SELECT block_no FROM usage_block WHERE folded = 0 AND (p_until IS NULL OR first_period <= p_until)
    ORDER BY block_no LIMIT p_blocks) x;
  IF v_blocks IS NULL THEN RETURN 0; END IF;

  WITH cap AS MATERIALIZED (
    SELECT t.term_no, c.* FROM usage_term t CROSS JOIN LATERAL caps_of_price(t.price_no) AS c
    WHERE t.charged = 1 AND t.term_no IN (
      SELECT u.term_no FROM usage_block b CROSS JOIN LATERAL unnest(b.term_no) AS u(term_no) WHERE b.block_no = ANY (v_blocks))
  ), event AS MATERIALIZED (
    SELECT b.block_no, e.place, b.customer_nos[e.customer] AS customer_no, e.term_no, e.occurred_at / 86400000000 AS day,
      e.seconds, e.input, e.output, e.images
    FROM usage_block b
    CROSS JOIN LATERAL unnest(b.term_no, b.occurred_at, b.customer, b.predict_seconds, b.input_tokens, b.output_tokens, b.images)
      WITH ORDINALITY AS e(term_no, occurred_at, customer, seconds, input, output, images, place)
    WHERE b.block_no = ANY (v_blocks) AND e.term_no IS NOT NULL
  ), by_day AS (
    SELECT e.customer_no, e.term_no, e.day, count(*) AS events, sum(coalesce(c.runs, 1)) AS runs,
      sum(least(e.seconds, c.seconds)) AS seconds, count(e.seconds) AS seconds_events,
      sum(least(e.input, c.input)) AS input, count(e.input) AS input_events,
      sum(least(e.output, c.output)) AS output, count(e.output) AS output_events,
      sum(least(e.images, c.images)) AS images, count(e.images) AS images_events
    FROM event e JOIN cap c USING (term_no) GROUP BY 1, 2, 3
  ), windows AS (
    INSERT INTO customer_term_window AS w (customer_no, term_no, service_month, events, runs, predict_seconds,
      predict_seconds_events, input_tokens, input_tokens_events, output_tokens, output_tokens_events, images, images_events)
    SELECT customer_no, term_no, date_trunc('month', date '1970-01-01' + day::int)::date, sum(events), sum(runs),
      coalesce(sum(seconds), 0), sum(seconds_events), coalesce(sum(input), 0), sum(input_events),
      coalesce(sum(output), 0), sum(output_events), coalesce(sum(images), 0), sum(images_events)
    FROM by_day GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (customer_no, term_no, service_month) DO UPDATE SET
      events = w.events + excluded.events, runs = w.runs + excluded.runs,
      predict_seconds = w.predict_seconds + excluded.predict_seconds,
      predict_seconds_events = w.predict_seconds_events + excluded.predict_seconds_events,
      input_tokens = w.input_tokens + excluded.input_tokens,
      input_tokens_events = w.input_tokens_events + excluded.input_tokens_events,
      output_tokens = w.output_tokens + excluded.output_tokens,
      output_tokens_events = w.output_tokens_events + excluded.output_tokens_events,
      images = w.images + excluded.images, images_events = w.images_events + excluded.images_events
  ), other_windows AS (
    INSERT INTO customer_term_window_meter AS w (customer_no, term_no, service_month, meter_no, quantity, events)
    SELECT e.customer_no, e.term_no, date_trunc('month', date '1970-01-01' + e.day::int)::date, o.meter_no,
      sum(least(o.quantity, pc.max_per_event)), count(*)
    FROM usage_block b
    CROSS JOIN LATERAL unnest(b.other_place, b.other_meter_no, b.other_quantity) AS o(place, meter_no, quantity)
    JOIN event e ON e.block_no = b.block_no AND e.place = o.place
    JOIN usage_term t ON t.term_no = e.term_no AND t.charged = 1
    LEFT JOIN price_component pc ON pc.price_no = t.price_no AND pc.meter_no = o.meter_no
    WHERE b.block_no = ANY (v_blocks) GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ON CONFLICT (customer_no, term_no, service_month, meter_no)
    DO UPDATE SET quantity = w.quantity + excluded.quantity, events = w.events + excluded.events
  )
  UPDATE usage_block SET folded = 1 WHERE block_no = ANY (v_blocks);
  RETURN cardinality(v_blocks);
END $$;
