-- Why: metering is exactly once in effect because the cursor, the identities, the events, their windows and their
-- dead letters move in one statement, or none of them does. Nothing else may write these tables.
--
-- An event costs one narrow row, its identity, with one index entry. Everything else about it lies in the columns of
-- its batch's block; windows grow with models and days. docs/benchmarks.md has what each of these choices brought.

CREATE SEQUENCE usage_block_no;
--> statement-breakpoint
-- The numbers of the built-in meters stand in the functions below.
ALTER TABLE meter ADD CHECK (built_in = 0
  OR name = (ARRAY['predict_seconds', 'input_tokens', 'output_tokens', 'images', 'runs'])[meter_no]);
--> statement-breakpoint
ALTER TABLE usage_term ADD CHECK (extract(day FROM booked_period) = 1);
--> statement-breakpoint
ALTER TABLE term_window ADD CHECK (events > 0);
--> statement-breakpoint
ALTER TABLE term_window_meter ADD CHECK (quantity >= 0 AND events > 0);
--> statement-breakpoint
ALTER TABLE customer_term_window ADD CHECK (events > 0);
--> statement-breakpoint
ALTER TABLE customer_term_window_meter ADD CHECK (quantity >= 0 AND events > 0);
--> statement-breakpoint
ALTER TABLE metering_cursor ADD CHECK (applied + duplicate + conflict + parked + dead = consumed);
--> statement-breakpoint
-- Room for the next versions of rows that are changed again and again: in their page, they need no new index entry.
ALTER TABLE term_window SET (fillfactor = 50);
--> statement-breakpoint
ALTER TABLE metered_extent SET (fillfactor = 50);
--> statement-breakpoint
ALTER TABLE customer_term_window SET (fillfactor = 60);
--> statement-breakpoint
ALTER TABLE customer_term_window_meter SET (fillfactor = 60);
--> statement-breakpoint
-- Compressing the columns costs more time than writing them.
DO $$
DECLARE v_column text;
BEGIN
  FOR v_column IN SELECT attname FROM pg_attribute
    WHERE attrelid = 'usage_block'::regclass AND attnum > 0 AND attstorage = 'x'
  LOOP EXECUTE format('ALTER TABLE usage_block ALTER COLUMN %I SET STORAGE EXTERNAL', v_column); END LOOP;
  FOR v_column IN SELECT attname FROM pg_attribute
    WHERE attrelid = 'noted_extent'::regclass AND attnum > 0 AND attstorage = 'x'
  LOOP EXECUTE format('ALTER TABLE noted_extent ALTER COLUMN %I SET STORAGE EXTERNAL', v_column); END LOOP;
END $$;
--> statement-breakpoint

-- A batch's events that were not metered before, each identity once. An event's place counts them from 1. customers,
-- sources, subjects (model, version, status) and meters are named once and counted from 1. Times are microseconds since 1970.
-- A group is events of one customer and subject on one day, on the same hardware (group_hardware, from 1; NULL where it is not
-- told, both columns are NULL when no event tells it): customers are charged by groups.
-- A cell is groups of one subject on one day whose customers are of one kind: all that is decided and summed for the books is
-- decided and summed for cells, of which there are a few for a hundred customers. A payer is a customer from its first event of
-- the batch to its last; which payers are of one kind the worker believes to know, and book_events() checks. An event that
-- must be decided by itself is a group, a cell and a payer of its own kind.
-- Quantities are at their meter's scale and summed; NULL where the meter is missing; …_events is NULL where it would be the
-- same as the group's or cell's events. Every event counts 1 on runs. Meters that are not built in come as (group, meter,
-- quantity, events).
-- events has the facts of each event; it is kept as it comes, and read by unpack_events(). chained is how many of them name
-- a parent.
CREATE TYPE usage_columns AS (
  customers text[], sources text[], models text[], versions text[], statuses text[], meters text[],
  identities uuid[], contents bigint[], identity_places int[], events text,
  payer_customer int[], payer_kind int[], payer_first bigint[], payer_last bigint[],
  cell_subject int[], cell_kind int[], cell_first bigint[], cell_last bigint[], cell_events int[],
  cell_predict_seconds bigint[], cell_predict_seconds_events int[], cell_input_tokens bigint[], cell_input_tokens_events int[],
  cell_output_tokens bigint[], cell_output_tokens_events int[], cell_images bigint[], cell_images_events int[],
  group_customer int[], group_cell int[], group_first bigint[], group_events int[],
  predict_seconds bigint[], predict_seconds_events int[], input_tokens bigint[], input_tokens_events int[],
  output_tokens bigint[], output_tokens_events int[], images bigint[], images_events int[],
  other_group int[], other_meter int[], other_quantity bigint[], other_events int[], chained int,
  hardware text[], group_hardware int[]
);
--> statement-breakpoint

-- The facts of a block's events: a line of JSON for each thousand of them, with an array for each column: g group, t
-- microseconds, s source, e id, p parent, and the built-in meters ps, it, ot, im. A column that no event has is left out.
-- o has the other meters, (place, group, name, quantity).
CREATE FUNCTION unpack_events(p_events text)
RETURNS TABLE (place bigint, grp int, occurred_at bigint, source int, id text, parent text, predict_seconds bigint,
  input_tokens bigint, output_tokens bigint, images bigint) LANGUAGE sql IMMUTABLE ROWS 10000 AS $$
  SELECT (line.n - 1) * 1000 + e.n, e.g::int, e.t::bigint, e.s::int, e.e, e.p, e.ps::bigint, e.it::bigint, e.ot::bigint,
    e.im::bigint
  FROM string_to_table(p_events, E'\n') WITH ORDINALITY AS line(events, n)
  CROSS JOIN LATERAL (SELECT line.events::jsonb AS j OFFSET 0) AS c
  CROSS JOIN LATERAL ROWS FROM (jsonb_array_elements_text(j->'g'), jsonb_array_elements_text(j->'t'),
    jsonb_array_elements_text(j->'s'), jsonb_array_elements_text(j->'e'), jsonb_array_elements_text(j->'p'),
    jsonb_array_elements_text(j->'ps'), jsonb_array_elements_text(j->'it'), jsonb_array_elements_text(j->'ot'),
    jsonb_array_elements_text(j->'im')) WITH ORDINALITY AS e(g, t, s, e, p, ps, it, ot, im, n)
$$;
--> statement-breakpoint

CREATE FUNCTION unpack_other_meters(p_events text)
RETURNS TABLE (place bigint, grp int, meter text, quantity bigint) LANGUAGE sql IMMUTABLE AS $$
  SELECT (o->>0)::bigint, (o->>1)::int, o->>2, (o->>3)::bigint
  FROM string_to_table(p_events, E'\n') AS line(events)
  CROSS JOIN LATERAL jsonb_array_elements(line.events::jsonb->'o') AS o
$$;
--> statement-breakpoint

-- Exact for every time that is accepted: the product is below 2^53.
CREATE FUNCTION from_epoch_micros(micros bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
  SELECT timestamptz 'epoch' + micros * interval '1 microsecond'
$$;
--> statement-breakpoint

CREATE VIEW noted_extents AS
SELECT n.note_no, 'price:' || m.currency AS kind, m.model_no AS subject_no, m.price_from AS segment_from, n.shard,
  from_epoch_micros(m.last) AS last_occurred_at
FROM noted_extent n
CROSS JOIN LATERAL unnest(n.model_nos, n.currencies, n.price_froms, n.model_lasts) AS m(model_no, currency, price_from, last)
UNION ALL SELECT n.note_no, 'split', m.model_no, m.split_from, n.shard, from_epoch_micros(m.last)
FROM noted_extent n CROSS JOIN LATERAL unnest(n.model_nos, n.split_froms, n.model_lasts) AS m(model_no, split_from, last)
UNION ALL SELECT n.note_no, 'customer', c.customer_no, c.customer_from, n.shard, from_epoch_micros(c.last)
FROM noted_extent n CROSS JOIN LATERAL unnest(n.customer_nos, n.customer_froms, n.customer_lasts) AS c(customer_no, customer_from, last);
--> statement-breakpoint

-- All extents, merged or only noted yet; the latest of one counts.
CREATE VIEW metered_extents AS
SELECT kind, subject_no, segment_from, shard, last_occurred_at FROM metered_extent
UNION ALL SELECT kind, subject_no, segment_from, shard, last_occurred_at FROM noted_extents;
--> statement-breakpoint

-- Merges what batches noted, at most p_notes of them, in one statement: who reads the view sees each extent before or after.
-- Answers how many notes.
CREATE FUNCTION merge_extents(p_notes int) RETURNS int LANGUAGE plpgsql VOLATILE SET jit = off AS $$
DECLARE v_merged int;
BEGIN
  WITH taken AS (
    DELETE FROM noted_extent WHERE note_no IN (
      SELECT note_no FROM noted_extent ORDER BY note_no LIMIT p_notes FOR UPDATE SKIP LOCKED)
    RETURNING note_no
  ), merged AS (
    INSERT INTO metered_extent AS x (kind, subject_no, segment_from, shard, last_occurred_at)
    SELECT e.kind, e.subject_no, e.segment_from, e.shard, max(e.last_occurred_at)
    FROM noted_extents e WHERE e.note_no IN (SELECT note_no FROM taken) GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ON CONFLICT (kind, subject_no, segment_from, shard)
    DO UPDATE SET last_occurred_at = excluded.last_occurred_at WHERE x.last_occurred_at < excluded.last_occurred_at
  )
  SELECT count(*)::int INTO v_merged FROM taken;
  RETURN v_merged;
END $$;
--> statement-breakpoint

-- Takes a partition over: whoever held it is fenced from here on. Answers where to read from.
-- Another log than the one the cursor belongs to is never taken for the same: its offsets mean something else.
CREATE FUNCTION claim_partition(p_log_id text, p_partition int)
RETURNS TABLE (epoch bigint, next_offset bigint) LANGUAGE plpgsql VOLATILE AS $$
DECLARE v_log_id text;
BEGIN
  INSERT INTO metering_cursor AS c (partition, log_id, epoch, next_offset) VALUES (p_partition, p_log_id, 1, 0)
  ON CONFLICT (partition) DO UPDATE SET epoch = c.epoch + 1
  RETURNING c.log_id, c.epoch, c.next_offset INTO v_log_id, epoch, next_offset;
  IF v_log_id <> p_log_id THEN
    PERFORM refuse('log_changed', jsonb_build_object('expected', v_log_id, 'found', p_log_id));
  END IF;
  RETURN NEXT;
END $$;
--> statement-breakpoint

-- The functions that look names up are apart, because they must walk indexes whatever the catalogue's size, while the
-- functions that go through a batch must never walk a list once per event: the planner knows neither length. ROWS 1
-- makes it hash what they answer, and pass the events by.
CREATE FUNCTION customers_in_force(p_customers text[])
RETURNS TABLE (customer int, customer_row int, customer_no int, effective_from timestamptz, since bigint, until bigint,
  currency text, country text, payee_no int)
LANGUAGE plpgsql STABLE ROWS 1 SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
BEGIN
  RETURN QUERY
  SELECT n.place::int, (row_number() OVER ())::int, v.customer_no, v.effective_from,
    epoch_micros(v.effective_from), epoch_micros(v.effective_until), v.currency, coalesce(v.country, ''), v.payee_no
  FROM unnest(p_customers) WITH ORDINALITY AS n(id, place)
  JOIN customer c ON c.id = n.id JOIN customer_version v ON v.customer_no = c.customer_no;
END $$;
--> statement-breakpoint

-- Of customers for whom one version holds from p_first to p_last: their places, what is the same for customers who are alike
-- to the books, and since and until when.
CREATE FUNCTION customer_kinds(p_customers text[], p_first bigint, p_last bigint)
RETURNS TABLE (place int, kind text, since bigint, until bigint) LANGUAGE sql STABLE AS $$
  SELECT customer, concat_ws('/', currency, country, payee_no), since, until FROM customers_in_force(p_customers)
  WHERE since <= p_first AND p_last < until
$$;
--> statement-breakpoint

-- A subject is a model, version and status.
CREATE FUNCTION subjects_in_force(p_models text[], p_versions text[], p_statuses text[])
RETURNS TABLE (subject int, subject_row int, model_version_no int, status text, charged int, rate rate_segment)
LANGUAGE plpgsql STABLE ROWS 1 SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
BEGIN
  RETURN QUERY
  SELECT n.place::int, (row_number() OVER ())::int, v.model_version_no, n.status, (n.status = ANY (r.charge_statuses))::int, r
  FROM unnest(p_models, p_versions, p_statuses) WITH ORDINALITY AS n(model, version, status, place)
  JOIN model m ON m.id = n.model
  -- By both columns of the index: a join takes the first alone, and walks all versions that the model ever had.
  CROSS JOIN LATERAL (SELECT x.model_version_no FROM model_version x
    WHERE x.model_no = m.model_no AND x.version = n.version OFFSET 0) v
  JOIN rate_segment r ON r.model_no = m.model_no;
END $$;
--> statement-breakpoint

-- Why an event waits for the catalogue. NULL when it need not.
CREATE FUNCTION reason_to_wait(p_customer text, p_model text, p_at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN c.customer_no IS NULL THEN 'unknown_customer'
              WHEN cv.customer_no IS NULL THEN 'customer_not_effective'
              WHEN m.model_no IS NULL THEN 'unknown_model'
              WHEN seg.model_no IS NULL THEN 'model_not_effective'
              WHEN pv.price_no IS NULL THEN 'no_price'
              WHEN plan.cost_currency <> cv.currency THEN 'policy_in_other_currency' END
  FROM (SELECT) AS one
  LEFT JOIN customer c ON c.id = p_customer
  LEFT JOIN customer_version cv ON cv.customer_no = c.customer_no
    AND cv.effective_from <= p_at AND p_at < cv.effective_until
  LEFT JOIN model m ON m.id = p_model
  LEFT JOIN price_version pv ON pv.model_no = m.model_no AND pv.currency = cv.currency
    AND pv.effective_from <= p_at AND p_at < pv.effective_until
  LEFT JOIN split_segment seg ON seg.model_no = m.model_no
    AND seg.effective_from <= p_at AND p_at < seg.effective_until
  LEFT JOIN split_plan plan ON plan.split_plan_no = seg.split_plan_no
$$;
--> statement-breakpoint

-- Chooses price, split plan and books period of events that are new or released, and books them: their block, their
-- windows, the extents that guard the catalogue. The caller holds the catalogue-and-books lock. Answers which groups must
-- wait for the catalogue.
-- Refuses kinds_differ when payers were taken to be of one kind and are not, and cells_too_coarse when what holds for the events of
-- a cell may differ: when a version begins inside it or a payer, when a limit per event applies, or when it must wait. Events by
-- themselves are never too coarse.
CREATE FUNCTION book_events(p_block bigint, p_shard smallint, p usage_columns)
RETURNS TABLE (applied bigint, waiting int[]) LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off SET enable_nestloop = off SET enable_mergejoin = off SET enable_bitmapscan = off SET work_mem = '64MB' SET jit = off AS $$
DECLARE
  v_open_period date := (SELECT first_open_period FROM books_state);
  v_decided record;
  -- In variables, so that a number is found in them by its place without reading all before it.
  v_terms int[];
  v_customers int[];
BEGIN
  INSERT INTO usage_source (source)
  SELECT n.source FROM unnest(p.sources) AS n(source)
  WHERE (SELECT x.source_no FROM usage_source x WHERE x.source = n.source) IS NULL
  ORDER BY 1 ON CONFLICT DO NOTHING;

  INSERT INTO model_version (model_no, version)
  SELECT DISTINCT m.model_no, n.version
  FROM unnest(p.models, p.versions) AS n(model, version)
  CROSS JOIN LATERAL (SELECT x.model_no FROM model x WHERE x.id = n.model OFFSET 0) m
  WHERE (SELECT x.model_version_no FROM model_version x WHERE x.model_no = m.model_no AND x.version = n.version) IS NULL
  ORDER BY 1, 2 ON CONFLICT DO NOTHING;

  WITH customer_row AS MATERIALIZED (SELECT * FROM customers_in_force(p.customers)),
  subject_row AS MATERIALIZED (
    SELECT s.subject, s.subject_row, s.model_version_no, s.status, s.charged, (s.rate).*
    FROM subjects_in_force(p.models, p.versions, p.statuses) s
  ), payer AS MATERIALIZED (
    SELECT x.customer, x.kind, x.first, x.last, c.customer_row, c.currency, c.country, c.payee_no,
      CASE WHEN c.customer_row IS NULL THEN x.first < x.last ELSE x.last >= c.until END AS too_coarse
    FROM unnest(p.payer_customer, p.payer_kind, p.payer_first, p.payer_last) AS x(customer, kind, first, last)
    LEFT JOIN customer_row c ON c.customer = x.customer AND x.first >= c.since AND x.first < c.until
  ), customer_kind AS MATERIALIZED (
    -- Only what happened at one moment to one payer may wait: then nobody else, and no other time, is in it.
    SELECT kind, min(currency) AS currency, min(country) AS country, min(payee_no) AS payee_no,
      count(*) = 1 AND min(first) = max(last) AS may_wait,
      count(currency) NOT IN (0, count(*)) OR min(currency) <> max(currency) OR min(country) <> max(country)
        OR count(payee_no) NOT IN (0, count(*)) OR min(payee_no) <> max(payee_no) AS differ
    FROM payer GROUP BY kind
  ), cell AS MATERIALIZED (
    SELECT x.cell, x.subject, x.kind, (x.first / 86400000000)::int AS day, x.last, x.events, s.subject_row,
      greatest(date_trunc('month', (date '1970-01-01' + (x.first / 86400000000)::int)::timestamp)::date, v_open_period) AS booked_period,
      x.events * least(s.max_runs, 1) AS runs,
      capped(x.seconds, s.max_seconds) AS seconds, coalesce(x.seconds_events, CASE WHEN x.seconds IS NOT NULL THEN x.events END) AS seconds_events,
      capped(x.input, s.max_input) AS input, coalesce(x.input_events, CASE WHEN x.input IS NOT NULL THEN x.events END) AS input_events,
      capped(x.output, s.max_output) AS output, coalesce(x.output_events, CASE WHEN x.output IS NOT NULL THEN x.events END) AS output_events,
      capped(x.images, s.max_images) AS images, coalesce(x.images_events, CASE WHEN x.images IS NOT NULL THEN x.events END) AS images_events,
      x.events > 1 AND s.limits_events AS limited,
      CASE WHEN s.subject_row IS NULL THEN x.events > 1 OR NOT k.may_wait
           ELSE x.last >= s.until OR (x.events > 1 AND s.limits_events) END AS too_coarse
    FROM unnest(p.cell_subject, p.cell_kind, p.cell_first, p.cell_last, p.cell_events, p.cell_predict_seconds,
        p.cell_predict_seconds_events, p.cell_input_tokens, p.cell_input_tokens_events, p.cell_output_tokens,
        p.cell_output_tokens_events, p.cell_images, p.cell_images_events)
      WITH ORDINALITY AS x(subject, kind, first, last, events, seconds, seconds_events, input, input_events,
        output, output_events, images, images_events, cell)
    JOIN customer_kind k USING (kind)
    LEFT JOIN subject_row s ON s.subject = x.subject AND s.currency = k.currency AND x.first >= s.since AND x.first < s.until
  ), decided AS MATERIALIZED (
    SELECT c.subject_row, c.kind, c.booked_period, k.country, s.model_no, s.model_version_no, s.status, s.price_no, s.charged,
      coalesce((SELECT sd.redirected_plan_no FROM self_dealing_plan sd
                WHERE sd.split_plan_no = s.split_plan_no AND sd.payee_no = k.payee_no), s.split_plan_no) AS split_plan_no
    FROM (SELECT DISTINCT subject_row, kind, booked_period FROM cell) c
    JOIN subject_row s USING (subject_row)
    JOIN customer_kind k USING (kind)
  ), known_term AS MATERIALIZED (
    -- Rows are compared, which no index but that of the key can be walked for: by period or split plan there are many terms, and
    -- the planner cannot know.
    SELECT d.*, (SELECT t.term_no FROM usage_term t
      WHERE (t.model_no, t.booked_period, t.model_version_no, t.status, t.country, t.price_no, t.split_plan_no)
        BETWEEN (d.model_no, d.booked_period, d.model_version_no, d.status, d.country, d.price_no, d.split_plan_no)
        AND (d.model_no, d.booked_period, d.model_version_no, d.status, d.country, d.price_no, d.split_plan_no)) AS term_no
    FROM decided d
  ), new_term AS (
    -- Another partition may be adding the same term: DO UPDATE answers its number too, DO NOTHING would not.
    INSERT INTO usage_term (model_no, booked_period, model_version_no, status, country, price_no, split_plan_no, charged)
    SELECT DISTINCT model_no, booked_period, model_version_no, status, country, price_no, split_plan_no, charged
    FROM known_term WHERE term_no IS NULL ORDER BY 1, 2, 3, 4, 5, 6, 7
    ON CONFLICT (model_no, booked_period, model_version_no, status, country, price_no, split_plan_no)
    DO UPDATE SET charged = excluded.charged
    RETURNING term_no, model_no, booked_period, model_version_no, status, country, price_no, split_plan_no
  ), term AS MATERIALIZED (
    SELECT k.subject_row, k.kind, k.booked_period, coalesce(k.term_no, n.term_no) AS term_no
    FROM known_term k
    LEFT JOIN new_term n ON k.term_no IS NULL AND n.model_no = k.model_no AND n.booked_period = k.booked_period
      AND n.model_version_no = k.model_version_no AND n.status = k.status AND n.country = k.country
      AND n.price_no = k.price_no AND n.split_plan_no = k.split_plan_no
  ), booked AS MATERIALIZED (
    -- Of a cell that waits, term_no is NULL.
    SELECT c.*, t.term_no FROM cell c LEFT JOIN term t USING (subject_row, kind, booked_period)
  ), windows AS (
    INSERT INTO term_window AS w (term_no, service_day, shard, events, runs, predict_seconds, predict_seconds_events,
      input_tokens, input_tokens_events, output_tokens, output_tokens_events, images, images_events)
    SELECT term_no, date '1970-01-01' + day, p_shard, sum(events), sum(runs),
      coalesce(sum(seconds), 0), coalesce(sum(seconds_events), 0), coalesce(sum(input), 0), coalesce(sum(input_events), 0),
      coalesce(sum(output), 0), coalesce(sum(output_events), 0), coalesce(sum(images), 0), coalesce(sum(images_events), 0)
    FROM booked WHERE term_no IS NOT NULL GROUP BY term_no, day ORDER BY term_no, day
    ON CONFLICT (term_no, service_day, shard) DO UPDATE SET
      events = w.events + excluded.events, runs = w.runs + excluded.runs,
      predict_seconds = w.predict_seconds + excluded.predict_seconds,
      predict_seconds_events = w.predict_seconds_events + excluded.predict_seconds_events,
      input_tokens = w.input_tokens + excluded.input_tokens,
      input_tokens_events = w.input_tokens_events + excluded.input_tokens_events,
      output_tokens = w.output_tokens + excluded.output_tokens,
      output_tokens_events = w.output_tokens_events + excluded.output_tokens_events,
      images = w.images + excluded.images, images_events = w.images_events + excluded.images_events
  ), other AS MATERIALIZED (
    -- Meters that are not built in count where the price or the policy's cost step names them.
    SELECT o.grp, b.cell, b.subject, b.term_no, b.day, t.meter_no, o.events,
      least(o.quantity, c.max_per_event)::bigint AS quantity, o.events > 1 AND c.max_per_event IS NOT NULL AS too_coarse
    FROM unnest(p.other_group, p.other_meter, p.other_quantity, p.other_events) AS o(grp, meter, quantity, events)
    JOIN unnest(p.meters) WITH ORDINALITY AS n(name, meter) USING (meter)
    JOIN meter t ON t.name = n.name AND t.built_in = 0
    JOIN booked b ON b.cell = p.group_cell[o.grp] AND b.term_no IS NOT NULL
    JOIN subject_row s USING (subject_row)
    LEFT JOIN LATERAL (SELECT x.meter_no, x.max_per_event FROM price_component x
                       WHERE x.price_no = s.price_no AND x.meter_no = t.meter_no OFFSET 0) c ON true
    WHERE t.meter_no = s.cost_meter_no OR c.meter_no IS NOT NULL
  ), other_windows AS (
    INSERT INTO term_window_meter AS w (term_no, service_day, meter_no, shard, quantity, events)
    SELECT o.term_no, date '1970-01-01' + o.day, o.meter_no, p_shard, sum(o.quantity), sum(o.events)
    FROM other o GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (term_no, service_day, meter_no, shard)
    DO UPDATE SET quantity = w.quantity + excluded.quantity, events = w.events + excluded.events
  ), extents AS (
    INSERT INTO noted_extent (shard, model_nos, currencies, price_froms, split_froms, model_lasts, customer_nos, customer_froms,
      customer_lasts)
    SELECT p_shard, m.*, k.*
    FROM (SELECT array_agg(s.model_no) AS model_nos, array_agg(s.currency), array_agg(s.price_from), array_agg(s.segment_from),
            array_agg(l.last)
          FROM (SELECT subject_row, max(last) AS last FROM booked GROUP BY 1) l JOIN subject_row s USING (subject_row)) m
    CROSS JOIN (SELECT array_agg(c.customer_no), array_agg(c.effective_from), array_agg(l.last)
          FROM (SELECT customer_row, max(last) AS last FROM payer
                JOIN (SELECT DISTINCT kind FROM booked WHERE term_no IS NOT NULL) AS not_waiting USING (kind)
                GROUP BY 1) l JOIN customer_row c USING (customer_row)) k
    WHERE m.model_nos IS NOT NULL
  )
  SELECT array_agg(b.term_no ORDER BY b.cell) AS terms, min(b.booked_period) FILTER (WHERE b.term_no IS NOT NULL) AS first_period,
    coalesce(sum(b.events) FILTER (WHERE b.term_no IS NOT NULL), 0) AS applied,
    array_agg(b.cell) FILTER (WHERE b.term_no IS NULL) AS waiting_cells,
    array_agg(b.cell) FILTER (WHERE b.too_coarse) || (SELECT array_agg(cell) FROM other WHERE too_coarse) AS coarse_cells,
    (SELECT array_agg(customer) FROM payer WHERE too_coarse) AS coarse_customers,
    array_agg(b.subject) FILTER (WHERE b.limited) || (SELECT array_agg(subject) FROM other WHERE too_coarse) AS limited_subjects,
    (SELECT bool_or(differ) FROM customer_kind) AS kinds_differ,
    (SELECT array_agg(x.customer_no ORDER BY n.place) FROM generate_series(1, cardinality(p.customers)) AS n(place)
     LEFT JOIN (SELECT DISTINCT customer, customer_no FROM customer_row) x ON x.customer = n.place) AS customers,
    (SELECT array_agg(grp) FROM other) AS other_group, (SELECT array_agg(meter_no) FROM other) AS other_meter_no,
    (SELECT array_agg(quantity) FROM other) AS other_quantity, (SELECT array_agg(events) FROM other) AS other_events
  INTO v_decided FROM booked b;

  IF v_decided.kinds_differ THEN PERFORM refuse('kinds_differ'); END IF;
  IF cardinality(v_decided.coarse_cells || v_decided.coarse_customers) > 0 THEN
    PERFORM refuse('cells_too_coarse', jsonb_build_object(
      'cells', coalesce(array_to_string(v_decided.coarse_cells, ','), ''),
      'customers', coalesce(array_to_string(v_decided.coarse_customers, ','), ''),
      'models', coalesce((SELECT string_agg(DISTINCT p.models[n], ',') FROM unnest(v_decided.limited_subjects) AS n), '')));
  END IF;

  v_terms := v_decided.terms;
  v_customers := v_decided.customers;
  applied := v_decided.applied;
  IF cardinality(v_decided.waiting_cells) > 0 THEN
    waiting := ARRAY(SELECT g.grp::int FROM unnest(p.group_cell) WITH ORDINALITY AS g(cell, grp)
                     WHERE g.cell = ANY (v_decided.waiting_cells) ORDER BY g.grp);
  END IF;
  IF applied > 0 THEN
    INSERT INTO usage_block (block_no, shard, first_period, event_count, source_nos, events, group_customer_no, group_term_no,
      group_first, group_events, predict_seconds, predict_seconds_events, input_tokens, input_tokens_events, output_tokens,
      output_tokens_events, images, images_events, other_group, other_meter_no, other_quantity, other_events, chained, hardware,
      group_hardware, counted)
    SELECT p_block, p_shard, v_decided.first_period, applied,
      (SELECT array_agg((SELECT x.source_no FROM usage_source x WHERE x.source = n.source) ORDER BY n.place)
       FROM unnest(p.sources) WITH ORDINALITY AS n(source, place)),
      p.events,
      -- Not functions in FROM, which are kept as rows first.
      ARRAY(SELECT CASE WHEN v_terms[g.cell] IS NOT NULL THEN v_customers[g.customer] END
            FROM (SELECT unnest(p.group_customer) AS customer, unnest(p.group_cell) AS cell) g),
      ARRAY(SELECT v_terms[g.cell] FROM (SELECT unnest(p.group_cell) AS cell) g),
      p.group_first, p.group_events, p.predict_seconds, p.predict_seconds_events,
      p.input_tokens, p.input_tokens_events, p.output_tokens, p.output_tokens_events, p.images, p.images_events,
      v_decided.other_group, v_decided.other_meter_no, v_decided.other_quantity, v_decided.other_events, p.chained, p.hardware,
      p.group_hardware,
      -- drizzle/0021_credits.sql: nobody's spend is counted while nobody has credits or limits.
      (NOT EXISTS (SELECT FROM spend_account))::int;
  END IF;
  RETURN NEXT;
END $$;
