import { sqlCheck } from "../check.ts";

export const spendFromUsage = sqlCheck(
  "what is counted as a customer's spend is its usage at its prices, month by month, but for blocks that are not counted yet",
  `WITH counted AS (
     SELECT customer_no, currency, service_month, sum(gross) AS gross FROM (
       SELECT a.customer_no, a.currency, u.service_month, u.gross
       FROM spend_account a CROSS JOIN LATERAL customer_usage(a.customer_no) u WHERE u.currency = a.currency
       UNION ALL
       SELECT a.customer_no, a.currency, g.service_month, -g.gross
       FROM priced_groups(ARRAY(SELECT block_no FROM usage_block WHERE counted = 0), ARRAY(SELECT customer_no FROM spend_account)) g
       JOIN spend_account a USING (customer_no, currency) WHERE g.block_no > a.since_block) x
     GROUP BY 1, 2, 3)
   SELECT format('spend month %s of customer %s in %s: stored %s, used %s', service_month, customer_no, currency, m.spent, c.gross) AS difference
   FROM spend_month m FULL JOIN counted c USING (customer_no, currency, service_month)
   WHERE coalesce(m.spent, 0) <> coalesce(c.gross, 0)
     OR (m.spent IS NOT NULL AND NOT EXISTS (SELECT FROM spend_account a WHERE a.customer_no = m.customer_no AND a.currency = m.currency))`,
);

export const spendAccounts = sqlCheck(
  "a customer's account has what its months come to, what its invoices asked for, what its grants have left and what is reserved",
  `WITH due AS (
     SELECT a.customer_no, a.currency, coalesce((SELECT sum(m.spent) FROM spend_month m
         WHERE m.customer_no = a.customer_no AND m.currency = a.currency), 0) AS spent,
       coalesce((SELECT sum(i.amount_nanos + i.netted_nanos) FROM invoice i WHERE i.customer = c.id AND i.currency = a.currency), 0) AS invoiced,
       coalesce((SELECT sum(s.left_nanos) FROM credit_standing s WHERE s.customer = c.id AND s.currency = a.currency), 0) AS credit,
       coalesce((SELECT sum(r.amount_nanos) FROM spend_reservation r
         WHERE r.customer_no = a.customer_no AND r.currency = a.currency AND r.outcome IS NULL), 0) AS reserved
     FROM spend_account a LEFT JOIN customer c USING (customer_no))
   SELECT format('spend account %s in %s: stored %s spent, %s invoiced, %s credit, %s reserved; it should be %s, %s, %s, %s', customer_no,
     currency, a.spent, a.invoiced_nanos, a.credit_nanos, a.reserved_nanos, d.spent, d.invoiced, d.credit, d.reserved) AS difference
   FROM spend_account a JOIN due d USING (customer_no, currency)
   WHERE (a.spent, a.invoiced_nanos, a.credit_nanos, a.reserved_nanos) IS DISTINCT FROM (d.spent, d.invoiced, d.credit, d.reserved)
   UNION ALL
   SELECT format('spend account is missing: a spend reservation %s is of customer %s in %s', identity, customer_no, currency)
   FROM spend_reservation r
   WHERE NOT EXISTS (SELECT FROM spend_account a WHERE a.customer_no = r.customer_no AND a.currency = r.currency)
   UNION ALL
   SELECT format('spend account is missing: %s has credits in %s', customer, currency) FROM credit_grant g
   WHERE NOT EXISTS (SELECT FROM spend_account a JOIN customer c USING (customer_no) WHERE c.id = g.customer AND a.currency = g.currency)`,
);

export const reservationsSettled = sqlCheck(
  "a reservation is settled by the event of its prediction, and by nothing else",
  `SELECT format('spend reservation %s of customer %s is settled, and no event of it was metered', identity, customer_no) AS difference
   FROM spend_reservation r WHERE outcome = 'settled'
     AND NOT EXISTS (SELECT FROM usage_identity u WHERE u.identity = r.identity AND u.event_no IS NOT NULL)
     AND r.ended_at > (SELECT occurred_from FROM identity_floor)
   UNION ALL
   SELECT format('spend reservation %s of customer %s has ended as %s at %s: one of them is wrong', identity, customer_no,
     coalesce(outcome, 'nothing'), coalesce(ended_at::text, 'no time'))
   FROM spend_reservation WHERE (outcome IS NULL) <> (ended_at IS NULL)`,
);
