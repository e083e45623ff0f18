import type { Stage } from "../harness/stage.ts";
import { untilHealthy } from "./worker-health.ts";

/**
 * What an operator does who has decided that records which the log lost are lost: with no worker running, the cursor is
 * told where the log goes on.
 */
export async function acceptLoss(stage: Stage, partition: number, goesOnAt: bigint): Promise<void> {
  const { logId } = await extentOf(stage);
  for (const worker of stage.workers) await worker.stop();
  await stage.database.sql`
    UPDATE metering_cursor SET log_id = ${logId}, next_offset = ${goesOnAt.toString()} WHERE partition = ${partition}`;
  for (const worker of stage.workers) await worker.start();
}

export async function restartWorkers(stage: Stage): Promise<void> {
  for (const worker of stage.workers) await worker.stop();
  for (const worker of stage.workers) await worker.start();
}

export async function allHealthy(stage: Stage): Promise<void> {
  for (const worker of stage.workers) await untilHealthy(worker);
}

async function extentOf(stage: Stage) {
  const log = await stage.openLog();
  try {
    return await log.extent();
  } finally {
    await log.close();
  }
}
