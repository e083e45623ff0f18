-- Why: metering is exactly once in effect because the cursor, the identities, the events, their windows and their
-- dead letters move in one statement, or none of them does. Nothing else may write these tables.

CREATE SEQUENCE usage_event_no;
--> statement-breakpoint
ALTER TABLE usage_event ADD CHECK (extract(day FROM booked_period) = 1);
--> statement-breakpoint
ALTER TABLE usage_window ADD CHECK (quantity >= 0 AND events > 0 AND extract(day FROM booked_period) = 1);
--> statement-breakpoint
ALTER TABLE customer_window ADD CHECK (quantity >= 0 AND events > 0 AND extract(day FROM booked_period) = 1);
--> statement-breakpoint
ALTER TABLE metering_cursor ADD CHECK (applied + duplicate + conflict + parked + dead = consumed);
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

-- Chooses price, split plan and books period of events that are new or released, and books them: events, both kinds
-- of windows, the extents that guard the catalogue. The caller holds the catalogue-and-books lock.
-- Answers those that must wait, with the reason.
-- e: i identity, s source, e id, t time, u customer, m model, v version, k status, p parent, q quantities by meter.
CREATE FUNCTION book_events(p_events jsonb, p_identities uuid[], p_event_nos bigint[], p_shard smallint)
RETURNS TABLE (applied bigint, waiting uuid[], reasons text[]) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  INSERT INTO usage_source (source)
  SELECT DISTINCT e.s FROM jsonb_to_recordset(p_events) AS e(s text)
  WHERE NOT EXISTS (SELECT FROM usage_source x WHERE x.source = e.s)
  ORDER BY e.s ON CONFLICT DO NOTHING;

  INSERT INTO model_version (model_no, version)
  SELECT DISTINCT m.model_no, e.v FROM jsonb_to_recordset(p_events) AS e(m text, v text)
  JOIN model m ON m.id = e.m
  WHERE NOT EXISTS (SELECT FROM model_version x WHERE x.model_no = m.model_no AND x.version = e.v)
  ORDER BY m.model_no, e.v ON CONFLICT DO NOTHING;

  RETURN QUERY
  WITH incoming AS MATERIALIZED (
    SELECT n.event_no, e.*
    FROM jsonb_to_recordset(p_events)
      AS e(i uuid, f boolean, s text, e text, t timestamptz, u text, m text, v text, k text, p text, q jsonb)
    JOIN unnest(p_identities, p_event_nos) AS n(identity, event_no) ON n.identity = e.i
    WHERE e.f
  ), resolved AS MATERIALIZED (
    SELECT i.event_no, i.i, i.e, i.t, i.k, i.p, i.q,
      (i.t AT TIME ZONE 'UTC')::date AS service_day,
      greatest(date_trunc('month', i.t AT TIME ZONE 'UTC')::date, books.first_open_period) AS booked_period,
      c.customer_no, cv.effective_from AS customer_from, cv.currency, coalesce(cv.country, '') AS country,
      m.model_no, mv.model_version_no, src.source_no,
      pv.price_no, pv.effective_from AS price_from, i.k = ANY (pv.charge_statuses) AS charged,
      seg.effective_from AS segment_from, plan.split_plan_no, plan.cost_meter_no,
      CASE WHEN c.customer_no IS NULL THEN 'unknown_customer'
           WHEN cv.customer_no IS NULL THEN 'customer_not_effective'
           WHEN m.model_no IS NULL THEN 'unknown_model'
           WHEN seg.model_no IS NULL THEN 'model_not_effective'
           WHEN pv.price_no IS NULL THEN 'no_price'
           WHEN plan.cost_currency <> cv.currency THEN 'policy_in_other_currency' END AS reason
    FROM incoming i
    CROSS JOIN books_state books
    JOIN usage_source src ON src.source = i.s
    LEFT JOIN customer c ON c.id = i.u
    LEFT JOIN customer_version cv ON cv.customer_no = c.customer_no
      AND cv.effective_from <= i.t AND i.t < cv.effective_until
    LEFT JOIN model m ON m.id = i.m
    LEFT JOIN model_version mv ON mv.model_no = m.model_no AND mv.version = i.v
    LEFT JOIN price_version pv ON pv.model_no = m.model_no AND pv.currency = cv.currency
      AND pv.effective_from <= i.t AND i.t < pv.effective_until
    LEFT JOIN split_segment seg ON seg.model_no = m.model_no
      AND seg.effective_from <= i.t AND i.t < seg.effective_until
    LEFT JOIN self_dealing_plan sd ON sd.split_plan_no = seg.split_plan_no AND sd.payee_no = cv.payee_no
    LEFT JOIN split_plan plan ON plan.split_plan_no = coalesce(sd.redirected_plan_no, seg.split_plan_no)
  ), measured AS MATERIALIZED (
    SELECT r.event_no, t.meter_no, q.value::numeric AS reported,
      least(q.value::numeric, pc.max_per_event) AS quantity
    FROM resolved r
    CROSS JOIN LATERAL jsonb_each_text(r.q) AS q
    JOIN meter t ON t.name = q.key
    LEFT JOIN price_component pc ON pc.price_no = r.price_no AND pc.meter_no = t.meter_no
    WHERE r.reason IS NULL AND (t.built_in = 1 OR pc.meter_no IS NOT NULL OR t.meter_no = r.cost_meter_no)
  ), charged AS MATERIALIZED (
    SELECT r.booked_period, r.service_day, r.customer_no, r.model_no, r.model_version_no, r.country, r.price_no,
      r.split_plan_no, q.meter_no, q.quantity
    FROM resolved r JOIN measured q USING (event_no) WHERE r.charged
  ), events AS (
    INSERT INTO usage_event (event_no, occurred_at, booked_period, customer_no, model_no, model_version_no,
      price_no, split_plan_no, source_no, shard, status, charged, country, id, parent, meter_nos, quantities)
    SELECT r.event_no, r.t, r.booked_period, r.customer_no, r.model_no, r.model_version_no, r.price_no,
      r.split_plan_no, r.source_no, p_shard, r.k, r.charged::int, r.country, r.e, r.p, q.meter_nos, q.quantities
    FROM resolved r
    JOIN (SELECT event_no, array_agg(meter_no ORDER BY meter_no) AS meter_nos,
                 array_agg(reported::bigint ORDER BY meter_no) AS quantities
          FROM measured GROUP BY event_no) q USING (event_no)
    ORDER BY r.event_no
    RETURNING 1
  ), windows AS (
    INSERT INTO usage_window AS w (booked_period, service_day, model_no, model_version_no, country, meter_no,
      price_no, split_plan_no, shard, quantity, events)
    SELECT booked_period, service_day, model_no, model_version_no, country, meter_no, price_no, split_plan_no,
      p_shard, sum(quantity), count(*)
    FROM charged GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 ORDER BY 3, 1, 2, 4, 5, 6, 7, 8
    ON CONFLICT (model_no, booked_period, service_day, model_version_no, country, meter_no, price_no, split_plan_no, shard)
    DO UPDATE SET quantity = w.quantity + excluded.quantity, events = w.events + excluded.events
  ), customers AS (
    INSERT INTO customer_window AS w (booked_period, service_month, customer_no, model_no, meter_no, price_no,
      split_plan_no, shard, quantity, events)
    SELECT booked_period, date_trunc('month', service_day)::date, customer_no, model_no, meter_no, price_no,
      split_plan_no, p_shard, sum(quantity), count(*)
    FROM charged GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 3, 1, 2, 4, 5, 6, 7
    ON CONFLICT (customer_no, booked_period, service_month, model_no, meter_no, price_no, split_plan_no, shard)
    DO UPDATE SET quantity = w.quantity + excluded.quantity, events = w.events + excluded.events
  ), uncharged AS (
    INSERT INTO uncharged_window AS w (booked_period, service_day, model_no, model_version_no, status, shard, events)
    SELECT booked_period, service_day, model_no, model_version_no, k, p_shard, count(*)
    FROM resolved WHERE reason IS NULL AND NOT charged GROUP BY 1, 2, 3, 4, 5 ORDER BY 3, 1, 2, 4, 5
    ON CONFLICT (model_no, booked_period, service_day, model_version_no, status, shard)
    DO UPDATE SET events = w.events + excluded.events
  ), extents AS (
    INSERT INTO metered_extent AS x (kind, subject_no, segment_from, shard, last_occurred_at)
    SELECT v.kind, v.subject_no, v.segment_from, p_shard, max(r.t)
    FROM resolved r CROSS JOIN LATERAL (VALUES
      ('price:' || r.currency, r.model_no, r.price_from),
      ('split', r.model_no, r.segment_from),
      ('customer', r.customer_no, r.customer_from)) AS v(kind, subject_no, segment_from)
    WHERE r.reason IS NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (kind, subject_no, segment_from, shard)
    DO UPDATE SET last_occurred_at = greatest(x.last_occurred_at, excluded.last_occurred_at)
  )
  SELECT (SELECT count(*) FROM events),
    (SELECT array_agg(i ORDER BY event_no) FROM resolved WHERE reason IS NOT NULL),
    (SELECT array_agg(reason ORDER BY event_no) FROM resolved WHERE reason IS NOT NULL);
END $$;
--> statement-breakpoint

-- Applies one consumed batch, or nothing of it. p_from is where the caller believes the cursor to be.
-- p_events are readable events (see book_events; c content hash, f first of its identity in this batch, o offset,
-- x index); p_dead are unreadable ones: o, x, reason, message, raw as base64. p_raw has the bytes of events in conflict,
-- by "offset/index": conflicts are rare, so they are asked for when there are some (refusal conflict_raw_needed) rather
-- than sent with every event.
CREATE FUNCTION apply_usage_batch(p_log_id text, p_partition int, p_epoch bigint, p_from bigint, p_to bigint,
  p_consumed int, p_events jsonb, p_dead jsonb, p_raw jsonb) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_identities uuid[];
  v_event_nos bigint[];
  v_booked record;
  v_duplicate bigint;
  v_conflict bigint;
  v_parked bigint;
  v_raw_needed text;
BEGIN
  -- First the lock, then everything else: later statements see the catalogue and the books as they are under it.
  PERFORM pg_advisory_xact_lock_shared(7001);

  PERFORM FROM metering_cursor c
  WHERE c.partition = p_partition AND c.log_id = p_log_id AND c.epoch = p_epoch AND c.next_offset = p_from FOR UPDATE;
  IF NOT FOUND THEN PERFORM refuse('fenced'); END IF;

  -- In sorted order, so that two partitions with the same identities cannot wait for each other in a circle.
  WITH new AS (
    INSERT INTO usage_identity (identity, content, event_no)
    SELECT e.i, e.c, nextval('usage_event_no')
    FROM jsonb_to_recordset(p_events) AS e(i uuid, c uuid, f boolean) WHERE e.f ORDER BY e.i
    ON CONFLICT (identity) DO NOTHING
    RETURNING identity, event_no
  ) SELECT coalesce(array_agg(identity), '{}'), coalesce(array_agg(event_no), '{}')
    INTO v_identities, v_event_nos FROM new;

  SELECT * INTO v_booked FROM book_events(p_events, v_identities, v_event_nos, p_partition::smallint);
  v_parked := coalesce(cardinality(v_booked.waiting), 0);
  IF v_parked > 0 THEN
    INSERT INTO parked_event (event_no, shard, reason, event)
    SELECT n.event_no, p_partition, w.reason, e.event
    FROM jsonb_array_elements(p_events) AS e(event)
    JOIN unnest(v_booked.waiting, v_booked.reasons) AS w(identity, reason) ON w.identity = (e.event->>'i')::uuid
    JOIN unnest(v_identities, v_event_nos) AS n(identity, event_no) ON n.identity = w.identity
    WHERE (e.event->>'f')::boolean;
  END IF;

  -- What was known before, or stands twice in this batch: the same content is a duplicate, other content a conflict.
  SELECT count(*) FILTER (WHERE e.c = u.content), count(*) FILTER (WHERE e.c <> u.content)
  INTO v_duplicate, v_conflict
  FROM jsonb_to_recordset(p_events) AS e(i uuid, c uuid, f boolean)
  JOIN usage_identity u ON u.identity = e.i
  LEFT JOIN unnest(v_identities) AS n(identity) ON n.identity = e.i
  WHERE NOT (e.f AND n.identity IS NOT NULL);

  IF v_conflict > 0 THEN
    SELECT string_agg(e.o || '/' || e.x, ',') INTO v_raw_needed
    FROM jsonb_to_recordset(p_events) AS e(i uuid, c uuid, o bigint, x int)
    JOIN usage_identity u ON u.identity = e.i
    WHERE e.c <> u.content AND NOT p_raw ? (e.o || '/' || e.x);
    IF v_raw_needed IS NOT NULL THEN
      PERFORM refuse('conflict_raw_needed', jsonb_build_object('positions', v_raw_needed));
    END IF;
    INSERT INTO dead_letter (log_id, partition, log_offset, log_index, reason, message, raw)
    SELECT p_log_id, p_partition, e.o, e.x, 'conflict',
      'the same source and id were metered before with other content; the first one counts',
      decode(p_raw->>(e.o || '/' || e.x), 'base64')
    FROM jsonb_to_recordset(p_events) AS e(i uuid, c uuid, o bigint, x int)
    JOIN usage_identity u ON u.identity = e.i WHERE e.c <> u.content;
  END IF;

  INSERT INTO dead_letter (log_id, partition, log_offset, log_index, reason, message, raw)
  SELECT p_log_id, p_partition, d.o, d.x, d.reason, d.message, decode(d.raw, 'base64')
  FROM jsonb_to_recordset(p_dead) AS d(o bigint, x int, reason text, message text, raw text);

  -- The table's check asserts applied + duplicate + conflict + parked + dead = consumed.
  UPDATE metering_cursor SET next_offset = p_to, updated_at = clock_timestamp(),
    consumed = consumed + p_consumed, applied = applied + v_booked.applied, duplicate = duplicate + v_duplicate,
    conflict = conflict + v_conflict, parked = parked + v_parked, dead = dead + jsonb_array_length(p_dead)
  WHERE partition = p_partition;
END $$;
--> statement-breakpoint

-- Books parked events whose customer, model and price are known by now, at most p_limit, and answers how many.
CREATE FUNCTION release_parked(p_limit int) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_shard record;
  v_booked record;
  v_released bigint := 0;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7001);
  FOR v_shard IN
    WITH ready AS (
      SELECT p.event_no, p.shard, p.event
      FROM parked_event p
      JOIN customer c ON c.id = p.event->>'u'
      JOIN customer_version cv ON cv.customer_no = c.customer_no
        AND cv.effective_from <= (p.event->>'t')::timestamptz AND (p.event->>'t')::timestamptz < cv.effective_until
      JOIN model m ON m.id = p.event->>'m'
      JOIN price_version pv ON pv.model_no = m.model_no AND pv.currency = cv.currency
        AND pv.effective_from <= (p.event->>'t')::timestamptz AND (p.event->>'t')::timestamptz < pv.effective_until
      JOIN split_segment s ON s.model_no = m.model_no
        AND s.effective_from <= (p.event->>'t')::timestamptz AND (p.event->>'t')::timestamptz < s.effective_until
      JOIN split_plan plan ON plan.split_plan_no = s.split_plan_no
        AND coalesce(plan.cost_currency, cv.currency) = cv.currency
      ORDER BY p.event_no LIMIT p_limit FOR UPDATE OF p SKIP LOCKED
    )
    SELECT shard, jsonb_agg(event ORDER BY event_no) AS events,
      array_agg((event->>'i')::uuid ORDER BY event_no) AS identities, array_agg(event_no ORDER BY event_no) AS event_nos
    FROM ready GROUP BY shard ORDER BY shard
  LOOP
    SELECT * INTO v_booked FROM book_events(v_shard.events, v_shard.identities, v_shard.event_nos, v_shard.shard);
    DELETE FROM parked_event p USING unnest(v_shard.identities, v_shard.event_nos) AS n(identity, event_no)
    WHERE p.event_no = n.event_no AND n.identity <> ALL (coalesce(v_booked.waiting, '{}'));
    v_released := v_released + v_booked.applied;
  END LOOP;
  RETURN v_released;
END $$;
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
