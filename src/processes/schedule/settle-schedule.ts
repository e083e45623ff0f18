import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "pino";
import type { SettleOperations } from "../../http/index.ts";
import { firstDay, nextPeriod, type Period, periodEnd, periodOfDay, Refusal } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { findSettlement, runAlone } from "../../settlement/index.ts";
import { auditedSchedule } from "../audited/audited-schedule.ts";

const LOOK_EVERY_MS = 300_000;
const BY = "scheduler";

/** On which day of each month, from which minute of it on (UTC), the month before is settled. */
export interface SettleSchedule {
  day: number;
  minuteOfDay: number;
}

interface ScheduleParts {
  sql: Sql;
  settle: SettleOperations;
  logger: Logger;
  schedule: SettleSchedule;
  twoPerson: boolean;
}

/** From when on a month is settled. */
export function dueAt(period: Period, { day, minuteOfDay }: SettleSchedule): Date {
  return new Date(periodEnd(period).getTime() + ((day - 1) * 1_440 + minuteOfDay) * 60_000);
}

/** Settles months as they become due, until stopped. What fails, or waits for a person, is looked at again later. */
export function startSettleSchedule(parts: ScheduleParts): () => Promise<void> {
  const stopping = new AbortController();
  const work = (async () => {
    while (!stopping.signal.aborted) {
      await settleWhatIsDue(parts, new Date()).catch((err) =>
        parts.logger.error({ err }, "settling by schedule failed; it is tried again"),
      );
      await pause(LOOK_EVERY_MS, undefined, { signal: stopping.signal }).catch(() => {});
    }
  })();
  return async () => {
    stopping.abort();
    await work;
  };
}

/**
 * Takes every month that is due as far as it goes without a person, the oldest first. Killed anywhere, the next call goes on;
 * while another run settles, it does nothing.
 */
export async function settleWhatIsDue(parts: ScheduleParts, at: Date): Promise<void> {
  const { sql, logger, schedule } = parts;
  const due = (await unfinished(sql, at)).filter((period) => dueAt(period, schedule) <= at);
  if (due.length === 0) return;
  try {
    await runAlone(sql, async () => {
      for (const period of due) if (!(await settleMonth(parts, period))) return;
    });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    logger.warn({ code: error.code }, `settling by schedule waits: ${error.message}`);
  }
}

/** False when later months must wait for this one. */
async function settleMonth(parts: ScheduleParts, period: Period): Promise<boolean> {
  const { sql, logger, twoPerson } = parts;
  const settle = auditedSchedule(parts.settle, sql, BY);
  await settle.close(period, { dryRun: false });
  const closed = await findSettlement(sql, period);
  if (closed?.withdrawn != null) {
    const { by, reason } = closed.withdrawn;
    logger.warn({ period }, `the plan of ${period} was withdrawn by ${by} (${reason}): plan it by hand`);
    return false;
  }
  // A plan that somebody looks at is not replaced under their eyes.
  if (closed?.planHash == null) {
    const { plan } = await settle.plan(period, { by: BY, dryRun: false });
    logger.info({ period, totals: plan.totals }, "planned by schedule");
  }
  const settlement = await findSettlement(sql, period);
  if (settlement?.state !== "approved") {
    const warnings = settlement?.plan?.warnings ?? [];
    if (twoPerson || warnings.length > 0) {
      const why = warnings.map(({ message }) => message).join(" ") || "two-person approval is on";
      logger.warn({ period }, `the plan of ${period} waits for somebody to approve it: ${why}`);
      return false;
    }
    const hash = settlement?.planHash;
    try {
      await settle.approve(period, { by: BY, confirmed: [], ...(hash == null ? {} : { hash }) });
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== "plan_outdated") throw error;
      // Something was refunded since it was made: the next look approves what is planned now.
      await settle.plan(period, { by: BY, dryRun: false });
      logger.info({ period }, `planned anew by schedule: ${error.message}`);
      return false;
    }
  }
  // What was refused waits for somebody to mend it, or for the next plan: every few minutes would tell the payee each time.
  const { results, stopped, problems } = await settle.pay(period, { failedAgain: false });
  if (stopped !== null || problems.length > 0)
    logger.warn({ period, results, problems: problems.slice(0, 20) }, stopped ?? "not every payout is done");
  if (!(await isReconciled(sql, period))) {
    const { differences } = await settle.reconcile(period, { by: BY });
    if (differences.length > 0)
      logger.error({ period, differences: differences.slice(0, 20) }, "reconcile found differences");
  }
  return stopped === null;
}

/** Months that are over and not done with: not approved, not all paid, or not reconciled since. */
async function unfinished(sql: Sql, at: Date): Promise<Period[]> {
  const settled = await sql<{ period: string }[]>`
    SELECT s.period::text FROM settlement s WHERE s.state <> 'approved'
      OR EXISTS (SELECT FROM payout o WHERE o.period = s.period AND o.state IN ('approved', 'sending', 'unknown'))
      OR NOT EXISTS (SELECT FROM reconciliation r WHERE r.period = s.period)
    ORDER BY 1`;
  const periods = settled.map(({ period }) => periodOfDay(period));
  // Months without usage between two with some are closed too: balances go through each.
  const [open] = await sql<[{ first: string | null }]>`
    SELECT CASE WHEN first_open_period > '0001-01-01' THEN first_open_period
                ELSE (SELECT min(booked_period) FROM usage_term) END::text AS first FROM books_state`;
  if (open.first === null) return periods;
  for (let period = periodOfDay(open.first); periodEnd(period) <= at; period = nextPeriod(period))
    periods.push(period);
  return periods;
}

async function isReconciled(sql: Sql, period: Period): Promise<boolean> {
  const rows = await sql`
    SELECT FROM reconciliation r WHERE r.period = ${firstDay(period)} AND r.ran_at >= coalesce(
      (SELECT max(o.updated_at) FROM payout o WHERE o.period = r.period AND o.state = 'paid'), '-infinity')`;
  return rows.length > 0;
}
