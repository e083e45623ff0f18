import type { Sql } from "../../../src/postgres/index.ts";

/** What a settled month must come to, from its windows: each query answers what is wrong, one row each. */
const LAWS = [
  `SELECT format('line of model %s: accrued %s, windows say %s', model_no, a.gross, u.gross) AS difference
   FROM usage_line u FULL JOIN accrual_line a
     USING (booked_period, service_month, model_no, split_plan_no, currency)
   WHERE (a.gross, a.cost_quantity, a.events) IS DISTINCT FROM (u.gross, u.cost_quantity, u.events)`,
  `SELECT format('entry %s does not balance', e.key)
   FROM journal_entry e LEFT JOIN posting p USING (entry_no)
   GROUP BY e.entry_no, e.key, e.postings HAVING count(p.*) <> e.postings OR sum(p.amount_nanos) <> 0`,
  `SELECT format('account %s: balance %s, postings %s', account_no, b.balance_nanos, s.sum)
   FROM account_balance b FULL JOIN (SELECT account_no, sum(amount_nanos) FROM posting GROUP BY 1) s USING (account_no)
   WHERE b.balance_nanos IS DISTINCT FROM s.sum`,
  `SELECT format('%s: statement %s, earned by its lines %s', payee, s.closing_nanos, p.earned)
   FROM statement s FULL JOIN (SELECT split_part(account, ':', 2) AS payee, sum(amount_nanos) AS earned FROM accrual_part
                               WHERE account LIKE 'payee:%' GROUP BY 1) p USING (payee)
   WHERE s.closing_nanos IS DISTINCT FROM p.earned OR s.closing_nanos <> -account_balance_of('payee:' || payee || ':payable', 'USD')`,
  `SELECT format('customer %s: receivable %s, usage %s', c.id, account_balance_of('customer:' || c.id || ':receivable', 'USD'), u.owed)
   FROM customer c JOIN (SELECT w.customer_no, round_to_nanos(sum(w.quantity * pc.unit_amount)) AS owed
     FROM customer_window w JOIN price_component pc ON pc.price_no = w.price_no AND pc.meter_no = w.meter_no
     GROUP BY 1) u USING (customer_no)
   WHERE u.owed <> account_balance_of('customer:' || c.id || ':receivable', 'USD')`,
  "SELECT 'something is left unbilled' WHERE account_balance_of('platform:unbilled', 'USD') <> 0",
];

/** Reads the whole books; nothing when the month is settled as its windows say. */
export async function settlementDifferences(sql: Sql, payees: number): Promise<string[]> {
  const differences: string[] = [];
  for (const law of LAWS) {
    const rows = await sql.unsafe<{ difference: string }[]>(
      `SELECT x.difference FROM (${law}) AS x(difference) LIMIT 20`,
    );
    differences.push(...rows.map(({ difference }) => difference));
  }
  const [row] = await sql<[{ statements: number }]>`SELECT count(*)::int AS statements FROM statement`;
  if (row.statements !== payees) differences.push(`${row.statements} statements for ${payees} payees`);
  return differences;
}
