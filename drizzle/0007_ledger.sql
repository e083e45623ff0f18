-- Why: the books are double entry and append-only, and the database is what keeps them so. Each guarantee below falls
-- if its line is dropped; test/ledger breaks each on purpose.

-- An entry names at least two postings, and none is empty: without this an "entry" could record nothing.
ALTER TABLE journal_entry ADD CHECK (postings BETWEEN 2 AND 1000000);
--> statement-breakpoint
ALTER TABLE journal_entry ADD CHECK (extract(day FROM period) = 1 AND currency ~ '^[A-Z]{3}$');
--> statement-breakpoint
ALTER TABLE posting ADD CHECK (amount_nanos <> 0 AND position >= 1);
--> statement-breakpoint

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: correct it with a new entry', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_entry
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON posting
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON statement
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint

-- Once per entry, at commit: all its postings are there and they sum to zero.
CREATE FUNCTION check_entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE v_count bigint; v_sum numeric;
BEGIN
  SELECT count(*), coalesce(sum(amount_nanos), 0) INTO v_count, v_sum FROM posting WHERE entry_no = NEW.entry_no;
  IF v_count <> NEW.postings OR v_sum <> 0 THEN
    RAISE EXCEPTION 'entry % does not balance: % of % postings, sum %', NEW.key, v_count, NEW.postings, v_sum
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER entry_balances AFTER INSERT ON journal_entry DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION check_entry_balances();
--> statement-breakpoint

-- Postings belong to their entry's transaction and to its announced positions: so nothing can be slipped under an
-- entry after its balance was checked, not even in the same transaction.
CREATE FUNCTION check_posting_belongs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM added a JOIN journal_entry e USING (entry_no)
             WHERE e.xid <> pg_current_xact_id()::text OR a.position > e.postings) THEN
    RAISE EXCEPTION 'postings can only be written with their entry' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER posting_belongs AFTER INSERT ON posting REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION check_posting_belongs();
--> statement-breakpoint
-- The entry says itself which transaction wrote it; otherwise a later one could pretend. What it corrects it names in its
-- detail.
CREATE FUNCTION stamp_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.xid := pg_current_xact_id()::text;
  NEW.corrects := NEW.detail->>'corrects';
  RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER stamp_entry BEFORE INSERT ON journal_entry FOR EACH ROW EXECUTE FUNCTION stamp_entry();
--> statement-breakpoint

INSERT INTO permitted_flow (entry_kind, account_kind) VALUES
  ('accrual', 'platform:unbilled'), ('accrual', 'platform:revenue'), ('accrual', 'platform:cost_recovery'),
  ('accrual', 'platform:rounding'), ('accrual', 'payee:accruing'),
  ('release', 'payee:accruing'), ('release', 'payee:payable'),
  ('billing', 'platform:unbilled'), ('billing', 'customer:receivable'), ('billing', 'platform:rounding'),
  ('payout_sent', 'payee:payable'), ('payout_sent', 'payee:in_transit'),
  ('payout_returned', 'payee:payable'), ('payout_returned', 'payee:in_transit'),
  ('payout_paid', 'payee:in_transit'), ('payout_paid', 'stripe:clearing');
--> statement-breakpoint

-- Writes one entry: the only writer of the journal. Amounts are nanos by account path, debit positive; several on one
-- account are added, zeros are left out. Answers the entry's number, or NULL when there was nothing to post or the key
-- was posted before (so a repeated business event is recorded once).
CREATE FUNCTION post_entry(p_key text, p_kind text, p_currency text, p_period date, p_detail jsonb,
  p_accounts text[], p_amounts numeric[]) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_accounts text[];
  v_amounts numeric[];
  v_entry_no bigint;
BEGIN
  SELECT array_agg(path ORDER BY path), array_agg(amount ORDER BY path) INTO v_accounts, v_amounts
  FROM (SELECT path, sum(amount) AS amount FROM unnest(p_accounts, p_amounts) AS p(path, amount)
        GROUP BY path HAVING sum(amount) <> 0) x;
  IF v_accounts IS NULL THEN RETURN NULL; END IF;

  INSERT INTO ledger_account (path, kind, owner)
  SELECT n.path, split_part(n.path, ':', 1) || ':' || split_part(n.path, ':', -1),
         CASE WHEN n.path ~ '^(payee|customer):' THEN split_part(n.path, ':', 2) END
  FROM unnest(v_accounts) AS n(path)
  WHERE NOT EXISTS (SELECT FROM ledger_account a WHERE a.path = n.path)
  ORDER BY n.path ON CONFLICT DO NOTHING;

  IF EXISTS (SELECT FROM ledger_account a WHERE a.path = ANY (v_accounts) AND NOT EXISTS (
               SELECT FROM permitted_flow f WHERE f.entry_kind = p_kind AND f.account_kind = a.kind)) THEN
    RAISE EXCEPTION 'an entry of kind % may not touch one of %', p_kind, v_accounts USING ERRCODE = 'restrict_violation';
  END IF;

  INSERT INTO journal_entry (key, kind, currency, period, postings, detail, xid)
  VALUES (p_key, p_kind, p_currency, p_period, cardinality(v_accounts), p_detail, '')
  ON CONFLICT (key) DO NOTHING RETURNING entry_no INTO v_entry_no;
  IF v_entry_no IS NULL THEN RETURN NULL; END IF;

  INSERT INTO posting (entry_no, position, account_no, amount_nanos)
  SELECT v_entry_no, p.position, a.account_no, p.amount
  FROM unnest(v_accounts, v_amounts) WITH ORDINALITY AS p(path, amount, position)
  JOIN ledger_account a ON a.path = p.path;

  INSERT INTO account_balance AS b (account_no, currency, balance_nanos)
  SELECT a.account_no, p_currency, p.amount
  FROM unnest(v_accounts, v_amounts) AS p(path, amount) JOIN ledger_account a ON a.path = p.path
  ORDER BY a.account_no
  ON CONFLICT (account_no, currency) DO UPDATE SET balance_nanos = b.balance_nanos + excluded.balance_nanos;

  RETURN v_entry_no;
END $$;
--> statement-breakpoint

-- ---- Many entries at once ----

-- Writes entries of one kind and period under the same guarantees as post_entry(), at the cost of a few statements for all
-- of them. The n-th key, currency and detail are an entry's; p_entries says of each amount which entry it is of, counted
-- from 1. Answers the entries it wrote: not those of which nothing was left to post, nor those whose key was posted before.
-- Accounts are looked up one by one, by their index, however many there are; everything else is hashed.
CREATE FUNCTION post_entries(p_kind text, p_period date, p_keys text[], p_currencies text[], p_details jsonb[],
  p_entries int[], p_accounts text[], p_amounts numeric[])
RETURNS TABLE (written_key text, written_entry_no bigint) LANGUAGE plpgsql VOLATILE
SET enable_nestloop = off SET jit = off AS $$
DECLARE
  v_entries int[];
  v_accounts text[];
  v_amounts numeric[];
  v_refused text;
BEGIN
  IF (SELECT count(DISTINCT k) FROM unnest(p_keys) AS k) <> cardinality(p_keys) THEN
    RAISE EXCEPTION 'two entries under one key' USING ERRCODE = 'unique_violation';
  END IF;

  SELECT array_agg(entry ORDER BY entry, path), array_agg(path ORDER BY entry, path), array_agg(amount ORDER BY entry, path)
  INTO v_entries, v_accounts, v_amounts
  FROM (SELECT entry, path, sum(amount) AS amount FROM unnest(p_entries, p_accounts, p_amounts) AS p(entry, path, amount)
        GROUP BY 1, 2 HAVING sum(amount) <> 0) x;
  IF v_accounts IS NULL THEN RETURN; END IF;

  INSERT INTO ledger_account (path, kind, owner)
  SELECT n.path, split_part(n.path, ':', 1) || ':' || split_part(n.path, ':', -1),
         CASE WHEN n.path ~ '^(payee|customer):' THEN split_part(n.path, ':', 2) END
  FROM (SELECT DISTINCT path FROM unnest(v_accounts) AS path) AS n
  WHERE (SELECT a.account_no FROM ledger_account a WHERE a.path = n.path) IS NULL
  ORDER BY n.path ON CONFLICT DO NOTHING;

  SELECT n.path INTO v_refused FROM (SELECT DISTINCT path FROM unnest(v_accounts) AS path) AS n
  WHERE NOT EXISTS (SELECT FROM permitted_flow f WHERE f.entry_kind = p_kind
                    AND f.account_kind = (SELECT a.kind FROM ledger_account a WHERE a.path = n.path)) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'an entry of kind % may not touch %', p_kind, v_refused USING ERRCODE = 'restrict_violation';
  END IF;

  RETURN QUERY
  WITH moved AS MATERIALIZED (
    SELECT p.entry, (row_number() OVER (PARTITION BY p.entry ORDER BY p.path))::int AS position,
      (SELECT a.account_no FROM ledger_account a WHERE a.path = p.path) AS account_no, p.amount
    FROM unnest(v_entries, v_accounts, v_amounts) AS p(entry, path, amount)
  ), entry AS MATERIALIZED (
    SELECT e.n, e.key, e.currency, e.detail, size.postings
    FROM unnest(p_keys, p_currencies, p_details) WITH ORDINALITY AS e(key, currency, detail, n)
    JOIN (SELECT m.entry, count(*) AS postings FROM moved m GROUP BY 1) AS size ON size.entry = e.n
  ), written AS (
    INSERT INTO journal_entry (key, kind, currency, period, postings, detail, xid)
    SELECT e.key, p_kind, e.currency, p_period, e.postings, e.detail, '' FROM entry e ORDER BY e.n
    ON CONFLICT (key) DO NOTHING RETURNING key, entry_no, currency
  ), posted AS (
    INSERT INTO posting (entry_no, position, account_no, amount_nanos)
    SELECT w.entry_no, m.position, m.account_no, m.amount
    FROM written w JOIN entry e USING (key) JOIN moved m ON m.entry = e.n ORDER BY 1, 2
    RETURNING entry_no, account_no, amount_nanos
  ), balances AS (
    INSERT INTO account_balance AS b (account_no, currency, balance_nanos)
    SELECT p.account_no, w.currency, sum(p.amount_nanos) FROM posted p JOIN written w USING (entry_no)
    GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (account_no, currency) DO UPDATE SET balance_nanos = b.balance_nanos + excluded.balance_nanos
  )
  SELECT w.key, w.entry_no FROM written w;
END $$;
--> statement-breakpoint

-- What an account holds, debit positive, in nanos.
CREATE FUNCTION account_balance_of(p_path text, p_currency text) RETURNS numeric LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT b.balance_nanos FROM account_balance b JOIN ledger_account a USING (account_no)
                   WHERE a.path = p_path AND b.currency = p_currency), 0)
$$;
--> statement-breakpoint

-- Half-even rounding of an exact amount of major units to nanos (PostgreSQL's round() rounds halves away from zero).
CREATE FUNCTION round_to_nanos(p_amount numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN n - floor(n) > 0.5 OR (n - floor(n) = 0.5 AND mod(floor(n), 2) <> 0) THEN floor(n) + 1 ELSE floor(n) END
  FROM (SELECT p_amount * 1000000000) AS x(n)
$$;
