import { until } from "../../support/until.ts";
import type { Fault } from "../harness/describe-faults.ts";
import type { Stage } from "../harness/stage.ts";

const CHANGES = 12;
const WORKERS_MAX = 4;

/** Workers come and go in every way, faster than the partitions can settle; one stays at the end. */
export const storm: Fault = {
  name: "a storm of workers joining and leaving",
  async strike(stage) {
    const done: string[] = [];
    for (let change = 0; change < CHANGES; change += 1) {
      done.push(await changeOne(stage));
      await someMoreAreAcknowledged(stage);
    }
    for (const worker of stage.workers) worker.thaw();
    for (const worker of stage.workers.slice(1)) await stage.removeWorker(worker);
    return `${CHANGES} changes: ${done.join(", ")}`;
  },
};

async function changeOne(stage: Stage): Promise<string> {
  const { workers, usage } = stage;
  const worker = workers[Math.floor(usage.random() * workers.length)];
  const chance = usage.random();
  if (worker === undefined || workers.length === 1 || (chance < 0.5 && workers.length < WORKERS_MAX)) {
    await stage.launchWorker();
    return "joined";
  }
  if (chance < 0.65) {
    worker.freeze();
    return "stopped";
  }
  for (const other of workers) other.thaw();
  if (chance < 0.85) {
    worker.crash();
    return "killed";
  }
  await stage.removeWorker(worker);
  return "left";
}

async function someMoreAreAcknowledged({ producer, usage }: Stage): Promise<void> {
  const { events } = producer.acknowledged;
  const enough = events.length + 1 + Math.floor(usage.random() * 40);
  await until(() => events.length >= enough);
}
