-- Why: that a model's predictions are not what they were is told once, to its owner. What was looked at, what differs, and the
-- message are written in one statement: killed anywhere, or looked at by two at once, a day is looked at once and told once.

ALTER TABLE drift_rule ADD CHECK (window_days BETWEEN 1 AND 28), ADD CHECK (baseline_days BETWEEN 1 AND 90),
  ADD CHECK (predictions_min BETWEEN 1 AND 1000000000);
--> statement-breakpoint
ALTER TABLE drift_state ADD CHECK (direction IN ('up', 'down'));
--> statement-breakpoint
-- The owner's, as feedback is.
SELECT protect_rows(t, 'model IN (SELECT m.id FROM model m JOIN model_lineage l USING (model_no) JOIN payee p USING (payee_no)
  WHERE p.id = own_payee())') FROM unnest(ARRAY['drift_rule', 'drift_state']) t;
--> statement-breakpoint

-- p_figures: [{version, figure, direction, facts}], what could be judged; direction is null for what does not differ. What could not
-- be judged stays as it was. Answers how many are told of, null when the day was looked at before.
CREATE FUNCTION record_drift(p_model text, p_day date, p_figures jsonb) RETURNS int LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v drift_state;
  v_new jsonb := '[]';
  v_owner text;
BEGIN
  UPDATE drift_rule SET looked_at_day = p_day WHERE model = p_model AND (looked_at_day IS NULL OR looked_at_day < p_day);
  IF NOT FOUND THEN RETURN NULL; END IF;
  DELETE FROM drift_state s USING jsonb_to_recordset(p_figures) AS f(version text, figure text, direction text)
  WHERE s.model = p_model AND s.version = f.version AND s.figure = f.figure AND s.direction IS DISTINCT FROM f.direction;
  FOR v IN
    INSERT INTO drift_state (model, version, figure, direction, facts, since_day)
    SELECT p_model, f.version, f.figure, f.direction, f.facts, p_day
    FROM jsonb_to_recordset(p_figures) AS f(version text, figure text, direction text, facts jsonb)
    WHERE f.direction IS NOT NULL ORDER BY f.version, f.figure
    ON CONFLICT DO NOTHING RETURNING *
  LOOP v_new := v_new || v.facts; END LOOP;
  IF v_new <> '[]' THEN
    SELECT p.id INTO v_owner FROM model m JOIN model_lineage l USING (model_no) JOIN payee p USING (payee_no)
    WHERE m.id = p_model ORDER BY l.effective_from DESC LIMIT 1;
    PERFORM notify_payee(v_owner, 'model.drift', format('drift:%s:%s', p_model, p_day),
      jsonb_build_object('model', p_model, 'day', p_day, 'figures', v_new));
  END IF;
  RETURN jsonb_array_length(v_new);
END $$;
