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

-- Tells the people of a payee, in the transaction of the fact; most of what is sent to programs is no mail.
CREATE FUNCTION mail_payee(p_payee text, p_type text, p_key text, p_data jsonb) RETURNS void LANGUAGE sql VOLATILE AS $$
  INSERT INTO mail (key, recipient, type, data)
  SELECT p_key || ':' || u.id, u.email, p_type, jsonb_build_object('payee', p_payee) || p_data
  FROM app_user u
  WHERE u.payee = p_payee AND u.disabled_at IS NULL AND u.notices AND p_type IN ('statement.finalized', 'payout.paid',
    'payout.failed', 'account.action_required', 'share.proposed', 'share.accepted', 'share.declined')
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
