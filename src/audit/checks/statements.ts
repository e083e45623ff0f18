import { contentHash } from "../../kernel/index.ts";
import { type Check, DIFFERENCES_MAX, sqlCheck } from "../check.ts";

export const statementHashes: Check = {
  law: "every statement's hash is the hash of its content",
  async find(sql) {
    const rows = await sql<{ name: string; content: object; hash: string }[]>`
      SELECT concat_ws(' ', payee, to_char(period, 'YYYY-MM'), currency) AS name, content, hash FROM statement`;
    return rows
      .filter(({ content, hash }) => contentHash(content) !== hash)
      .map(({ name }) => `statement ${name}: its content was changed`)
      .slice(0, DIFFERENCES_MAX);
  },
};

export const statementsFromBooks = sqlCheck(
  "every statement closes with the payable balance of the books, and opens with the one before",
  `SELECT format('statement %s %s %s: opens %s after %s, closes %s, books say %s', payee, period, currency,
      opening_nanos, before, closing_nanos, booked) AS difference
   FROM (SELECT s.*, coalesce(lag(closing_nanos) OVER (PARTITION BY payee, currency ORDER BY period), 0) AS before,
           (SELECT coalesce(-sum(p.amount_nanos), 0) FROM posting p JOIN journal_entry e USING (entry_no)
            JOIN ledger_account a USING (account_no)
            WHERE a.path = 'payee:' || s.payee || ':payable' AND e.currency = s.currency AND e.period <= s.period) AS booked
         FROM statement s) x
   WHERE opening_nanos <> before OR closing_nanos <> booked
     OR closing_nanos::text <> replace(content->'closing'->>'amount', '.', '')::numeric::text
     OR (opening_nanos, earned_nanos, adjustments_nanos, paid_nanos) IS DISTINCT FROM (${[
       "opening",
       "earned",
       "adjustments",
       "paid",
     ]
       .map((figure) => `(content->'${figure}'->>'amount')::numeric * 1000000000`)
       .join(", ")})
   UNION ALL
   SELECT format('statement %s %s %s: says %s was earned, the books say %s', a.payee, a.period, a.currency, s.earned_nanos, a.nanos)
   FROM (SELECT a.owner AS payee, e.period, e.currency, -sum(p.amount_nanos) AS nanos
         FROM journal_entry e JOIN posting p USING (entry_no) JOIN ledger_account a USING (account_no)
         WHERE a.kind = 'payee:payable' AND e.kind = 'release' GROUP BY 1, 2, 3) a
   JOIN settlement t ON t.period = a.period AND t.state NOT IN ('closing', 'released')
   LEFT JOIN statement s ON s.payee = a.payee AND s.period = a.period AND s.currency = a.currency
   WHERE s.earned_nanos IS DISTINCT FROM a.nanos`,
);
