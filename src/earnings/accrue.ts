import { firstDay, type Period, periodOfDay } from "../kernel/index.ts";
import { refusedByDatabase, type Sql } from "../postgres/index.ts";
import { type AccrualLine, planAccrual, type UsageLine } from "./plan-accrual.ts";

/** So much is in memory at once, and in one transaction. */
const MODELS_PER_CALL = 1_000;
const BLOCKS_AT_ONCE = 200;

/**
 * Posts what a period's windows have gained since the last accrual, computing every line anew: for a period that takes no
 * more usage. Cumulative targets go to the database, which takes the differences: repeating or racing it books nothing
 * twice.
 */
export async function accruePeriod(
  sql: Sql,
  period: Period,
  onProgress?: (done: number, total: number) => void,
): Promise<void> {
  await accrueModels(sql, period, await modelsOf(sql, period), onProgress);
}

/**
 * Accrues what was metered since the last time in open periods, once through. Only the lines of models that moved are
 * computed; closing computes all of them. A period that closes meanwhile is its closing's business.
 */
export async function accrueOpenPeriods(sql: Sql): Promise<void> {
  for (let after = "0", seen = BLOCKS_AT_ONCE; seen === BLOCKS_AT_ONCE; ) {
    const [row] = await sql<[{ blocks: string[] | null; moved: { period: string; models: number[] }[] }]>`
      SELECT blocks::text[], moved FROM usage_to_accrue(${after}, ${BLOCKS_AT_ONCE})`;
    const blocks = row.blocks ?? [];
    for (const { period, models } of row.moved) await accrueUnlessClosed(sql, periodOfDay(period), models);
    if (blocks.length > 0) await sql`SELECT mark_accrued(${blocks}::bigint[])`;
    seen = blocks.length;
    after = blocks.at(-1) ?? after;
  }
}

async function accrueUnlessClosed(sql: Sql, period: Period, models: number[]): Promise<void> {
  try {
    await accrueModels(sql, period, models);
  } catch (error) {
    if (refusedByDatabase(error)?.code !== "period_closed") throw error;
  }
}

/** While one page is posted, the next one is read and split. */
async function accrueModels(
  sql: Sql,
  period: Period,
  models: readonly number[],
  onProgress?: (done: number, total: number) => void,
): Promise<void> {
  let posted: Promise<unknown> = Promise.resolve();
  for (let at = 0; at < models.length; at += MODELS_PER_CALL) {
    const page = models.slice(at, at + MODELS_PER_CALL);
    const lines = (await dueLines(sql, period, page)).map(planAccrual);
    await posted;
    onProgress?.(at, models.length);
    posted = postLines(sql, period, lines);
    // It is awaited before the next one; until then its failure must not count as unhandled.
    posted.catch(() => {});
  }
  await posted;
  onProgress?.(models.length, models.length);
}

async function dueLines(sql: Sql, period: Period, models: readonly number[]): Promise<UsageLine[]> {
  return sql<UsageLine[]>`
    SELECT booked_period, service_month, model_no, model, split_plan_no, currency, gross::text,
      cost_quantity::text, events::text, plan
    FROM line_to_accrue WHERE booked_period = ${firstDay(period)} AND model_no = ANY (${[...models]})`;
}

async function postLines(sql: Sql, period: Period, lines: readonly AccrualLine[]): Promise<void> {
  if (lines.length === 0) return;
  await sql`SELECT post_accrual(${firstDay(period)}, ${JSON.stringify(lines)}::text::jsonb)`;
}

/** Models with charged usage in a period, in the order of their numbers. */
export async function modelsOf(sql: Sql, period: Period): Promise<number[]> {
  const [row] = await sql<[{ models: number[] | null }]>`
    SELECT array_agg(DISTINCT model_no ORDER BY model_no) AS models FROM usage_term
    WHERE booked_period = ${firstDay(period)} AND charged = 1`;
  return row.models ?? [];
}
