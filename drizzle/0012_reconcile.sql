-- Why: what was found against the provider's record, and when, is evidence: it is only ever added to. A reversal is
-- booked by an operator's decision, once, and never for more than was paid.

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON reconciliation
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payout_reversal
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
ALTER TABLE payout_reversal ADD CHECK (amount_nanos > 0);
--> statement-breakpoint

INSERT INTO permitted_flow (entry_kind, account_kind) VALUES
  ('payout_reversed', 'stripe:clearing'), ('payout_reversed', 'payee:payable');
--> statement-breakpoint

-- The money is back with the platform and the payee's to come again. The payout stays paid: that it was is a fact, and
-- the reversal is another one. Answers false when this reversal is booked already.
CREATE FUNCTION book_payout_reversal(p_id text, p_reversal text, p_amount numeric, p_by text)
RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v payout;
  v_known payout_reversal;
  v_reversed numeric;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7001);
  SELECT * INTO v FROM payout WHERE id = p_id FOR UPDATE;
  SELECT * INTO v_known FROM payout_reversal WHERE reversal_id = p_reversal;
  IF FOUND THEN
    IF (v_known.payout_id, v_known.amount_nanos) = (p_id, p_amount) THEN RETURN false; END IF;
    PERFORM refuse('reversal_not_bookable', jsonb_build_object('payout', v_known.payout_id));
  END IF;
  SELECT coalesce(sum(amount_nanos), 0) INTO v_reversed FROM payout_reversal WHERE payout_id = p_id;
  IF v.state IS DISTINCT FROM 'paid' OR v_reversed + p_amount > v.amount_nanos THEN
    PERFORM refuse('reversal_not_bookable', jsonb_build_object('payout', p_id));
  END IF;
  INSERT INTO payout_reversal (reversal_id, payout_id, amount_nanos, booked_by)
  VALUES (p_reversal, p_id, p_amount, p_by);
  PERFORM post_entry(format('payout:%s:reversed:%s', p_id, p_reversal), 'payout_reversed', v.currency, open_period(),
    jsonb_build_object('payout', p_id, 'transfer', v.transfer_id, 'reversal', p_reversal, 'by', p_by),
    ARRAY['stripe:clearing', 'payee:' || v.payee || ':payable'], ARRAY[p_amount, -p_amount]);
  RETURN true;
END $$;
