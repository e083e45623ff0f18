-- Why: one call applies one consumed batch, in full or not at all; parked events go the same way once they can.

-- Who asks for an event that waits knows its id, not always its source.
CREATE INDEX parked_event_id ON parked_event ((event->>'e'));
--> statement-breakpoint
-- Which of the identities were metered before: their places. Asked when some are likely to be. The planner must walk the index, whatever it believes about
-- its size.
CREATE FUNCTION known_identities(p_identities uuid[]) RETURNS int[] LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM usage_identity WHERE identity = ANY (p_identities)) THEN RETURN '{}'; END IF;
  RETURN (SELECT coalesce(array_agg(e.place::int), '{}') FROM unnest(p_identities) WITH ORDINALITY AS e(identity, place)
    WHERE e.identity IN (SELECT identity FROM usage_identity WHERE identity = ANY (p_identities)));
END $$;
--> statement-breakpoint

-- Applies one consumed batch, or nothing of it. p_from is where the caller believes the cursor to be.
-- p has the events that are new, as far as the caller knows: one that is not after all fails with unique_violation, and
-- the caller looks again. That costs less than ON CONFLICT, which writes every row tentatively first (docs/benchmarks.md).
-- p_repeats are events whose identity was metered before, or stands earlier in this batch: i identity, c content.
-- p_dead are unreadable ones: o offset, x index, reason, message, raw as base64. p_raw has the bytes of repeats that are in
-- conflict, by their place among the repeats: conflicts are rare, so they are asked for when there are some (refusal
-- conflict_raw_needed) rather than sent with every event.
CREATE FUNCTION apply_usage_batch(p_log_id text, p_partition int, p_epoch bigint, p_from bigint, p_to bigint,
  p_consumed int, p usage_columns, p_repeats jsonb, p_dead jsonb, p_raw jsonb) RETURNS void LANGUAGE plpgsql VOLATILE
SET plan_cache_mode = force_generic_plan SET work_mem = '64MB' AS $$
DECLARE
  v_floor bigint;
  v_block bigint;
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

  IF cardinality(p.identities) > 0 THEN
    SELECT epoch_micros(occurred_from) INTO v_floor FROM identity_floor WHERE occurred_from > '-infinity';
    IF v_floor IS NOT NULL AND (SELECT min(t) FROM unnest(p.cell_first) AS t) < v_floor THEN
      PERFORM refuse('before_identity_floor', jsonb_build_object('floor', v_floor::text));
    END IF;

    v_block := nextval('usage_block_no');
    -- They come in sorted order, so that two partitions with the same identities cannot wait for each other in a circle. Read as they are
    -- inserted: a function in FROM would be kept as rows first.
    INSERT INTO usage_identity (identity, content, event_no)
    SELECT unnest(p.identities), unnest(p.contents), (v_block << 20) + unnest(p.identity_places);

    SELECT * INTO v_booked FROM book_events(v_block, p_partition::smallint, p);
    v_applied := v_booked.applied;
    v_parked := coalesce(cardinality(v_booked.waiting), 0);
    IF v_parked > 0 THEN PERFORM park_events(p_partition::smallint, p, v_booked.waiting); END IF;
  END IF;

  IF jsonb_array_length(p_repeats) > 0 THEN
    SELECT count(*) FILTER (WHERE u.content = r.c),
      coalesce(array_agg(r.place::int ORDER BY r.place) FILTER (WHERE u.content <> r.c), '{}')
    INTO v_duplicate, v_conflicts
    FROM ROWS FROM (jsonb_to_recordset(p_repeats) AS (i uuid, c bigint)) WITH ORDINALITY AS r(i, c, place)
    CROSS JOIN LATERAL (SELECT x.content FROM usage_identity x WHERE x.identity = r.i OFFSET 0) u;
    IF cardinality(v_conflicts) > 0 THEN
      PERFORM quarantine_conflicts(p_log_id, p_partition, v_conflicts, p_raw);
    END IF;
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

-- Parks the events of groups that must wait; each is a group of its own. An identity without an event_no is one that waits.
-- event: s source, e id, t time, u customer, m model, v version, k status, p parent, h hardware where it is told,
-- q quantities by meter.
CREATE FUNCTION park_events(p_shard smallint, p usage_columns, p_groups int[]) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  -- In variables of their own, names are found at once; in a field of p, each is looked for from the first one on.
  v_sources text[] := p.sources;
  v_customers text[] := p.customers;
  v_models text[] := p.models;
  v_versions text[] := p.versions;
  v_statuses text[] := p.statuses;
  v_hardware text[] := p.hardware;
  v_group_hardware int[] := p.group_hardware;
BEGIN
  WITH waiting AS MATERIALIZED (
    SELECT e.*, i.identity FROM unpack_events(p.events) e
    JOIN unnest(p.identities, p.identity_places) AS i(identity, place) ON i.place = e.place
    WHERE e.grp IN (SELECT unnest(p_groups))
  ), other AS MATERIALIZED (
    -- All that waits may have come in one batch: nothing is unpacked once per event.
    SELECT o.place, jsonb_object_agg(o.meter, o.quantity::text) AS quantities
    FROM unpack_other_meters(p.events) o GROUP BY o.place
  ), parked AS (
    INSERT INTO parked_event (identity, shard, reason, event)
    SELECT e.identity, p_shard, reason_to_wait(c.id, m.id, from_epoch_micros(e.occurred_at)),
      jsonb_build_object('s', v_sources[e.source], 'e', e.id,
        't', to_char(from_epoch_micros(e.occurred_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'u', c.id, 'm', m.id, 'v', v_versions[x.subject], 'k', v_statuses[x.subject], 'p', e.parent,
        'q', jsonb_strip_nulls(jsonb_build_object('runs', '1', 'predict_seconds', e.predict_seconds::text,
          'input_tokens', e.input_tokens::text, 'output_tokens', e.output_tokens::text, 'images', e.images::text))
        || coalesce(o.quantities, '{}'))
      || jsonb_strip_nulls(jsonb_build_object('h', v_hardware[v_group_hardware[e.grp]]))
    FROM waiting e LEFT JOIN other o ON o.place = e.place
    CROSS JOIN LATERAL (SELECT v_customers[p.group_customer[e.grp]]) AS c(id)
    CROSS JOIN LATERAL (SELECT p.cell_subject[p.group_cell[e.grp]]) AS x(subject)
    CROSS JOIN LATERAL (SELECT v_models[x.subject]) AS m(id)
    ORDER BY e.place
    RETURNING identity
  )
  UPDATE usage_identity u SET event_no = NULL FROM parked e WHERE u.identity = e.identity;
END $$;
--> statement-breakpoint

-- Parked events as columns again, each by itself and without its identity, which stays where it is; the n-th of the array is at place n, and so are its group, cell and payer.
CREATE FUNCTION columns_of_parked(p_events jsonb[]) RETURNS usage_columns LANGUAGE sql STABLE AS $$
  WITH event AS (
    SELECT e.place, x.*, epoch_micros(x.t) AS micros,
      (x.q->>'predict_seconds')::bigint AS ps, (x.q->>'input_tokens')::bigint AS it,
      (x.q->>'output_tokens')::bigint AS ot, (x.q->>'images')::bigint AS im,
      dense_rank() OVER (ORDER BY x.u) AS customer, dense_rank() OVER (ORDER BY x.s) AS source,
      dense_rank() OVER (ORDER BY x.m, x.v, x.k) AS subject,
      CASE WHEN x.h IS NOT NULL THEN dense_rank() OVER (ORDER BY x.h) END AS hardware
    FROM unnest(p_events) WITH ORDINALITY AS e(event, place)
    CROSS JOIN LATERAL jsonb_to_record(e.event)
      AS x(s text, e text, t timestamptz, u text, m text, v text, k text, p text, h text, q jsonb)
  ), other AS (
    SELECT e.place, q.key AS name, dense_rank() OVER (ORDER BY q.key) AS meter, q.value::bigint AS quantity
    FROM event e CROSS JOIN LATERAL jsonb_each_text(e.q) AS q
    WHERE q.key NOT IN ('runs', 'predict_seconds', 'input_tokens', 'output_tokens', 'images')
  ), line AS (
    SELECT (place - 1) / 1000 AS n, jsonb_build_object('g', jsonb_agg(place ORDER BY place), 't', jsonb_agg(micros ORDER BY place),
      's', jsonb_agg(source ORDER BY place), 'e', jsonb_agg(e ORDER BY place), 'p', jsonb_agg(p ORDER BY place),
      'ps', jsonb_agg(ps ORDER BY place), 'it', jsonb_agg(it ORDER BY place), 'ot', jsonb_agg(ot ORDER BY place),
      'im', jsonb_agg(im ORDER BY place)) AS events
    FROM event e GROUP BY (place - 1) / 1000
  )
  SELECT ROW(
    (SELECT array_agg(u ORDER BY customer) FROM (SELECT DISTINCT u, customer FROM event) x),
    (SELECT array_agg(s ORDER BY source) FROM (SELECT DISTINCT s, source FROM event) x),
    (SELECT array_agg(m ORDER BY subject) FROM (SELECT DISTINCT m, v, k, subject FROM event) x),
    (SELECT array_agg(v ORDER BY subject) FROM (SELECT DISTINCT m, v, k, subject FROM event) x),
    (SELECT array_agg(k ORDER BY subject) FROM (SELECT DISTINCT m, v, k, subject FROM event) x),
    (SELECT array_agg(name ORDER BY meter) FROM (SELECT DISTINCT name, meter FROM other) x),
    NULL, NULL, NULL, (SELECT string_agg((l.events || jsonb_build_object('o', coalesce((
        SELECT jsonb_agg(jsonb_build_array(o.place, o.place, o.name, o.quantity)) FROM other o WHERE (o.place - 1) / 1000 = l.n), '[]')))::text,
      E'\n' ORDER BY l.n) FROM line l),
    array_agg(customer::int ORDER BY place), array_agg(place::int ORDER BY place), array_agg(micros ORDER BY place),
    array_agg(micros ORDER BY place),
    array_agg(subject::int ORDER BY place), array_agg(place::int ORDER BY place), array_agg(micros ORDER BY place),
    array_agg(micros ORDER BY place), array_agg(1 ORDER BY place),
    array_agg(ps ORDER BY place), NULL, array_agg(it ORDER BY place), NULL,
    array_agg(ot ORDER BY place), NULL, array_agg(im ORDER BY place), NULL,
    array_agg(customer::int ORDER BY place), array_agg(place::int ORDER BY place), array_agg(micros ORDER BY place),
    array_agg(1 ORDER BY place),
    array_agg(ps ORDER BY place), NULL, array_agg(it ORDER BY place), NULL,
    array_agg(ot ORDER BY place), NULL, array_agg(im ORDER BY place), NULL,
    (SELECT array_agg(place::int) FROM other), (SELECT array_agg(meter::int) FROM other),
    (SELECT array_agg(quantity) FROM other), (SELECT array_agg(1) FROM other), count(p)::int,
    (SELECT array_agg(h ORDER BY hardware) FROM (SELECT DISTINCT h, hardware FROM event WHERE h IS NOT NULL) x),
    CASE WHEN count(h) > 0 THEN array_agg(hardware::int ORDER BY place) END)::usage_columns
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
      columns_of_parked(v_shard.events));
    UPDATE usage_identity u SET event_no = (v_block << 20) + n.place
    FROM unnest(v_shard.identities) WITH ORDINALITY AS n(identity, place)
    WHERE u.identity = n.identity AND n.place <> ALL (coalesce(v_booked.waiting, '{}'));
    DELETE FROM parked_event e USING usage_identity u
    WHERE e.identity = u.identity AND u.identity = ANY (v_shard.identities) AND u.event_no IS NOT NULL;
    v_released := v_released + v_booked.applied;
  END LOOP;
  RETURN v_released;
END $$;
--> statement-breakpoint

-- The same on every machine and version; 64 bits, so whoever looks up by it compares the names.
CREATE FUNCTION parent_key(p_parent text) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT ('x' || substr(md5(p_parent), 1, 16))::bit(64)::bigint
$$;
--> statement-breakpoint

-- Notes which events name which parent, block by block, at most p_blocks of them; answers how many. Beside metering and not
-- in it: an event without a parent costs nothing here, and one with a parent costs metering nothing. Those that wait for the
-- catalogue are noted when they are booked.
CREATE FUNCTION link_chained_events(p_blocks int) RETURNS int LANGUAGE plpgsql VOLATILE SET jit = off AS $$
DECLARE v_blocks bigint[];
BEGIN
  SELECT array_agg(block_no) INTO v_blocks FROM (
    SELECT block_no FROM usage_block WHERE chained > 0 ORDER BY block_no LIMIT p_blocks FOR UPDATE SKIP LOCKED) x;
  IF v_blocks IS NULL THEN RETURN 0; END IF;
  INSERT INTO chained_event (parent_key, event_no)
  SELECT parent_key(e.parent), (b.block_no << 20) + e.place
  FROM usage_block b CROSS JOIN LATERAL unpack_events(b.events) e
  WHERE b.block_no = ANY (v_blocks) AND e.parent IS NOT NULL AND b.group_term_no[e.grp] IS NOT NULL ORDER BY 1, 2;
  UPDATE usage_block SET chained = 0 WHERE block_no = ANY (v_blocks);
  RETURN cardinality(v_blocks);
END $$;
