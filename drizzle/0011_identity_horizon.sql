-- Why: identities are remembered for good unless an operator sets a horizon. What is forgotten can no longer be told from
-- what is new, so nothing from before the floor is ever metered again, whatever a process is configured with.

INSERT INTO identity_floor DEFAULT VALUES;
--> statement-breakpoint
ALTER TABLE identity_floor ADD CHECK (singleton = 1);
--> statement-breakpoint

-- Raises the floor. Identities of events that were booked before it may go: an event's time is at most ten minutes ahead
-- of its booking, so each of them, sent again, is older than the floor.
CREATE FUNCTION raise_identity_floor(p_floor timestamptz) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  -- Exclusive: no batch is under way that has not seen the new floor.
  PERFORM pg_advisory_xact_lock(7001);
  UPDATE identity_floor SET occurred_from = p_floor, block_no = greatest(block_no,
    (SELECT max(block_no) FROM usage_block WHERE booked_at < p_floor - interval '10 minutes'))
  WHERE occurred_from < p_floor;
END $$;
--> statement-breakpoint

-- Forgets at most p_limit identities below the floor; answers how many. Parked events have none below it.
CREATE FUNCTION forget_identities(p_limit int) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE v_forgotten bigint;
BEGIN
  DELETE FROM usage_identity WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM usage_identity WHERE event_no < (SELECT (block_no + 1) << 20 FROM identity_floor) LIMIT p_limit));
  GET DIAGNOSTICS v_forgotten = ROW_COUNT;
  RETURN v_forgotten;
END $$;
