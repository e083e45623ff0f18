import { contentHash } from "../../kernel/index.ts";
import { type Check, DIFFERENCES_MAX, sqlCheck } from "../check.ts";

export const planHashes: Check = {
  law: "every settlement plan's hash is the hash of its content, and every reconciliation's that of its report",
  async find(sql) {
    const rows = await sql<
      { name: string; content: { differences?: unknown[] }; hash: string; count: number | null }[]
    >`
      SELECT 'settlement ' || to_char(period, 'YYYY-MM') || ': its plan' AS name, plan AS content, plan_hash AS hash, NULL::int AS count
      FROM settlement WHERE plan IS NOT NULL
      UNION ALL
      SELECT format('reconciliation %s: its report', run), report, hash, differences FROM reconciliation`;
    return rows
      .filter(
        ({ content, hash, count }) =>
          contentHash(content) !== hash || (count !== null && count !== content.differences?.length),
      )
      .map(({ name }) => `${name} was changed`)
      .slice(0, DIFFERENCES_MAX);
  },
};

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
