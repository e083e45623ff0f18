-- Why: what people are told must be neither more nor less than what happened. So each message is written by the very
-- transaction that writes its fact, under a key that names the fact: killed anywhere, both are there or neither is.

ALTER TABLE webhook_delivery ADD CHECK (state IN ('pending', 'delivered', 'failed'));
--> statement-breakpoint
-- Nobody named: the operator's, which is told everybody's events.
ALTER TABLE webhook_endpoint ADD CHECK (num_nonnulls(payee, customer) <= 1);
--> statement-breakpoint
ALTER TABLE webhook_message ADD CHECK (num_nonnulls(payee, customer) <= 1);
--> statement-breakpoint

CREATE FUNCTION money_json(p_currency text, p_nanos numeric) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_build_object('currency', p_currency, 'amount', (p_nanos * 0.000000001)::numeric(38, 9)::text)
$$;
--> statement-breakpoint

-- The endpoints that are told what concerns a payee or a customer: its own, and everybody's.
CREATE FUNCTION endpoints_of(p_payee text, p_customer text) RETURNS SETOF webhook_endpoint LANGUAGE sql STABLE AS $$
  SELECT * FROM webhook_endpoint
  WHERE (payee = p_payee OR customer = p_customer OR (payee IS NULL AND customer IS NULL)) AND deleted_at IS NULL
$$;
--> statement-breakpoint

-- Nothing for whoever has no endpoint: most have none. One of p_payee and p_customer is given; neither for what concerns
-- the operator's own endpoints.
CREATE FUNCTION notify(p_payee text, p_customer text, p_type text, p_key text, p_data jsonb) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE v_message bigint;
BEGIN
  IF p_payee IS NOT NULL THEN PERFORM mail_payee(p_payee, p_type, p_key, p_data); END IF;
  IF NOT EXISTS (SELECT FROM endpoints_of(p_payee, p_customer)) THEN RETURN; END IF;
  INSERT INTO webhook_message (id, key, payee, customer, type, payload)
  VALUES ('msg_' || replace(gen_random_uuid()::text, '-', ''), p_key, p_payee, p_customer, p_type, jsonb_build_object('type', p_type,
    'timestamp', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'data', jsonb_strip_nulls(jsonb_build_object('payee', p_payee, 'customer', p_customer)) || p_data))
  ON CONFLICT (key) DO NOTHING RETURNING message_no INTO v_message;
  IF v_message IS NULL THEN RETURN; END IF;
  INSERT INTO webhook_delivery (message_no, endpoint_id, state, next_attempt_at)
  SELECT v_message, id, 'pending', CASE WHEN disabled_at IS NULL THEN clock_timestamp() ELSE 'infinity' END
  FROM endpoints_of(p_payee, p_customer) WHERE events IS NULL OR p_type = ANY (events);
END $$;
--> statement-breakpoint

CREATE FUNCTION notify_payee(p_payee text, p_type text, p_key text, p_data jsonb) RETURNS void LANGUAGE sql VOLATILE AS $$
  SELECT notify(p_payee, NULL, p_type, p_key, p_data)
$$;
--> statement-breakpoint
CREATE FUNCTION notify_customer(p_customer text, p_type text, p_key text, p_data jsonb) RETURNS void LANGUAGE sql VOLATILE AS $$
  SELECT notify(NULL, p_customer, p_type, p_key, p_data)
$$;
--> statement-breakpoint

CREATE FUNCTION notify_statements() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM notify_payee(s.payee, 'statement.finalized', format('statement:%s:%s:%s', s.period, s.payee, s.currency),
    jsonb_build_object('period', to_char(s.period, 'YYYY-MM'), 'currency', s.currency, 'hash', s.hash,
      'earned', money_json(s.currency, s.earned_nanos), 'closing', money_json(s.currency, s.closing_nanos)))
  FROM statement s WHERE s.period = NEW.period
    AND (EXISTS (SELECT FROM endpoints_of(NULL, NULL)) OR s.payee IN (SELECT payee FROM webhook_endpoint WHERE deleted_at IS NULL
      UNION SELECT payee FROM app_user WHERE disabled_at IS NULL))
  ORDER BY s.payee, s.currency;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER notify_statements AFTER UPDATE OF state ON settlement
  FOR EACH ROW WHEN (NEW.state = 'closed' AND OLD.state <> 'closed') EXECUTE FUNCTION notify_statements();
--> statement-breakpoint

-- A payout may come back to a state with its next attempt: the attempt is part of the key.
CREATE FUNCTION notify_payout() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE v_type text := 'payout.' || CASE NEW.state WHEN 'sending' THEN 'sent' WHEN 'unknown' THEN 'delayed'
  WHEN 'approved' THEN CASE WHEN NEW.attempt = 0 THEN 'approved' ELSE 'waiting' END ELSE NEW.state END;
BEGIN
  PERFORM notify_payee(NEW.payee, v_type, format('payout:%s:%s:%s', NEW.id, NEW.attempt, NEW.state),
    jsonb_build_object('payout', NEW.id, 'period', to_char(NEW.period, 'YYYY-MM'), 'state', NEW.state,
      'amount', money_json(NEW.currency, NEW.amount_nanos), 'approved', money_json(NEW.currency, NEW.planned_nanos),
      'transfer_id', NEW.transfer_id, 'reason', NEW.reason));
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER notify_payout_made AFTER INSERT ON payout FOR EACH ROW EXECUTE FUNCTION notify_payout();
--> statement-breakpoint
CREATE TRIGGER notify_payout_moved AFTER UPDATE OF state ON payout
  FOR EACH ROW WHEN (NEW.state <> OLD.state) EXECUTE FUNCTION notify_payout();
--> statement-breakpoint

CREATE FUNCTION notify_reversal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM notify_payee(p.payee, 'payout.reversed', 'payout_reversal:' || NEW.reversal_id,
    jsonb_build_object('payout', p.id, 'reversal', NEW.reversal_id, 'amount', money_json(p.currency, NEW.amount_nanos)))
  FROM payout p WHERE p.id = NEW.payout_id;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER notify_reversal AFTER INSERT ON payout_reversal FOR EACH ROW EXECUTE FUNCTION notify_reversal();
--> statement-breakpoint

-- What changes the sum of a payee's own accounts other than by earning and paying. At commit, when the postings are there.
CREATE FUNCTION notify_adjustment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM notify_payee(x.payee, 'earning.adjusted', format('entry:%s:%s', NEW.key, x.payee),
    jsonb_build_object('entry', NEW.key, 'kind', NEW.kind, 'period', to_char(NEW.period, 'YYYY-MM'),
      'amount', money_json(NEW.currency, x.nanos), 'corrects', NEW.corrects, 'reason', NEW.detail->>'reason'))
  FROM (SELECT a.owner AS payee, -sum(p.amount_nanos) AS nanos FROM posting p JOIN ledger_account a USING (account_no)
        WHERE p.entry_no = NEW.entry_no AND a.kind LIKE 'payee:%' GROUP BY 1 HAVING sum(p.amount_nanos) <> 0) x
  ORDER BY x.payee;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER notify_adjustment AFTER INSERT ON journal_entry DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.kind NOT IN ('accrual', 'release', 'billing') AND NEW.kind NOT LIKE 'payout%')
  EXECUTE FUNCTION notify_adjustment();
--> statement-breakpoint

CREATE FUNCTION notify_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM notify_payee(p.id, 'account.action_required', format('account:%s:%s', NEW.account, pg_current_xact_id()),
    jsonb_build_object('account', NEW.account, 'reason', NEW.disabled_reason))
  FROM payee p WHERE p.stripe_account = NEW.account ORDER BY p.id;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER notify_account_made AFTER INSERT ON payout_account
  FOR EACH ROW WHEN (NOT NEW.transfers_enabled) EXECUTE FUNCTION notify_account();
--> statement-breakpoint
CREATE TRIGGER notify_account_changed AFTER UPDATE ON payout_account
  FOR EACH ROW WHEN (NOT NEW.transfers_enabled AND (OLD.transfers_enabled
    OR NEW.disabled_reason IS DISTINCT FROM OLD.disabled_reason)) EXECUTE FUNCTION notify_account();
--> statement-breakpoint

-- Everybody who earns of a model, now or under an earlier policy, and who owned it. At commit, when its plans are there.
CREATE FUNCTION payees_of_model(p_model_no int) RETURNS SETOF text LANGUAGE sql STABLE AS $$
  SELECT p.id FROM model_lineage l JOIN payee p USING (payee_no) WHERE l.model_no = p_model_no
  UNION SELECT unnest(s.payees) FROM split_segment g JOIN split_plan s USING (split_plan_no) WHERE g.model_no = p_model_no
$$;
--> statement-breakpoint
CREATE FUNCTION notify_price() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM webhook_endpoint) THEN RETURN NULL; END IF;
  PERFORM notify_payee(payee, 'price.changed', format('price:%s:%s', NEW.price_no, payee),
    jsonb_build_object('model', m.id, 'currency', NEW.currency,
      'effective_from', to_char(NEW.effective_from AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')))
  FROM model m CROSS JOIN payees_of_model(NEW.model_no) AS payee WHERE m.model_no = NEW.model_no ORDER BY payee;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER notify_price AFTER INSERT ON price_version DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION notify_price();
--> statement-breakpoint
CREATE FUNCTION notify_policy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM webhook_endpoint) THEN RETURN NULL; END IF;
  PERFORM notify_payee(payee, 'policy.changed', format('policy:%s:%s:%s', NEW.model_no, epoch_micros(NEW.effective_from), payee),
    jsonb_build_object('model', m.id, 'steps', NEW.steps,
      'effective_from', to_char(NEW.effective_from AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')))
  FROM model m CROSS JOIN payees_of_model(NEW.model_no) AS payee WHERE m.model_no = NEW.model_no ORDER BY payee;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER notify_policy AFTER INSERT ON revenue_policy DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION notify_policy();
--> statement-breakpoint

-- Begins the next attempts of what is due, at most p_each for one endpoint: a slow one holds up only itself. Whoever
-- dies with an attempt in hand loses it after p_lease; it is then made again, under the same message id.
CREATE FUNCTION claim_deliveries(p_limit int, p_each int, p_lease interval)
RETURNS TABLE (delivery_no bigint, attempt int, message_id text, url text, secret text, old_secret text, body text)
LANGUAGE sql VOLATILE AS $$
  WITH due AS (
    SELECT d.delivery_no, row_number() OVER (PARTITION BY d.endpoint_id ORDER BY d.next_attempt_at, d.delivery_no) AS place
    FROM (SELECT * FROM webhook_delivery WHERE state = 'pending' AND next_attempt_at <= clock_timestamp()
          ORDER BY next_attempt_at LIMIT 1000) d
  ), taken AS (
    SELECT delivery_no FROM webhook_delivery
    WHERE delivery_no IN (SELECT delivery_no FROM due WHERE place <= p_each ORDER BY delivery_no LIMIT p_limit)
      AND state = 'pending' AND next_attempt_at <= clock_timestamp()
    FOR UPDATE SKIP LOCKED
  ), begun AS (
    UPDATE webhook_delivery d SET attempts = attempts + 1, next_attempt_at = clock_timestamp() + p_lease
    FROM taken WHERE d.delivery_no = taken.delivery_no RETURNING d.*
  )
  SELECT b.delivery_no, b.attempts, m.id, e.url, e.secret,
    CASE WHEN e.old_secret_until > clock_timestamp() THEN e.old_secret END, m.payload::text
  FROM begun b JOIN webhook_message m USING (message_no) JOIN webhook_endpoint e ON e.id = b.endpoint_id
$$;
--> statement-breakpoint

-- Nothing more goes there until somebody switches it on again; what waits, waits.
CREATE FUNCTION disable_endpoint(p_id text, p_reason text) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE v webhook_endpoint;
BEGIN
  UPDATE webhook_endpoint SET disabled_at = clock_timestamp(), disabled_reason = p_reason
  WHERE id = p_id AND disabled_at IS NULL RETURNING * INTO v;
  IF NOT FOUND THEN RETURN; END IF;
  UPDATE webhook_delivery SET next_attempt_at = 'infinity' WHERE endpoint_id = p_id AND state = 'pending';
  PERFORM notify(v.payee, v.customer, 'webhook_endpoint.disabled', format('endpoint:%s:%s', p_id, pg_current_xact_id()),
    jsonb_build_object('endpoint', p_id, 'url', v.url, 'reason', p_reason));
END $$;
--> statement-breakpoint

-- The waits are those of the Standard Webhooks specification, each a little longer by chance.
CREATE FUNCTION finish_delivery(p_delivery bigint, p_attempt int, p_status int, p_error text, p_duration_ms int)
RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v webhook_delivery;
  v_waits interval[] := ARRAY['5 seconds', '5 minutes', '30 minutes', '2 hours', '5 hours', '10 hours', '14 hours',
    '20 hours', '24 hours'];
  v_since timestamptz;
BEGIN
  SELECT * INTO v FROM webhook_delivery WHERE delivery_no = p_delivery FOR UPDATE;
  INSERT INTO webhook_attempt (delivery_no, attempt, status, error, duration_ms)
  VALUES (p_delivery, p_attempt, p_status, p_error, p_duration_ms) ON CONFLICT DO NOTHING;
  IF v.state <> 'pending' THEN RETURN v.state; END IF;

  IF p_status BETWEEN 200 AND 299 THEN
    UPDATE webhook_delivery SET state = 'delivered' WHERE delivery_no = p_delivery;
    UPDATE webhook_endpoint SET failing_since = NULL WHERE id = v.endpoint_id AND failing_since IS NOT NULL;
    RETURN 'delivered';
  END IF;

  UPDATE webhook_endpoint SET failing_since = coalesce(failing_since, clock_timestamp())
  WHERE id = v.endpoint_id RETURNING failing_since INTO v_since;
  IF p_attempt > cardinality(v_waits) THEN
    UPDATE webhook_delivery SET state = 'failed' WHERE delivery_no = p_delivery;
    v.state := 'failed';
  -- A lease that ran out has begun a later attempt: that one decides.
  ELSIF v.attempts = p_attempt THEN
    UPDATE webhook_delivery SET next_attempt_at = CASE WHEN next_attempt_at = 'infinity' THEN 'infinity'
        ELSE clock_timestamp() + v_waits[p_attempt] * (1 + random() / 10) END
    WHERE delivery_no = p_delivery;
  END IF;
  IF p_status = 410 THEN
    PERFORM disable_endpoint(v.endpoint_id, 'it answered 410 Gone');
  ELSIF v.state = 'failed' AND v_since < clock_timestamp() - interval '3 days' THEN
    PERFORM disable_endpoint(v.endpoint_id, 'nothing was taken for more than three days');
  END IF;
  RETURN v.state;
END $$;
--> statement-breakpoint

CREATE FUNCTION enable_endpoint(p_id text) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  UPDATE webhook_endpoint SET disabled_at = NULL, disabled_reason = NULL, failing_since = NULL WHERE id = p_id;
  UPDATE webhook_delivery SET next_attempt_at = clock_timestamp()
  WHERE endpoint_id = p_id AND state = 'pending' AND next_attempt_at = 'infinity';
END $$;
--> statement-breakpoint

-- What was told since a time, or one message, is told again: also what was delivered. Answers how many.
CREATE FUNCTION replay_messages(p_endpoint text, p_since timestamptz, p_message text, p_limit int)
RETURNS int LANGUAGE sql VOLATILE AS $$
  WITH again AS (
    INSERT INTO webhook_delivery (message_no, endpoint_id, state)
    SELECT m.message_no, e.id, 'pending' FROM webhook_endpoint e
    JOIN webhook_message m ON m.payee = e.payee OR m.customer = e.customer OR (e.payee IS NULL AND e.customer IS NULL)
    WHERE e.id = p_endpoint AND e.disabled_at IS NULL AND (e.events IS NULL OR m.type = ANY (e.events))
      AND (p_since IS NULL OR m.created_at >= p_since) AND (p_message IS NULL OR m.id = p_message)
    ORDER BY m.message_no LIMIT p_limit RETURNING 1)
  SELECT count(*)::int FROM again
$$;
