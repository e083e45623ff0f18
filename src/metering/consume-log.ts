import type { Logger } from "pino";
import { present } from "../kernel/index.ts";
import { refusedByDatabase, type Sql } from "../postgres/index.ts";
import {
  type LogBatch,
  LogIdentityChanged,
  type LogReader,
  type LogReading,
  type UsageLog,
} from "../usage/index.ts";
import { applyBatch } from "./apply-batch.ts";

/**
 * Meters a usage log until stopped. The position of record is the cursor in PostgreSQL; a worker that lost a
 * partition is fenced by the epoch that its successor's claim raised.
 */
export function consumeLog(log: UsageLog, sql: Sql, logger: Logger): Promise<LogReading> {
  const claims = new Map<number, { logId: string; epoch: string; nextOffset: bigint }>();

  async function claim(logId: string, partition: number): Promise<bigint> {
    claims.delete(partition);
    try {
      const [row] = await sql<[{ epoch: string; next_offset: string }]>`
        SELECT epoch, next_offset FROM claim_partition(${logId}, ${partition})`;
      claims.set(partition, { logId, epoch: row.epoch, nextOffset: BigInt(row.next_offset) });
      return BigInt(row.next_offset);
    } catch (error) {
      const refused = refusedByDatabase(error);
      if (refused?.code !== "log_changed") throw error;
      throw new LogIdentityChanged(
        `partition ${partition} was metered from log ${refused.detail.expected}, but this is log ${refused.detail.found}: it was made anew or another one is configured`,
      );
    }
  }

  async function apply(batch: LogBatch): Promise<void> {
    const held = present(claims.get(batch.partition), "a claimed partition");
    const position = { ...held, partition: batch.partition, to: batch.nextOffset };
    await applyBatch(sql, position, batch.records);
    held.nextOffset = batch.nextOffset;
  }

  const reader: LogReader = {
    claim,
    apply,
    alarm: (partition, reason) =>
      logger.error({ partition, reason }, "metering of a partition stopped: an operator must decide"),
  };
  return log.read(reader);
}
