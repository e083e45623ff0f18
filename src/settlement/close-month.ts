import { accruePeriod } from "../earnings/index.ts";
import { firstDay, type Period, Refusal } from "../kernel/index.ts";
import { sealPeriod } from "../ledger/index.ts";
import { foldCustomerWindows } from "../metering/index.ts";
import { refusedByDatabase, type Sql } from "../postgres/index.ts";
import { writeStatements } from "./write-statements.ts";

export interface CloseOptions {
  /** How long after the period's end the books stay open for stragglers. */
  graceSeconds: number;
  /** Resolves when metering has everything that was acknowledged; throws a Refusal when it cannot. */
  catchUp: () => Promise<void>;
  /** Called as each step begins, for people who watch. */
  onStep?: (step: string) => void;
  /** How far the step under way is, in models accrued or statements written. */
  onProgress?: (done: number, total: number) => void;
}

const RELEASE_ATTEMPTS_MAX = 10;

/**
 * Closes a books period: cut, final accrual, release to payable, statements, seal. Each step is whole in the database, and
 * repeating it changes nothing: so a crash anywhere is mended by calling this again, and a closed month stays as it is.
 * @throws Refusal period_not_over, earlier_period_open, period_closed or metering_behind, with nothing changed.
 */
export async function closeMonth(sql: Sql, period: Period, options: CloseOptions): Promise<void> {
  const step = options.onStep ?? (() => {});
  if (!(await isCut(sql, period))) {
    step("waiting for metering to catch up");
    await options.catchUp();
    step("cutting the period");
    await cut(sql, period, options.graceSeconds);
  }
  step("summing what customers owe");
  await foldCustomerWindows(sql, period);
  step("accruing what is left");
  await accrueAndRelease(sql, period, options);
  if (!(await isClosed(sql, period))) {
    step("writing statements");
    await writeStatements(sql, period, options.onProgress);
    await sql`SELECT finish_close(${firstDay(period)})`;
  }
  step("sealing");
  // Otherwise the service does it, once the transaction that it waits for is over.
  if (!(await sealPeriod(sql, period))) step("not sealed yet: an older transaction still runs");
}

async function isCut(sql: Sql, period: Period): Promise<boolean> {
  const rows = await sql`SELECT FROM settlement WHERE period = ${firstDay(period)}`;
  return rows.length > 0;
}

async function isClosed(sql: Sql, period: Period): Promise<boolean> {
  const rows = await sql`
    SELECT FROM settlement WHERE period = ${firstDay(period)} AND state NOT IN ('closing', 'released')`;
  return rows.length > 0;
}

async function cut(sql: Sql, period: Period, graceSeconds: number): Promise<void> {
  try {
    await sql`SELECT cut_period(${firstDay(period)}, make_interval(secs => ${graceSeconds}))`;
  } catch (error) {
    const refused = refusedByDatabase(error);
    if (refused?.code === "period_not_over") {
      throw new Refusal(
        "period_not_over",
        `${period} can be closed from ${refused.detail.ends} on: its end and the grace time for late events`,
      );
    }
    if (refused?.code === "earlier_period_open") {
      throw new Refusal(
        "earlier_period_open",
        `${refused.detail.period} has usage and is still open: close it first`,
      );
    }
    if (refused?.code === "period_closed") {
      throw new Refusal(
        "period_closed",
        `${period} lies before the first open month of the books; its usage is booked there`,
      );
    }
    throw error;
  }
}

/** The release computes every line once more, as a proof; should one differ, the accrual goes through all of them again. */
async function accrueAndRelease(
  sql: Sql,
  period: Period,
  { onStep, onProgress }: CloseOptions,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await accruePeriod(sql, period, onProgress);
      onStep?.("releasing earnings to payable");
      await sql`SELECT release_period(${firstDay(period)})`;
      return;
    } catch (error) {
      const code = refusedByDatabase(error)?.code;
      if (code === "period_closed") return;
      if (code !== "accrual_incomplete" || attempt === RELEASE_ATTEMPTS_MAX) throw error;
    }
  }
}
