-- Why: percentiles cannot be added up, sketches can. They are made outside of the database, by a library, and written here
-- in one statement with the marks of the blocks that they are made of: killed anywhere, both are there or neither is.

-- False, and nothing is written, when somebody else has added one of the blocks or changed one of the sketches since they were read.
CREATE FUNCTION store_latency_sketches(p_blocks bigint[], p_models int[], p_versions int[], p_days date[], p_revisions int[],
  p_sketches bytea[]) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(7031);
  PERFORM FROM usage_block WHERE block_no = ANY (p_blocks) ORDER BY block_no FOR UPDATE;
  IF (SELECT count(*) FROM usage_block WHERE block_no = ANY (p_blocks) AND sketched = 0) <> cardinality(p_blocks) THEN RETURN false; END IF;
  IF EXISTS (SELECT FROM unnest(p_models, p_versions, p_days, p_revisions) AS n(model_no, model_version_no, service_day, revision)
      LEFT JOIN latency_sketch s USING (model_no, model_version_no, service_day)
      WHERE coalesce(s.revision, 0) <> n.revision) THEN RETURN false; END IF;
  INSERT INTO latency_sketch AS s (model_no, model_version_no, service_day, revision, sketch)
  SELECT model_no, model_version_no, service_day, revision + 1, sketch
  FROM unnest(p_models, p_versions, p_days, p_revisions, p_sketches) AS n(model_no, model_version_no, service_day, revision, sketch)
  ORDER BY 1, 2, 3
  ON CONFLICT (model_no, model_version_no, service_day) DO UPDATE SET revision = excluded.revision, sketch = excluded.sketch;
  UPDATE usage_block SET sketched = 1 WHERE block_no = ANY (p_blocks);
  RETURN true;
END $$;
