-- Why: who can write to the database can also rewrite its past. Entries are chained by hash after they are committed, and
-- each closed month is sealed with the chain's head: a head that is kept elsewhere proves everything before it.

CREATE INDEX ON journal_entry ((xid::bigint), entry_no);
--> statement-breakpoint
-- What a balance as of a moment reads: a seal's snapshot, the entries from then on, and those that came late to it.
CREATE INDEX ON journal_entry (created_at);
--> statement-breakpoint
CREATE INDEX ON chain_link (chain_no) WHERE late;
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON chain_link
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON seal
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON balance_snapshot
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
INSERT INTO chain_state (singleton) VALUES (1);
--> statement-breakpoint
ALTER TABLE chain_state ADD CHECK (singleton = 1);
--> statement-breakpoint

-- One field of a canonical text: its length in bytes, a colon, itself. So no two different entries have the same text.
CREATE FUNCTION sealed_field(p_text text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT octet_length(convert_to(p_text, 'UTF8')) || ':' || p_text
$$;
--> statement-breakpoint

CREATE FUNCTION sealed_hash(p_text text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT encode(sha256(convert_to(p_text, 'UTF8')), 'hex')
$$;
--> statement-breakpoint

-- What the chain says of an entry: its fields, then its postings in their order, each field with its length. Without
-- numbers that a restored copy could give anew.
CREATE FUNCTION sealed_entries(p_entry_nos bigint[]) RETURNS TABLE (entry_no bigint, text text) LANGUAGE sql STABLE
SET enable_seqscan = off AS $$
  SELECT e.entry_no, sealed_field(e.key) || sealed_field(e.kind) || sealed_field(e.currency) || sealed_field(e.period::text)
    || sealed_field(to_char(e.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
    || sealed_field(e.detail::text) || sealed_field(coalesce(e.corrects, '')) || sealed_field(e.postings::text)
    || coalesce(p.text, '')
  FROM journal_entry e
  LEFT JOIN (
    SELECT p.entry_no, string_agg(sealed_field(a.path) || sealed_field(p.amount_nanos::text), '' ORDER BY p.position) AS text
    FROM posting p JOIN ledger_account a USING (account_no) WHERE p.entry_no = ANY (p_entry_nos) GROUP BY 1) p USING (entry_no)
  WHERE e.entry_no = ANY (p_entry_nos)
$$;
--> statement-breakpoint

-- Chains entries that are committed and before which no other can still appear: those of transactions older than every
-- one that runs. At most p_entries in a call; answers how many. hash = SHA-256 of the last hash and the entry's text.
CREATE FUNCTION extend_chain(p_entries int) RETURNS int LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_from bigint;
  v_until bigint;
  v_chain_no bigint;
  v_hash text;
  v_sealed_at timestamptz;
  v_chained int := 0;
  r record;
BEGIN
  PERFORM pg_advisory_xact_lock(7005);
  SELECT complete_until_xid INTO v_from FROM chain_state;
  v_until := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
  -- In a restored copy transactions are counted anew: everything is looked through once.
  IF v_until < v_from THEN v_from := 0; END IF;
  SELECT chain_no, hash INTO v_chain_no, v_hash FROM chain_link ORDER BY chain_no DESC LIMIT 1;
  v_chain_no := coalesce(v_chain_no, 0);
  v_hash := coalesce(v_hash, '');
  SELECT coalesce(max(sealed_at), '-infinity') INTO v_sealed_at FROM seal;

  -- The texts at once, not an entry at a time: finding postings and accounts is what takes the time, hashing is not.
  FOR r IN
    WITH chosen AS MATERIALIZED (
      SELECT e.entry_no, e.xid::bigint AS xid, e.created_at <= v_sealed_at AS late FROM journal_entry e
      WHERE e.xid::bigint >= v_from AND e.xid::bigint < v_until
        AND NOT EXISTS (SELECT FROM chain_link l WHERE l.entry_no = e.entry_no)
      ORDER BY e.xid::bigint, e.entry_no LIMIT p_entries)
    SELECT c.*, s.text FROM chosen c
    JOIN sealed_entries((SELECT array_agg(entry_no) FROM chosen)) s USING (entry_no) ORDER BY c.xid, c.entry_no
  LOOP
    v_chained := v_chained + 1;
    v_chain_no := v_chain_no + 1;
    v_hash := sealed_hash(sealed_field(v_hash) || r.text);
    INSERT INTO chain_link (chain_no, entry_no, hash, late) VALUES (v_chain_no, r.entry_no, v_hash, r.late);
    v_from := r.xid;
  END LOOP;
  UPDATE chain_state SET complete_until_xid = CASE WHEN v_chained < p_entries THEN v_until ELSE v_from END;
  RETURN v_chained;
END $$;
--> statement-breakpoint

-- Balances after the first p_chain_no entries: the last snapshot before, and what was chained since.
CREATE FUNCTION balances_at(p_chain_no bigint) RETURNS TABLE (account_no int, currency text, balance_nanos numeric)
LANGUAGE sql STABLE AS $$
  WITH base AS (SELECT coalesce(max(chain_no), 0) AS chain_no FROM seal WHERE chain_no <= p_chain_no)
  SELECT account_no, currency, sum(amount) FROM (
    SELECT s.account_no, s.currency, s.balance_nanos AS amount FROM balance_snapshot s JOIN base USING (chain_no)
    UNION ALL
    SELECT p.account_no, e.currency, p.amount_nanos
    FROM base b JOIN chain_link l ON l.chain_no > b.chain_no AND l.chain_no <= p_chain_no
    JOIN journal_entry e USING (entry_no) JOIN posting p USING (entry_no)) x
  GROUP BY 1, 2 HAVING sum(amount) <> 0
$$;
--> statement-breakpoint

-- The trial balance as one hash: every account that holds something, in the order of its path's bytes.
CREATE FUNCTION trial_balance_hash(p_chain_no bigint) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT sealed_hash(coalesce(string_agg(sealed_field(a.path) || sealed_field(b.currency) || sealed_field(b.balance_nanos::text), ''
    ORDER BY a.path COLLATE "C", b.currency COLLATE "C"), ''))
  FROM balances_at(p_chain_no) b JOIN ledger_account a USING (account_no)
$$;
--> statement-breakpoint

-- Seals a closed period, and any before it, once all of their entries are chained; answers whether it is sealed.
CREATE FUNCTION seal_period(p_period date) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_chain_no bigint;
  v_earlier date;
BEGIN
  PERFORM pg_advisory_xact_lock(7005);
  IF EXISTS (SELECT FROM seal WHERE period = p_period) THEN RETURN true; END IF;
  -- In order: one that had to wait for an older transaction is sealed before the next.
  FOR v_earlier IN SELECT period FROM settlement WHERE period < p_period AND period NOT IN (SELECT period FROM seal) ORDER BY period
  LOOP
    IF NOT seal_period(v_earlier) THEN RETURN false; END IF;
  END LOOP;
  IF NOT EXISTS (SELECT FROM settlement WHERE period = p_period AND state NOT IN ('closing', 'released'))
    OR EXISTS (SELECT FROM journal_entry e WHERE e.period = p_period
               AND NOT EXISTS (SELECT FROM chain_link l WHERE l.entry_no = e.entry_no)) THEN
    RETURN false;
  END IF;
  SELECT coalesce(max(chain_no), 0) INTO v_chain_no FROM chain_link;
  INSERT INTO balance_snapshot (chain_no, account_no, currency, balance_nanos)
  SELECT v_chain_no, b.account_no, b.currency, b.balance_nanos FROM balances_at(v_chain_no) b
  ON CONFLICT DO NOTHING;
  -- The clock, not the transaction's beginning: what was chained while this waited for the lock is older than its seal.
  INSERT INTO seal (period, chain_no, hash, trial_balance_hash, sealed_at)
  VALUES (p_period, v_chain_no, coalesce((SELECT hash FROM chain_link WHERE chain_no = v_chain_no), ''),
    trial_balance_hash(v_chain_no), clock_timestamp());
  RETURN true;
END $$;
--> statement-breakpoint

-- The trial balance as of a moment: what every account held that ever held something, debit positive, in nanos. The last
-- seal's snapshot, the entries from then up to the moment, and those that had begun before the seal and came after it. An
-- entry's time is the beginning of its transaction. However long the history, this reads one period of it.
CREATE FUNCTION balances_as_of(p_at timestamptz) RETURNS TABLE (account_no int, currency text, balance_nanos numeric)
LANGUAGE sql STABLE AS $$
  WITH base AS (
    SELECT coalesce(max(chain_no), 0) AS chain_no, coalesce(max(sealed_at), '-infinity') AS sealed_at
    FROM (SELECT chain_no, sealed_at FROM seal WHERE sealed_at <= p_at ORDER BY sealed_at DESC LIMIT 1) s
  ), later AS (
    SELECT e.entry_no FROM journal_entry e WHERE e.created_at > (SELECT sealed_at FROM base) AND e.created_at <= p_at
    UNION ALL
    SELECT l.entry_no FROM chain_link l JOIN journal_entry e USING (entry_no)
    WHERE l.late AND l.chain_no > (SELECT chain_no FROM base) AND e.created_at <= (SELECT sealed_at FROM base)
    UNION ALL
    SELECT e.entry_no FROM journal_entry e
    WHERE e.xid::bigint >= (SELECT complete_until_xid FROM chain_state) AND e.created_at <= (SELECT sealed_at FROM base)
      AND NOT EXISTS (SELECT FROM chain_link l WHERE l.entry_no = e.entry_no)
  )
  SELECT account_no, currency, sum(amount) FROM (
    SELECT s.account_no, s.currency, s.balance_nanos AS amount FROM balance_snapshot s WHERE s.chain_no = (SELECT chain_no FROM base)
    UNION ALL
    SELECT p.account_no, e.currency, p.amount_nanos
    FROM later JOIN journal_entry e USING (entry_no) JOIN posting p USING (entry_no)) x
  GROUP BY 1, 2
$$;
--> statement-breakpoint

CREATE FUNCTION balance_as_of(p_path text, p_currency text, p_at timestamptz) RETURNS numeric LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT b.balance_nanos FROM balances_as_of(p_at) b
                   WHERE b.account_no = (SELECT account_no FROM ledger_account WHERE path = p_path) AND b.currency = p_currency), 0)
$$;
--> statement-breakpoint

-- A correction is an entry of its own that names what it corrects. A reversal is exact, and happens once.
ALTER TABLE journal_entry ADD FOREIGN KEY (corrects) REFERENCES journal_entry (key);
--> statement-breakpoint
ALTER TABLE journal_entry ADD CHECK (kind <> 'reversal' OR corrects IS NOT NULL);
--> statement-breakpoint
CREATE UNIQUE INDEX ON journal_entry (corrects) WHERE kind = 'reversal';
--> statement-breakpoint

CREATE FUNCTION check_reversal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM (SELECT account_no, amount_nanos FROM posting WHERE entry_no = NEW.entry_no) r
    FULL JOIN (SELECT p.account_no, p.amount_nanos FROM posting p JOIN journal_entry e USING (entry_no)
               WHERE e.key = NEW.corrects AND e.currency = NEW.currency) o USING (account_no)
    WHERE r.amount_nanos IS DISTINCT FROM -o.amount_nanos) THEN
    RAISE EXCEPTION 'entry % is not the opposite of %', NEW.key, NEW.corrects USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER reversal_is_opposite AFTER INSERT ON journal_entry DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.kind = 'reversal') EXECUTE FUNCTION check_reversal();
--> statement-breakpoint

INSERT INTO permitted_flow (entry_kind, account_kind) VALUES
  ('adjustment', 'payee:payable'), ('adjustment', 'platform:revenue'), ('adjustment', 'platform:loss'),
  ('reversal', 'payee:payable'), ('reversal', 'platform:revenue'), ('reversal', 'platform:loss');
--> statement-breakpoint

-- Books the exact opposite of an adjustment in the first open period. What accruals, releases, bills and payouts book is
-- computed from facts below them: to correct it, correct those. Answers the new entry, NULL when it is reversed already.
CREATE FUNCTION reverse_entry(p_key text, p_reason text) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE e record;
BEGIN
  SELECT * INTO e FROM journal_entry WHERE key = p_key;
  IF NOT FOUND THEN PERFORM refuse('entry_unknown'); END IF;
  IF e.kind <> 'adjustment' THEN PERFORM refuse('entry_not_reversible', jsonb_build_object('kind', e.kind)); END IF;
  RETURN (
    SELECT post_entry('reversal:' || p_key, 'reversal', e.currency, (SELECT first_open_period FROM books_state),
      jsonb_build_object('corrects', p_key, 'reason', p_reason), array_agg(a.path), array_agg(-p.amount_nanos))
    FROM posting p JOIN ledger_account a USING (account_no) WHERE p.entry_no = e.entry_no);
END $$;
