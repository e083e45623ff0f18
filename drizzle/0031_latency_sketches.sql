-- Why: percentiles cannot be added up, sketches can. They are made outside of the database, by a library, and written here
-- in one statement with the marks of the blocks that they are made of: killed anywhere, both are there or neither is. What ran on
-- which hardware is summed in the same statement: metering itself sums nothing by it, since nothing is charged for it.

-- What a model is said to run on is told apart by at most 32 names a day, those that came first; everything beyond counts as
-- "other". Whoever sends events chooses the names: without a bound each event could make rows of its own. A name that is admitted
-- stays so, and one that came too late always does: so the same events always count under the same names.
CREATE FUNCTION admit_hardware(p_blocks bigint[]) RETURNS void LANGUAGE plpgsql VOLATILE SET jit = off AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM usage_block WHERE block_no = ANY (p_blocks) AND hardware IS NOT NULL) THEN RETURN; END IF;
  PERFORM pg_advisory_xact_lock(7031);
  WITH told AS MATERIALIZED (
    SELECT t.model_no, date '1970-01-01' + (g.first / 86400000000)::int AS service_day, b.hardware[g.hardware] AS hardware,
      min((b.block_no << 20) + g.grp) AS first
    FROM usage_block b
    CROSS JOIN LATERAL unnest(b.group_term_no, b.group_first, b.group_hardware) WITH ORDINALITY AS g(term_no, first, hardware, grp)
    JOIN usage_term t USING (term_no)
    WHERE b.block_no = ANY (p_blocks) AND b.hardware IS NOT NULL AND g.hardware IS NOT NULL GROUP BY 1, 2, 3
  ), fresh AS (
    SELECT t.*, row_number() OVER (PARTITION BY model_no, service_day ORDER BY t.first) AS place,
      (SELECT count(*) FROM model_hardware k WHERE (k.model_no, k.service_day) = (t.model_no, t.service_day)) AS known
    FROM told t WHERE NOT EXISTS (SELECT FROM model_hardware k
      WHERE (k.model_no, k.service_day, k.hardware) = (t.model_no, t.service_day, t.hardware))
  )
  INSERT INTO model_hardware (model_no, service_day, hardware)
  SELECT model_no, service_day, hardware FROM fresh WHERE known + place <= 32;
END $$;
--> statement-breakpoint

-- A name as it is shown where no day is known, as of feedback: itself where the model was ever told apart by it.
CREATE FUNCTION shown_hardware(p_model text, p_hardware text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN p_hardware = '' OR EXISTS (SELECT FROM model m JOIN model_hardware k USING (model_no)
    WHERE m.id = p_model AND k.hardware = p_hardware) THEN p_hardware ELSE 'other' END
$$;
--> statement-breakpoint

-- Adds what blocks say of hardware, as charged, to its windows, under the names that are admitted. A block that says nothing costs nothing.
CREATE FUNCTION add_hardware_windows(p_blocks bigint[]) RETURNS void LANGUAGE plpgsql VOLATILE SET jit = off AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM usage_block WHERE block_no = ANY (p_blocks) AND hardware IS NOT NULL) THEN RETURN; END IF;
  WITH told AS MATERIALIZED (
    SELECT b.block_no, g.grp, g.term_no, date '1970-01-01' + (g.first / 86400000000)::int AS service_day, coalesce(k.hardware, 'other') AS hardware, g.events,
      g.seconds, g.input, g.output, g.images
    FROM usage_block b
    CROSS JOIN LATERAL unnest(b.group_term_no, b.group_first, b.group_events, b.group_hardware, b.predict_seconds, b.input_tokens,
      b.output_tokens, b.images) WITH ORDINALITY AS g(term_no, first, events, hardware, seconds, input, output, images, grp)
    JOIN LATERAL unnest(b.hardware) WITH ORDINALITY AS n(hardware, place) ON n.place = g.hardware
    JOIN usage_term t ON t.term_no = g.term_no
    LEFT JOIN model_hardware k ON k.model_no = t.model_no AND k.service_day = date '1970-01-01' + (g.first / 86400000000)::int
      AND k.hardware = n.hardware
    WHERE b.block_no = ANY (p_blocks) AND b.hardware IS NOT NULL AND g.term_no IS NOT NULL
  ), term AS MATERIALIZED (
    SELECT t.term_no, c.seconds AS max_seconds, c.input AS max_input, c.output AS max_output, c.images AS max_images,
      c.runs AS max_runs
    FROM usage_term t CROSS JOIN LATERAL caps_of_price(t.price_no) AS c WHERE t.term_no IN (SELECT term_no FROM told)
  ), windows AS (
    INSERT INTO hardware_window AS w (term_no, service_day, hardware, events, runs, predict_seconds, input_tokens, output_tokens, images)
    SELECT g.term_no, g.service_day, g.hardware, sum(g.events), sum(g.events * least(t.max_runs, 1)),
      coalesce(sum(capped(g.seconds, t.max_seconds)), 0), coalesce(sum(capped(g.input, t.max_input)), 0),
      coalesce(sum(capped(g.output, t.max_output)), 0), coalesce(sum(capped(g.images, t.max_images)), 0)
    FROM told g JOIN term t USING (term_no) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (term_no, service_day, hardware) DO UPDATE SET
      events = w.events + excluded.events, runs = w.runs + excluded.runs,
      predict_seconds = w.predict_seconds + excluded.predict_seconds, input_tokens = w.input_tokens + excluded.input_tokens,
      output_tokens = w.output_tokens + excluded.output_tokens, images = w.images + excluded.images
  )
  INSERT INTO hardware_window_meter AS w (term_no, service_day, hardware, meter_no, quantity)
  SELECT g.term_no, g.service_day, g.hardware, o.meter_no, sum(o.quantity)
  FROM usage_block b
  CROSS JOIN LATERAL unnest(b.other_group, b.other_meter_no, b.other_quantity) AS o(grp, meter_no, quantity)
  JOIN told g ON g.block_no = b.block_no AND g.grp = o.grp
  WHERE b.block_no = ANY (p_blocks) AND b.other_group IS NOT NULL GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
  ON CONFLICT (term_no, service_day, hardware, meter_no) DO UPDATE SET quantity = w.quantity + excluded.quantity;
END $$;
--> statement-breakpoint

-- p_group_sketches: an array for each of p_group_blocks, of all its groups in their order, null where nothing was timed.
-- False, and nothing is written, when somebody else has added one of the blocks or changed one of the sketches since they were read.
CREATE FUNCTION store_latency_sketches(p_blocks bigint[], p_models int[], p_versions int[], p_days date[], p_hardware text[],
  p_revisions int[], p_sketches bytea[], p_group_blocks bigint[], p_group_sketches text[]) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(7031);
  PERFORM FROM usage_block WHERE block_no = ANY (p_blocks) ORDER BY block_no FOR UPDATE;
  IF (SELECT count(*) FROM usage_block WHERE block_no = ANY (p_blocks) AND sketched = 0) <> cardinality(p_blocks) THEN RETURN false; END IF;
  IF EXISTS (SELECT FROM unnest(p_models, p_versions, p_days, p_hardware, p_revisions) AS n(model_no, model_version_no, service_day, hardware, revision)
      LEFT JOIN latency_sketch s USING (model_no, model_version_no, service_day, hardware)
      WHERE coalesce(s.revision, 0) <> n.revision) THEN RETURN false; END IF;
  INSERT INTO latency_sketch AS s (model_no, model_version_no, service_day, hardware, revision, sketch)
  SELECT model_no, model_version_no, service_day, hardware, revision + 1, sketch
  FROM unnest(p_models, p_versions, p_days, p_hardware, p_revisions, p_sketches)
    AS n(model_no, model_version_no, service_day, hardware, revision, sketch)
  ORDER BY 1, 2, 3, 4
  ON CONFLICT (model_no, model_version_no, service_day, hardware) DO UPDATE SET revision = excluded.revision, sketch = excluded.sketch;
  INSERT INTO block_latency (block_no, group_sketches)
  SELECT block_no, sketches::bytea[] FROM unnest(p_group_blocks, p_group_sketches) AS s(block_no, sketches);
  PERFORM add_hardware_windows(p_blocks);
  UPDATE usage_block SET sketched = 1 WHERE block_no = ANY (p_blocks);
  RETURN true;
END $$;
--> statement-breakpoint

-- What ran, by term, service day and hardware, as charged: '' where it is not told, or not summed yet. One snapshot of both, so that
-- the rows always add up to the windows.
CREATE FUNCTION windows_by_hardware(p_terms int[], p_from date, p_to date)
RETURNS TABLE (term_no int, service_day date, hardware text, events numeric, runs numeric, predict_seconds numeric,
  input_tokens numeric, output_tokens numeric, images numeric) LANGUAGE sql STABLE SET jit = off AS $$
  WITH told AS MATERIALIZED (
    SELECT w.term_no, w.service_day, w.hardware, w.events, w.runs, w.predict_seconds, w.input_tokens, w.output_tokens, w.images
    FROM hardware_window w WHERE w.term_no = ANY (p_terms) AND w.service_day >= p_from AND w.service_day < p_to
  ), signed AS (
    SELECT t.* FROM told t
    UNION ALL
    SELECT w.term_no, w.service_day, '', w.events, w.runs, w.predict_seconds, w.input_tokens, w.output_tokens, w.images
    FROM term_window w WHERE w.term_no = ANY (p_terms) AND w.service_day >= p_from AND w.service_day < p_to
    UNION ALL
    SELECT t.term_no, t.service_day, '', -t.events, -t.runs, -t.predict_seconds, -t.input_tokens, -t.output_tokens, -t.images FROM told t
  )
  SELECT term_no, service_day, hardware, sum(events), sum(runs), sum(predict_seconds), sum(input_tokens), sum(output_tokens), sum(images)
  FROM signed GROUP BY 1, 2, 3 HAVING sum(events) <> 0
$$;
--> statement-breakpoint

-- The same of the meters that are not built in.
CREATE FUNCTION meters_by_hardware(p_terms int[], p_from date, p_to date)
RETURNS TABLE (term_no int, service_day date, hardware text, meter_no smallint, quantity numeric) LANGUAGE sql STABLE SET jit = off AS $$
  SELECT term_no, service_day, hardware, meter_no, sum(quantity) FROM (
    SELECT w.term_no, w.service_day, w.hardware, w.meter_no, w.quantity FROM hardware_window_meter w
    WHERE w.term_no = ANY (p_terms) AND w.service_day >= p_from AND w.service_day < p_to
    UNION ALL
    SELECT w.term_no, w.service_day, '', w.meter_no, w.quantity FROM term_window_meter w
    WHERE w.term_no = ANY (p_terms) AND w.service_day >= p_from AND w.service_day < p_to
    UNION ALL
    SELECT w.term_no, w.service_day, '', w.meter_no, -w.quantity FROM hardware_window_meter w
    WHERE w.term_no = ANY (p_terms) AND w.service_day >= p_from AND w.service_day < p_to
  ) AS signed GROUP BY 1, 2, 3, 4 HAVING sum(quantity) <> 0
$$;
