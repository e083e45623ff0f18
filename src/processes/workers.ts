import { setTimeout as pause } from "node:timers/promises";
import { accrueOpenPeriods } from "../earnings/index.ts";
import { consumeLog, foldCustomerWindows, releaseParked } from "../metering/index.ts";
import type { Foundation } from "./wire.ts";

const PARKED_SWEEP_MS = 1_000;
/** The rarer, the cheaper: a window of a customer is written once for all of its events since the last time. */
const FOLD_MS = 300_000;

/** Metering, the sweep for parked events, and accrual, until stopped. */
export async function startWorkers({
  sql,
  log,
  logger,
  config,
  watching,
}: Foundation): Promise<() => Promise<void>> {
  const reading = await consumeLog(log, sql, logger, watching.observer);
  watching.startMetering();
  const stopping = new AbortController();
  const repeat = async (what: string, everyMs: number, work: () => Promise<unknown>) => {
    while (!stopping.signal.aborted) {
      try {
        await work();
      } catch (error) {
        if (!stopping.signal.aborted) logger.error({ err: error }, `${what} failed; it is tried again`);
      }
      await pause(everyMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };
  const loops = [
    repeat("releasing parked events", PARKED_SWEEP_MS, () => releaseParked(sql)),
    repeat("summing usage by customer", FOLD_MS, () => foldCustomerWindows(sql)),
    repeat("accrual", config.ACCRUAL_INTERVAL_MS, () => accrueOpenPeriods(sql)),
  ];
  return async () => {
    stopping.abort();
    await Promise.all([reading.stop(), ...loops]);
  };
}
