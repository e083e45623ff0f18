import { present } from "../../../src/kernel/index.ts";
import { acceptLogLoss, partitionStates } from "../../../src/metering/index.ts";
import type { Stage } from "../harness/stage.ts";
import { untilHealthy } from "./worker-health.ts";

/** What an operator does who has decided that records which the log lost are lost. Metering goes on at the log's start. */
export async function acceptLoss(stage: Stage, partition: number): Promise<void> {
  for (const worker of stage.workers) await worker.stop();
  const { sql } = stage.database;
  const log = await stage.openLog();
  try {
    const state = (await partitionStates(sql, log)).find((each) => each.partition === partition);
    const seen = present(state?.cursor, "a cursor");
    await acceptLogLoss(sql, log, partition, seen, { reason: "the harness lost them", by: "the harness" });
  } finally {
    await log.close();
  }
  for (const worker of stage.workers) await worker.start();
}

export async function restartWorkers(stage: Stage): Promise<void> {
  for (const worker of stage.workers) await worker.stop();
  for (const worker of stage.workers) await worker.start();
}

export async function allHealthy(stage: Stage): Promise<void> {
  for (const worker of stage.workers) await untilHealthy(worker);
}
