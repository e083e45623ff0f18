-- Why: one call applies one consumed batch, in full or not at all; parked events go the same way once they can.

-- Which of the identities were metered before. The planner must walk the index, whatever it believes about its size.
CREATE FUNCTION count_known_identities(p_identities uuid[]) RETURNS bigint LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
  RETURN (SELECT count(*) FROM usage_identity WHERE identity = ANY (p_identities));
END $$;
--> statement-breakpoint

-- Applies one consumed batch, or nothing of it. p_from is where the caller believes the cursor to be.
-- p_repeats are events whose identity stands earlier in this batch: i identity, c content. p_dead are unreadable ones:
-- o offset, x index, reason, message, raw as base64. p_raw has the bytes of events in conflict, by place (repeats count
-- on from the events): conflicts are rare, so they are asked for when there are some (refusal conflict_raw_needed)
-- rather than sent with every event.
-- Two batches that hold the same new identity at the same time: one fails with unique_violation and is to be repeated.
-- That costs less than ON CONFLICT, which marks every row as tentative first (docs/benchmarks.md). Plans are generic,
-- since planning anew with the arrays in hand would look at every element of them.
CREATE FUNCTION apply_usage_batch(p_log_id text, p_partition int, p_epoch bigint, p_from bigint, p_to bigint,
  p_consumed int, p usage_columns, p_repeats jsonb, p_dead jsonb, p_raw jsonb) RETURNS void LANGUAGE plpgsql VOLATILE
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  v_floor bigint;
  v_block bigint;
  v_events int := cardinality(p.identities);
  v_known boolean[];
  v_known_count bigint := 0;
  v_booked record;
  v_parked bigint := 0;
  v_applied bigint := 0;
  v_duplicate bigint := 0;
  v_conflicts int[] := '{}';
BEGIN
  -- First the lock, then everything else: later statements see the catalogue and the books as they are under it.
  PERFORM pg_advisory_xact_lock_shared(7001);

  PERFORM FROM metering_cursor c
  WHERE c.partition = p_partition AND c.log_id = p_log_id AND c.epoch = p_epoch AND c.next_offset = p_from FOR UPDATE;
  IF NOT FOUND THEN PERFORM refuse('fenced'); END IF;

  IF v_events > 0 THEN
    SELECT epoch_micros(occurred_from) INTO v_floor FROM identity_floor WHERE occurred_from > '-infinity';
    IF v_floor IS NOT NULL AND (SELECT min(t) FROM unnest(p.occurred_at) AS t) < v_floor THEN
      PERFORM refuse('before_identity_floor');
    END IF;
    IF count_known_identities(p.identities) > 0 THEN
      SELECT array_agg(k.known ORDER BY k.place), count(*) FILTER (WHERE k.known),
        count(*) FILTER (WHERE k.same), coalesce(array_agg(k.place::int) FILTER (WHERE NOT k.same), '{}')
      INTO v_known, v_known_count, v_duplicate, v_conflicts
      FROM (SELECT e.place, u.identity IS NOT NULL AS known, u.content = e.content AS same
            FROM unnest(p.identities, p.contents) WITH ORDINALITY AS e(identity, content, place)
            LEFT JOIN LATERAL (SELECT * FROM usage_identity x WHERE x.identity = e.identity OFFSET 0) u ON true) k;
    END IF;
    IF v_known_count < v_events THEN
      v_block := nextval('usage_block_no');
      -- In sorted order, so that two partitions with the same identities cannot wait for each other in a circle.
      INSERT INTO usage_identity (identity, content, event_no)
      SELECT e.identity, e.content, (v_block << 20) + e.place
      FROM unnest(p.identities, p.contents, v_known) WITH ORDINALITY AS e(identity, content, known, place)
      WHERE e.known IS NOT TRUE ORDER BY e.identity;

      SELECT * INTO v_booked FROM book_events(v_block, p_partition::smallint, p, v_known);
      v_applied := v_booked.applied;
      v_parked := coalesce(cardinality(v_booked.waiting), 0);
      IF v_parked > 0 THEN PERFORM park_events(p_partition::smallint, p, v_booked.waiting, v_booked.reasons); END IF;
    END IF;
  END IF;

  IF jsonb_array_length(p_repeats) > 0 THEN
    SELECT v_duplicate + count(*) FILTER (WHERE u.content = r.c),
      v_conflicts || coalesce(array_agg(v_events + r.place) FILTER (WHERE u.content <> r.c), '{}')
    INTO v_duplicate, v_conflicts
    FROM ROWS FROM (jsonb_to_recordset(p_repeats) AS (i uuid, c bigint)) WITH ORDINALITY AS r(i, c, place)
    JOIN usage_identity u ON u.identity = r.i;
  END IF;
  IF cardinality(v_conflicts) > 0 THEN
    PERFORM quarantine_conflicts(p_log_id, p_partition, v_conflicts, p_raw);
  END IF;

  INSERT INTO dead_letter (log_id, partition, log_offset, log_index, reason, message, raw)
  SELECT p_log_id, p_partition, d.o, d.x, d.reason, d.message, decode(d.raw, 'base64')
  FROM jsonb_to_recordset(p_dead) AS d(o bigint, x int, reason text, message text, raw text);

  -- The table's check asserts applied + duplicate + conflict + parked + dead = consumed.
  UPDATE metering_cursor SET next_offset = p_to, updated_at = clock_timestamp(),
    consumed = consumed + p_consumed, applied = applied + v_applied, duplicate = duplicate + v_duplicate,
    conflict = conflict + cardinality(v_conflicts), parked = parked + v_parked, dead = dead + jsonb_array_length(p_dead)
  WHERE partition = p_partition;
END $$;
--> statement-breakpoint

CREATE FUNCTION quarantine_conflicts(p_log_id text, p_partition int, p_places int[], p_raw jsonb)
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE v_missing text;
BEGIN
  SELECT string_agg(place::text, ',') INTO v_missing FROM unnest(p_places) AS place WHERE NOT p_raw ? place::text;
  IF v_missing IS NOT NULL THEN
    PERFORM refuse('conflict_raw_needed', jsonb_build_object('places', v_missing));
  END IF;
  INSERT INTO dead_letter (log_id, partition, log_offset, log_index, reason, message, raw)
  SELECT p_log_id, p_partition, (c.event->>'o')::bigint, (c.event->>'x')::int, 'conflict',
    'the same source and id were metered before with other content; the first one counts',
    decode(c.event->>'raw', 'base64')
  FROM (SELECT p_raw->place::text AS event FROM unnest(p_places) AS place) c;
END $$;
--> statement-breakpoint

-- Parks events of a batch. An identity without an event_no is one that waits.
-- event: i identity, s source, e id, t time, u customer, m model, v version, k status, p parent, q quantities by meter.
CREATE FUNCTION park_events(p_shard smallint, p usage_columns, p_places int[], p_reasons text[])
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  UPDATE usage_identity SET event_no = NULL
  WHERE identity = ANY (SELECT p.identities[place] FROM unnest(p_places) AS place);

  INSERT INTO parked_event (identity, shard, reason, event)
  SELECT p.identities[w.place], p_shard, w.reason, jsonb_build_object('s', p.sources[p.source[w.place]], 'e', p.ids[w.place],
    't', to_char(from_epoch_micros(p.occurred_at[w.place]) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'u', p.customers[p.customer[w.place]], 'm', p.models[p.subject[w.place]], 'v', p.versions[p.subject[w.place]],
    'k', p.statuses[p.subject[w.place]], 'p', p.parents[w.place],
    'q', jsonb_strip_nulls(jsonb_build_object('runs', '1',
        'predict_seconds', p.predict_seconds[w.place]::text, 'input_tokens', p.input_tokens[w.place]::text,
        'output_tokens', p.output_tokens[w.place]::text, 'images', p.images[w.place]::text))
      || coalesce((SELECT jsonb_object_agg(p.meters[o.meter], o.quantity::text)
                   FROM unnest(p.other_place, p.other_meter, p.other_quantity) AS o(place, meter, quantity)
                   WHERE o.place = w.place), '{}'))
  FROM unnest(p_places, p_reasons) AS w(place, reason);
END $$;
--> statement-breakpoint

-- Parked events as columns again; the n-th of the array is at place n.
CREATE FUNCTION columns_of_parked(p_identities uuid[], p_events jsonb[]) RETURNS usage_columns LANGUAGE sql STABLE AS $$
  WITH event AS (
    SELECT e.place, e.identity, x.*,
      dense_rank() OVER (ORDER BY x.u) AS customer, dense_rank() OVER (ORDER BY x.s) AS source,
      dense_rank() OVER (ORDER BY x.m, x.v, x.k) AS subject
    FROM unnest(p_identities, p_events) WITH ORDINALITY AS e(identity, event, place)
    CROSS JOIN LATERAL jsonb_to_record(e.event)
      AS x(s text, e text, t timestamptz, u text, m text, v text, k text, p text, q jsonb)
  ), other AS (
    SELECT e.place, q.key AS name, dense_rank() OVER (ORDER BY q.key) AS meter, q.value::bigint AS quantity
    FROM event e CROSS JOIN LATERAL jsonb_each_text(e.q) AS q
    WHERE q.key NOT IN ('runs', 'predict_seconds', 'input_tokens', 'output_tokens', 'images')
  )
  SELECT ROW(
    (SELECT array_agg(u ORDER BY customer) FROM (SELECT DISTINCT u, customer FROM event) x),
    (SELECT array_agg(s ORDER BY source) FROM (SELECT DISTINCT s, source FROM event) x),
    (SELECT array_agg(m ORDER BY subject) FROM (SELECT DISTINCT m, subject FROM event) x),
    (SELECT array_agg(v ORDER BY subject) FROM (SELECT DISTINCT v, subject FROM event) x),
    (SELECT array_agg(k ORDER BY subject) FROM (SELECT DISTINCT k, subject FROM event) x),
    (SELECT array_agg(name ORDER BY meter) FROM (SELECT DISTINCT name, meter FROM other) x),
    p_identities, NULL, array_agg(epoch_micros(t) ORDER BY place), array_agg(customer::int ORDER BY place),
    array_agg(subject::int ORDER BY place), array_agg(source::int ORDER BY place), array_agg(e ORDER BY place),
    array_agg(p ORDER BY place),
    array_agg((q->>'predict_seconds')::bigint ORDER BY place), array_agg((q->>'input_tokens')::bigint ORDER BY place),
    array_agg((q->>'output_tokens')::bigint ORDER BY place), array_agg((q->>'images')::bigint ORDER BY place),
    (SELECT array_agg(place::int) FROM other), (SELECT array_agg(meter::int) FROM other),
    (SELECT array_agg(quantity) FROM other))::usage_columns
  FROM event
$$;
--> statement-breakpoint

-- Books parked events whose customer, model and price are known by now, at most p_limit, and answers how many.
CREATE FUNCTION release_parked(p_limit int) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_shard record;
  v_block bigint;
  v_booked record;
  v_released bigint := 0;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7001);
  FOR v_shard IN
    WITH ready AS (
      SELECT e.identity, e.shard, e.event, e.parked_no FROM parked_event e
      WHERE reason_to_wait(e.event->>'u', e.event->>'m', (e.event->>'t')::timestamptz) IS NULL
      ORDER BY e.parked_no LIMIT p_limit FOR UPDATE OF e SKIP LOCKED
    )
    SELECT shard, array_agg(identity ORDER BY parked_no) AS identities, array_agg(event ORDER BY parked_no) AS events
    FROM ready GROUP BY shard ORDER BY shard
  LOOP
    v_block := nextval('usage_block_no');
    SELECT * INTO v_booked FROM book_events(v_block, v_shard.shard,
      columns_of_parked(v_shard.identities, v_shard.events), NULL);
    UPDATE usage_identity u SET event_no = (v_block << 20) + n.place
    FROM unnest(v_shard.identities) WITH ORDINALITY AS n(identity, place)
    WHERE u.identity = n.identity AND n.place <> ALL (coalesce(v_booked.waiting, '{}'));
    DELETE FROM parked_event e USING usage_identity u
    WHERE e.identity = u.identity AND u.identity = ANY (v_shard.identities) AND u.event_no IS NOT NULL;
    v_released := v_released + v_booked.applied;
  END LOOP;
  RETURN v_released;
END $$;
