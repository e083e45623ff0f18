-- Why: what is on a customer's account is settled in money too, outside the provider: paid back to it, or paid by it where no invoice asks
-- for it. Booked as a correction, so that who may, limit, approval and withdrawal are those of all others; no loss, and never more than
-- what is owed.

ALTER TABLE adjustment DROP CONSTRAINT adjustment_kind_check, ADD CONSTRAINT adjustment_kind_check CHECK (kind IN ('refund',
  'refund_returned', 'money_returned', 'dispute_lost', 'rerate', 'reattribution', 'credit', 'debit', 'write_off', 'revocation',
  'repayment', 'payment'));
--> statement-breakpoint
INSERT INTO permitted_flow (entry_kind, account_kind) VALUES
  ('repayment', 'customer:receivable'), ('repayment', 'platform:received'),
  ('payment', 'customer:receivable'), ('payment', 'platform:received');
--> statement-breakpoint

-- What refunds and corrections have left on a customer's account: less than nothing is what it owes by them. Not what waits for an
-- invoice: what is carried on to the next one, or closed and not invoiced yet.
CREATE FUNCTION left_by_adjustments(p_customer text, p_currency text) RETURNS numeric LANGUAGE sql STABLE AS $$
  SELECT -(SELECT coalesce(sum(p.amount_nanos), 0) FROM ledger_account a JOIN posting p USING (account_no) JOIN journal_entry e USING (entry_no)
      WHERE a.path = format('customer:%s:receivable', p_customer) AND e.currency = p_currency AND e.key LIKE 'adjustment:%')
    - (SELECT coalesce(sum(j.credited_nanos), 0) FROM invoice i JOIN adjustment j ON j.invoice_id = i.id
       WHERE i.customer = p_customer AND i.currency = p_currency)
$$;
--> statement-breakpoint

-- What may be paid back to a customer elsewhere: what it is owed (what is below a step and carried on is for its next invoice to ask), less
-- what is on its way back at the provider, or may be, and less what banks take back besides of what was refunded, should they decide so.
CREATE FUNCTION repayable(p_customer text, p_currency text) RETURNS numeric LANGUAGE sql STABLE AS $$
  SELECT greatest(0, least(left_by_adjustments(p_customer, p_currency),
      (SELECT coalesce(sum(invoice_left(i.id)), 0) FROM invoice i WHERE i.customer = p_customer AND i.currency = p_currency)
        - account_balance_of(format('customer:%s:receivable', p_customer), p_currency)
        + coalesce((SELECT ceil(carried_out * 1000000000) FROM invoice WHERE customer = p_customer AND currency = p_currency
                    ORDER BY period DESC LIMIT 1), 0))
    - (SELECT coalesce(sum(p.amount_nanos), 0) FROM invoice i JOIN adjustment a ON a.invoice_id = i.id JOIN refund_push p USING (adjustment_no)
       WHERE i.customer = p_customer AND i.currency = p_currency AND p.means = 'refund' AND p.state <> 'failed'
         AND NOT EXISTS (SELECT FROM adjustment m WHERE m.reference = p.provider_id))
    - (SELECT coalesce(sum(least(d.nanos, greatest(0, ceil(-r.gross * 1000000000) - r.credited - r.returned))), 0)
       FROM (SELECT d.invoice_id, sum(d.amount_nanos) AS nanos FROM dispute d JOIN invoice i ON i.id = d.invoice_id
         WHERE d.state = 'open' AND i.customer = p_customer AND i.currency = p_currency GROUP BY 1) d
       CROSS JOIN LATERAL (SELECT coalesce(sum(gross), 0) AS gross, coalesce(sum(credited_nanos), 0) AS credited,
         coalesce(sum(returned_nanos), 0) AS returned FROM adjustment WHERE invoice_id = d.invoice_id) r))
$$;
--> statement-breakpoint

-- Nobody gets back more than it is owed, nor pays more than it owes, whatever the code above asks for. Two at once wait for each other
-- (post_adjustment), and what is not booked yet by here is this adjustment only.
CREATE FUNCTION check_money_was_owed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  v adjustment;
  v_owed numeric;
BEGIN
  SELECT * INTO v FROM adjustment WHERE adjustment_no = NEW.adjustment_no;
  IF v.kind = 'repayment' THEN
    v_owed := repayable(split_part(NEW.account, ':', 2), v.currency);
    IF -NEW.amount_nanos NOT BETWEEN 1 AND v_owed THEN PERFORM refuse('repayment_too_large', jsonb_build_object('nanos', v_owed::text, 'currency', v.currency)); END IF;
  ELSIF v.kind = 'payment' THEN
    v_owed := greatest(0, -left_by_adjustments(split_part(NEW.account, ':', 2), v.currency));
    IF NEW.amount_nanos NOT BETWEEN 1 AND v_owed THEN PERFORM refuse('payment_exceeds_debt', jsonb_build_object('nanos', v_owed::text, 'currency', v.currency)); END IF;
  END IF;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER money_was_owed AFTER INSERT ON adjustment_movement FOR EACH ROW WHEN (NEW.account LIKE 'customer:%:receivable')
  EXECUTE FUNCTION check_money_was_owed();
