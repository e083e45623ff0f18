import { firstDay, type Period, periodOfDay } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import { buildStatement, type LineFigures, type StatementFigures } from "./statement.ts";

const STATEMENTS_PER_CALL = 500;

/**
 * Writes the statements of a released period, the lines of some payees at a time. They follow from the books alone, so
 * writing them again changes nothing.
 */
export async function writeStatements(
  sql: Sql,
  period: Period,
  onProgress?: (done: number, total: number) => void,
): Promise<number> {
  const figures = await sql<Record<keyof FigureRow, string>[]>`
    SELECT payee, currency, opening::text, earned::text, adjustments::text, netted::text, paid::text
    FROM statement_figures(${firstDay(period)}) ORDER BY payee, currency`;
  for (let at = 0; at < figures.length; at += STATEMENTS_PER_CALL) {
    const some = figures.slice(at, at + STATEMENTS_PER_CALL);
    const lines = await linesByPayee(
      sql,
      period,
      some.map(({ payee }) => payee),
    );
    const rows = some.map((row) => {
      const statement = buildStatement(
        period,
        parseFigures(row),
        lines.get(`${row.payee} ${row.currency}`) ?? [],
      );
      const closing =
        BigInt(row.opening) +
        BigInt(row.earned) +
        BigInt(row.adjustments) -
        BigInt(row.netted) -
        BigInt(row.paid);
      const { hash, ...content } = statement;
      return { ...row, closing: closing.toString(), content, hash };
    });
    await sql`SELECT write_statements(${firstDay(period)}, ${JSON.stringify(rows)}::text::jsonb)`;
    onProgress?.(at + some.length, figures.length);
  }
  return figures.length;
}

interface FigureRow {
  payee: string;
  currency: string;
  opening: string;
  earned: string;
  adjustments: string;
  netted: string;
  paid: string;
}

function parseFigures(row: FigureRow): StatementFigures {
  return {
    payee: row.payee,
    currency: row.currency,
    openingNanos: BigInt(row.opening),
    earnedNanos: BigInt(row.earned),
    adjustmentsNanos: BigInt(row.adjustments),
    nettedNanos: BigInt(row.netted),
    paidNanos: BigInt(row.paid),
  };
}

async function linesByPayee(
  sql: Sql,
  period: Period,
  payees: readonly string[],
): Promise<Map<string, LineFigures[]>> {
  const accounts = [...new Set(payees)].map((payee) => `payee:${payee}:accruing`);
  const rows = await sql<(Record<"payee" | "currency" | "gross" | "earned", string> & LineFigures)[]>`
    SELECT split_part(p.account, ':', 2) AS payee, p.currency, m.id AS model, p.reason, p.paid_by,
      p.service_month::text, sum(l.events)::text AS events, sum(l.receivable_nanos)::text AS gross,
      sum(p.amount_nanos)::text AS earned
    FROM accrual_part p
    JOIN accrual_line l USING (booked_period, service_month, model_no, split_plan_no, currency)
    JOIN model m USING (model_no)
    WHERE p.booked_period = ${firstDay(period)} AND p.account = ANY (${accounts})
    GROUP BY 1, 2, 3, 4, 5, p.service_month ORDER BY 1, 2, 3, p.service_month, 4 DESC, 5`;
  const lines = new Map<string, LineFigures[]>();
  for (const { payee, currency, gross, earned, model, reason, paid_by, service_month, events } of rows) {
    const key = `${payee} ${currency}`;
    const line = { model, reason, paid_by, service_month: periodOfDay(service_month), events };
    const figures = { ...line, grossNanos: BigInt(gross), earnedNanos: BigInt(earned) };
    const known = lines.get(key);
    if (known === undefined) lines.set(key, [figures]);
    else known.push(figures);
  }
  return lines;
}
