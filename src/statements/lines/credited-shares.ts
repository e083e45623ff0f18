import { add, multiply, parseDecimal, present, type Rational, rational, ZERO } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { type SplitPlan, splitGross } from "../../sharing/index.ts";

/** A term and the month in which it was used ("2023-11-01"): they say of which line usage is. */
export interface UsedTerm {
  termNo: number;
  month: string;
}

/**
 * What all payees together get of one unit of the gross of a term's line, shares and royalties, exact: by `nameOfTerm`. A line that
 * still grows is taken as it is now. Lines without any gross are left out.
 */
export async function creditedShares(sql: Sql, terms: readonly UsedTerm[]): Promise<Map<string, Rational>> {
  if (terms.length === 0) return new Map();
  const rows = await sql<(UsedTerm & { gross: string; cost_quantity: string; plan: SplitPlan })[]>`
    WITH used AS MATERIALIZED (
      SELECT k.term_no, k.month, t.booked_period, t.model_no, t.split_plan_no, p.currency
      FROM unnest(${terms.map(({ termNo }) => termNo)}::int[], ${terms.map(({ month }) => month)}::text[]::date[]) AS k(term_no, month)
      JOIN usage_term t USING (term_no) JOIN price_version p USING (price_no) WHERE t.charged = 1
    ), line AS MATERIALIZED (
      SELECT k.*, l.gross, l.cost_quantity
      FROM (SELECT DISTINCT booked_period, model_no, split_plan_no, currency, month FROM used) k
      CROSS JOIN LATERAL (
        SELECT gross, cost_quantity FROM usage_line u
        WHERE u.booked_period = k.booked_period AND u.model_no = k.model_no AND u.split_plan_no = k.split_plan_no
          AND u.currency = k.currency AND u.service_month = k.month
        -- Or all lines would be summed, and these sought among them.
        OFFSET 0) l
    )
    SELECT u.term_no AS "termNo", u.month, l.gross::text, l.cost_quantity::text, s.content AS plan
    FROM used u JOIN line l USING (booked_period, model_no, split_plan_no, currency, month) JOIN split_plan s USING (split_plan_no)`;
  const shares = new Map<string, Rational>();
  for (const { gross: lineGross, cost_quantity, plan, ...term } of rows) {
    const gross = present(parseDecimal(lineGross), "a decimal");
    if (gross.num === 0n) continue;
    const credited = splitGross(plan, gross, BigInt(cost_quantity))
      .parts.filter(({ payee }) => payee !== null)
      .reduce((sum, { exact }) => add(sum, exact), ZERO);
    shares.set(nameOfTerm(term), multiply(credited, rational(gross.den, gross.num)));
  }
  return shares;
}

export const nameOfTerm = ({ termNo, month }: UsedTerm): string => `${termNo} ${month}`;
