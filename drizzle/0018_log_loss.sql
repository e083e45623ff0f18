-- Why: when the log no longer has what comes after the cursor, metering of the partition stops, since going on would lose usage
-- without a word. Only a person can say that it goes on without, and why; that stays written down.

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log_loss
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
ALTER TABLE log_loss ADD CHECK (reason <> '');
--> statement-breakpoint

-- What a worker sees missing within the log, latest sight first: more may be gone by now, or some of it back.
CREATE FUNCTION note_log_gap(p_log_id text, p_partition int, p_from bigint, p_until bigint)
RETURNS void LANGUAGE sql VOLATILE AS $$
  INSERT INTO log_gap (log_id, partition, from_offset, until_offset) VALUES (p_log_id, p_partition, p_from, p_until)
  ON CONFLICT (log_id, partition, from_offset)
    DO UPDATE SET until_offset = excluded.until_offset, seen_at = clock_timestamp()
$$;
--> statement-breakpoint
ALTER TABLE log_gap ADD CHECK (until_offset > from_offset);
--> statement-breakpoint

-- Moves the cursor to where the log goes on, which may be before it: what was metered already is a duplicate then. The
-- caller names the cursor that it saw: if metering went on since, nothing is lost. Whoever holds the partition is fenced.
CREATE FUNCTION accept_log_loss(p_partition int, p_from_log_id text, p_from bigint, p_to_log_id text, p_to bigint,
  p_reason text, p_by text) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  UPDATE metering_cursor SET log_id = p_to_log_id, next_offset = p_to, epoch = epoch + 1, updated_at = clock_timestamp()
  WHERE partition = p_partition AND log_id = p_from_log_id AND next_offset = p_from;
  IF NOT FOUND THEN PERFORM refuse('log_loss_changed'); END IF;
  INSERT INTO log_loss (partition, from_log_id, from_offset, to_log_id, to_offset, reason, accepted_by)
  VALUES (p_partition, p_from_log_id, p_from, p_to_log_id, p_to, p_reason, p_by);
END $$;
