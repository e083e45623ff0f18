-- Why: what people correct by hand is money too. Above a limit it is booked only with the approval of somebody else than
-- its author, and the row itself cannot say otherwise.

ALTER TABLE correction ADD CHECK (amount_nanos >= 0);
--> statement-breakpoint
ALTER TABLE correction ADD CONSTRAINT approver_is_not_author CHECK (approved_by <> proposed_by);
--> statement-breakpoint
ALTER TABLE correction ADD CONSTRAINT approved_above_limit
  CHECK (adjustment_no IS NULL OR limit_nanos IS NULL OR amount_nanos <= limit_nanos OR approved_by IS NOT NULL);
--> statement-breakpoint
ALTER TABLE correction ADD CHECK ((approved_by IS NULL) = (approved_at IS NULL));
--> statement-breakpoint
ALTER TABLE correction ADD CHECK ((withdrawn_by IS NULL) = (withdrawn_at IS NULL) AND (withdrawn_by IS NULL) = (withdrawn_reason IS NULL)
  AND (withdrawn_by IS NULL OR adjustment_no IS NULL));
--> statement-breakpoint
CREATE FUNCTION refuse_change_of_booked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'correction % cannot be changed any more', OLD.id USING ERRCODE = 'restrict_violation';
END $$;
--> statement-breakpoint
CREATE TRIGGER booked_stays BEFORE UPDATE OR DELETE ON correction
  FOR EACH ROW WHEN (OLD.adjustment_no IS NOT NULL OR OLD.withdrawn_by IS NOT NULL) EXECUTE FUNCTION refuse_change_of_booked();
--> statement-breakpoint
-- Author, limit, what was asked for and what it came to then stand from the beginning.
CREATE TRIGGER proposal_stays BEFORE UPDATE ON correction FOR EACH ROW
  WHEN ((OLD.id, OLD.kind, OLD.currency, OLD.draft_hash, OLD.limit_nanos, OLD.asked, OLD.reason, OLD.proposed_by, OLD.proposed_at)
    IS DISTINCT FROM (NEW.id, NEW.kind, NEW.currency, NEW.draft_hash, NEW.limit_nanos, NEW.asked, NEW.reason, NEW.proposed_by, NEW.proposed_at))
  EXECUTE FUNCTION refuse_change_of_booked();
--> statement-breakpoint

-- Part of post_adjustment: what is booked may be more than what was proposed, and the limit is for what is booked.
CREATE FUNCTION book_correction(p_id text, p_adjustment bigint, p_size numeric, p_approved_by text) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE v correction;
BEGIN
  SELECT * INTO v FROM correction WHERE id = p_id FOR UPDATE;
  IF v.adjustment_no IS NOT NULL THEN PERFORM refuse('correction_booked'); END IF;
  IF v.withdrawn_by IS NOT NULL THEN PERFORM refuse('correction_withdrawn', jsonb_build_object('by', v.withdrawn_by)); END IF;
  IF p_approved_by IS NOT NULL AND same_person(v.proposed_by, p_approved_by) THEN PERFORM refuse('approver_made_plan'); END IF;
  IF p_approved_by IS NULL AND p_size > v.limit_nanos THEN PERFORM refuse('correction_needs_approval'); END IF;
  UPDATE correction SET adjustment_no = p_adjustment, amount_nanos = p_size, approved_by = p_approved_by,
    approved_at = CASE WHEN p_approved_by IS NULL THEN NULL ELSE clock_timestamp() END WHERE id = p_id;
END $$;
--> statement-breakpoint

-- Takes a proposal back that is not booked: as its author (a key counts as who made it), or as somebody who could approve it. The same
-- again changes nothing.
CREATE FUNCTION withdraw_correction(p_id text, p_by text, p_may_any boolean, p_reason text) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE v correction;
BEGIN
  SELECT * INTO v FROM correction WHERE id = p_id FOR UPDATE;
  IF NOT p_may_any AND NOT same_person(v.proposed_by, p_by) THEN PERFORM refuse('not_its_author'); END IF;
  IF v.adjustment_no IS NOT NULL THEN PERFORM refuse('correction_booked'); END IF;
  UPDATE correction SET withdrawn_by = p_by, withdrawn_at = clock_timestamp(), withdrawn_reason = p_reason
  WHERE id = p_id AND withdrawn_by IS NULL;
END $$;
