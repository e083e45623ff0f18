-- Why: a statement's documents show the legal details that held when its month was closed, with a mistake that was in them too.
-- A mistake is mended for all documents that show it, by somebody who says why; they then say that they are corrected copies.

ALTER TABLE payee_legal ADD FOREIGN KEY (corrects) REFERENCES payee_legal (payee_legal_no),
  ADD CHECK (num_nonnulls(corrects, reason, corrected_by) IN (0, 3));
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payee_legal
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint

-- The version that a payee's documents of a moment show, without its corrections: the last one given by then, or else the first
-- that came.
CREATE FUNCTION legal_version_at(p_payee text, p_at timestamptz) RETURNS int LANGUAGE sql STABLE AS $$
  SELECT k.payee_legal_no FROM payee_legal k WHERE k.payee = p_payee AND k.corrects IS NULL
  ORDER BY k.given_at > p_at, CASE WHEN k.given_at > p_at THEN k.payee_legal_no ELSE -k.payee_legal_no END LIMIT 1
$$;
--> statement-breakpoint

-- Corrects the details on the documents of a closed month, and on all others that show the same version. Answers the number of the
-- correction.
CREATE FUNCTION correct_legal(p_payee text, p_period date, p_name text, p_address text, p_tax_id text, p_reason text, p_by text)
RETURNS int LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_version int;
  v payee_legal;
BEGIN
  PERFORM pg_advisory_xact_lock(7001);
  SELECT legal_version_at(p_payee, closed_at) INTO v_version FROM settlement WHERE period = p_period AND closed_at IS NOT NULL;
  IF NOT FOUND THEN PERFORM refuse('period_not_closed'); END IF;
  IF v_version IS NULL THEN PERFORM refuse('not_found'); END IF;
  SELECT * INTO v FROM payee_legal WHERE payee = p_payee AND v_version IN (payee_legal_no, corrects) ORDER BY payee_legal_no DESC LIMIT 1;
  IF (v.name, v.address) = (p_name, p_address) AND v.tax_id IS NOT DISTINCT FROM p_tax_id THEN
    IF v.corrects IS NULL THEN PERFORM refuse('nothing_to_correct'); END IF;
    RETURN v.payee_legal_no;
  END IF;
  INSERT INTO payee_legal (payee, name, address, tax_id, given_at, corrects, reason, corrected_by)
  VALUES (p_payee, p_name, p_address, p_tax_id, clock_timestamp(), v_version, p_reason, p_by) RETURNING * INTO v;
  RETURN v.payee_legal_no;
END $$;
