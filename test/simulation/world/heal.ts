import { timePasses } from "./chaos.ts";
import { HOUR_MS } from "./clock.ts";
import { LawBroken } from "./metering-watch.ts";
import { startAccrual, startRelease, startSettlement, startWorker } from "./processes.ts";
import type { World } from "./world.ts";

const STEPS_MAX = 5_000;
const AFTER_THE_LAST_MONTH = "2024-01-02T00:00:00Z";
const PAY_RUNS_MAX = 6;

/** Nothing breaks any more: everything must come to its end by itself, without anybody mending anything. */
export async function heal(world: World): Promise<void> {
  const { scheduler, trace, log, group, provider, clock, watch } = world;
  trace.note("from here on nothing breaks");
  scheduler.chaos = false;
  for (const process of scheduler.processes) if (process.state === "paused") process.state = "running";
  while (log.somethingIsOnTheWay) log.deliverLate();
  while (provider.somethingIsOnTheWay) provider.deliverLate();
  if (group.size === 0) startWorker(world, "worker-at-last");
  await scheduler.rest(STEPS_MAX);
  group.assignAll();
  group.tell(true);
  await scheduler.rest(STEPS_MAX);
  startRelease(world, "release-at-last");
  startAccrual(world, "accrual-at-last");
  await scheduler.rest(STEPS_MAX);
  if (watch.lag !== 0n) throw new LawBroken(`${watch.lag} records stay in the log although nothing breaks`);

  await timePasses(world, Math.max(0, Date.parse(AFTER_THE_LAST_MONTH) - clock.nowMs));
  for (let run = 1; run <= PAY_RUNS_MAX; run++) {
    startSettlement(world, `settlement-at-last-${run}`);
    await scheduler.rest(STEPS_MAX);
    if (await allPaid(world)) return;
    await timePasses(world, 25 * HOUR_MS);
  }
  throw new LawBroken(`payouts stay unpaid after ${PAY_RUNS_MAX} runs although nothing breaks`);
}

/** A refused payout whose money a later plan has taken up again is done with, too, and one that is carried on. */
async function allPaid({ books }: World): Promise<boolean> {
  const [row] = await books<[{ all: boolean }]>`
    SELECT (SELECT count(*) FROM settlement WHERE state = 'approved') = 3 AND NOT EXISTS (
      SELECT FROM payout o WHERE o.state NOT IN ('paid', 'carried') AND NOT (o.state = 'failed'
        AND EXISTS (SELECT FROM settlement s WHERE s.period > o.period AND s.state = 'approved'))) AS all`;
  return row.all;
}
