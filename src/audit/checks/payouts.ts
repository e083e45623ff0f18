import { sqlCheck } from "../check.ts";

export const payoutsFromPlan = sqlCheck(
  "every payout is in the approved plan of its settlement with the same amount and account, and no planned one is missing",
  `SELECT format('payout %s: planned %s to %s, stored %s to %s', id, p.amount_nanos, p.account, o.amount_nanos, o.account) AS difference
   FROM (SELECT x.* FROM settlement s CROSS JOIN jsonb_to_recordset(s.plan->'payouts')
           AS x(id text, payee text, currency text, amount_nanos numeric, account text) WHERE s.state = 'approved') p
   FULL JOIN payout o USING (id)
   WHERE (p.payee, p.currency, p.amount_nanos, p.account) IS DISTINCT FROM (o.payee, o.currency, o.amount_nanos, o.account)`,
);

export const inTransitFromPayouts = sqlCheck(
  "money in transit is that of payouts that are being sent, and what left is what was paid",
  `SELECT format('%s %s: balance %s, payouts say %s', path, currency, b.balance, o.amount) AS difference
   FROM (SELECT a.path, b.currency, -b.balance_nanos AS balance FROM account_balance b JOIN ledger_account a USING (account_no)
         WHERE (a.kind = 'payee:in_transit' OR a.path = 'stripe:clearing') AND b.balance_nanos <> 0) b
   FULL JOIN (SELECT CASE WHEN state = 'paid' THEN 'stripe:clearing' ELSE 'payee:' || payee || ':in_transit' END AS path,
           currency, sum(amount_nanos - coalesce(r.reversed, 0)) AS amount
         FROM payout LEFT JOIN (SELECT payout_id AS id, sum(amount_nanos) AS reversed FROM payout_reversal GROUP BY 1) r USING (id)
         WHERE state IN ('paid', 'sending', 'unknown') GROUP BY 1, 2) o
     USING (path, currency)
   WHERE coalesce(b.balance, 0) <> coalesce(o.amount, 0)`,
);
