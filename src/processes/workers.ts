import { setTimeout as pause } from "node:timers/promises";
import { accrueOpenPeriods } from "../earnings/index.ts";
import { consumeLog, releaseParked } from "../metering/index.ts";
import type { Tributary } from "./wire.ts";

const PARKED_SWEEP_MS = 1_000;

/** Metering, the sweep for parked events, and accrual, until stopped. */
export async function startWorkers({ sql, log, logger, config }: Tributary): Promise<() => Promise<void>> {
  const reading = await consumeLog(log, sql, logger);
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
    repeat("accrual", config.ACCRUAL_INTERVAL_MS, () => accrueOpenPeriods(sql)),
  ];
  return async () => {
    stopping.abort();
    await Promise.all([reading.stop(), ...loops]);
  };
}
