-- Why: who may do what must hold whatever the code above does. A session acts as exactly one key or person, a person is
-- bound to what its role says, and the duties are those of the role.

ALTER TABLE session ADD CHECK (num_nonnulls(api_key, app_user, operator_proof) = 1);
--> statement-breakpoint
ALTER TABLE session ADD FOREIGN KEY (api_key) REFERENCES api_key (id);
--> statement-breakpoint
ALTER TABLE app_user ADD CHECK (email = lower(email) AND email LIKE '%_@_%');
--> statement-breakpoint
ALTER TABLE app_user ADD CHECK ((role = 'payee') = (payee IS NOT NULL) AND (role = 'customer') = (customer IS NOT NULL));
--> statement-breakpoint
ALTER TABLE app_user ADD CHECK (CASE role
  WHEN 'operator' THEN cardinality(duties) > 0 AND duties <@ '{maker,approver,support}'
  WHEN 'payee' THEN duties IN ('{owner}', '{viewer}')
  WHEN 'customer' THEN duties = '{}'
  ELSE false END);
--> statement-breakpoint
ALTER TABLE mail ADD CHECK (state IN ('pending', 'sent', 'failed'));
--> statement-breakpoint

-- Tells the people of a payee, in the transaction of the fact; most of what is sent to programs is no mail. That its money goes
-- elsewhere is told to those, too, who want no notices.
CREATE FUNCTION mail_payee(p_payee text, p_type text, p_key text, p_data jsonb) RETURNS void LANGUAGE sql VOLATILE AS $$
  INSERT INTO mail (key, recipient, type, data)
  SELECT p_key || ':' || u.id, u.email, p_type, jsonb_build_object('payee', p_payee) || p_data
  FROM app_user u
  WHERE u.payee = p_payee AND u.disabled_at IS NULL AND (u.notices OR p_type = 'account.changed') AND p_type IN ('statement.finalized', 'payout.paid',
    'payout.failed', 'account.action_required', 'account.changed', 'share.proposed', 'share.accepted', 'share.declined')
  ORDER BY u.id
  ON CONFLICT (key) DO NOTHING
$$;
--> statement-breakpoint

-- A way in for the person with this address, at most p_limit an hour. Answers nothing: who asks learns nothing. The lock is
-- taken in a statement of its own, so that the count after it sees what others had asked for.
CREATE FUNCTION request_login_link(p_id text, p_email text, p_url text, p_limit int) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE v_user text;
BEGIN
  SELECT id INTO v_user FROM app_user WHERE email = p_email AND disabled_at IS NULL
  ORDER BY created_at, id LIMIT 1 FOR UPDATE;
  IF v_user IS NULL OR (SELECT count(*) FROM login_link
      WHERE app_user = v_user AND created_at > clock_timestamp() - interval '1 hour') >= p_limit THEN RETURN; END IF;
  INSERT INTO login_link (id, app_user, created_at) VALUES (p_id, v_user, clock_timestamp());
  INSERT INTO mail (key, recipient, type, data)
  VALUES ('login:' || p_id, p_email, 'login', jsonb_build_object('link', p_id, 'url', p_url));
END $$;
--> statement-breakpoint

-- Begins the next attempts of what is due. Whoever dies with one in hand loses it after p_lease.
CREATE FUNCTION claim_mails(p_limit int, p_lease interval)
RETURNS TABLE (mail_no bigint, attempt int, recipient text, type text, data jsonb, created_at timestamptz)
LANGUAGE sql VOLATILE AS $$
  UPDATE mail m SET attempts = attempts + 1, next_attempt_at = clock_timestamp() + p_lease
  FROM (SELECT d.mail_no FROM mail d WHERE d.state = 'pending' AND d.next_attempt_at <= clock_timestamp()
        ORDER BY d.next_attempt_at, d.mail_no LIMIT p_limit FOR UPDATE SKIP LOCKED) due
  WHERE m.mail_no = due.mail_no
  RETURNING m.mail_no, m.attempts, m.recipient, m.type, m.data, m.created_at
$$;
--> statement-breakpoint

-- p_error is null when it was sent; p_final: no later attempt could succeed.
CREATE FUNCTION finish_mail(p_mail bigint, p_attempt int, p_error text, p_final boolean) RETURNS text
LANGUAGE sql VOLATILE AS $$
  UPDATE mail SET error = p_error, sent_at = CASE WHEN p_error IS NULL THEN clock_timestamp() END,
    state = CASE WHEN p_error IS NULL THEN 'sent' WHEN p_final OR p_attempt > 8 THEN 'failed' ELSE 'pending' END,
    next_attempt_at = CASE WHEN attempts = p_attempt THEN clock_timestamp() + (ARRAY['10 seconds', '1 minute', '5 minutes',
      '30 minutes', '2 hours', '6 hours', '12 hours', '24 hours', '24 hours']::interval[])[p_attempt] ELSE next_attempt_at END
  WHERE mail_no = p_mail AND state = 'pending' RETURNING state
$$;
--> statement-breakpoint

-- Shares are agreed on: an answer is given once, under the proposal's lock, and a decided proposal stays as it is.
ALTER TABLE share_proposal ADD CHECK (state IN ('open', 'accepted', 'declined', 'withdrawn', 'lapsed')
  AND (state = 'open') = (decided_at IS NULL) AND (state = 'accepted') = (policy_no IS NOT NULL));
--> statement-breakpoint
ALTER TABLE share_proposal ADD FOREIGN KEY (policy_no) REFERENCES revenue_policy (policy_no);
--> statement-breakpoint
ALTER TABLE share_proposal_party ADD CHECK (weight >= 0 AND answer IN ('accepted', 'declined'));
--> statement-breakpoint
CREATE INDEX ON share_proposal USING gin (parties);
--> statement-breakpoint
CREATE FUNCTION iso(p_at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;
--> statement-breakpoint

CREATE FUNCTION notify_parties(p_id text, p_type text, p_more jsonb) RETURNS void LANGUAGE sql VOLATILE AS $$
  SELECT notify_payee(s.payee, p_type, format('%s:%s:%s', p_type, p.id, s.payee), jsonb_build_object('proposal', p.id,
    'model', p.model, 'proposed_by', p.proposed_by, 'effective_from', iso(p.effective_from), 'weight', s.weight) || p_more)
  FROM share_proposal p JOIN share_proposal_party s ON s.proposal = p.id
  WHERE p.id = p_id AND NOT (p_type = 'share.proposed' AND s.payee = p.proposed_by) ORDER BY s.payee
$$;
--> statement-breakpoint

CREATE FUNCTION propose_shares(p_id text, p_model text, p_by_payee text, p_from timestamptz, p_shares jsonb, p_by text)
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  INSERT INTO share_proposal (id, model, proposed_by, effective_from, parties, state)
  SELECT p_id, p_model, p_by_payee, p_from, array_agg(x->>'payee' ORDER BY x->>'payee'), 'open' FROM jsonb_array_elements(p_shares) x;
  INSERT INTO share_proposal_party (proposal, payee, weight, answer, answered_by, answered_at)
  SELECT p_id, x->>'payee', (x->>'weight')::int, y.answer, CASE WHEN y.answer IS NOT NULL THEN p_by END,
    CASE WHEN y.answer IS NOT NULL THEN clock_timestamp() END
  FROM jsonb_array_elements(p_shares) x
  CROSS JOIN LATERAL (SELECT CASE WHEN x->>'payee' = p_by_payee THEN 'accepted' END AS answer) y;
  PERFORM notify_parties(p_id, 'share.proposed', '{}');
END $$;
--> statement-breakpoint

CREATE FUNCTION decide_proposal(p_id text, p_state text, p_reason text) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  UPDATE share_proposal s SET state = p_state, reason = p_reason, decided_at = clock_timestamp(),
    policy_no = CASE WHEN p_state = 'accepted' THEN (SELECT r.policy_no FROM revenue_policy r LEFT JOIN model m USING (model_no)
      WHERE (r.model_no IS NULL OR m.id = s.model) AND r.effective_from <= s.effective_from
      ORDER BY r.model_no IS NULL, r.effective_from DESC LIMIT 1) END
  WHERE id = p_id AND state = 'open';
  IF FOUND AND p_state IN ('accepted', 'declined') THEN
    PERFORM notify_parties(p_id, 'share.' || p_state, CASE WHEN p_state = 'declined'
      THEN jsonb_build_object('declined_by', p_reason) ELSE '{}' END);
  END IF;
END $$;
--> statement-breakpoint

CREATE FUNCTION answer_proposal(p_id text, p_payee text, p_answer text, p_by text) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v share_proposal;
  v_answer text;
BEGIN
  SELECT * INTO v FROM share_proposal WHERE id = p_id FOR UPDATE;
  SELECT answer INTO v_answer FROM share_proposal_party WHERE proposal = p_id AND payee = p_payee;
  IF NOT FOUND THEN PERFORM refuse('not_found', '{}'); END IF;
  IF v_answer = p_answer THEN RETURN; END IF;
  IF v.state <> 'open' OR v_answer IS NOT NULL THEN PERFORM refuse('proposal_closed', '{}'); END IF;
  UPDATE share_proposal_party SET answer = p_answer, answered_by = p_by, answered_at = clock_timestamp()
  WHERE proposal = p_id AND payee = p_payee;
  IF p_answer = 'declined' THEN PERFORM decide_proposal(p_id, 'declined', p_payee); END IF;
END $$;
--> statement-breakpoint

CREATE FUNCTION withdraw_proposal(p_id text, p_payee text) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE v share_proposal;
BEGIN
  SELECT * INTO v FROM share_proposal WHERE id = p_id AND proposed_by = p_payee FOR UPDATE;
  IF NOT FOUND THEN PERFORM refuse('not_found', '{}'); END IF;
  IF v.state = 'withdrawn' THEN RETURN; END IF;
  -- Once everybody has agreed it is as good as made.
  IF v.state <> 'open' OR NOT EXISTS (SELECT FROM share_proposal_party WHERE proposal = p_id AND answer IS NULL)
    THEN PERFORM refuse('proposal_closed', '{}'); END IF;
  PERFORM decide_proposal(p_id, 'withdrawn', NULL);
END $$;
