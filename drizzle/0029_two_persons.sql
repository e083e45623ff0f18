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

-- A payout is one of its settlement's approved plan, with its payee, amount and account, or there is none.
CREATE FUNCTION refuse_unplanned_payouts() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop = off AS $$
DECLARE v_id text;
BEGIN
  SELECT m.id INTO v_id FROM made m LEFT JOIN (
    SELECT s.period, p.* FROM settlement s
    CROSS JOIN jsonb_to_recordset(s.plan->'payouts') AS p(id text, payee text, currency text, amount_nanos numeric, account text)
    WHERE s.state = 'approved' AND s.period IN (SELECT DISTINCT n.period FROM made n)) x USING (period, id)
  WHERE (m.payee, m.currency, m.amount_nanos, m.account) IS DISTINCT FROM (x.payee, x.currency, x.amount_nanos, x.account) LIMIT 1;
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
  WHEN ((OLD.id, OLD.period, OLD.payee, OLD.currency, OLD.amount_nanos, OLD.account)
    IS DISTINCT FROM (NEW.id, NEW.period, NEW.payee, NEW.currency, NEW.amount_nanos, NEW.account))
  EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON payout FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
