import { firstDay, type Period, periodOfDay } from "../kernel/index.ts";
import { refusedByDatabase, type Sql } from "../postgres/index.ts";
import { planAccrual, type UsageLine } from "./plan-accrual.ts";

const LINES_PER_CALL = 1_000;

/**
 * Posts what a period's windows have gained since the last accrual, until nothing is left to post: for a period that
 * takes no more usage. Cumulative targets go to the database, which takes the differences: repeating or racing it books
 * nothing twice.
 */
export async function accruePeriod(sql: Sql, period: Period): Promise<void> {
  while ((await accrueSome(sql, period)) > 0);
}

/** Accrues every open period that has usage, once through. A period that closes meanwhile is its closing's business. */
export async function accrueOpenPeriods(sql: Sql): Promise<void> {
  const open = await sql<{ period: string }[]>`
    SELECT DISTINCT w.booked_period::text AS period FROM usage_term w, books_state b
    WHERE w.booked_period >= b.first_open_period ORDER BY 1`;
  for (const { period } of open) {
    try {
      await accrueOnce(sql, periodOfDay(period));
    } catch (error) {
      if (refusedByDatabase(error)?.code !== "period_closed") throw error;
    }
  }
}

/** Usage keeps coming while this runs, so it goes as far as there were lines to accrue when it began, and no further. */
async function accrueOnce(sql: Sql, period: Period): Promise<void> {
  const [row] = await sql<[{ due: number }]>`
    SELECT count(*)::int AS due FROM line_to_accrue WHERE booked_period = ${firstDay(period)}`;
  for (let left = row.due; left > 0; ) {
    const posted = await accrueSome(sql, period);
    if (posted === 0) return;
    left -= posted;
  }
}

async function accrueSome(sql: Sql, period: Period): Promise<number> {
  const due = await sql<UsageLine[]>`
    SELECT booked_period, service_month, model_no, model, split_plan_no, currency, gross::text,
      cost_quantity::text, events::text, plan
    FROM line_to_accrue WHERE booked_period = ${firstDay(period)} ORDER BY model_no LIMIT ${LINES_PER_CALL}`;
  if (due.length > 0) {
    await sql`SELECT post_accrual(${firstDay(period)}, ${JSON.stringify(due.map(planAccrual))}::text::jsonb)`;
  }
  return due.length;
}
