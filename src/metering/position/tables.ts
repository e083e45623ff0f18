import { sql } from "drizzle-orm";
import { bigint, integer, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { moment } from "../../postgres/index.ts";

// Written only by the functions of drizzle/0003_metering.sql and drizzle/0018_log_loss.sql.

const count = (name: string) => bigint(name, { mode: "bigint" }).notNull().default(sql`0`);

/** The position of record, one row a partition. `epoch` fences: every claim raises it, every apply must name it. */
export const meteringCursor = pgTable("metering_cursor", {
  partition: integer().primaryKey(),
  logId: text("log_id").notNull(),
  epoch: bigint({ mode: "bigint" }).notNull(),
  nextOffset: bigint("next_offset", { mode: "bigint" }).notNull(),
  consumed: count("consumed"),
  applied: count("applied"),
  duplicate: count("duplicate"),
  conflict: count("conflict"),
  parked: count("parked"),
  dead: count("dead"),
  updatedAt: moment("updated_at").notNull().defaultNow(),
});

/**
 * Records that a worker saw missing within the log: from `from_offset`, up to `until_offset`, which was there. It moves nothing; a
 * person may accept it as lost while the cursor stands right before it.
 */
export const logGap = pgTable(
  "log_gap",
  {
    logId: text("log_id").notNull(),
    partition: integer().notNull(),
    fromOffset: bigint("from_offset", { mode: "bigint" }).notNull(),
    untilOffset: bigint("until_offset", { mode: "bigint" }).notNull(),
    seenAt: moment("seen_at").notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.logId, t.partition, t.fromOffset] })],
);

/** What people said about records that were lost before they were metered: so a partition goes on, and it stays known. Append-only. */
export const logLoss = pgTable("log_loss", {
  logLossNo: bigint("log_loss_no", { mode: "bigint" }).primaryKey().generatedAlwaysAsIdentity(),
  partition: integer().notNull(),
  /** Where metering stood. */
  fromLogId: text("from_log_id").notNull(),
  fromOffset: bigint("from_offset", { mode: "bigint" }).notNull(),
  /** Where it went on. In the same log, the records between were lost; of another log nobody knows what was. */
  toLogId: text("to_log_id").notNull(),
  toOffset: bigint("to_offset", { mode: "bigint" }).notNull(),
  reason: text().notNull(),
  acceptedBy: text("accepted_by").notNull(),
  acceptedAt: moment("accepted_at").notNull().defaultNow(),
});
