import { withinDeadline } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { GroupCommit, type LogAppend, LogUnavailable, partitionOfKey } from "../../usage/index.ts";

/** One statement carries so much. */
const SEND_BYTES_MAX = 4 * 1024 * 1024;
const APPEND_TIMEOUT_MS = 10_000;
const APPEND = "SELECT append_usage_records($1::int, $2::bytea[])";

export interface RecordAppender {
  append(values: readonly LogAppend[]): Promise<void>;
  close(): Promise<void>;
}

/** One append at a time per partition: its counter row is locked until commit anyway. */
export function recordAppender(sql: Sql, partitions: number): RecordAppender {
  const commits = Array.from({ length: partitions }, (_, partition) => partitionCommit(sql, partition));
  return {
    async append(values) {
      const byPartition = Map.groupBy(values, ({ key }) => partitionOfKey(key, partitions));
      await Promise.all(
        [...byPartition].map(([partition, own]) => commits[partition]?.append(own.map(({ value }) => value))),
      );
    },
    async close() {
      await Promise.all(commits.map((commit) => commit.settled()));
    },
  };
}

function partitionCommit(sql: Sql, partition: number): GroupCommit<Buffer> {
  return new GroupCommit<Buffer>({
    bytesOf: (value) => value.length,
    sendBytesMax: SEND_BYTES_MAX,
    send: async (values) => {
      try {
        const bound = [String(partition), byteaArray(values)];
        const appended = sql.binary.call("append_usage_records", APPEND, bound, APPEND_TIMEOUT_MS);
        // Which may have waited for a connection before.
        await withinDeadline("PostgreSQL", APPEND_TIMEOUT_MS, appended);
      } catch (cause) {
        throw new LogUnavailable(`PostgreSQL did not take ${values.length} usage records`, { cause });
      }
    },
  });
}

const BYTEA = 17;

/** PostgreSQL's binary form of an array of one dimension: array_recv() in src/backend/utils/adt/arrayfuncs.c. */
function byteaArray(values: readonly Buffer[]): Buffer {
  const header = int32s(1, 0, BYTEA, values.length, 1);
  return Buffer.concat([header, ...values.flatMap((value) => [int32s(value.length), value])]);
}

function int32s(...numbers: number[]): Buffer {
  const bytes = Buffer.allocUnsafe(4 * numbers.length);
  for (const [n, number] of numbers.entries()) bytes.writeInt32BE(number, 4 * n);
  return bytes;
}
