-- Why: what people said to models and got from them is nobody's money. It lies apart from everything that is metered,
-- encrypted with a key per customer, and goes when its time is over: bytes, not only rows (docs/decisions/0030).

-- One table a day of expiry, so that a day goes by dropping a table: nothing of it is left in any file.
CREATE SCHEMA payload;
--> statement-breakpoint
CREATE TABLE prediction_payload (
  expires_on date NOT NULL, identity uuid NOT NULL, content bigint NOT NULL, customer text NOT NULL, key_no int NOT NULL,
  body bytea NOT NULL
) PARTITION BY LIST (expires_on);
--> statement-breakpoint
CREATE INDEX ON prediction_payload (identity);
--> statement-breakpoint
-- Ciphertext cannot be compressed.
ALTER TABLE prediction_payload ALTER COLUMN body SET STORAGE EXTERNAL;
--> statement-breakpoint
ALTER TABLE payload_rule ADD CHECK (kind = 'customer' OR (kind = 'model' AND NOT hold AND NOT creators_read)),
  ADD CHECK (days BETWEEN 0 AND 36500);
--> statement-breakpoint
ALTER TABLE payload_key ADD CHECK ((wrapped IS NULL) = (shredded_at IS NOT NULL));
--> statement-breakpoint
ALTER TABLE prediction_feedback ADD CHECK (thumb IN (-1, 1)), ADD CHECK (score BETWEEN 0 AND 100),
  ADD CHECK ((comment IS NULL) = (key_no IS NULL));
--> statement-breakpoint

CREATE FUNCTION payload_table(p_day date) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT 'day_' || CASE WHEN p_day = 'infinity' THEN 'held' ELSE to_char(p_day, 'YYYYMMDD') END
$$;
--> statement-breakpoint

-- Made apart and attached: that waits for nobody who reads or writes. What is there is asked of the catalogue's rows, since names
-- are looked up in what the session remembers: it would not see what was made while it waited for the lock.
CREATE FUNCTION make_payload_day(p_day date) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE v_table text := payload_table(p_day);
BEGIN
  IF to_regclass('payload.' || v_table) IS NOT NULL THEN RETURN; END IF;
  PERFORM pg_advisory_xact_lock(7027);
  IF EXISTS (SELECT FROM pg_class WHERE relnamespace = 'payload'::regnamespace AND relname = v_table) THEN RETURN; END IF;
  EXECUTE format('CREATE TABLE payload.%I (LIKE prediction_payload INCLUDING ALL)', v_table);
  EXECUTE format('ALTER TABLE prediction_payload ATTACH PARTITION payload.%I FOR VALUES IN (%L)', v_table, p_day);
END $$;
--> statement-breakpoint

-- How many days a payload is kept: the shorter of what customer and model say, otherwise the default.
CREATE FUNCTION payload_days(p_customer text, p_model text, p_default int) RETURNS int LANGUAGE sql STABLE AS $$
  SELECT coalesce(least((SELECT days FROM payload_rule WHERE kind = 'customer' AND subject = p_customer),
                        (SELECT days FROM payload_rule WHERE kind = 'model' AND subject = p_model)), p_default)
$$;
--> statement-breakpoint

-- Keeps payloads, each identity and content once. Refuses payload_key_gone when a key was shredded meanwhile; the lock on
-- the keys makes a shredding wait for those who use them. The days asked for hold only where no rule says otherwise now: one that is
-- set waits for those who store (advisory lock 7028), so that whoever brings payloads in line with it sees them all.
CREATE FUNCTION store_payloads(p_identities uuid[], p_contents bigint[], p_customers text[], p_models text[], p_key_nos int[],
  p_days int[], p_bodies bytea[]) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_day date;
  v_days int[];
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7028);
  v_days := ARRAY(SELECT payload_days(n.customer, n.model, n.days)
    FROM unnest(p_customers, p_models, p_days) WITH ORDINALITY AS n(customer, model, days, place) ORDER BY n.place);
  PERFORM FROM payload_key k WHERE (k.customer, k.key_no) IN (SELECT * FROM unnest(p_customers, p_key_nos))
  ORDER BY k.customer, k.key_no FOR SHARE;
  IF EXISTS (SELECT FROM unnest(p_customers, p_key_nos) AS n(customer, key_no) WHERE NOT EXISTS (
      SELECT FROM payload_key k WHERE k.customer = n.customer AND k.key_no = n.key_no AND k.wrapped IS NOT NULL)) THEN
    PERFORM refuse('payload_key_gone');
  END IF;
  FOR v_day IN SELECT DISTINCT (now() + make_interval(days => d))::date FROM unnest(v_days) AS d WHERE d > 0 ORDER BY 1 LOOP
    PERFORM make_payload_day(v_day);
  END LOOP;
  WITH payload AS (
    SELECT * FROM unnest(p_identities, p_contents, p_customers, p_models, p_key_nos, v_days, p_bodies)
      AS n(identity, content, customer, model, key_no, days, body) WHERE days > 0
  ), new AS (
    INSERT INTO payload_ref (identity, content, customer, model, stored_at, expires_at, expires_on)
    SELECT identity, content, customer, model, now(), now() + make_interval(days => days),
      (now() + make_interval(days => days))::date FROM payload ORDER BY identity, content
    ON CONFLICT DO NOTHING RETURNING identity, content, expires_on
  )
  INSERT INTO prediction_payload (expires_on, identity, content, customer, key_no, body)
  SELECT new.expires_on, p.identity, p.content, p.customer, p.key_no, p.body FROM payload p JOIN new USING (identity, content);
END $$;
--> statement-breakpoint

CREATE FUNCTION await_payload_stores() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(7028);
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER payload_rule_awaits_stores BEFORE INSERT OR UPDATE OF days ON payload_rule
  FOR EACH STATEMENT EXECUTE FUNCTION await_payload_stores();
--> statement-breakpoint

-- That rows were deleted from a table and must leave its files too.
CREATE FUNCTION note_rewrite(p_table text) RETURNS void LANGUAGE sql VOLATILE AS $$
  INSERT INTO payload_rewrite (table_name, deleted_before) VALUES (p_table, pg_current_xact_id()::text::bigint)
  ON CONFLICT (table_name) DO UPDATE SET deleted_before = excluded.deleted_before
$$;
--> statement-breakpoint

-- Tables that can be written anew now: no transaction is open that might still see what was deleted from them.
CREATE FUNCTION rewritable_tables() RETURNS TABLE (table_name text, deleted_before bigint) LANGUAGE sql VOLATILE AS $$
  SELECT r.table_name, r.deleted_before FROM payload_rewrite r
  WHERE r.deleted_before < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
    AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
      AND age(a.backend_xmin) >= age((r.deleted_before % 4294967296)::text::xid))
  ORDER BY 1
$$;
--> statement-breakpoint

-- Moves payloads to another day of expiry.
CREATE FUNCTION move_payloads(p_identities uuid[], p_contents bigint[], p_expires_at timestamptz[], p_days date[])
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE v_day date;
BEGIN
  FOR v_day IN SELECT DISTINCT d FROM unnest(p_days) AS d ORDER BY 1 LOOP PERFORM make_payload_day(v_day); END LOOP;
  PERFORM note_rewrite('payload.' || payload_table(old.expires_on)) FROM (
    SELECT DISTINCT r.expires_on FROM payload_ref r JOIN unnest(p_identities, p_contents) AS n(identity, content)
      USING (identity, content)) old;
  UPDATE prediction_payload p SET expires_on = n.day
  FROM unnest(p_identities, p_contents, p_days) AS n(identity, content, day)
  JOIN payload_ref r USING (identity, content)
  WHERE p.expires_on = r.expires_on AND p.identity = n.identity AND p.content = n.content;
  UPDATE payload_ref r SET expires_at = n.expires_at, expires_on = n.day
  FROM unnest(p_identities, p_contents, p_expires_at, p_days) AS n(identity, content, expires_at, day)
  WHERE r.identity = n.identity AND r.content = n.content;
END $$;
--> statement-breakpoint

-- Brings payloads that are kept in line with rules that were set since: shorter times hold for them too, longer ones do not;
-- a hold that began keeps them, one that ended lets them go. At most p_limit; answers how many, and marks the rules when
-- nothing is left to do.
CREATE FUNCTION apply_payload_rules(p_limit int) RETURNS int LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_set_at timestamptz := (SELECT max(set_at) FROM payload_rule WHERE applied_at IS NULL);
  v_moved int;
BEGIN
  IF v_set_at IS NULL THEN RETURN 0; END IF;
  WITH changed AS (
    SELECT r.identity, r.content, coalesce(c.hold, false) AS held,
      least(r.expires_at, r.stored_at + make_interval(days => least(c.days, m.days))) AS expires_at, r.expires_on
    FROM payload_ref r
    LEFT JOIN payload_rule c ON c.kind = 'customer' AND c.subject = r.customer
    LEFT JOIN payload_rule m ON m.kind = 'model' AND m.subject = r.model
    WHERE r.customer IN (SELECT subject FROM payload_rule WHERE kind = 'customer' AND applied_at IS NULL)
      OR r.model IN (SELECT subject FROM payload_rule WHERE kind = 'model' AND applied_at IS NULL)
  ), aimed AS (
    SELECT *, CASE WHEN held THEN 'infinity'::date ELSE greatest(expires_at::date, current_date) END AS day FROM changed
  ), moving AS (
    SELECT a.* FROM aimed a JOIN payload_ref r USING (identity, content)
    WHERE a.day <> a.expires_on OR a.expires_at <> r.expires_at LIMIT p_limit
  )
  SELECT count(*), CASE WHEN count(*) > 0 THEN move_payloads(array_agg(identity), array_agg(content), array_agg(expires_at),
    array_agg(day))::text END INTO v_moved FROM moving;
  IF v_moved = 0 THEN UPDATE payload_rule SET applied_at = now() WHERE applied_at IS NULL AND set_at <= v_set_at; END IF;
  RETURN v_moved;
END $$;
--> statement-breakpoint

-- Days whose payloads have to go.
CREATE FUNCTION expired_payload_days() RETURNS SETOF date LANGUAGE sql STABLE AS $$
  SELECT to_date(substr(c.relname, 5), 'YYYYMMDD') FROM pg_class c
  WHERE c.relnamespace = 'payload'::regnamespace AND c.relname ~ '^day_\d{8}$'
    AND to_date(substr(c.relname, 5), 'YYYYMMDD') < current_date ORDER BY 1
$$;
--> statement-breakpoint

-- One step of letting a day go: payloads under a hold are moved away, then the notes of it go, p_limit at a time, and at last
-- the table with its files. Answers how many are done; 0 when the day is gone.
CREATE FUNCTION drop_payload_day(p_day date, p_limit int) RETURNS int LANGUAGE plpgsql VOLATILE SET lock_timeout = '2s' AS $$
DECLARE v_count int;
BEGIN
  IF p_day >= current_date THEN PERFORM refuse('internal_error', jsonb_build_object('day', p_day)); END IF;
  WITH held AS (
    SELECT r.identity, r.content, r.expires_at FROM payload_ref r JOIN payload_rule c
      ON c.kind = 'customer' AND c.subject = r.customer AND c.hold
    WHERE r.expires_on = p_day LIMIT p_limit
  )
  SELECT count(*), CASE WHEN count(*) > 0 THEN move_payloads(array_agg(identity), array_agg(content), array_agg(expires_at),
    array_agg(date 'infinity'))::text END INTO v_count FROM held;
  IF v_count > 0 THEN RETURN v_count; END IF;

  DELETE FROM payload_ref WHERE ctid IN (SELECT ctid FROM payload_ref WHERE expires_on = p_day LIMIT p_limit);
  GET DIAGNOSTICS v_count = ROW_COUNT;
  IF v_count > 0 THEN RETURN v_count; END IF;

  EXECUTE format('DROP TABLE IF EXISTS payload.%I', payload_table(p_day));
  DELETE FROM payload_rewrite WHERE table_name = 'payload.' || payload_table(p_day);
  RETURN 0;
END $$;
--> statement-breakpoint

-- Destroys a customer's keys: from its commit on nothing that they encrypted can be read by anybody. Feedback and public
-- links go too. Answers how many of each.
CREATE FUNCTION shred_customer(p_customer text, p_by text) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_keys int;
  v_feedback int;
  v_shares int;
  v_payloads int;
BEGIN
  PERFORM FROM payload_rule WHERE kind = 'customer' AND subject = p_customer FOR SHARE;
  IF EXISTS (SELECT FROM payload_rule WHERE kind = 'customer' AND subject = p_customer AND hold) THEN
    PERFORM refuse('legal_hold');
  END IF;
  UPDATE payload_key SET wrapped = NULL, shredded_at = now() WHERE customer = p_customer AND wrapped IS NOT NULL;
  GET DIAGNOSTICS v_keys = ROW_COUNT;
  SELECT count(*) INTO v_payloads FROM payload_ref WHERE customer = p_customer;
  DELETE FROM prediction_feedback WHERE customer = p_customer;
  GET DIAGNOSTICS v_feedback = ROW_COUNT;
  DELETE FROM prediction_share WHERE customer = p_customer;
  GET DIAGNOSTICS v_shares = ROW_COUNT;
  IF v_keys > 0 THEN PERFORM note_rewrite('payload_key'); END IF;
  IF v_feedback > 0 THEN PERFORM note_rewrite('prediction_feedback'); END IF;
  IF v_shares > 0 THEN PERFORM note_rewrite('prediction_share'); END IF;
  INSERT INTO payload_erasure (customer, asked_by) VALUES (p_customer, p_by);
  RETURN jsonb_build_object('keys', v_keys, 'payloads', v_payloads, 'feedback', v_feedback, 'shares', v_shares);
END $$;
--> statement-breakpoint

-- Deletes what a shredded customer's keys had encrypted, at most p_limit at a time; answers how many.
CREATE FUNCTION delete_payloads(p_customer text, p_limit int) RETURNS int LANGUAGE plpgsql VOLATILE AS $$
DECLARE v_count int;
BEGIN
  WITH gone AS (
    DELETE FROM payload_ref WHERE ctid IN (SELECT r.ctid FROM payload_ref r WHERE r.customer = p_customer AND EXISTS (
      SELECT FROM prediction_payload p JOIN payload_key k USING (customer, key_no)
      WHERE p.expires_on = r.expires_on AND p.identity = r.identity AND p.content = r.content AND k.wrapped IS NULL) LIMIT p_limit)
    RETURNING identity, content, expires_on
  ), deleted AS (
    DELETE FROM prediction_payload p USING gone g
    WHERE p.expires_on = g.expires_on AND p.identity = g.identity AND p.content = g.content
  )
  SELECT count(*), max(note_rewrite('payload.' || payload_table(expires_on))::text) INTO v_count FROM gone;
  RETURN v_count;
END $$;
--> statement-breakpoint
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tributary_reader') THEN RETURN; END IF;
  REVOKE SELECT ON prediction_payload FROM tributary_reader;
END $$;
