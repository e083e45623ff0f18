import { sql } from "drizzle-orm";
import { bigint, integer, pgTable, primaryKey, smallint, timestamp, uuid } from "drizzle-orm/pg-core";
import { bytea } from "../../postgres/index.ts";

/** The log's identity, one row: a database that was made again has another, and its offsets mean something else. */
export const usageLog = pgTable("usage_log", {
  singleton: smallint().primaryKey().default(1),
  id: uuid().notNull().defaultRandom(),
});

/** Where each partition ends. Its row is locked by an append until commit, so offsets become visible in order. */
export const usageLogPartition = pgTable("usage_log_partition", {
  partition: integer().primaryKey(),
  nextOffset: bigint("next_offset", { mode: "bigint" }).notNull().default(sql`0`),
});

/** Written only by append_usage_records, never changed. */
export const usageLogRecord = pgTable(
  "usage_log_record",
  {
    partition: integer().notNull(),
    offset: bigint({ mode: "bigint" }).notNull(),
    value: bytea().notNull(),
    appendedAt: timestamp("appended_at", { withTimezone: true, mode: "string" }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.partition, t.offset] })],
);
