-- Why: brakes that people pull must hold whatever the code above does: a stop is asked for in the very statement that
-- would begin a payout, and an approval stands beside the plan that it was given for, or not at all.

ALTER TABLE settlement ADD CHECK (approved_hash = plan_hash);
--> statement-breakpoint
ALTER TABLE settlement ADD CHECK ((state = 'approved') = (approved_hash IS NOT NULL));
--> statement-breakpoint
CREATE FUNCTION refuse_change_of_approved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the plan of % is approved: it cannot be changed any more', OLD.period USING ERRCODE = 'restrict_violation';
END $$;
--> statement-breakpoint
CREATE TRIGGER approved_stays BEFORE UPDATE OR DELETE ON settlement
  FOR EACH ROW WHEN (OLD.state = 'approved') EXECUTE FUNCTION refuse_change_of_approved();
--> statement-breakpoint
ALTER TABLE payout_minimum ADD CHECK (minimum_nanos >= 0 AND currency ~ '^[A-Z]{3}$');
--> statement-breakpoint

-- Every attempt begins under the shared lock 7001: once this has committed, none begins.
CREATE FUNCTION stop_payouts(p_reason text, p_by text) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(7001);
  INSERT INTO payout_stop (reason, stopped_by) VALUES (p_reason, p_by) ON CONFLICT DO NOTHING;
END $$;
--> statement-breakpoint

CREATE FUNCTION resume_payouts(p_by text) RETURNS void LANGUAGE sql VOLATILE AS $$
  UPDATE payout_stop SET resumed_by = p_by, resumed_at = clock_timestamp() WHERE resumed_at IS NULL
$$;
--> statement-breakpoint

CREATE FUNCTION freeze_payee(p_payee text, p_reason text, p_by text) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(7001);
  INSERT INTO payee_freeze (payee, reason, frozen_by) VALUES (p_payee, p_reason, p_by) ON CONFLICT DO NOTHING;
END $$;
--> statement-breakpoint

CREATE FUNCTION unfreeze_payee(p_payee text, p_by text) RETURNS void LANGUAGE sql VOLATILE AS $$
  UPDATE payee_freeze SET lifted_by = p_by, lifted_at = clock_timestamp() WHERE payee = p_payee AND lifted_at IS NULL
$$;
--> statement-breakpoint

-- In nanos; the one set for this currency, or the payee's own in its default currency, or none. Always one row: a set, so that
-- a query over all payees has it as a part of itself instead of a call for each.
CREATE FUNCTION minimum_payout_of(p_payee text, p_currency text) RETURNS TABLE (minimum_nanos numeric) LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT m.minimum_nanos FROM payout_minimum m WHERE payee = p_payee AND currency = p_currency),
    (SELECT minimum_payout_nanos FROM payee WHERE id = p_payee AND default_currency = p_currency), 0)
$$;
