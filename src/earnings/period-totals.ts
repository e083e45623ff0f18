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
import { modelsOf } from "./accrue.ts";
import { type AccrualLine, planAccrual, type UsageLine } from "./plan-accrual.ts";

export interface PeriodTotals {
  currency: string;
  /** Exact decimal, major units. */
  gross: string;
  /** What all payees together earned. */
  earned: Money;
  payees: number;
}

const MODELS_AT_ONCE = 1_000;

/** What a period comes to: computed from its windows while it is open, the same figures from its accrual afterwards. */
export async function periodTotals(sql: Sql, period: Period): Promise<PeriodTotals[]> {
  const [settled] = await sql`
    SELECT FROM settlement WHERE period = ${firstDay(period)} AND state <> 'closing'`;
  return settled === undefined ? totalsOfWindows(sql, period) : totalsOfAccrual(sql, period);
}

async function totalsOfWindows(sql: Sql, period: Period): Promise<PeriodTotals[]> {
  const totals = new Map<string, Total>();
  const models = await modelsOf(sql, period);
  for (let at = 0; at < models.length; at += MODELS_AT_ONCE) {
    const lines = await sql<UsageLine[]>`
      SELECT u.booked_period::text, u.service_month::text, u.model_no, m.id AS model, u.split_plan_no, u.currency,
        u.gross::text, u.cost_quantity::text, u.events::text, p.content AS plan
      FROM usage_line u JOIN model m USING (model_no) JOIN split_plan p USING (split_plan_no)
      WHERE u.booked_period = ${firstDay(period)} AND u.model_no = ANY (${models.slice(at, at + MODELS_AT_ONCE)})`;
    for (const line of lines) addLine(totals, planAccrual(line));
  }
  return [...totals]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([currency, { gross, earned, payees }]) => ({
      currency,
      gross: formatDecimal(gross),
      earned: money(currency, earned),
      payees: payees.size,
    }));
}

async function totalsOfAccrual(sql: Sql, period: Period): Promise<PeriodTotals[]> {
  const rows = await sql<{ currency: string; gross: string; earned: string; payees: number }[]>`
    SELECT l.currency, l.gross::text, coalesce(p.earned, 0)::text AS earned, coalesce(p.payees, 0) AS payees
    FROM (SELECT currency, sum(gross) AS gross FROM accrual_line WHERE booked_period = ${firstDay(period)} GROUP BY 1) l
    LEFT JOIN (SELECT currency, sum(amount_nanos) AS earned, count(DISTINCT account)::int AS payees FROM accrual_part
               WHERE booked_period = ${firstDay(period)} AND account LIKE 'payee:%' GROUP BY 1) p USING (currency)
    ORDER BY 1`;
  return rows.map(({ currency, gross, earned, payees }) => ({
    currency,
    gross: formatDecimal(present(parseDecimal(gross), "a decimal gross")),
    earned: money(currency, BigInt(earned)),
    payees,
  }));
}

interface Total {
  gross: Rational;
  earned: Nanos;
  payees: Set<string>;
}

function addLine(totals: Map<string, Total>, line: AccrualLine): void {
  const total = totals.get(line.currency) ?? { gross: ZERO, earned: 0n, payees: new Set<string>() };
  total.gross = add(total.gross, present(parseDecimal(line.gross), "a decimal gross"));
  for (const part of line.parts.filter(({ account }) => account.startsWith("payee:"))) {
    total.earned += BigInt(part.amount);
    total.payees.add(part.account);
  }
  totals.set(line.currency, total);
}
