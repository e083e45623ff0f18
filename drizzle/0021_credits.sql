-- Why: a customer may have paid before it uses, and must not use more than was agreed. What it has used is counted apart
-- for customers with credits or limits, in one small row each, so that a prediction is authorized by reading that row and
-- nothing else. What is metered never waits for any of this.
--
-- Locks are taken in this order: making invoices (7014), catalogue and books (7001), accruing and releasing a month (7002),
-- adjustments and payments (7015), counting (7021), the rows of spend_account by number and currency, then balances.
-- Reservations and grants are changed under their account's row only.

ALTER TABLE usage_block ADD CHECK (counted IN (0, 1));
--> statement-breakpoint
ALTER TABLE credit_grant ADD CHECK (amount_nanos > 0 AND kind IN ('paid', 'promotional') AND currency ~ '^[A-Z]{3}$');
--> statement-breakpoint
-- Money that came has a name under which it came; what is given away has none.
ALTER TABLE credit_grant ADD CHECK ((kind = 'paid') = (reference IS NOT NULL));
--> statement-breakpoint
ALTER TABLE credit_use ADD CHECK (amount_nanos > 0);
--> statement-breakpoint
ALTER TABLE credit_expiry ADD CHECK (amount_nanos >= 0);
--> statement-breakpoint
ALTER TABLE credit_revocation ADD CHECK (amount_nanos > 0);
--> statement-breakpoint
-- What questions change is guarded by domains: a table's CHECKs are parsed and planned anew by each statement that changes a
-- row, all of them, which took a seventh of a question's time; a domain is planned once, and looked at when its column is set.
CREATE DOMAIN not_negative AS numeric CHECK (VALUE >= 0);
--> statement-breakpoint
CREATE DOMAIN nanos_not_negative AS numeric(38, 0) CHECK (VALUE >= 0);
--> statement-breakpoint
CREATE DOMAIN spend_period AS text CHECK (VALUE IN ('month', 'total'));
--> statement-breakpoint
CREATE DOMAIN reservation_outcome AS text CHECK (VALUE IN ('settled', 'released', 'expired'));
--> statement-breakpoint
-- More is never taken of grants, or of what is reserved, than there was.
ALTER TABLE spend_account ALTER spent TYPE not_negative, ALTER invoiced_nanos TYPE nanos_not_negative,
  ALTER credit_nanos TYPE nanos_not_negative, ALTER reserved_nanos TYPE nanos_not_negative,
  ALTER soft_nanos TYPE nanos_not_negative, ALTER hard_nanos TYPE nanos_not_negative, ALTER period TYPE spend_period;
--> statement-breakpoint
ALTER TABLE spend_month ADD CHECK (spent >= 0 AND extract(day FROM service_month) = 1);
--> statement-breakpoint
-- That outcome and ended_at are both there or neither is a law of verify.
ALTER TABLE spend_reservation ALTER amount_nanos TYPE nanos_not_negative, ALTER outcome TYPE reservation_outcome;
--> statement-breakpoint
ALTER TABLE spend_crossing ADD CHECK (kind IN ('soft', 'hard', 'credits'));
--> statement-breakpoint
-- Room for the next versions of rows that every request changes: in their page, they need no new index entry.
ALTER TABLE spend_account SET (fillfactor = 50);
--> statement-breakpoint
ALTER TABLE spend_month SET (fillfactor = 50);
--> statement-breakpoint

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON credit_grant
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON credit_use
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON credit_expiry
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON credit_revocation
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
-- An invoice that credits pay is paid like any other, out of another account.
INSERT INTO permitted_flow (entry_kind, account_kind) VALUES
  ('credit_granted', 'customer:credit'), ('credit_granted', 'platform:received'), ('credit_granted', 'platform:promotions'),
  ('customer_paid', 'customer:credit'),
  ('credit_expired', 'customer:credit'), ('credit_expired', 'platform:promotions'), ('credit_expired', 'platform:breakage');
--> statement-breakpoint

-- ---- What a customer has used, up to the last event that is metered ----

CREATE FUNCTION unit_prices_of(p_price_no int)
RETURNS TABLE (currency text, runs numeric, seconds numeric, input numeric, output numeric, images numeric) LANGUAGE sql STABLE AS $$
  SELECT (SELECT v.currency FROM price_version v WHERE v.price_no = p_price_no),
    coalesce(sum(unit_amount) FILTER (WHERE meter_no = 5), 0), coalesce(sum(unit_amount) FILTER (WHERE meter_no = 1), 0),
    coalesce(sum(unit_amount) FILTER (WHERE meter_no = 2), 0), coalesce(sum(unit_amount) FILTER (WHERE meter_no = 3), 0),
    coalesce(sum(unit_amount) FILTER (WHERE meter_no = 4), 0)
  FROM price_component WHERE price_no = p_price_no
$$;
--> statement-breakpoint

-- The charged usage of some customers in some blocks, group by group, priced: exact, in major units. Names are sought in a
-- hash whatever the planner believes (IS TRUE keeps it so); terms, which are few, are priced once.
CREATE FUNCTION priced_groups(p_blocks bigint[], p_customers int[])
RETURNS TABLE (block_no bigint, customer_no int, term_no int, service_month date, currency text, events bigint, gross numeric,
  service_day date, hardware text)
LANGUAGE sql STABLE SET jit = off AS $$
  WITH picked AS MATERIALIZED (
    SELECT b.block_no, g.*, d.service_day, d.hardware, date_trunc('month', d.service_day)::date AS service_month
    FROM usage_block b
    CROSS JOIN LATERAL unnest(b.group_customer_no, b.group_term_no, b.group_first, b.group_events, b.predict_seconds,
        b.input_tokens, b.output_tokens, b.images, b.group_hardware)
      WITH ORDINALITY AS g(customer_no, term_no, first, events, seconds, input, output, images, ran_on, grp)
    CROSS JOIN LATERAL (SELECT date '1970-01-01' + (g.first / 86400000000)::int AS service_day, coalesce(b.hardware[g.ran_on], '') AS hardware) d
    WHERE b.block_no = ANY (p_blocks) AND (g.customer_no IN (SELECT unnest(p_customers))) IS TRUE AND g.term_no IS NOT NULL
  ), term AS MATERIALIZED (
    SELECT d.term_no, t.price_no, u.*, c.seconds AS max_seconds, c.input AS max_input, c.output AS max_output, c.images AS max_images,
      c.runs AS max_runs
    FROM (SELECT DISTINCT p.term_no FROM picked p) d
    CROSS JOIN LATERAL (SELECT x.price_no FROM usage_term x WHERE x.term_no = d.term_no AND x.charged = 1 OFFSET 0) t
    CROSS JOIN LATERAL unit_prices_of(t.price_no) u CROSS JOIN LATERAL caps_of_price(t.price_no) c
  )
  SELECT p.block_no, p.customer_no, p.term_no, p.service_month, t.currency, p.events::bigint,
    p.events * least(t.max_runs, 1) * t.runs + coalesce(capped(p.seconds, t.max_seconds) * t.seconds, 0)
      + coalesce(capped(p.input, t.max_input) * t.input, 0) + coalesce(capped(p.output, t.max_output) * t.output, 0)
      + coalesce(capped(p.images, t.max_images) * t.images, 0), p.service_day, p.hardware
  FROM picked p JOIN term t USING (term_no)
  UNION ALL
  SELECT p.block_no, p.customer_no, p.term_no, p.service_month, t.currency, 0, o.quantity * c.unit_amount, p.service_day, p.hardware
  FROM usage_block b CROSS JOIN LATERAL unnest(b.other_group, b.other_meter_no, b.other_quantity) AS o(grp, meter_no, quantity)
  JOIN picked p ON p.block_no = b.block_no AND p.grp = o.grp
  JOIN term t ON t.term_no = p.term_no
  JOIN price_component c ON c.price_no = t.price_no AND c.meter_no = o.meter_no
  WHERE b.block_no = ANY (p_blocks) AND b.other_group IS NOT NULL
$$;
--> statement-breakpoint

-- One customer's charged usage: its windows, and the blocks that are not in them yet, in one snapshot. So it is exact at
-- every moment, and what is read beside the windows is a few minutes' blocks.
CREATE FUNCTION customer_usage(p_customer_no int)
RETURNS TABLE (currency text, service_month date, model_no int, model_version_no int, events numeric, gross numeric)
LANGUAGE sql STABLE SET jit = off AS $$
  SELECT x.currency, x.service_month, t.model_no, t.model_version_no, sum(x.events), sum(x.gross) FROM (
    SELECT w.term_no, w.service_month, u.currency, w.events,
      w.runs * u.runs + w.predict_seconds * u.seconds + w.input_tokens * u.input + w.output_tokens * u.output + w.images * u.images AS gross
    FROM customer_term_window w JOIN usage_term t USING (term_no) CROSS JOIN LATERAL unit_prices_of(t.price_no) u
    WHERE w.customer_no = p_customer_no
    UNION ALL
    SELECT w.term_no, w.service_month, v.currency, 0, w.quantity * c.unit_amount
    FROM customer_term_window_meter w JOIN usage_term t USING (term_no) JOIN price_version v USING (price_no)
    JOIN price_component c ON c.price_no = t.price_no AND c.meter_no = w.meter_no
    WHERE w.customer_no = p_customer_no
    UNION ALL
    SELECT g.term_no, g.service_month, g.currency, g.events, g.gross
    FROM priced_groups(ARRAY(SELECT b.block_no FROM usage_block b WHERE b.folded = 0), ARRAY[p_customer_no]) g
  ) x JOIN usage_term t USING (term_no) GROUP BY 1, 2, 3, 4
$$;
--> statement-breakpoint

-- ---- Accounts, and counting what they spend ----

-- The account of a customer in a currency, made when it is first needed: with everything used so far, under the lock that no
-- batch can hold meanwhile. So a block is either in the sum that the account begins with, or after since_block.
CREATE FUNCTION open_spend_account(p_customer text, p_currency text) RETURNS int LANGUAGE plpgsql VOLATILE AS $$
DECLARE v_no int;
BEGIN
  SELECT customer_no INTO v_no FROM customer WHERE id = p_customer;
  IF v_no IS NULL THEN PERFORM refuse('customer_unknown'); END IF;
  IF EXISTS (SELECT FROM spend_account WHERE customer_no = v_no AND currency = p_currency) THEN RETURN v_no; END IF;
  PERFORM pg_advisory_xact_lock(7014);
  PERFORM pg_advisory_xact_lock(7001);
  WITH used AS MATERIALIZED (
    SELECT u.service_month, sum(u.gross) AS spent FROM customer_usage(v_no) u WHERE u.currency = p_currency GROUP BY 1
  ), account AS (
    INSERT INTO spend_account (customer_no, currency, since_block, spent, invoiced_nanos)
    SELECT v_no, p_currency, CASE WHEN s.is_called THEN s.last_value ELSE 0 END, coalesce((SELECT sum(spent) FROM used), 0),
      coalesce((SELECT sum(i.amount_nanos + i.netted_nanos) FROM invoice i WHERE i.customer = p_customer AND i.currency = p_currency), 0)
    FROM usage_block_no s ON CONFLICT DO NOTHING RETURNING customer_no
  )
  INSERT INTO spend_month (customer_no, currency, service_month, spent)
  SELECT a.customer_no, p_currency, u.service_month, u.spent FROM account a CROSS JOIN used u;
  RETURN v_no;
END $$;
--> statement-breakpoint

-- Locks accounts, always in the same order.
CREATE FUNCTION lock_spend_accounts(p_customers int[]) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM FROM spend_account WHERE customer_no = ANY (p_customers) ORDER BY customer_no, currency FOR UPDATE;
END $$;
--> statement-breakpoint

-- Notes that an account's credits are used up: once, until more are granted. limit_no counts the grants, the limit is their sum.
CREATE FUNCTION note_credits_used_up(p_customer_no int, p_currency text) RETURNS void LANGUAGE sql VOLATILE AS $$
  INSERT INTO spend_crossing (customer_no, currency, limit_no, kind, month, limit_nanos, spent)
  SELECT a.customer_no, a.currency, g.n, 'credits', date '0001-01-01', g.nanos, a.spent
  FROM spend_account a JOIN customer c USING (customer_no)
  CROSS JOIN LATERAL (SELECT count(*)::int AS n, coalesce(sum(amount_nanos), 0) AS nanos FROM credit_grant
    WHERE customer = c.id AND currency = a.currency) g
  WHERE a.customer_no = p_customer_no AND a.currency = p_currency ON CONFLICT DO NOTHING
$$;
--> statement-breakpoint

-- Notes which limits are reached, each once in a month (or once, for a total), and whose credits are used up.
CREATE FUNCTION note_crossings(p_customers int[]) RETURNS void LANGUAGE sql VOLATILE AS $$
  INSERT INTO spend_crossing (customer_no, currency, limit_no, kind, month, limit_nanos, spent)
  SELECT a.customer_no, a.currency, a.limit_no, k.kind, used.month, k.nanos, used.spent
  FROM spend_account a
  CROSS JOIN LATERAL (
    SELECT date '0001-01-01' AS month, a.spent WHERE a.period = 'total'
    UNION ALL SELECT m.service_month, m.spent FROM spend_month m WHERE a.period = 'month' AND m.customer_no = a.customer_no
      AND m.currency = a.currency AND m.service_month >= a.limits_from) used
  CROSS JOIN LATERAL (VALUES ('soft', a.soft_nanos), ('hard', a.hard_nanos)) AS k(kind, nanos)
  WHERE a.customer_no IN (SELECT unnest(p_customers)) AND used.spent * 1000000000 >= k.nanos
  ORDER BY 1, 2, 4, 5 ON CONFLICT DO NOTHING;
  SELECT note_credits_used_up(a.customer_no, a.currency) FROM spend_account a JOIN customer c USING (customer_no)
  WHERE a.customer_no IN (SELECT unnest(p_customers)) AND a.credit_nanos <= ceil(a.spent * 1000000000) - a.invoiced_nanos
    AND EXISTS (SELECT FROM credit_grant g WHERE g.customer = c.id AND g.currency = a.currency)
$$;
--> statement-breakpoint

-- Counts what blocks added to customers' spend, the oldest first, until they have p_events events, and ends the reservations
-- whose events are counted with it: in one transaction, so that an event is held for by its reservation or by the spend, never by
-- both or neither. Everything is computed before the accounts are locked, and nobody waits for the disk while they are: whoever
-- is answered by what it counted is written after it, and what a crash takes back is counted again. One at a time. Answers how
-- many events.
-- It looks at the open reservations of the customers of these blocks; p_late at all of them, also when there is no block: for
-- those that were made after their event was counted, and for events of other customers than they were made for.
CREATE FUNCTION count_spend(p_events int, p_late boolean) RETURNS int LANGUAGE plpgsql VOLATILE SET jit = off AS $$
DECLARE
  v_blocks bigint[];
  v_events bigint;
  v_seen int[];
  v_spent jsonb;
  v_settled jsonb;
  v_customers int[];
BEGIN
  PERFORM pg_advisory_xact_lock(7021);
  SELECT coalesce(array_agg(block_no), '{}'), coalesce(sum(event_count), 0) INTO v_blocks, v_events FROM (
    SELECT block_no, event_count, sum(event_count) OVER (ORDER BY block_no) - event_count AS events_before
    FROM (SELECT block_no, event_count FROM usage_block WHERE counted = 0 ORDER BY block_no LIMIT p_events) b) x
  WHERE events_before < p_events;
  IF cardinality(v_blocks) = 0 AND NOT p_late THEN RETURN 0; END IF;
  PERFORM set_config('synchronous_commit', 'off', true);

  SELECT coalesce(jsonb_agg(x), '[]') INTO v_spent FROM (
    SELECT g.customer_no, g.currency, g.service_month, sum(g.gross) AS spent
    FROM priced_groups(v_blocks, ARRAY(SELECT DISTINCT a.customer_no FROM spend_account a)) g
    JOIN spend_account a USING (customer_no, currency)
    WHERE g.block_no > a.since_block GROUP BY 1, 2, 3 HAVING sum(g.gross) > 0) x;

  v_seen := ARRAY(SELECT DISTINCT unnest(b.group_customer_no) FROM usage_block b WHERE b.block_no = ANY (v_blocks));
  -- An event whose block is gone was counted long ago.
  SELECT coalesce(jsonb_agg(x), '[]') INTO v_settled FROM (
    SELECT r.identity, r.customer_no FROM spend_reservation r
    CROSS JOIN LATERAL (SELECT i.event_no FROM usage_identity i WHERE i.identity = r.identity OFFSET 0) u
    WHERE r.ended_at IS NULL AND (p_late OR (r.customer_no IN (SELECT unnest(v_seen))) IS TRUE) AND u.event_no IS NOT NULL AND NOT EXISTS (
      SELECT FROM usage_block b WHERE b.block_no = u.event_no >> 20 AND b.counted = 0 AND b.block_no <> ALL (v_blocks))) x;

  SELECT array_agg(DISTINCT (x->>'customer_no')::int) INTO v_customers FROM jsonb_array_elements(v_spent || v_settled) AS x;
  PERFORM lock_spend_accounts(v_customers);
  WITH spent AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(v_spent) AS s(customer_no int, currency text, service_month date, spent numeric)
  ), ended AS (
    UPDATE spend_reservation r SET outcome = 'settled', ended_at = clock_timestamp()
    FROM jsonb_to_recordset(v_settled) AS s(identity uuid, customer_no int)
    WHERE r.identity = s.identity AND r.customer_no = s.customer_no AND r.outcome IS NULL
    RETURNING r.customer_no, r.currency, r.amount_nanos
  ), months AS (
    INSERT INTO spend_month AS m (customer_no, currency, service_month, spent) SELECT * FROM spent
    ON CONFLICT (customer_no, currency, service_month) DO UPDATE SET spent = m.spent + excluded.spent
  )
  UPDATE spend_account a SET spent = a.spent + x.spent, reserved_nanos = a.reserved_nanos - x.freed
  FROM (SELECT customer_no, currency, sum(spent) AS spent, sum(freed) AS freed FROM (
          SELECT customer_no, currency, spent, 0 AS freed FROM spent
          UNION ALL SELECT customer_no, currency, 0, amount_nanos FROM ended) y GROUP BY 1, 2) x
  WHERE a.customer_no = x.customer_no AND a.currency = x.currency;
  -- In order: whoever marks the same blocks as something else waits, and is not waited for.
  UPDATE usage_block SET counted = 1
  WHERE block_no IN (SELECT block_no FROM usage_block WHERE block_no = ANY (v_blocks) ORDER BY block_no FOR UPDATE);
  PERFORM note_crossings(v_customers);
  RETURN v_events;
END $$;
--> statement-breakpoint

-- ---- Limits ----

-- Sets a customer's limits as a whole; the same ones again change nothing. Limits that are reached already are told at once.
CREATE FUNCTION set_spend_limits(p_customer text, p_currency text, p_period text, p_soft numeric, p_hard numeric, p_prepaid boolean)
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE v_no int := open_spend_account(p_customer, p_currency);
BEGIN
  PERFORM lock_spend_accounts(ARRAY[v_no]);
  UPDATE spend_account a SET period = p_period, soft_nanos = p_soft, hard_nanos = p_hard, prepaid = p_prepaid,
    limit_no = a.limit_no + 1, limits_from = date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC')::date
  WHERE a.customer_no = v_no AND a.currency = p_currency
    AND (a.period, a.soft_nanos, a.hard_nanos, a.prepaid) IS DISTINCT FROM (p_period, p_soft, p_hard, p_prepaid);
  PERFORM note_crossings(ARRAY[v_no]);
END $$;
--> statement-breakpoint

CREATE FUNCTION notify_spend_crossing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM notify_customer(c.id,
    CASE NEW.kind WHEN 'credits' THEN 'customer.credits.exhausted' ELSE format('customer.spend_limit.%s_reached', NEW.kind) END,
    format('spend_limit:%s:%s:%s:%s:%s', c.id, NEW.currency, NEW.limit_no, NEW.kind, NEW.month),
    jsonb_build_object('spent', trim_scale(NEW.spent)::text)
    || CASE NEW.kind WHEN 'credits' THEN jsonb_build_object('granted', money_json(NEW.currency, NEW.limit_nanos))
      ELSE jsonb_build_object('period', CASE WHEN NEW.month > '0001-01-01' THEN 'month' ELSE 'total' END,
        'limit', money_json(NEW.currency, NEW.limit_nanos)) END
    || CASE WHEN NEW.month > '0001-01-01' THEN jsonb_build_object('month', to_char(NEW.month, 'YYYY-MM')) ELSE '{}' END)
  FROM customer c WHERE c.customer_no = NEW.customer_no;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER notify_spend_crossing AFTER INSERT ON spend_crossing FOR EACH ROW EXECUTE FUNCTION notify_spend_crossing();
--> statement-breakpoint

-- ---- Authorizing a prediction ----

-- Ends open reservations of one account whose time is over. The caller holds the account's row. Answers what that frees.
CREATE FUNCTION expire_reservations_of(p_customer_no int, p_currency text, p_at timestamptz) RETURNS numeric LANGUAGE sql VOLATILE AS $$
  WITH ended AS (
    UPDATE spend_reservation SET outcome = 'expired', ended_at = clock_timestamp()
    WHERE customer_no = p_customer_no AND currency = p_currency AND ended_at IS NULL AND expires_at <= p_at
    RETURNING amount_nanos
  ), freed AS (SELECT coalesce(sum(amount_nanos), 0) AS nanos FROM ended)
  UPDATE spend_account a SET reserved_nanos = a.reserved_nanos - f.nanos FROM freed f
  WHERE a.customer_no = p_customer_no AND a.currency = p_currency RETURNING f.nanos
$$;
--> statement-breakpoint

-- Whether predictions may run: each one's estimate is reserved against its customer's hard limit and credits, or nothing of it
-- is. Those of one customer are asked in the order in which they stand here; no prediction may stand here twice. The same
-- prediction again gets the same answer while its reservation is open or once it is settled. It locks the customers' accounts
-- (two at once cannot both take what is left), and reads one month and one reservation for each, by their keys. Many in one
-- call cost little more than one: starting a statement takes longer here than what it does (docs/benchmarks.md). For the same
-- reason it knows nothing of catalogues: whoever asks has looked up its customer, currency and price, and says in which version;
-- in another one nothing is decided.
-- Each row is looked for by its key whatever the planner believes (OFFSET 0, and no other way allowed): the plans are made
-- once in a connection, maybe when these tables are empty, and reading them whole is then as good as any other way.
-- p_requests: customer_no, currency, nanos, identity, source, ttl (seconds), catalog. p_customers: the numbers in them.
-- state: reserved, settled, no_limit, hard_limit_reached, credit_exhausted; catalog_changed. What is left is after this one's estimate.
CREATE FUNCTION authorize_predictions(p_requests jsonb, p_customers int[])
RETURNS TABLE (place bigint, state text, amount_nanos numeric, expires_at timestamptz, limit_left_nanos numeric, credit_left_nanos numeric)
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
  v record;
  v_now timestamptz := clock_timestamp();
  v_month date := date_trunc('month', v_now AT TIME ZONE 'UTC')::date;
  v_no int;
  v_currency text;
  v_limit_left numeric;
  v_credit_left numeric;
  v_swept boolean;
  v_freed numeric;
  v_held numeric;
  v_added numeric;
BEGIN
  PERFORM FROM spend_account WHERE customer_no = ANY (p_customers) ORDER BY customer_no, currency FOR UPDATE;

  -- A statement of its own: it sees what the accounts say under their locks.
  FOR v IN
    SELECT q.place, q.customer_no, q.currency, q.nanos AS amount, q.identity, q.source, v_now + make_interval(secs => q.ttl) AS expires_at,
      a.limit_no, a.period, a.hard_nanos, used.spent,
      a.hard_nanos - ceil(used.spent * 1000000000) - a.reserved_nanos AS limit_left,
      CASE WHEN a.prepaid THEN a.credit_nanos - (ceil(a.spent * 1000000000) - a.invoiced_nanos) - a.reserved_nanos END AS credit_left,
      r.currency IS NOT NULL AS known, CASE r.currency WHEN q.currency THEN r.amount_nanos ELSE q.nanos END AS reserved,
      r.expires_at AS reserved_until,
      CASE WHEN q.catalog <> (SELECT version FROM catalog_state WHERE singleton = 1) THEN 'catalog_changed'
        WHEN a.limit_no IS NULL THEN 'no_limit'
        WHEN r.outcome = 'settled' THEN 'settled'
        WHEN r.currency = q.currency AND r.outcome IS NULL AND r.expires_at > v_now THEN 'reserved' END AS state
    FROM ROWS FROM (jsonb_to_recordset(p_requests) AS (customer_no int, currency text, nanos numeric, identity uuid, source text, ttl int,
        catalog bigint))
      WITH ORDINALITY AS q(customer_no, currency, nanos, identity, source, ttl, catalog, place)
    LEFT JOIN LATERAL (SELECT x.* FROM spend_account x WHERE x.customer_no = q.customer_no AND x.currency = q.currency OFFSET 0) a ON true
    CROSS JOIN LATERAL (SELECT CASE a.period WHEN 'total' THEN a.spent ELSE coalesce((SELECT m.spent FROM spend_month m
      WHERE m.customer_no = q.customer_no AND m.currency = q.currency AND m.service_month = v_month), 0) END AS spent OFFSET 0) used
    LEFT JOIN LATERAL (SELECT x.currency, x.outcome, x.amount_nanos, x.expires_at FROM spend_reservation x
      WHERE x.identity = q.identity AND x.customer_no = q.customer_no OFFSET 0) r ON true
    ORDER BY q.customer_no, q.currency, q.place
  LOOP
    IF v_no IS DISTINCT FROM v.customer_no OR v_currency IS DISTINCT FROM v.currency THEN
      -- Once for each account, and most calls are of one: here for the one before, below for the last.
      IF v_added <> 0 THEN
        UPDATE spend_account a SET reserved_nanos = a.reserved_nanos + v_added WHERE a.customer_no = v_no AND a.currency = v_currency;
      END IF;
      v_no := v.customer_no;
      v_currency := v.currency;
      v_limit_left := v.limit_left;
      v_credit_left := v.credit_left;
      v_swept := false;
      v_added := 0;
    END IF;
    place := v.place;
    state := v.state;
    amount_nanos := v.amount;
    expires_at := NULL;

    IF v.state IN ('settled', 'reserved') THEN
      amount_nanos := v.reserved;
      expires_at := CASE WHEN v.state = 'reserved' THEN v.reserved_until END;
    ELSIF v.state IS NULL THEN
      -- Before anybody is refused, what nobody waits for any more is freed.
      IF v.amount > least(v_limit_left, v_credit_left) AND NOT v_swept THEN
        v_freed := expire_reservations_of(v_no, v_currency, v_now);
        v_limit_left := v_limit_left + v_freed;
        v_credit_left := v_credit_left + v_freed;
        v_swept := true;
      END IF;
      IF v.amount > v_limit_left THEN
        INSERT INTO spend_crossing (customer_no, currency, limit_no, kind, month, limit_nanos, spent)
        SELECT v_no, v_currency, v.limit_no, 'hard', m.month, v.hard_nanos, v.spent
        FROM (SELECT CASE v.period WHEN 'total' THEN date '0001-01-01' ELSE v_month END) AS m(month)
        WHERE NOT EXISTS (SELECT FROM spend_crossing x WHERE x.customer_no = v_no AND x.currency = v_currency
          AND x.limit_no = v.limit_no AND x.kind = 'hard' AND x.month = m.month);
        state := 'hard_limit_reached';
      ELSIF v.amount > v_credit_left THEN
        PERFORM note_credits_used_up(v_no, v_currency);
        state := 'credit_exhausted';
      ELSE
        state := 'reserved';
        expires_at := v.expires_at;
        v_held := 0;
        IF v.known THEN
          -- One whose time was over, and that nobody ended yet, is still held for, maybe in the currency of then: that ends here.
          SELECT coalesce(sum(x.amount_nanos) FILTER (WHERE x.currency = v_currency), 0) INTO v_held FROM spend_reservation x
          WHERE x.identity = v.identity AND x.customer_no = v_no AND x.outcome IS NULL;
          UPDATE spend_account a SET reserved_nanos = a.reserved_nanos - x.amount_nanos FROM spend_reservation x
          WHERE x.identity = v.identity AND x.customer_no = v_no AND x.outcome IS NULL AND x.currency <> v_currency
            AND a.customer_no = v_no AND a.currency = x.currency;
          UPDATE spend_reservation x SET currency = v_currency, amount_nanos = v.amount, source = v.source, expires_at = v.expires_at,
            outcome = NULL, ended_at = NULL
          WHERE x.identity = v.identity AND x.customer_no = v_no;
        ELSE
          INSERT INTO spend_reservation (identity, customer_no, currency, amount_nanos, source, expires_at)
          VALUES (v.identity, v_no, v_currency, v.amount, v.source, v.expires_at);
        END IF;
        v_limit_left := v_limit_left - v.amount + v_held;
        v_credit_left := v_credit_left - v.amount + v_held;
        v_added := v_added + v.amount - v_held;
      END IF;
    END IF;
    limit_left_nanos := v_limit_left;
    credit_left_nanos := v_credit_left;
    RETURN NEXT;
  END LOOP;
  IF v_added <> 0 THEN
    UPDATE spend_account a SET reserved_nanos = a.reserved_nanos + v_added WHERE a.customer_no = v_no AND a.currency = v_currency;
  END IF;
END $$;
--> statement-breakpoint

-- Ends a reservation that nobody needs; one that has ended stays as it is. Answers how it ended, NULL when there is none.
CREATE FUNCTION release_reservation(p_identity uuid, p_customer_no int, p_sources text[]) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE r spend_reservation;
BEGIN
  PERFORM lock_spend_accounts(ARRAY[p_customer_no]);
  SELECT * INTO r FROM spend_reservation x WHERE x.identity = p_identity AND x.customer_no = p_customer_no
    AND (p_sources IS NULL OR x.source = ANY (p_sources));
  IF r.identity IS NULL OR r.outcome IS NOT NULL THEN RETURN r.outcome; END IF;
  UPDATE spend_reservation SET outcome = 'released', ended_at = clock_timestamp()
  WHERE identity = p_identity AND customer_no = p_customer_no;
  UPDATE spend_account SET reserved_nanos = reserved_nanos - r.amount_nanos
  WHERE customer_no = p_customer_no AND currency = r.currency;
  RETURN 'released';
END $$;
--> statement-breakpoint

-- Ends reservations whose time is over, at most p_limit of them, the oldest first: their accounts are locked no longer than that
-- takes. Nobody waits for it to be on disk: whoever is answered by what it freed is written after it, and what a crash takes
-- back is ended again. Answers how many.
CREATE FUNCTION expire_reservations(p_limit int) RETURNS int LANGUAGE plpgsql VOLATILE
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_identities uuid[];
  v_customers int[];
  v_ended int;
BEGIN
  SELECT array_agg(identity), array_agg(customer_no) INTO v_identities, v_customers FROM (
    SELECT identity, customer_no FROM spend_reservation WHERE ended_at IS NULL AND expires_at <= v_now
    ORDER BY ended_at, expires_at LIMIT p_limit) x;
  IF v_identities IS NULL THEN RETURN 0; END IF;
  PERFORM set_config('synchronous_commit', 'off', true);
  PERFORM lock_spend_accounts(v_customers);
  WITH ended AS (
    UPDATE spend_reservation r SET outcome = 'expired', ended_at = clock_timestamp()
    FROM unnest(v_identities, v_customers) AS x(identity, customer_no)
    WHERE r.identity = x.identity AND r.customer_no = x.customer_no AND r.ended_at IS NULL AND r.expires_at <= v_now
    RETURNING r.customer_no, r.currency, r.amount_nanos
  ), freed AS (
    UPDATE spend_account a SET reserved_nanos = a.reserved_nanos - e.nanos
    FROM (SELECT customer_no, currency, sum(amount_nanos) AS nanos FROM ended GROUP BY 1, 2) e
    WHERE a.customer_no = e.customer_no AND a.currency = e.currency
  )
  SELECT count(*) INTO v_ended FROM ended;
  RETURN v_ended;
END $$;
--> statement-breakpoint

-- Forgets at most p_limit reservations that ended before then: so long the same prediction gets the same answer.
CREATE FUNCTION forget_reservations(p_before timestamptz, p_limit int) RETURNS void LANGUAGE sql VOLATILE AS $$
  DELETE FROM spend_reservation WHERE ctid IN (
    SELECT ctid FROM spend_reservation WHERE ended_at < p_before ORDER BY ended_at LIMIT p_limit FOR UPDATE SKIP LOCKED)
$$;
--> statement-breakpoint

-- ---- Credits ----

-- What is left of each grant. Order of use: what expires first, then by priority, then what was granted first.
CREATE VIEW credit_standing AS
SELECT g.*, u.nanos AS used_nanos, coalesce(x.amount_nanos, 0) AS expired_nanos, r.nanos AS revoked_nanos, x.grant_id IS NOT NULL AS is_over,
  g.amount_nanos - u.nanos - coalesce(x.amount_nanos, 0) - r.nanos AS left_nanos,
  row_number() OVER (PARTITION BY g.customer, g.currency ORDER BY g.expires_at NULLS LAST, g.priority, g.grant_no) AS place
FROM credit_grant g
CROSS JOIN LATERAL (SELECT coalesce(sum(amount_nanos), 0) AS nanos FROM credit_use WHERE grant_id = g.id) u
CROSS JOIN LATERAL (SELECT coalesce(sum(amount_nanos), 0) AS nanos FROM credit_revocation WHERE grant_id = g.id) r
LEFT JOIN credit_expiry x ON x.grant_id = g.id;
--> statement-breakpoint

-- What is left of customers' grants, and what of that no usage needs that is not invoiced yet: the next invoices take the
-- grants in their order of use. The caller holds the accounts' rows, or reads what may change.
CREATE FUNCTION unneeded_credits(p_customers text[])
RETURNS TABLE (grant_id text, customer text, place bigint, is_over boolean, unneeded numeric) LANGUAGE sql STABLE AS $$
  SELECT s.id, s.customer, s.place, s.is_over,
    s.left_nanos - greatest(least(s.left_nanos, ceil(a.spent * 1000000000) - a.invoiced_nanos - s.before), 0)
  FROM (SELECT x.*, sum(x.left_nanos) OVER (PARTITION BY x.customer, x.currency ORDER BY x.place) - x.left_nanos AS before
        FROM credit_standing x WHERE x.customer = ANY (p_customers)) s
  JOIN customer c ON c.id = s.customer
  JOIN spend_account a ON a.customer_no = c.customer_no AND a.currency = s.currency
$$;
--> statement-breakpoint

-- Grants credit: a paid one against what was received, a promotional one at the platform's expense. Under the id, or the
-- reference, of an earlier grant nothing new is granted, whoever has that: money came once. Answers the grant's id.
CREATE FUNCTION grant_credit(p_id text, p_customer text, p_currency text, p_amount numeric, p_kind text, p_priority int,
  p_expires_at timestamptz, p_reason text, p_reference text, p_by text) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_no int := open_spend_account(p_customer, p_currency);
  v credit_grant;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7001);
  PERFORM lock_spend_accounts(ARRAY[v_no]);
  PERFORM pg_advisory_xact_lock(7021, hashtext(p_reference)) WHERE p_reference IS NOT NULL;
  SELECT * INTO v FROM credit_grant WHERE id = p_id OR reference = p_reference ORDER BY id = p_id DESC LIMIT 1;
  IF FOUND THEN
    IF (v.customer, v.currency, v.amount_nanos, v.kind) IS DISTINCT FROM (p_customer, p_currency, p_amount, p_kind) THEN
      PERFORM refuse('grant_differs', jsonb_build_object('id', v.id, 'customer', v.customer, 'currency', v.currency, 'nanos', v.amount_nanos));
    END IF;
    RETURN v.id;
  END IF;
  INSERT INTO credit_grant (id, customer, currency, amount_nanos, kind, priority, expires_at, reason, reference, granted_by)
  VALUES (p_id, p_customer, p_currency, p_amount, p_kind, p_priority, p_expires_at, p_reason, p_reference, p_by);
  PERFORM post_entry(format('credit:%s', p_id), 'credit_granted', p_currency, open_period(),
    jsonb_strip_nulls(jsonb_build_object('grant', p_id, 'reason', p_reason, 'reference', p_reference)),
    ARRAY[CASE p_kind WHEN 'paid' THEN 'platform:received' ELSE 'platform:promotions' END, format('customer:%s:credit', p_customer)],
    ARRAY[p_amount, -p_amount]);
  UPDATE spend_account SET credit_nanos = credit_nanos + p_amount WHERE customer_no = v_no AND currency = p_currency;
  RETURN p_id;
END $$;
--> statement-breakpoint

-- What other invoices' payments at the provider paid of one that it carried over.
CREATE FUNCTION carried_paid(p_invoice text, p_provider_id text, p_but_for text) RETURNS numeric LANGUAGE sql STABLE AS $$
  SELECT coalesce(sum(x.amount_nanos), 0) FROM (
    SELECT p.reference, p.amount_nanos FROM invoice_payment p WHERE p.invoice_id = p_invoice
    UNION ALL
    SELECT g.reference, g.amount_nanos FROM credit_grant g JOIN invoice i ON i.customer = g.customer WHERE i.id = p_invoice) x
  WHERE split_part(x.reference, '/', 2) = p_provider_id AND split_part(x.reference, '/', 1) <> p_but_for
$$;
--> statement-breakpoint

-- Money that came for an invoice at the provider, who does not know what else came for it, or was refunded of it: what is
-- left to pay is paid, and what came beyond that is the customer's, as a paid credit under the same reference, which its
-- next invoices take. p_amount: what the provider counts as paid; p_received: how much of that it has. The same reference again
-- changes nothing. Answers how much became credit.
CREATE FUNCTION record_provider_payment(p_invoice text, p_reference text, p_amount numeric, p_received numeric, p_by text, p_paid_at timestamptz)
RETURNS numeric LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v invoice;
  v_paid numeric;
  v_credited numeric;
BEGIN
  SELECT * INTO v FROM invoice WHERE id = p_invoice;
  IF v.id IS NULL THEN PERFORM refuse('invoice_unknown'); END IF;
  -- An account is opened before anything is locked; who asks for the same at the same time finds it.
  IF p_received > invoice_left(p_invoice) AND NOT EXISTS (SELECT FROM invoice_payment WHERE invoice_id = p_invoice AND reference = p_reference) THEN
    PERFORM open_spend_account(v.customer, v.currency);
  END IF;
  PERFORM pg_advisory_xact_lock_shared(7001);
  PERFORM pg_advisory_xact_lock(7015);
  SELECT coalesce(sum(amount_nanos), 0) INTO v_paid FROM invoice_payment WHERE invoice_id = p_invoice AND reference = p_reference;
  SELECT coalesce(sum(amount_nanos), 0) INTO v_credited FROM credit_grant WHERE customer = v.customer AND reference = p_reference;
  IF v_paid + v_credited > 0 THEN
    IF v_paid + v_credited < p_received THEN PERFORM refuse('payment_differs', jsonb_build_object('nanos', v_paid, 'currency', v.currency)); END IF;
    RETURN v_credited;
  END IF;
  -- What it counts as paid because it was told of it (0038) is a payment here already, whatever more is asked for meanwhile.
  v_paid := least(p_amount - least(p_amount - p_received, told_of_invoice(p_invoice)), invoice_left(p_invoice));
  v_credited := greatest(p_received - v_paid, 0);
  IF v_credited > 0 THEN
    -- Paid or refunded otherwise since it was looked at: it is told again.
    IF NOT EXISTS (SELECT FROM spend_account a JOIN customer c USING (customer_no) WHERE c.id = v.customer AND a.currency = v.currency) THEN
      PERFORM refuse('payment_raced');
    END IF;
    PERFORM grant_credit('cr_' || left(encode(sha256(convert_to(p_reference, 'UTF8')), 'hex'), 24), v.customer, v.currency, v_credited,
      'paid', 100, NULL, format('paid beyond what %s asked for', p_invoice), p_reference, p_by);
  END IF;
  IF v_paid > 0 THEN PERFORM record_invoice_payment(p_invoice, p_reference, v_paid, p_by, p_paid_at); END IF;
  RETURN v_credited;
END $$;
--> statement-breakpoint

-- What an invoice's payment at the provider paid beyond it: invoices of the same customer that were too small to be charged, and
-- that the provider carried over. Each of them takes what was carried of it and no other invoice's payment paid, in the order given,
-- as a payment of its own under the names of both invoices: the same again changes nothing.
-- p_carried: [{invoice, provider_id, nanos}]; p_amount and p_received: as above, of what is beyond. Answers what is left of p_amount.
CREATE FUNCTION record_carried_payment(p_provider_id text, p_carried jsonb, p_amount numeric, p_received numeric, p_by text, p_paid_at timestamptz)
RETURNS numeric LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v record;
  v_paid numeric;
BEGIN
  -- Before anything is locked, as above: all of them have one account.
  PERFORM open_spend_account(x.customer, x.currency) FROM (
    SELECT DISTINCT i.customer, i.currency FROM jsonb_to_recordset(p_carried) AS c(invoice text, nanos numeric)
    JOIN invoice i ON i.id = c.invoice WHERE p_received > 0 AND c.nanos > invoice_left(c.invoice)) x;
  PERFORM pg_advisory_xact_lock_shared(7001);
  PERFORM pg_advisory_xact_lock(7015);
  FOR v IN
    SELECT c.invoice, c.nanos - carried_paid(c.invoice, c.provider_id, p_provider_id) AS nanos, format('%s/%s', p_provider_id, c.provider_id) AS reference
    FROM ROWS FROM (jsonb_to_recordset(p_carried) AS (invoice text, provider_id text, nanos numeric))
      WITH ORDINALITY AS c(invoice, provider_id, nanos, place) ORDER BY c.place
  LOOP
    v_paid := least(p_amount, v.nanos);
    CONTINUE WHEN v_paid <= 0;
    PERFORM record_provider_payment(v.invoice, v.reference, v_paid, least(p_received, v_paid), p_by, p_paid_at);
    p_amount := p_amount - v_paid;
    p_received := p_received - least(p_received, v_paid);
  END LOOP;
  RETURN p_amount;
END $$;
--> statement-breakpoint

-- Pays an invoice out of its customer's credits, in their order of use, as far as they go in whole steps of the currency:
-- what is left to ask for is something that can be paid. The caller holds the account's row.
CREATE FUNCTION pay_invoice_from_credits(p_invoice invoice, p_customer_no int) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_total numeric;
  v_now timestamptz := clock_timestamp();
BEGIN
  SELECT least(p_invoice.amount_nanos, div(a.credit_nanos, invoice_step(a.currency)) * invoice_step(a.currency)) INTO v_total
  FROM spend_account a WHERE a.customer_no = p_customer_no AND a.currency = p_invoice.currency;
  IF v_total = 0 THEN RETURN; END IF;
  INSERT INTO credit_use (grant_id, invoice_id, amount_nanos)
  SELECT id, p_invoice.id, least(left_nanos, v_total - before) FROM (
    SELECT s.id, s.place, s.left_nanos, sum(s.left_nanos) OVER (ORDER BY s.place) - s.left_nanos AS before
    FROM credit_standing s WHERE s.customer = p_invoice.customer AND s.currency = p_invoice.currency AND s.left_nanos > 0) x
  WHERE before < v_total ORDER BY place;
  INSERT INTO invoice_payment (invoice_id, reference, amount_nanos, recorded_by, paid_at)
  VALUES (p_invoice.id, 'tributary:credits', v_total, 'credits', v_now);
  PERFORM post_entry(format('payment:%s:tributary:credits', p_invoice.id), 'customer_paid', p_invoice.currency, open_period(),
    jsonb_build_object('invoice', p_invoice.id, 'reference', 'tributary:credits'),
    ARRAY[format('customer:%s:credit', p_invoice.customer), format('customer:%s:receivable', p_invoice.customer)], ARRAY[v_total, -v_total]);
  UPDATE spend_account SET credit_nanos = credit_nanos - v_total WHERE customer_no = p_customer_no AND currency = p_invoice.currency;
  IF v_total = p_invoice.amount_nanos THEN
    PERFORM plan_release(p_invoice.id, v_now);
    PERFORM release_held(p_invoice.id, 1);
  END IF;
END $$;
--> statement-breakpoint

-- Part of make_invoices: what is invoiced is no longer spent without an invoice, and credits pay before anybody is asked.
CREATE FUNCTION pay_from_credits(p_period date) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE v_customers int[];
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7001);
  PERFORM pg_advisory_xact_lock(7015);
  SELECT array_agg(c.customer_no) INTO v_customers FROM invoice i JOIN customer c ON c.id = i.customer
  WHERE i.period = p_period AND EXISTS (SELECT FROM spend_account a WHERE a.customer_no = c.customer_no AND a.currency = i.currency);
  PERFORM lock_spend_accounts(v_customers);
  UPDATE spend_account a SET invoiced_nanos = a.invoiced_nanos + i.amount_nanos + i.netted_nanos
  FROM invoice i JOIN customer c ON c.id = i.customer
  WHERE i.period = p_period AND a.customer_no = c.customer_no AND a.currency = i.currency;
  PERFORM pay_invoice_from_credits(i, c.customer_no)
  FROM invoice i JOIN customer c ON c.id = i.customer JOIN spend_account a ON a.customer_no = c.customer_no AND a.currency = i.currency
  WHERE i.period = p_period AND i.amount_nanos > 0 AND a.credit_nanos > 0;
END $$;
--> statement-breakpoint

-- Books what is left of grants whose time is over at p_at, customer by customer: a promotional one goes back where it came
-- from, a paid one becomes the platform's. What usage needs that is not invoiced yet stays: it was used in time, and the next
-- invoices take it first. Answers how many grants.
CREATE FUNCTION expire_credits(p_at timestamptz, p_limit int) RETURNS int LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_due text[];
  v_names text[];
  v_customers int[];
  v record;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7001);
  SELECT array_agg(x.id), array_agg(DISTINCT c.id), array_agg(DISTINCT c.customer_no) INTO v_due, v_names, v_customers FROM (
    SELECT g.id, g.customer FROM credit_grant g
    WHERE g.expires_at <= p_at AND NOT EXISTS (SELECT FROM credit_expiry e WHERE e.grant_id = g.id)
    ORDER BY g.expires_at, g.grant_no LIMIT p_limit) x JOIN customer c ON c.id = x.customer;
  IF v_due IS NULL THEN RETURN 0; END IF;
  PERFORM lock_spend_accounts(v_customers);
  FOR v IN
    INSERT INTO credit_expiry (grant_id, amount_nanos)
    SELECT s.grant_id, s.unneeded FROM unneeded_credits(v_names) s
    WHERE s.grant_id = ANY (v_due) AND NOT s.is_over ORDER BY s.place RETURNING *
  LOOP
    CONTINUE WHEN v.amount_nanos = 0;
    PERFORM post_entry(format('credit_expired:%s', g.id), 'credit_expired', g.currency, open_period(), jsonb_build_object('grant', g.id),
      ARRAY[format('customer:%s:credit', g.customer), CASE g.kind WHEN 'paid' THEN 'platform:breakage' ELSE 'platform:promotions' END],
      ARRAY[v.amount_nanos, -v.amount_nanos]) FROM credit_grant g WHERE g.id = v.grant_id;
    UPDATE spend_account a SET credit_nanos = a.credit_nanos - v.amount_nanos
    FROM credit_grant g JOIN customer c ON c.id = g.customer
    WHERE g.id = v.grant_id AND a.customer_no = c.customer_no AND a.currency = g.currency;
  END LOOP;
  RETURN cardinality(v_due);
END $$;
--> statement-breakpoint

-- Part of post_adjustment: takes back of a grant what the adjustment's entry moves, if that is still what is left of it and
-- not needed; otherwise it is planned anew.
CREATE FUNCTION revoke_credit(p_adjustment bigint, p_grant text) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  g credit_grant;
  v_no int;
  v_amount numeric;
BEGIN
  SELECT * INTO g FROM credit_grant WHERE id = p_grant;
  SELECT customer_no INTO v_no FROM customer WHERE id = g.customer;
  PERFORM lock_spend_accounts(ARRAY[v_no]);
  SELECT -m.amount_nanos INTO v_amount FROM adjustment_movement m
  WHERE m.adjustment_no = p_adjustment AND m.account = format('customer:%s:credit', g.customer);
  IF v_amount IS DISTINCT FROM (SELECT u.unneeded FROM unneeded_credits(ARRAY[g.customer]) u WHERE u.grant_id = g.id) THEN
    PERFORM refuse('adjustment_raced');
  END IF;
  INSERT INTO credit_revocation (adjustment_no, grant_id, amount_nanos) VALUES (p_adjustment, g.id, v_amount);
  UPDATE spend_account SET credit_nanos = credit_nanos - v_amount WHERE customer_no = v_no AND currency = g.currency;
END $$;
