import {
  add,
  firstDay,
  formatDecimal,
  type Money,
  money,
  type Nanos,
  type Period,
  parseDecimal,
  present,
  type Rational,
  ZERO,
} from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import { type AccrualLine, planAccrual, type UsageLine } from "./plan-accrual.ts";

export interface PeriodTotals {
  currency: string;
  /** Exact decimal, major units. */
  gross: string;
  /** What all payees together earned. */
  earned: Money;
  payees: number;
}

/** What a period's windows come to, computed anew: before closing a preview, afterwards the same figures. */
export async function periodTotals(sql: Sql, period: Period): Promise<PeriodTotals[]> {
  const lines = await sql<UsageLine[]>`
    SELECT u.booked_period::text, u.service_month::text, u.model_no, m.id AS model, u.split_plan_no, u.currency,
      u.gross::text, u.cost_quantity::text, u.events::text, p.content AS plan
    FROM usage_line u JOIN model m USING (model_no) JOIN split_plan p USING (split_plan_no)
    WHERE u.booked_period = ${firstDay(period)}`;
  const totals = new Map<string, { gross: Rational; earned: Nanos; payees: Set<string> }>();
  for (const line of lines) addLine(totals, planAccrual(line));
  return [...totals]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([currency, { gross, earned, payees }]) => ({
      currency,
      gross: formatDecimal(gross),
      earned: money(currency, earned),
      payees: payees.size,
    }));
}

function addLine(
  totals: Map<string, { gross: Rational; earned: Nanos; payees: Set<string> }>,
  line: AccrualLine,
): void {
  const total = totals.get(line.currency) ?? { gross: ZERO, earned: 0n, payees: new Set<string>() };
  total.gross = add(total.gross, present(parseDecimal(line.gross), "a decimal gross"));
  for (const part of line.parts.filter(({ account }) => account.startsWith("payee:"))) {
    total.earned += BigInt(part.amount);
    total.payees.add(part.account);
  }
  totals.set(line.currency, total);
}
