-- Why: who changed what must still be true years later, also against people who can write to the database. Each entry's hash
-- is over itself and the one before it; the head is kept beside, so that nothing is cut off unseen; a number is missed.

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
INSERT INTO audit_head (singleton, entry_no, hash) VALUES (1, 0, '');
--> statement-breakpoint
ALTER TABLE audit_head ADD CHECK (singleton = 1);
--> statement-breakpoint

-- The head's row is the lock: whoever appends waits here for the one before, and then reads what that one left.
CREATE FUNCTION append_audit(p_principal text, p_role text, p_session text, p_request_id text, p_route text, p_target text,
  p_status int, p_code text, p_before jsonb, p_asked jsonb, p_after jsonb) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v audit_head;
  v_at timestamptz;
  v_hash text;
BEGIN
  SELECT * INTO STRICT v FROM audit_head FOR UPDATE;
  v_at := clock_timestamp();
  SELECT sealed_hash(string_agg(sealed_field(coalesce(f.text, '')), '' ORDER BY f.place)) INTO v_hash
  FROM unnest(ARRAY[v.hash, (v.entry_no + 1)::text, to_char(v_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    p_principal, p_role, p_session, p_request_id, p_route, p_target, p_status::text, p_code, p_before::text, p_asked::text,
    p_after::text]) WITH ORDINALITY AS f(text, place);
  INSERT INTO audit_entry (entry_no, at, principal, role, session, request_id, route, target, status, code, before, asked, after, hash)
  VALUES (v.entry_no + 1, v_at, p_principal, p_role, p_session, p_request_id, p_route, p_target, p_status, p_code, p_before,
    p_asked, p_after, v_hash);
  UPDATE audit_head SET entry_no = v.entry_no + 1, hash = v_hash;
END $$;
--> statement-breakpoint

-- What payees and customers ask for is read by a role that the policies below bind: `app.payee` and `app.customer`, which a
-- connection is opened with, say whose rows there are. The owner is not bound. Where no role may be made, the queries'
-- own conditions are all there is, and the service says so at its start.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tributary_reader') THEN
    CREATE ROLE tributary_reader NOLOGIN NOBYPASSRLS;
  END IF;
EXCEPTION WHEN insufficient_privilege OR duplicate_object OR unique_violation THEN NULL;
END $$;
--> statement-breakpoint
DO $$
BEGIN
  GRANT tributary_reader TO CURRENT_USER;
EXCEPTION WHEN insufficient_privilege OR undefined_object THEN NULL;
END $$;
--> statement-breakpoint
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tributary_reader') THEN RETURN; END IF;
  GRANT USAGE ON SCHEMA public TO tributary_reader;
  GRANT SELECT ON ALL TABLES IN SCHEMA public TO tributary_reader;
  ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO tributary_reader;
  REVOKE SELECT ON api_key, session, login_link, oidc_attempt, idempotent_request, audit_entry, audit_head, mail,
    provider_event, reconciliation, usage_log_record, dead_letter, payload_key, payload_rewrite, payload_erasure FROM tributary_reader;
END $$;
--> statement-breakpoint

CREATE FUNCTION own_payee() RETURNS text LANGUAGE sql STABLE AS $$ SELECT current_setting('app.payee', true) $$;
--> statement-breakpoint
CREATE FUNCTION own_customer() RETURNS text LANGUAGE sql STABLE AS $$ SELECT current_setting('app.customer', true) $$;
--> statement-breakpoint

CREATE FUNCTION protect_rows(p_table text, p_own text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', p_table);
  EXECUTE format('CREATE POLICY own_rows ON %I FOR SELECT USING (%s)', p_table, p_own);
END $$;
--> statement-breakpoint
-- Tables that name another one's row are bound by it: its policy holds inside theirs.
SELECT protect_rows(t, 'payee = own_payee()') FROM unnest(ARRAY['payee_legal', 'payee_name', 'payee_freeze', 'payout_minimum', 'payout',
  'statement', 'app_user', 'held_share', 'reserve', 'tax_form', 'conversion', 'adjustment_part', 'adjustment_held',
  'dispute_hold']) t;
--> statement-breakpoint
SELECT protect_rows(t, 'payee = own_payee() OR customer = own_customer()') FROM unnest(ARRAY['webhook_endpoint', 'webhook_message']) t;
--> statement-breakpoint
SELECT protect_rows(t, 'payout_id IN (SELECT id FROM payout)') FROM unnest(ARRAY['payout_attempt', 'payout_reversal']) t;
--> statement-breakpoint
SELECT protect_rows('webhook_delivery', 'endpoint_id IN (SELECT id FROM webhook_endpoint)');
--> statement-breakpoint
SELECT protect_rows('webhook_attempt', 'delivery_no IN (SELECT delivery_no FROM webhook_delivery)');
--> statement-breakpoint
SELECT protect_rows(t, 'account = (SELECT stripe_account FROM payee WHERE id = own_payee())')
FROM unnest(ARRAY['bank_payout', 'payout_account']) t;
--> statement-breakpoint
-- A payee is told whether those whose payments it waits for have their invoices, and of which months disputes are that hold
-- something of its own; it sees no figure of them (held.ts).
SELECT protect_rows('invoice', 'customer = own_customer() OR EXISTS (SELECT FROM held_share h
  WHERE (h.period, h.customer, h.currency) = (invoice.period, invoice.customer, invoice.currency))
  OR EXISTS (SELECT FROM dispute_hold h JOIN dispute d ON d.id = h.dispute_id WHERE d.invoice_id = invoice.id)');
--> statement-breakpoint
SELECT protect_rows(t, 'invoice_id IN (SELECT id FROM invoice)')
FROM unnest(ARRAY['invoice_line', 'invoice_push', 'invoice_push_attempt', 'invoice_payment', 'invoice_release']) t;
--> statement-breakpoint
SELECT protect_rows('billing_customer', 'customer = own_customer()');
--> statement-breakpoint
SELECT protect_rows('ledger_account', 'owner = CASE WHEN kind LIKE ''payee:%'' THEN own_payee() WHEN kind LIKE ''customer:%''
  THEN own_customer() END');
--> statement-breakpoint
SELECT protect_rows(t, 'account_no IN (SELECT account_no FROM ledger_account)')
FROM unnest(ARRAY['posting', 'account_balance', 'balance_snapshot']) t;
--> statement-breakpoint
SELECT protect_rows('share_proposal', 'own_payee() = ANY (parties)');
--> statement-breakpoint
SELECT protect_rows('share_proposal_party', 'proposal IN (SELECT id FROM share_proposal)');
--> statement-breakpoint
SELECT protect_rows('netting', 'payee = own_payee() OR customer = own_customer()');
--> statement-breakpoint
SELECT protect_rows('netting_rule', 'customer = own_customer()');
--> statement-breakpoint
-- What holds for everybody without terms of their own stands under '*'.
SELECT protect_rows(t, 'payee IN (own_payee(), ''*'')') FROM unnest(ARRAY['payout_terms', 'reserve_rule']) t;
--> statement-breakpoint
SELECT protect_rows('adjustment_movement', 'starts_with(account, format(''payee:%s:'', own_payee()))
  OR starts_with(account, format(''customer:%s:'', own_customer()))');
--> statement-breakpoint
SELECT protect_rows(t, 'customer = own_customer()') FROM unnest(ARRAY['credit_grant', 'payload_ref', 'prediction_share']) t;
--> statement-breakpoint
SELECT protect_rows(t, 'grant_id IN (SELECT id FROM credit_grant)') FROM unnest(ARRAY['credit_use', 'credit_expiry']) t;
--> statement-breakpoint
SELECT protect_rows(t, 'customer_no = (SELECT customer_no FROM customer WHERE id = own_customer())')
FROM unnest(ARRAY['spend_account', 'spend_month', 'spend_reservation', 'spend_crossing']) t;
--> statement-breakpoint
-- What is said of a model's predictions is said to its owner.
SELECT protect_rows('prediction_feedback', 'customer = own_customer() OR model IN (SELECT m.id FROM model m
  JOIN model_lineage l USING (model_no) JOIN payee p USING (payee_no) WHERE p.id = own_payee())');
