import type { Sql } from "../postgres/index.ts";
import type { UsageLog } from "../usage/index.ts";

/** Counters since the installation began, as decimal strings; applied + duplicate + conflict + parked + dead = consumed. */
export interface MeteringStatus {
  lag: number;
  consumed: string;
  applied: string;
  duplicate: string;
  conflict: string;
  dead: string;
  /** Ever parked; `waiting` is what still is. */
  parked: string;
  waiting: string;
}

/** The log's end is read in this very call, so a lag of 0 means that everything acknowledged before is metered. */
export async function meteringStatus(sql: Sql, log: UsageLog): Promise<MeteringStatus> {
  const { partitions } = await log.extent();
  const cursors = await sql<
    { partition: number; next_offset: string }[]
  >`SELECT partition, next_offset FROM metering_cursor`;
  const position = new Map(cursors.map((cursor) => [cursor.partition, BigInt(cursor.next_offset)]));
  let lag = 0n;
  for (const { partition, end, start } of partitions) {
    const next = position.get(partition) ?? start;
    if (end > next) lag += end - next;
  }
  const [sums] = await sql<[Omit<MeteringStatus, "lag">]>`
    SELECT coalesce(sum(consumed), 0)::text AS consumed, coalesce(sum(applied), 0)::text AS applied,
      coalesce(sum(duplicate), 0)::text AS duplicate, coalesce(sum(conflict), 0)::text AS conflict,
      coalesce(sum(dead), 0)::text AS dead, coalesce(sum(parked), 0)::text AS parked,
      (SELECT count(*)::text FROM parked_event) AS waiting
    FROM metering_cursor`;
  return { lag: Number(lag), ...sums };
}

export interface DeadLetter {
  id: string;
  reason: string;
  message: string;
  partition: number;
  offset: string;
  index: number;
  /** The bytes as they were in the log. */
  rawBase64: string;
  createdAt: Date;
  replayedAt: Date | null;
}

/** Newest first; `before` is the id of the last one already seen. */
export async function deadLetters(sql: Sql, limit: number, before?: string): Promise<DeadLetter[]> {
  return sql<DeadLetter[]>`
    SELECT dead_letter_no::text AS id, reason, message, partition, log_offset::text AS offset, log_index AS index,
      encode(raw, 'base64') AS "rawBase64", created_at AS "createdAt", replayed_at AS "replayedAt"
    FROM dead_letter WHERE dead_letter_no < coalesce(${before ?? null}::bigint, 9223372036854775807)
    ORDER BY dead_letter_no DESC LIMIT ${limit}`;
}
