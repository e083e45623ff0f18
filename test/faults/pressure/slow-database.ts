import { setTimeout as pause } from "node:timers/promises";
import { meteringCounters } from "../harness/check.ts";
import type { Stage } from "../harness/stage.ts";
import { busyDatabase } from "../log/busy-database.ts";

const LET_ON_MS = 50;
const TIMES_SLOWER = 10;

/**
 * Makes the database ten times slower than the producers: a session holds the lock that batches need, in pulses, as
 * long as a tenth of what was acknowledged is metered. Resolves, with the database as fast as ever, when `produced` does.
 */
export async function slowDatabaseWhile(stage: Stage, produced: Promise<void>): Promise<void> {
  const busy = await busyDatabase(stage);
  let producing = true;
  produced
    .catch(() => {})
    .finally(() => {
      producing = false;
    });
  const before = (await meteringCounters(stage)).consumed;
  const sentBefore = stage.producer.acknowledged.events.length;
  try {
    while (producing) {
      await busy.begin();
      while (producing && (await isTooFast())) await pause(LET_ON_MS);
      await busy.end();
      await pause(LET_ON_MS);
    }
  } finally {
    await busy.close();
  }
  await produced;

  async function isTooFast(): Promise<boolean> {
    const metered = (await meteringCounters(stage)).consumed - before;
    return metered * BigInt(TIMES_SLOWER) >= stage.producer.acknowledged.events.length - sentBefore;
  }
}
