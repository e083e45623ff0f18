import type { Sql } from "../../postgres/index.ts";
import { type LogReading, LogUnavailable, type UsageLog } from "../../usage/index.ts";
import { recordAppender } from "./append-records.ts";
import { logExtent } from "./log-extent.ts";
import { type Log, readLog } from "./read-log.ts";

export interface PostgresUsageLogSettings {
  /** A client of the migrated database. It stays the caller's: closing the log leaves it open. */
  sql: Sql;
  log: Log;
  /** Made when there are fewer; a log that has more keeps them. */
  partitions?: number;
}

/**
 * The usage log in PostgreSQL, for one machine without a broker.
 * @throws LogUnavailable when the database cannot be reached.
 */
export async function openPostgresUsageLog(settings: PostgresUsageLogSettings): Promise<UsageLog> {
  const { sql, log, partitions = 4 } = settings;
  const extent = () =>
    logExtent(sql).catch((cause: unknown) => {
      throw new LogUnavailable("PostgreSQL did not tell where the usage log ends", { cause });
    });
  const found = await ensurePartitions(sql, partitions);
  const appender = recordAppender(sql, found);
  const readings = new Set<LogReading>();
  return {
    append: appender.append,
    extent,
    async read(reader) {
      const reading = await readLog(sql, () => countPartitions(sql), reader, log);
      readings.add(reading);
      return reading;
    },
    async close() {
      await Promise.all([...readings].map((reading) => reading.stop()));
      await appender.close();
    },
  };
}

async function ensurePartitions(sql: Sql, partitions: number): Promise<number> {
  try {
    await sql`
      INSERT INTO usage_log_partition (partition, next_offset)
      SELECT partition, 0 FROM generate_series(0, ${partitions}::int - 1) AS partition
      ON CONFLICT DO NOTHING`;
    return await countPartitions(sql);
  } catch (cause) {
    throw new LogUnavailable("PostgreSQL did not open the usage log", { cause });
  }
}

async function countPartitions(sql: Sql): Promise<number> {
  const [row] = await sql<{ found: number }[]>`SELECT count(*)::int AS found FROM usage_log_partition`;
  return row?.found ?? 0;
}
