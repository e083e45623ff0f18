import { until } from "../../support/until.ts";
import type { Fault } from "../harness/describe-faults.ts";

const DYING_WORKER = "test/faults/worker/dying-worker.ts";

/** Where a worker can be made to kill itself; `dying-worker.ts` passes them. */
export const FAILPOINTS = [
  "after fetch",
  "before apply",
  "after commit",
  "before reporting the offset",
] as const;
export type Failpoint = (typeof FAILPOINTS)[number];

/** The only worker is replaced by one that kills itself at this point, and a normal one comes after it. */
export function deathAt(failpoint: Failpoint): Fault {
  return {
    name: `kill -9 of the worker ${failpoint}`,
    async strike({ workers: [worker], usage }) {
      if (worker === undefined) throw new Error("there is no worker");
      const nth = 1 + Math.floor(usage.random() * 3);
      await worker.stop();
      const ends = worker.ends.length;
      await worker.launch({ entry: [DYING_WORKER, failpoint, String(nth)] });
      await until(() => worker.ends.length > ends);
      await worker.untilReady(worker.ready);
      return `it died of ${worker.ends.at(-1)} at passing ${nth}, and was started again`;
    },
  };
}
