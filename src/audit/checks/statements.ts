import { contentHash, firstDay, type Period, periodOfDay } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { buildStatement, type LineFigures } from "../../settlement/index.ts";
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
     OR (opening_nanos, earned_nanos, adjustments_nanos, netted_nanos, paid_nanos) IS DISTINCT FROM (${[
       "opening",
       "earned",
       "adjustments",
       "netted",
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

/** The whole text a creator sees, written anew from the books. */
export const statementsFromParts: Check = {
  law: "every statement says what the entries and the accrued parts of its period come to, line by line",
  async find(sql) {
    const differences: string[] = [];
    const periods = await sql<{ period: string }[]>`
      SELECT period::text FROM statement UNION SELECT period::text FROM settlement WHERE state NOT IN ('closing', 'released')
      ORDER BY 1`;
    for (const { period } of periods) {
      const expected = await expectedStatements(sql, periodOfDay(period));
      const stored = await sql<StoredStatement[]>`
        SELECT payee, currency, hash, opening_nanos::text AS opening, earned_nanos::text AS earned,
          adjustments_nanos::text AS adjustments, netted_nanos::text AS netted, paid_nanos::text AS paid
        FROM statement WHERE period = ${period}`;
      for (const { payee, currency, hash, ...figures } of stored) {
        const key = `${payee} ${currency}`;
        // A payee who changed the default currency since has an empty one that nobody would write now.
        const should = expected.get(key) ?? emptyStatement(periodOfDay(period), payee, currency);
        if (should.hash !== hash || should.figures !== Object.values(figures).join())
          differences.push(
            `statement ${payee} ${period} ${currency}: stored ${Object.values(figures)} (${hash}), books say ${should.figures} (${should.hash})`,
          );
        expected.delete(key);
      }
      for (const [key, { figures }] of expected)
        if (/[1-9]/.test(figures))
          differences.push(`statement ${key} of ${period}: missing, books say ${figures}`);
    }
    return differences.slice(0, DIFFERENCES_MAX);
  },
};

interface StoredStatement {
  payee: string;
  currency: string;
  hash: string;
  opening: string;
  earned: string;
  adjustments: string;
  netted: string;
  paid: string;
}

const written = ({ hash }: { hash: string }, figures: string[]) => ({ hash, figures: figures.join() });

function emptyStatement(period: Period, payee: string, currency: string) {
  const none = { openingNanos: 0n, earnedNanos: 0n, adjustmentsNanos: 0n, nettedNanos: 0n, paidNanos: 0n };
  return written(buildStatement(period, { payee, currency, ...none }, []), ["0", "0", "0", "0", "0"]);
}

async function expectedStatements(sql: Sql, period: Period) {
  const rows = await sql<Omit<StoredStatement, "hash">[]>`
    SELECT payee, currency, opening::text, earned::text, adjustments::text, netted::text, paid::text
    FROM statement_figures(${firstDay(period)})`;
  const lines = await linesOf(sql, period);
  return new Map(
    rows.map(({ payee, currency, opening, earned, adjustments, netted, paid }) => {
      const figures = {
        payee,
        currency,
        openingNanos: BigInt(opening),
        earnedNanos: BigInt(earned),
        adjustmentsNanos: BigInt(adjustments),
        nettedNanos: BigInt(netted),
        paidNanos: BigInt(paid),
      };
      const key = `${payee} ${currency}`;
      const statement = buildStatement(period, figures, lines.get(key) ?? []);
      return [key, written(statement, [opening, earned, adjustments, netted, paid])] as const;
    }),
  );
}

async function linesOf(sql: Sql, period: Period): Promise<Map<string, LineFigures[]>> {
  const rows = await sql<(Record<"key" | "gross" | "earned", string> & LineFigures)[]>`
    SELECT split_part(p.account, ':', 2) || ' ' || p.currency AS key, m.id AS model, p.reason, p.paid_by,
      p.service_month::text, sum(l.events)::text AS events, sum(l.receivable_nanos)::text AS gross, sum(p.amount_nanos)::text AS earned
    FROM accrual_part p JOIN accrual_line l USING (booked_period, service_month, model_no, split_plan_no, currency)
    JOIN model m USING (model_no)
    WHERE p.booked_period = ${firstDay(period)} AND p.account LIKE 'payee:%'
    GROUP BY 1, 2, 3, 4, p.service_month ORDER BY 1, 2, p.service_month, 3 DESC, 4`;
  const lines = new Map<string, LineFigures[]>();
  for (const { key, gross, earned, model, reason, paid_by, service_month, events } of rows) {
    const line = { model, reason, paid_by, service_month: periodOfDay(service_month), events };
    const known = lines.get(key) ?? [];
    lines.set(key, known);
    known.push({ ...line, grossNanos: BigInt(gross), earnedNanos: BigInt(earned) });
  }
  return lines;
}
