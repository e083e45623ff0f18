import { contentHash } from "../../kernel/index.ts";
import { type Check, DIFFERENCES_MAX, sqlCheck } from "../check.ts";

export const payoutsFromPlan = sqlCheck(
  "every payout is in the approved plan of its settlement with the same amount and account, and no planned one is missing",
  `SELECT format('payout %s: planned %s to %s in %s, stored %s to %s in %s', id, p.amount_nanos, p.account, p.period, o.amount_nanos, o.account,
     o.period) AS difference
   FROM (SELECT s.period, x.* FROM settlement s CROSS JOIN jsonb_to_recordset(s.plan->'payouts')
           AS x(id text, payee text, currency text, amount_nanos numeric, account text) WHERE s.state = 'approved') p
   FULL JOIN payout o USING (id)
   WHERE (p.period, p.payee, p.currency, p.amount_nanos, p.account) IS DISTINCT FROM (o.period, o.payee, o.currency, o.amount_nanos, o.account)`,
);

export const accountsOfPayees = sqlCheck(
  "every payee has the account that was set last, and every payout went to one that its payee had",
  `SELECT format('payee %s: account %s, the last payee account kept is %s', p.id, p.stripe_account, k.account) AS difference
   FROM payee p LEFT JOIN LATERAL (SELECT account FROM payee_account WHERE payee = p.id ORDER BY payee_account_no DESC LIMIT 1) k ON true
   WHERE p.stripe_account IS DISTINCT FROM k.account
   UNION ALL
   SELECT format('payee account %s of %s: kept of nobody who is there', k.account, k.payee) FROM payee_account k
   WHERE NOT EXISTS (SELECT FROM payee p WHERE p.id = k.payee)
   UNION ALL
   SELECT format('payout %s: to %s, no payee account of %s', o.id, o.account, o.payee) FROM payout o
   WHERE NOT EXISTS (SELECT FROM payee_account k WHERE k.payee = o.payee AND k.account = o.account)`,
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

export const attemptsOfPayouts = sqlCheck(
  "every payout has as many attempts as it says, and one that was paid has the transfer that paid it",
  `SELECT format('payout %s: %s, attempt %s, transfer %s; its attempts are %s', o.id, o.state, o.attempt, o.transfer_id, a.outcomes) AS difference
   FROM payout o LEFT JOIN (SELECT payout_id, count(*) AS attempts, max(attempt) AS last,
       array_agg(coalesce(outcome, 'open') ORDER BY attempt) AS outcomes FROM payout_attempt GROUP BY 1) a ON a.payout_id = o.id
   WHERE o.attempt <> coalesce(a.attempts, 0) OR o.attempt <> coalesce(a.last, 0)
      OR (o.state = 'paid') <> (o.transfer_id IS NOT NULL)
      OR (o.state = 'paid') <> coalesce('paid' = ANY (a.outcomes), false)
   UNION ALL
   SELECT format('attempt %s: of a payout that is not there', a.idempotency_key) FROM payout_attempt a
   WHERE NOT EXISTS (SELECT FROM payout o WHERE o.id = a.payout_id)`,
);

export const reversalsBooked = sqlCheck(
  "every reversal of a payout is one entry of its amount, and no other entry says that one was reversed",
  `SELECT format('reversal %s of payout %s: stored %s, booked %s', coalesce(r.reversal_id, e.reversal), coalesce(r.payout_id, e.payout),
      r.amount_nanos, e.amount) AS difference
   FROM payout_reversal r
   FULL JOIN (SELECT e.detail->>'reversal' AS reversal, e.detail->>'payout' AS payout, p.amount_nanos AS amount
              FROM journal_entry e JOIN posting p USING (entry_no) WHERE e.kind = 'payout_reversed' AND p.amount_nanos > 0) e
     ON e.reversal = r.reversal_id
   WHERE (r.payout_id, r.amount_nanos) IS DISTINCT FROM (e.payout, e.amount)`,
);

export const reconciliationHashes: Check = {
  law: "what reconciliations found is kept as it was found",
  async find(sql) {
    const rows = await sql<
      { run: string; report: { differences?: unknown[] }; hash: string; differences: number }[]
    >`
      SELECT run::text, report, hash, differences FROM reconciliation`;
    return rows
      .filter(
        ({ report, hash, differences }) =>
          contentHash(report) !== hash || report.differences?.length !== differences,
      )
      .map(({ run }) => `reconciliation ${run}: its report was changed`)
      .slice(0, DIFFERENCES_MAX);
  },
};

export const attemptsFromPayouts = sqlCheck(
  "every payout stands where its attempts left it, each under its own key",
  `SELECT format('payout %s: state %s after %s attempts, of which the last is %s and the attempts %s', id, state, o.attempt, last.outcome, a.n) AS difference
   FROM payout o LEFT JOIN (SELECT payout_id AS id, count(*) AS n, max(attempt) AS last FROM payout_attempt GROUP BY 1) a USING (id)
   LEFT JOIN payout_attempt last ON last.payout_id = o.id AND last.attempt = o.attempt
   WHERE o.attempt <> coalesce(a.n, 0) OR o.attempt <> coalesce(a.last, 0) OR CASE o.state
     WHEN 'paid' THEN last.outcome IS DISTINCT FROM 'paid'
     WHEN 'sending' THEN last.attempt IS NULL OR last.outcome IS NOT NULL
     WHEN 'unknown' THEN last.outcome IS DISTINCT FROM 'unknown'
     WHEN 'approved' THEN coalesce(last.outcome, 'not_sent') <> 'not_sent' OR (last.attempt IS NOT NULL AND last.outcome IS NULL)
     ELSE last.attempt IS NOT NULL AND coalesce(last.outcome, '') NOT IN ('failed', 'not_sent') END
   UNION ALL
   SELECT format('payout attempt %s/%s: key %s', payout_id, attempt, idempotency_key) FROM payout_attempt, books_state
   WHERE idempotency_key <> format('payout:%s:%s:%s', installation, payout_id, attempt)
   UNION ALL
   SELECT format('payout attempt %s/%s: outcome %s, ended %s', payout_id, attempt, outcome, ended_at) FROM payout_attempt
   WHERE (ended_at IS NULL) <> (coalesce(outcome, 'unknown') = 'unknown') OR ended_at < started_at`,
);

export const payoutEntries = sqlCheck(
  "every attempt is booked as it went: sent, then paid or returned, to the nano; and every reversal once",
  `WITH movement AS (
     SELECT format('payout:%s:%s:sent', o.id, a.attempt) AS key, o.*, o.amount_nanos AS nanos, 'payable' AS "from", 'in_transit' AS "to", NULL AS transfer
     FROM payout_attempt a JOIN payout o ON o.id = a.payout_id
     UNION ALL
     SELECT format('payout:%s:%s:returned', o.id, a.attempt), o.*, o.amount_nanos, 'in_transit', 'payable', NULL
     FROM payout_attempt a JOIN payout o ON o.id = a.payout_id WHERE a.outcome IN ('failed', 'not_sent')
     UNION ALL
     SELECT format('payout:%s:%s:paid', o.id, a.attempt), o.*, o.amount_nanos, 'in_transit', NULL, o.transfer_id
     FROM payout_attempt a JOIN payout o ON o.id = a.payout_id WHERE a.outcome = 'paid'
     UNION ALL
     SELECT format('payout:%s:reversed:%s', o.id, r.reversal_id), o.*, r.amount_nanos, NULL, 'payable', o.transfer_id
     FROM payout_reversal r JOIN payout o ON o.id = r.payout_id
   ), expected AS (
     SELECT key, CASE WHEN side.account IS NULL THEN 'stripe:clearing' ELSE format('payee:%s:%s', payee, side.account) END AS path, currency, side.nanos, transfer
     FROM movement CROSS JOIN LATERAL (VALUES ("from", nanos), ("to", -nanos)) AS side(account, nanos)
   ), booked AS (
     SELECT e.key, a.path, e.currency, p.amount_nanos AS nanos, CASE WHEN e.kind IN ('payout_paid', 'payout_reversed') THEN e.detail->>'transfer' END AS transfer
     FROM journal_entry e JOIN posting p USING (entry_no) JOIN ledger_account a USING (account_no)
     WHERE e.kind IN ('payout_sent', 'payout_returned', 'payout_paid', 'payout_reversed')
   )
   SELECT format('payout entry %s on %s: booked %s %s of %s, payout, attempt and reversal say %s %s of %s', key, path, b.nanos, b.currency, b.transfer,
     x.nanos, x.currency, x.transfer) AS difference
   FROM booked b FULL JOIN expected x USING (key, path)
   WHERE (b.nanos, b.currency, b.transfer) IS DISTINCT FROM (x.nanos, x.currency, x.transfer)
   UNION ALL
   SELECT format('payout reversal %s: booked by %s, its entry says %s', r.reversal_id, r.booked_by, e.detail->>'by')
   FROM payout_reversal r LEFT JOIN journal_entry e ON e.key = format('payout:%s:reversed:%s', r.payout_id, r.reversal_id)
   WHERE r.booked_by IS DISTINCT FROM e.detail->>'by'`,
);
