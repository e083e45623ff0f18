-- Why: two persons means two persons whatever SQL is run, not only through record_plan and approve_plan. Whoever made a plan
-- can neither say that somebody else did, nor that one person is enough, nor make payouts beside it. A key is nobody: it
-- counts as who made it, or else one person would be two with a key.

-- The configured operator key, and the first one of an installation: who holds it could register as many people as it likes, so
-- that the keys which it hands out are those people's.
CREATE FUNCTION is_root(p_principal text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT p_principal IN ('operator', 'start') OR EXISTS (SELECT FROM api_key WHERE id = p_principal AND made_by = 'start')
$$;
--> statement-breakpoint
CREATE FUNCTION person_of(p_principal text) RETURNS text LANGUAGE sql STABLE AS $$
  WITH RECURSIVE maker AS (
    SELECT p_principal AS who
    UNION SELECT k.made_by FROM maker m JOIN api_key k ON k.id = m.who WHERE NOT is_root(k.made_by)
  )
  SELECT m.who FROM maker m WHERE NOT EXISTS (SELECT FROM api_key k WHERE k.id = m.who AND NOT is_root(k.made_by))
$$;
--> statement-breakpoint
-- Whoever cannot be told apart is not two.
CREATE FUNCTION same_person(p_one text, p_other text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT coalesce(person_of(p_one) = person_of(p_other), true)
$$;
--> statement-breakpoint
CREATE TRIGGER made_by_stays BEFORE UPDATE ON api_key FOR EACH ROW WHEN ((OLD.id, OLD.made_by) IS DISTINCT FROM (NEW.id, NEW.made_by))
  EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER keys_stay BEFORE DELETE OR TRUNCATE ON api_key FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
-- The constraints of the same names compare the names alone.
CREATE FUNCTION refuse_one_person() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF same_person(to_jsonb(NEW)->>TG_ARGV[0], NEW.approved_by) THEN
    RAISE EXCEPTION '% is approved by the person who made it (%)', TG_TABLE_NAME, TG_ARGV[1]
      USING ERRCODE = 'check_violation', CONSTRAINT = TG_ARGV[1];
  END IF;
  RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER approved_by_another BEFORE INSERT OR UPDATE OF approved_by ON settlement FOR EACH ROW
  WHEN (NEW.two_person AND NEW.approved_by IS NOT NULL) EXECUTE FUNCTION refuse_one_person('planned_by', 'two_persons');
--> statement-breakpoint
CREATE TRIGGER approved_by_another BEFORE INSERT OR UPDATE OF approved_by ON correction FOR EACH ROW
  WHEN (NEW.approved_by IS NOT NULL) EXECUTE FUNCTION refuse_one_person('proposed_by', 'approver_is_not_author');
--> statement-breakpoint

CREATE FUNCTION refuse_change_of_planned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the settlement of % cannot be changed so: a plan keeps its maker, is approved as it was planned, and goes on needing two persons',
    NEW.period USING ERRCODE = 'restrict_violation';
END $$;
--> statement-breakpoint
-- Another plan has another hash, and may have another maker.
CREATE TRIGGER planned_stays BEFORE UPDATE ON settlement FOR EACH ROW
  WHEN ((OLD.two_person AND NOT NEW.two_person)
    OR (NEW.plan_hash IS NOT DISTINCT FROM OLD.plan_hash
      AND (NEW.planned_by, NEW.planned_at, NEW.plan) IS DISTINCT FROM (OLD.planned_by, OLD.planned_at, OLD.plan))
    OR (NEW.state = 'approved' AND OLD.state <> 'approved'
      AND (OLD.state <> 'planned' OR NEW.plan_hash IS DISTINCT FROM OLD.plan_hash OR NEW.two_person <> OLD.two_person)))
  EXECUTE FUNCTION refuse_change_of_planned();
--> statement-breakpoint
CREATE TRIGGER begins_unplanned BEFORE INSERT ON settlement FOR EACH ROW WHEN (NEW.state IN ('planned', 'approved'))
  EXECUTE FUNCTION refuse_change_of_planned();
--> statement-breakpoint

-- A payout is one of its settlement's approved plan, with its payee, amount and account, or there is none. An attempt may send
-- less than was approved, never more (drizzle/0010_payouts.sql).
CREATE FUNCTION refuse_unplanned_payouts() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop = off AS $$
DECLARE v_id text;
BEGIN
  SELECT m.id INTO v_id FROM made m LEFT JOIN (
    SELECT s.period, p.* FROM settlement s
    CROSS JOIN jsonb_to_recordset(s.plan->'payouts') AS p(id text, payee text, currency text, amount_nanos numeric, account text)
    WHERE s.state = 'approved' AND s.period IN (SELECT DISTINCT n.period FROM made n)) x USING (period, id)
  WHERE (m.payee, m.currency, m.planned_nanos, m.amount_nanos, m.account)
    IS DISTINCT FROM (x.payee, x.currency, x.amount_nanos, x.amount_nanos, x.account) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'payout % is not in an approved plan', v_id USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER as_approved AFTER INSERT ON payout REFERENCING NEW TABLE AS made
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_unplanned_payouts();
--> statement-breakpoint
CREATE TRIGGER stays_as_approved BEFORE UPDATE ON payout FOR EACH ROW
  WHEN ((OLD.id, OLD.period, OLD.payee, OLD.currency, OLD.planned_nanos, OLD.account)
    IS DISTINCT FROM (NEW.id, NEW.period, NEW.payee, NEW.currency, NEW.planned_nanos, NEW.account)
    OR (NEW.amount_nanos <> OLD.amount_nanos AND (NEW.state <> 'sending' OR NEW.attempt = OLD.attempt)))
  EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON payout FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint

-- ---- Plans that are withdrawn ----

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON plan_withdrawal FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
-- Takes back the plan with this hash, and no other, before it is approved: as its maker, or as somebody who could approve it. The month
-- is closed as it was before the plan, and goes on needing two persons if it did.
CREATE FUNCTION withdraw_plan(p_period date, p_hash text, p_by text, p_may_any boolean, p_reason text) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE v settlement;
BEGIN
  SELECT * INTO v FROM settlement WHERE period = p_period FOR UPDATE;
  IF v.plan_hash IS NULL THEN PERFORM refuse('plan_missing'); END IF;
  IF v.plan_hash <> p_hash THEN PERFORM refuse('plan_changed', jsonb_build_object('hash', v.plan_hash)); END IF;
  IF v.state = 'approved' THEN PERFORM refuse('plan_approved'); END IF;
  IF NOT p_may_any AND NOT same_person(v.planned_by, p_by) THEN PERFORM refuse('not_its_maker'); END IF;
  INSERT INTO plan_withdrawal (period, plan_hash, planned_by, withdrawn_by, reason) VALUES (p_period, p_hash, v.planned_by, p_by, p_reason);
  UPDATE settlement SET state = 'closed', plan = NULL, plan_hash = NULL, planned_by = NULL, planned_at = NULL WHERE period = p_period;
END $$;
