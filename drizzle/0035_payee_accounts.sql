-- Why: whoever changes where a payee's money goes takes all of it. So an account is one payee's, each change is kept with who made
-- it and told to the payee, and with two-person approval nobody approves a payout to an account that it set itself.

-- At the end of a change, so that two payees may exchange theirs in one.
ALTER TABLE payee ADD CONSTRAINT account_of_one_payee UNIQUE (stripe_account) DEFERRABLE INITIALLY DEFERRED;
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payee_account
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
SELECT protect_rows('payee_account', 'payee = own_payee()');
--> statement-breakpoint

-- The settings are those of apply_catalog_change(); whoever changes the table in another way is nobody that could be told apart.
CREATE FUNCTION keep_payee_account() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  v_previous text := CASE WHEN TG_OP = 'UPDATE' THEN OLD.stripe_account END;
  v payee_account;
BEGIN
  INSERT INTO payee_account (payee, account, changed, set_by)
  VALUES (NEW.id, NEW.stripe_account, EXISTS (SELECT FROM payee_account WHERE payee = NEW.id)
      OR NOT (TG_OP = 'INSERT' OR coalesce(current_setting('app.account_opened', true), '') = 'true'),
    nullif(current_setting('app.account_set_by', true), ''))
  RETURNING * INTO v;
  IF v.changed THEN
    PERFORM notify_payee(NEW.id, 'account.changed', format('account_changed:%s', v.payee_account_no),
      jsonb_build_object('account', NEW.stripe_account, 'previous', v_previous));
  END IF;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER keep_account_given AFTER INSERT ON payee FOR EACH ROW
  WHEN (NEW.stripe_account IS NOT NULL) EXECUTE FUNCTION keep_payee_account();
--> statement-breakpoint
CREATE TRIGGER keep_account_set AFTER UPDATE ON payee FOR EACH ROW
  WHEN (NEW.stripe_account IS DISTINCT FROM OLD.stripe_account) EXECUTE FUNCTION keep_payee_account();
--> statement-breakpoint

-- A payee's account where somebody must look at it before money goes there: not the one that it was last paid to; of a payee that
-- was never paid, not the first one, or set by hand after it was registered. No row where nothing is to be looked at.
CREATE FUNCTION changed_account_of(p_payee text) RETURNS TABLE (account text, last_account text, set_by text, set_at timestamptz)
LANGUAGE sql STABLE AS $$
  SELECT p.stripe_account, o.account, a.set_by, a.set_at
  FROM payee p
  LEFT JOIN LATERAL (SELECT x.account FROM payout x WHERE x.payee = p.id AND x.state = 'paid'
                     ORDER BY x.period DESC, x.updated_at DESC LIMIT 1) o ON true
  LEFT JOIN LATERAL (SELECT * FROM payee_account k WHERE k.payee = p.id ORDER BY k.payee_account_no DESC LIMIT 1) a
    ON a.account = p.stripe_account
  WHERE p.id = p_payee AND p.stripe_account IS DISTINCT FROM o.account AND p.stripe_account IS NOT NULL
    AND (o.account IS NOT NULL OR a.changed IS DISTINCT FROM false)
$$;
--> statement-breakpoint

-- Whoever moves an account back after the plan was made does not hide it: such a plan is made anew.
CREATE FUNCTION refuse_own_account() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE v_payee text;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7001);
  SELECT x.payee INTO v_payee FROM jsonb_to_recordset(NEW.plan->'payouts') AS x(payee text, account text)
  LEFT JOIN payee p ON p.id = x.payee WHERE p.stripe_account IS DISTINCT FROM x.account ORDER BY x.payee LIMIT 1;
  IF FOUND THEN PERFORM refuse('plan_outdated', jsonb_build_object('payee', v_payee)); END IF;
  IF NOT NEW.two_person THEN RETURN NEW; END IF;
  SELECT s.payee INTO v_payee FROM (
    SELECT c.set_by, min(x.payee) AS payee FROM jsonb_to_recordset(NEW.plan->'payouts') AS x(payee text)
    CROSS JOIN LATERAL changed_account_of(x.payee) c GROUP BY c.set_by) s
  WHERE same_person(s.set_by, NEW.approved_by) ORDER BY s.payee LIMIT 1;
  IF FOUND THEN PERFORM refuse('approver_set_account', jsonb_build_object('payee', v_payee)); END IF;
  RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER accounts_by_another BEFORE UPDATE OF approved_by ON settlement FOR EACH ROW
  WHEN (NEW.approved_by IS NOT NULL AND OLD.approved_by IS NULL) EXECUTE FUNCTION refuse_own_account();
