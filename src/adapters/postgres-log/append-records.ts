import { withinDeadline } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { GroupCommit, type LogAppend, LogUnavailable, partitionOfKey } from "../../usage/index.ts";

/** One statement carries so much, in hexadecimal twice that. */
const SEND_BYTES_MAX = 4 * 1024 * 1024;
const APPEND_TIMEOUT_MS = 10_000;

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
        const appended = sql`SELECT append_usage_records(${partition}, ${byteaArray(values)}::text::bytea[])`;
        await withinDeadline("PostgreSQL", APPEND_TIMEOUT_MS, appended);
      } catch (cause) {
        throw new LogUnavailable(`PostgreSQL did not take ${values.length} usage records`, { cause });
      }
    },
  });
}

/** As text, since postgres.js knows array types only from a query that some clients are told to leave out. */
function byteaArray(values: Buffer[]): string {
  return `{${values.map((value) => `"\\\\x${value.toString("hex")}"`).join(",")}}`;
}
