-- Why: what was agreed on must be shown years later as it was. Terms and acceptances are added and never changed; an acceptance
-- is sealed with the terms that it accepts. Which policy came of it is noted beside, so that verify compares the two. An offer
-- that nobody accepted may be taken back, and any offer may end for those who come later; what was accepted stands.

ALTER TABLE royalty_terms ADD CHECK (percent ~ '^\d{1,3}(\.\d{1,6})?$' AND "of" IN ('gross', 'remaining'));
--> statement-breakpoint
ALTER TABLE royalty_acceptance ADD CHECK (accepted_as IN ('payee', 'operator'));
--> statement-breakpoint
ALTER TABLE royalty_registration ADD FOREIGN KEY (policy_no) REFERENCES revenue_policy (policy_no);
--> statement-breakpoint
ALTER TABLE royalty_terms_end ADD CHECK (kind IN ('withdrawn', 'ended') AND ends_at >= noted_at);
--> statement-breakpoint
CREATE INDEX ON royalty_terms (offered_by);
--> statement-breakpoint
CREATE INDEX ON royalty_acceptance (payee);
--> statement-breakpoint
CREATE INDEX ON royalty_acceptance (offered_by);
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON royalty_terms
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON royalty_terms_end
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON royalty_acceptance
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON royalty_registration
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint

-- Accepted once: again, it is the same acceptance. Whoever offered the terms is told. The terms are locked: they are not taken
-- back in the same moment.
CREATE FUNCTION accept_royalty_terms(p_id text, p_terms text, p_model text, p_payee text, p_as text, p_by text) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  t royalty_terms;
  v_at timestamptz;
  v_id text;
BEGIN
  SELECT * INTO STRICT t FROM royalty_terms WHERE id = p_terms FOR SHARE;
  v_at := clock_timestamp();
  IF EXISTS (SELECT FROM royalty_terms_end WHERE terms = p_terms AND ends_at <= v_at) THEN PERFORM refuse('royalty_terms_replaced'); END IF;
  INSERT INTO royalty_acceptance (id, terms, model, payee, offered_by, accepted_as, accepted_by, accepted_at, hash)
  SELECT p_id, p_terms, p_model, p_payee, t.offered_by, p_as, p_by, v_at,
    sealed_hash(string_agg(sealed_field(f.text), '' ORDER BY f.place))
  FROM unnest(ARRAY[p_id, p_terms, p_model, p_payee, p_as, p_by, iso(v_at), t.model, t.offered_by, t.percent, t."of", t.wording,
    iso(t.effective_from), iso(t.offered_at)]) WITH ORDINALITY AS f(text, place)
  ON CONFLICT (model, payee, terms) DO NOTHING RETURNING id INTO v_id;
  IF v_id IS NULL THEN
    SELECT id INTO STRICT v_id FROM royalty_acceptance WHERE (model, payee, terms) = (p_model, p_payee, p_terms);
    RETURN v_id;
  END IF;
  PERFORM notify_payee(t.offered_by, 'royalty.accepted', 'royalty.accepted:' || v_id, jsonb_build_object('acceptance', v_id,
    'terms', p_terms, 'base_model', t.model, 'model', p_model, 'accepted_by', p_payee, 'percent', t.percent, 'of', t."of"));
  RETURN v_id;
END $$;
--> statement-breakpoint

-- Takes terms back that nobody accepted (p_kind: withdrawn), or has them end for those who come later (ended, at p_ends_at, or
-- now). Said once: the same again changes nothing.
CREATE FUNCTION end_royalty_terms(p_terms text, p_kind text, p_ends_at timestamptz, p_by text) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_at timestamptz;
  v_ends_at timestamptz;
  v royalty_terms_end;
BEGIN
  PERFORM FROM royalty_terms WHERE id = p_terms FOR UPDATE;
  v_at := clock_timestamp();
  v_ends_at := greatest(coalesce(p_ends_at, v_at), v_at);
  SELECT * INTO v FROM royalty_terms_end WHERE terms = p_terms;
  IF FOUND THEN
    IF v.kind <> p_kind OR v.ends_at <> coalesce(p_ends_at, v.ends_at) THEN
      PERFORM refuse('royalty_terms_ended', jsonb_build_object('kind', v.kind, 'ends_at', iso(v.ends_at)));
    END IF;
    RETURN;
  END IF;
  IF p_kind = 'withdrawn' AND EXISTS (SELECT FROM royalty_acceptance WHERE terms = p_terms) THEN
    PERFORM refuse('royalty_terms_accepted');
  END IF;
  INSERT INTO royalty_terms_end (terms, kind, ends_at, noted_by, noted_at, hash)
  SELECT p_terms, p_kind, v_ends_at, p_by, v_at, sealed_hash(string_agg(sealed_field(f.text), '' ORDER BY f.place))
  FROM unnest(ARRAY[p_terms, p_kind, iso(v_ends_at), p_by, iso(v_at)]) WITH ORDINALITY AS f(text, place);
END $$;
--> statement-breakpoint

-- Of every acceptance under which its model was registered since: the policy that began with it. Also for those whose process
-- died before it could say so.
CREATE FUNCTION note_royalty_registrations() RETURNS void LANGUAGE sql VOLATILE AS $$
  INSERT INTO royalty_registration (acceptance, policy_no)
  SELECT DISTINCT ON (a.id) a.id, r.policy_no
  FROM royalty_acceptance a JOIN royalty_terms t ON t.id = a.terms
  JOIN model m ON m.id = a.model JOIN model b ON b.id = t.model JOIN payee p ON p.id = a.payee
  JOIN model_lineage l ON (l.model_no, l.base_model_no, l.payee_no) = (m.model_no, b.model_no, p.payee_no)
  JOIN revenue_policy r ON (r.model_no, r.effective_from) = (m.model_no, l.effective_from) AND r.created_at >= a.accepted_at
  WHERE EXISTS (SELECT FROM jsonb_array_elements(r.steps) s WHERE s->>'take' = 'royalty' AND s->>'percent' = t.percent
      AND s->>'of' = t."of")
    AND NOT EXISTS (SELECT FROM royalty_registration g WHERE g.acceptance = a.id)
  ORDER BY a.id, r.policy_no
  ON CONFLICT DO NOTHING
$$;
--> statement-breakpoint

-- Terms are shown to every payee: they are an offer. Who accepted them is for the two alone.
SELECT protect_rows('royalty_acceptance', 'own_payee() IN (payee, offered_by)');
--> statement-breakpoint
SELECT protect_rows('royalty_registration', 'acceptance IN (SELECT id FROM royalty_acceptance)');
