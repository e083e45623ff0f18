import type { Sql } from "../../postgres/index.ts";
import {
  BATCH_BYTES_MAX,
  BATCH_RECORDS_MAX,
  firstMissing,
  type LogBatch,
  type LogRecord,
  type MissingRecords,
} from "../../usage/index.ts";

/** The next batch ends before records that are missing, if any are. */
export interface Fetched {
  batch: LogBatch;
  missing: MissingRecords | null;
}

interface Row {
  record_offset: bigint | string;
  value: Buffer;
  appended_ms: string;
}

/**
 * The next records from `position` on, within a batch's bounds; null when there are none. octet_length reads the
 * size of a stored value without its content. Values as text where a client's parsers may differ.
 */
export async function fetchBatch(sql: Sql, partition: number, position: bigint): Promise<Fetched | null> {
  const rows = await sql<Row[]>`
    SELECT record_offset, value, floor(extract(epoch FROM appended_at) * 1000)::text AS appended_ms
    FROM (
      SELECT "offset" AS record_offset, value, appended_at,
        sum(octet_length(value)) OVER (ORDER BY "offset") - octet_length(value) AS bytes_before
      FROM (
        SELECT "offset", value, appended_at FROM usage_log_record
        WHERE partition = ${partition} AND "offset" >= ${position.toString()}
        ORDER BY "offset" LIMIT ${BATCH_RECORDS_MAX}
      ) AS next
    ) AS measured
    WHERE bytes_before = 0 OR bytes_before + octet_length(value) <= ${BATCH_BYTES_MAX}
    ORDER BY record_offset`;
  const records = rows.map(
    ({ record_offset, value, appended_ms }): LogRecord => ({
      offset: BigInt(record_offset),
      value,
      appendedAt: new Date(Number(appended_ms)),
    }),
  );
  const last = records.at(-1);
  if (last === undefined) return null;
  const missing = firstMissing(
    position,
    records.map(({ offset }) => offset),
  );
  const nextOffset = missing?.from ?? last.offset + 1n;
  const whole = records.filter(({ offset }) => offset < nextOffset);
  return { batch: { partition, records: whole, nextOffset }, missing };
}
