import { refusedByDatabase, type Sql } from "../postgres/index.ts";
import type { LogRecord } from "../usage/index.ts";
import { buildBatch, type MeteringBatch, rawEvent } from "./build-batch.ts";

export interface BatchPosition {
  logId: string;
  partition: number;
  epoch: string;
  nextOffset: bigint;
  to: bigint;
}

/**
 * Applies records and moves the cursor, in one statement: all of it or nothing.
 * @throws a refusal `fenced` when the partition has another owner or the cursor stands elsewhere. After any other
 * error it may have been applied: claim again and read from there.
 */
export async function applyBatch(
  sql: Sql,
  position: BatchPosition,
  records: readonly LogRecord[],
): Promise<void> {
  const batch = buildBatch(records);
  const raw: Record<string, string> = {};
  for (;;) {
    const needed = await tryApply(sql, position, batch, raw);
    if (needed.length === 0) return;
    for (const place of needed) {
      const [offset = "", index = ""] = place.split("/");
      raw[place] = rawEvent(records, BigInt(offset), Number(index)).toString("base64");
    }
  }
}

/** Answers the places of conflicting events whose bytes must come along; then nothing was applied. */
async function tryApply(
  sql: Sql,
  position: BatchPosition,
  batch: MeteringBatch,
  raw: Record<string, string>,
): Promise<string[]> {
  const { logId, partition, epoch, nextOffset, to } = position;
  try {
    await sql`SELECT apply_usage_batch(${logId}, ${partition}, ${epoch}, ${nextOffset.toString()}, ${to.toString()},
    ${batch.consumed}, ${JSON.stringify(batch.events)}::text::jsonb, ${JSON.stringify(batch.dead)}::text::jsonb, ${JSON.stringify(raw)}::text::jsonb)`;
    return [];
  } catch (error) {
    const refused = refusedByDatabase(error);
    if (refused?.code !== "conflict_raw_needed") throw error;
    return (refused.detail.positions ?? "").split(",");
  }
}
