import { contentHash } from "../../kernel/index.ts";
import { type Check, DIFFERENCES_MAX, sqlCheck } from "../check.ts";

export const planHashes: Check = {
  law: "every plan's hash is the hash of its content",
  async find(sql) {
    const rows = await sql<{ period: string; plan: object; plan_hash: string }[]>`
      SELECT to_char(period, 'YYYY-MM') AS period, plan, plan_hash FROM settlement WHERE plan IS NOT NULL`;
    return rows
      .filter(({ plan, plan_hash }) => contentHash(plan) !== plan_hash)
      .map(({ period }) => `plan of ${period}: its content was changed`)
      .slice(0, DIFFERENCES_MAX);
  },
};

export const periodsInOrder = sqlCheck(
  "the books are open from the month after the last cut on, and everything booked before is in a month that was cut",
  `SELECT format('the first open month is %s, after the last cut it is %s', first_open_period, last) AS difference
   FROM books_state, (SELECT max(period) + interval '1 month' AS last FROM settlement) s
   WHERE last IS NOT NULL AND first_open_period <> last
   UNION ALL
   SELECT format('settlement %s is missing: %s entries are booked in it', e.period, count(*)) FROM journal_entry e
   WHERE e.period < (SELECT first_open_period FROM books_state) AND e.period NOT IN (SELECT period FROM settlement) GROUP BY e.period`,
);

export const flowsPermitted = sqlCheck(
  "every entry touches only accounts that its kind may touch, and every account is its path's",
  `SELECT DISTINCT format('entries of kind %s touch %s', e.kind, a.kind) AS difference
   FROM journal_entry e JOIN posting p USING (entry_no) JOIN ledger_account a USING (account_no)
   WHERE NOT EXISTS (SELECT FROM permitted_flow f WHERE f.entry_kind = e.kind AND f.account_kind = a.kind)
   UNION ALL
   SELECT format('account %s: kind %s, owner %s', path, kind, owner) FROM ledger_account
   WHERE kind <> split_part(path, ':', 1) || ':' || split_part(path, ':', -1)
      OR owner IS DISTINCT FROM CASE WHEN path ~ '^(payee|customer):' THEN split_part(path, ':', 2) END
   UNION ALL
   SELECT format('account %s: there is no such payee', path) FROM ledger_account a
   WHERE path LIKE 'payee:%' AND NOT EXISTS (SELECT FROM payee WHERE id = a.owner)
   UNION ALL
   SELECT format('account %s: there is no such customer', path) FROM ledger_account a
   WHERE path LIKE 'customer:%' AND NOT EXISTS (SELECT FROM customer WHERE id = a.owner)`,
);

export const settlementsInOrder = sqlCheck(
  "settlements go forward step by step, and the books are open from the month after the last one",
  `SELECT format('settlement %s: state %s, cut %s, closed %s, planned %s by %s, approved %s by %s', period, state, cut_at, closed_at,
       planned_at, planned_by, approved_at, approved_by) AS difference
   FROM settlement WHERE (state IN ('closing', 'released')) <> (closed_at IS NULL) OR closed_at < cut_at
     OR (state IN ('planned', 'approved')) <> (planned_at IS NOT NULL AND planned_by IS NOT NULL AND plan_hash IS NOT NULL) OR planned_at < closed_at
     OR (state = 'approved') <> (approved_at IS NOT NULL) OR approved_at < planned_at
   UNION ALL
   SELECT format('books_state: open from %s, settled up to %s', b.first_open_period, s.period)
   FROM books_state b, (SELECT max(period) AS period FROM settlement) s
   WHERE b.first_open_period <> coalesce(s.period + interval '1 month', '0001-01-01')
   UNION ALL
   SELECT DISTINCT format('settlement %s: there is none, but a %s is of it', period, what)
   FROM (SELECT period, 'statement' AS what FROM statement UNION ALL SELECT period, 'payout' FROM payout UNION ALL SELECT period, 'seal' FROM seal
         UNION ALL SELECT period, 'reconciliation' FROM reconciliation
         UNION ALL SELECT period, kind FROM journal_entry WHERE kind IN ('release', 'billing')) x
   WHERE NOT EXISTS (SELECT FROM settlement s WHERE s.period = x.period AND s.state <> 'closing')
   UNION ALL
   SELECT format('reconciliation %s: of %s by %s, its report says %s by %s', run, period, ran_by, report->>'period', report->>'by') FROM reconciliation
   WHERE to_char(period, 'YYYY-MM') IS DISTINCT FROM report->>'period' OR ran_by IS DISTINCT FROM report->>'by'
   UNION ALL
   SELECT format('statement %s %s %s: %s is no payee', period, payee, currency, payee) FROM statement WHERE payee NOT IN (SELECT id FROM payee)`,
);
