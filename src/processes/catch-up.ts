import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "pino";
import { Refusal } from "../kernel/index.ts";
import { consumeLog, meteringStatus, releaseParked } from "../metering/index.ts";
import type { Sql } from "../postgres/index.ts";
import type { LogReading, UsageLog } from "../usage/index.ts";

const ASK_EVERY_MS = 100;
/** Without progress for so long, nobody is metering: then this process does. */
const IDLE_AFTER_MS = 3_000;

/**
 * Resolves when everything that is in the log has been metered. Usually a running service does that; without one,
 * this process meters the rest itself.
 * @throws Refusal metering_behind when there is no progress for `waitSeconds`.
 */
export async function catchUp(
  sql: Sql,
  log: UsageLog,
  logger: Logger,
  { waitSeconds, horizonDays }: { waitSeconds: number; horizonDays: number | undefined },
): Promise<void> {
  let reading: LogReading | undefined;
  let best = Number.POSITIVE_INFINITY;
  let progressAt = Date.now();
  try {
    for (;;) {
      const { lag } = await meteringStatus(sql, log);
      if (lag === 0) break;
      if (lag < best) [best, progressAt] = [lag, Date.now()];
      const idleMs = Date.now() - progressAt;
      if (idleMs > waitSeconds * 1000) {
        throw new Refusal(
          "metering_behind",
          `metering is ${lag} records behind and makes no progress: see GET /v1/metering/status and the service's log`,
        );
      }
      if (idleMs > IDLE_AFTER_MS) reading ??= await consumeLog(log, sql, logger, { horizonDays });
      await pause(ASK_EVERY_MS);
    }
    await releaseParked(sql);
  } finally {
    await reading?.stop();
  }
}
