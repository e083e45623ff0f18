-- Why: how a payee is paid is a setting; what it led to is not. A conversion stands in the approved plan with the rate it used,
-- and the database books no other.

ALTER TABLE payout_terms ADD CHECK (schedule IN ('monthly', 'quarterly', 'manual') AND hold_days BETWEEN 0 AND 365
  AND payout_currency ~ '^[A-Z]{3}$' AND (payee <> '*' OR payout_currency IS NULL));
--> statement-breakpoint
ALTER TABLE tax_form_rule ADD CHECK (extract(day FROM from_period) = 1);
--> statement-breakpoint
ALTER TABLE tax_form ADD CHECK (form IN ('W-8', 'W-9', 'none') AND status IN ('asked', 'received', 'accepted', 'rejected'));
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON tax_form FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
ALTER TABLE fx_rate ADD CHECK (rate > 0 AND from_currency ~ '^[A-Z]{3}$' AND to_currency ~ '^[A-Z]{3}$' AND from_currency <> to_currency);
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON fx_rate FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON conversion FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
-- Nobody gets more than the rate gives; the part of a nano that is left stays with the marketplace.
ALTER TABLE conversion ADD CHECK (from_nanos > 0 AND to_nanos > 0 AND from_currency <> to_currency);
--> statement-breakpoint
INSERT INTO permitted_flow (entry_kind, account_kind) VALUES ('conversion', 'payee:payable'), ('conversion', 'platform:fx');
--> statement-breakpoint

-- A month is converted at the rate that is in force at its end; no row without one. Sets here: see minimum_payout_of.
CREATE FUNCTION fx_rate_of(p_from text, p_to text, p_period date) RETURNS SETOF fx_rate LANGUAGE sql STABLE AS $$
  SELECT * FROM fx_rate WHERE from_currency = p_from AND to_currency = p_to
    AND effective_from < (p_period + interval '1 month') AT TIME ZONE 'UTC' ORDER BY effective_from DESC LIMIT 1
$$;
--> statement-breakpoint

-- The same again changes nothing; another one for the same moment is refused, and so is one for a month that is approved.
CREATE FUNCTION store_fx_rate(p_from text, p_to text, p_rate numeric, p_effective_from timestamptz, p_source text, p_by text)
RETURNS int LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v fx_rate;
  v_approved_until timestamptz;
BEGIN
  PERFORM pg_advisory_xact_lock(7001);
  SELECT * INTO v FROM fx_rate WHERE from_currency = p_from AND to_currency = p_to AND effective_from = p_effective_from;
  IF FOUND THEN
    IF (v.rate, v.source) = (p_rate, p_source) THEN RETURN v.rate_no; END IF;
    PERFORM refuse('version_exists', jsonb_build_object('rate', trim_scale(v.rate)::text));
  END IF;
  SELECT (max(period) + interval '1 month') AT TIME ZONE 'UTC' INTO v_approved_until FROM settlement WHERE state = 'approved';
  IF p_effective_from < v_approved_until THEN
    PERFORM refuse('period_closed', jsonb_build_object('from', to_char(v_approved_until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')));
  END IF;
  INSERT INTO fx_rate (from_currency, to_currency, rate, effective_from, source, set_by)
  VALUES (p_from, p_to, p_rate, p_effective_from, p_source, p_by) RETURNING * INTO v;
  RETURN v.rate_no;
END $$;
--> statement-breakpoint

-- Part of approve_plan: each conversion of the plan as two entries, one in each currency, with platform:fx between. Refuses a
-- plan whose balances or rates are not what they were. Alone (7015), as all that moves several payees' balances; a payout that
-- begins takes one of them, and is waited for.
CREATE FUNCTION book_conversions(p_period date, p_plan jsonb) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE v_wrong text;
BEGIN
  IF jsonb_array_length(coalesce(p_plan->'conversions', '[]')) = 0 THEN RETURN; END IF;
  PERFORM pg_advisory_xact_lock_shared(7001);
  PERFORM pg_advisory_xact_lock(7015);
  INSERT INTO conversion (id, period, payee, from_currency, from_nanos, to_currency, to_nanos, rate_no)
  SELECT c.id, p_period, c.payee, c."from"->>'currency', c.from_nanos, c."to"->>'currency', c.to_nanos, c.rate_no
  FROM jsonb_to_recordset(p_plan->'conversions')
    AS c(id text, payee text, "from" jsonb, from_nanos numeric, "to" jsonb, to_nanos numeric, rate_no int)
  ORDER BY c.id;

  PERFORM FROM account_balance b JOIN ledger_account a USING (account_no)
  JOIN conversion c ON a.path = format('payee:%s:payable', c.payee) AND b.currency = c.from_currency
  WHERE c.period = p_period ORDER BY b.account_no, b.currency FOR UPDATE OF b;
  SELECT c.payee INTO v_wrong FROM conversion c
  LEFT JOIN LATERAL fx_rate_of(c.from_currency, c.to_currency, p_period) r ON true
  WHERE c.period = p_period AND (r.rate_no IS DISTINCT FROM c.rate_no OR c.to_nanos <> floor(c.from_nanos * r.rate)
    OR -account_balance_of(format('payee:%s:payable', c.payee), c.from_currency) - (SELECT coalesce(sum(o.planned_nanos), 0) FROM payout o
         WHERE o.payee = c.payee AND o.currency = c.from_currency AND o.state = 'approved') < c.from_nanos) LIMIT 1;
  IF FOUND THEN PERFORM refuse('plan_outdated', jsonb_build_object('payee', v_wrong)); END IF;

  PERFORM post_conversions(p_period, 'out');
  PERFORM post_conversions(p_period, 'in');
END $$;
--> statement-breakpoint

CREATE FUNCTION post_conversions(p_period date, p_side text) RETURNS void LANGUAGE sql VOLATILE AS $$
  SELECT post_entries('conversion', open_period(), array_agg(format('conversion:%s:%s', id, p_side) ORDER BY n),
    array_agg(currency ORDER BY n), array_agg(detail ORDER BY n), array_agg(n ORDER BY n) || array_agg(n ORDER BY n),
    array_agg(format('payee:%s:payable', payee) ORDER BY n) || array_agg('platform:fx'::text),
    array_agg(amount ORDER BY n) || array_agg(-amount ORDER BY n))
  FROM (SELECT c.id, c.payee, row_number() OVER (ORDER BY c.id)::int AS n,
          CASE p_side WHEN 'out' THEN c.from_currency ELSE c.to_currency END AS currency,
          CASE p_side WHEN 'out' THEN c.from_nanos ELSE -c.to_nanos END AS amount,
          jsonb_build_object('conversion', c.id, 'reason', format('%s to %s at %s (%s)', c.from_currency, c.to_currency,
            trim_scale(r.rate), r.source)) AS detail
        FROM conversion c JOIN fx_rate r USING (rate_no) WHERE c.period = p_period) x
$$;
--> statement-breakpoint

-- The payee's own terms, term by term, or the marketplace's, or what holds without any. Always one row.
CREATE FUNCTION payout_terms_of(p_payee text) RETURNS TABLE (schedule text, hold_days int, payout_currency text) LANGUAGE sql STABLE AS $$
  SELECT coalesce(max(t.schedule) FILTER (WHERE t.payee = p_payee), max(t.schedule), 'monthly'),
    coalesce(max(t.hold_days) FILTER (WHERE t.payee = p_payee), max(t.hold_days), 0), max(t.payout_currency)
  FROM payout_terms t WHERE t.payee IN (p_payee, '*')
$$;
--> statement-breakpoint

-- What is payable to a payee but on hold at a moment: what each close made payable at once (release, less what it held), less than
-- so many days ago. Found by the keys of those entries, so that it costs the same however much is in the books.
CREATE FUNCTION on_hold_of(p_payee text, p_currency text, p_hold_days int, p_at timestamptz) RETURNS TABLE (nanos numeric, until date)
LANGUAGE sql STABLE AS $$
  SELECT greatest(coalesce(sum(x.nanos), 0), 0),
    min((x.cut_at + make_interval(hours => 24 * p_hold_days)) AT TIME ZONE 'UTC') FILTER (WHERE x.nanos > 0)::date + 1
  FROM (SELECT s.cut_at, -(SELECT sum(p.amount_nanos) FROM journal_entry e JOIN posting p USING (entry_no) JOIN ledger_account a USING (account_no)
          WHERE a.kind = 'payee:payable' AND e.key IN (format('release:%s:%s:%s', s.period, p_payee, p_currency),
            format('hold:%s:%s:%s', s.period, p_payee, p_currency), format('reserve:%s:%s:%s', s.period, p_payee, p_currency)))
          - (SELECT coalesce(sum(n.amount_nanos), 0) FROM netting n WHERE (n.period, n.payee, n.currency) = (s.period, p_payee, p_currency)) AS nanos
        FROM settlement s WHERE p_hold_days > 0 AND s.state <> 'closing' AND s.cut_at > p_at - make_interval(hours => 24 * p_hold_days)) x
  HAVING coalesce(sum(x.nanos), 0) > 0
$$;
--> statement-breakpoint

-- Why a payee has not the form that a period's settlement asks for; null when it has, no row when none is asked for.
CREATE FUNCTION tax_form_missing_of(p_payee text, p_period date) RETURNS TABLE (missing text) LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN f.tax_form_no IS NULL OR f.form = 'none' THEN 'none' WHEN f.status <> 'accepted' THEN f.status
              WHEN f.valid_until < (now() AT TIME ZONE 'UTC')::date THEN 'expired' END
  FROM (SELECT required FROM tax_form_rule WHERE from_period <= p_period ORDER BY from_period DESC LIMIT 1) r
  LEFT JOIN LATERAL (SELECT * FROM tax_form WHERE payee = p_payee ORDER BY tax_form_no DESC LIMIT 1) f ON true
  WHERE r.required
$$;
--> statement-breakpoint

CREATE FUNCTION set_tax_form_rule(p_from date, p_required boolean, p_by text) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE v_open date;
BEGIN
  SELECT max(period) + interval '1 month' INTO v_open FROM settlement WHERE state = 'approved';
  IF p_from < v_open THEN PERFORM refuse('period_closed', jsonb_build_object('open', to_char(v_open, 'YYYY-MM'))); END IF;
  INSERT INTO tax_form_rule (from_period, required, set_by) VALUES (p_from, p_required, p_by)
  ON CONFLICT (from_period) DO UPDATE SET required = excluded.required, set_by = excluded.set_by, set_at = clock_timestamp();
END $$;
