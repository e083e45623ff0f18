-- Why: the usage log of an installation without Kafka. A reader moves forward by offset and never looks back, so a
-- record may not become visible after a later one: offsets come from a counter row that stays locked until commit (a
-- sequence hands out numbers that commit in any order), and an append that is rolled back gives its numbers back.

INSERT INTO usage_log DEFAULT VALUES;
--> statement-breakpoint
-- A second identity would make it a matter of chance which log this is.
ALTER TABLE usage_log ADD CHECK (singleton = 1);
--> statement-breakpoint

-- As it comes: PostgreSQL's compression of a batch takes longer than writing it, and an acknowledgement waits for it.
ALTER TABLE usage_log_record ALTER COLUMN value SET STORAGE EXTERNAL;
--> statement-breakpoint

-- Appends the values as records of one partition, in their order, and wakes the readers when it commits. The record's
-- time is the log's own clock, read after the wait for the lock: what producers claim never matters.
CREATE FUNCTION append_usage_records(p_partition integer, p_values bytea[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_next bigint;
BEGIN
  UPDATE usage_log_partition SET next_offset = next_offset + cardinality(p_values)
  WHERE partition = p_partition RETURNING next_offset INTO STRICT v_next;

  INSERT INTO usage_log_record (partition, "offset", value, appended_at)
  SELECT p_partition, v_next - cardinality(p_values) + v.n - 1, v.value, clock_timestamp()
  FROM unnest(p_values) WITH ORDINALITY AS v (value, n);

  PERFORM pg_notify('usage_log', p_partition::text);
  RETURN v_next;
END $$;
