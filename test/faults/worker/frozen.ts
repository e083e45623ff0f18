import { until } from "../../support/until.ts";
import { meteringCounters } from "../harness/check.ts";
import type { Fault } from "../harness/describe-faults.ts";
import type { Role } from "../harness/role.ts";
import { HEAL_WITHIN_MS } from "../harness/settings.ts";

/**
 * The worker is stopped while an apply of it is on its way, and the network holds that apply: so when it wakes, an
 * apply that was right when it was sent arrives after its partition has moved on.
 */
export const frozenWhileItsPartitionsMove: Fault = {
  name: "SIGSTOP of a worker that wakes after its partitions moved",
  async strike(stage) {
    const [first] = stage.workers;
    if (first === undefined) throw new Error("there is no worker");
    const before = await fencedBy(first);
    // Those that wait may be the first's own: it has to have something in hand.
    await stage.workerNetwork.atApply("asked", 1, () => {
      first.freeze();
      return "hang";
    });
    const second = await stage.addWorker(await stage.openNetwork());
    await until(async () => (await meteringCounters(stage)).lag === 0, HEAL_WITHIN_MS);
    first.thaw();
    await stage.workerNetwork.heal();
    await until(async () => (await fencedBy(first)) > before);
    const fenced = (await fencedBy(first)) - before;
    await stage.removeWorker(second);
    return `another worker took over meanwhile; on waking it was fenced ${fenced} times`;
  },
};

/** How many batches this very process was not allowed to apply. */
async function fencedBy(worker: Role): Promise<number> {
  const text = await (await fetch(`${worker.url}/metrics`)).text();
  const found = text.matchAll(/^tributary_metering_fenced_total\{.*\} (\d+)$/gm);
  return [...found].reduce((sum, [, count]) => sum + Number(count), 0);
}
