import { sql } from "drizzle-orm";
import {
  bigint,
  customType,
  date,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  unique,
  uuid,
} from "drizzle-orm/pg-core";

// Written only by the functions of drizzle/0003_metering.sql. No foreign keys on the hot tables: the function takes
// every number from the catalogue in the same statement, and `verify` proves it.

const moment = (name: string) => timestamp(name, { withTimezone: true, mode: "string" });
const bytea = customType<{ data: Buffer }>({ dataType: () => "bytea" });
const count = (name: string) => bigint(name, { mode: "bigint" }).notNull().default(sql`0`);
const quantity = (name: string) => numeric(name, { precision: 38, scale: 0 }).notNull();

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

/** Who was ever metered: outlives the events, so that a retry next month is still a duplicate. */
export const usageIdentity = pgTable("usage_identity", {
  identity: uuid().primaryKey(),
  content: uuid().notNull(),
  eventNo: bigint("event_no", { mode: "bigint" }).notNull(),
});

export const usageSource = pgTable("usage_source", {
  sourceNo: integer("source_no").primaryKey().generatedAlwaysAsIdentity(),
  source: text().notNull().unique(),
});

/** One metered event with everything that was decided about it. event_no rises, so the key's index grows at its end. */
export const usageEvent = pgTable("usage_event", {
  eventNo: bigint("event_no", { mode: "bigint" }).primaryKey(),
  occurredAt: moment("occurred_at").notNull(),
  bookedPeriod: date("booked_period").notNull(),
  customerNo: integer("customer_no").notNull(),
  modelNo: integer("model_no").notNull(),
  modelVersionNo: integer("model_version_no").notNull(),
  priceNo: integer("price_no").notNull(),
  splitPlanNo: integer("split_plan_no").notNull(),
  sourceNo: integer("source_no").notNull(),
  shard: smallint().notNull(),
  status: text().notNull(),
  charged: smallint().notNull(),
  country: text(),
  id: text().notNull(),
  parent: text(),
  meterNos: smallint("meter_nos").array().notNull(),
  quantities: bigint({ mode: "bigint" }).array().notNull(),
});

/** Charged usage, summed: what earnings are made of. */
export const usageWindow = pgTable(
  "usage_window",
  {
    bookedPeriod: date("booked_period").notNull(),
    serviceDay: date("service_day").notNull(),
    modelNo: integer("model_no").notNull(),
    modelVersionNo: integer("model_version_no").notNull(),
    country: text().notNull(),
    meterNo: smallint("meter_no").notNull(),
    priceNo: integer("price_no").notNull(),
    splitPlanNo: integer("split_plan_no").notNull(),
    shard: smallint().notNull(),
    quantity: quantity("quantity"),
    events: bigint({ mode: "bigint" }).notNull(),
  },
  (t) => [
    primaryKey({
      columns: [
        t.modelNo,
        t.bookedPeriod,
        t.serviceDay,
        t.modelVersionNo,
        t.country,
        t.meterNo,
        t.priceNo,
        t.splitPlanNo,
        t.shard,
      ],
    }),
    index().on(t.splitPlanNo, t.serviceDay),
    index().on(t.bookedPeriod),
  ],
);

/** The same charged usage by customer: what invoices are made of. */
export const customerWindow = pgTable(
  "customer_window",
  {
    bookedPeriod: date("booked_period").notNull(),
    serviceMonth: date("service_month").notNull(),
    customerNo: integer("customer_no").notNull(),
    modelNo: integer("model_no").notNull(),
    meterNo: smallint("meter_no").notNull(),
    priceNo: integer("price_no").notNull(),
    splitPlanNo: integer("split_plan_no").notNull(),
    shard: smallint().notNull(),
    quantity: quantity("quantity"),
    events: bigint({ mode: "bigint" }).notNull(),
  },
  (t) => [
    primaryKey({
      columns: [
        t.customerNo,
        t.bookedPeriod,
        t.serviceMonth,
        t.modelNo,
        t.meterNo,
        t.priceNo,
        t.splitPlanNo,
        t.shard,
      ],
    }),
    index().on(t.bookedPeriod),
  ],
);

/** Events whose status the price does not charge: counted, never in a window. */
export const unchargedWindow = pgTable(
  "uncharged_window",
  {
    bookedPeriod: date("booked_period").notNull(),
    serviceDay: date("service_day").notNull(),
    modelNo: integer("model_no").notNull(),
    modelVersionNo: integer("model_version_no").notNull(),
    status: text().notNull(),
    shard: smallint().notNull(),
    events: bigint({ mode: "bigint" }).notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.modelNo, t.bookedPeriod, t.serviceDay, t.modelVersionNo, t.status, t.shard] }),
  ],
);

/** The latest metered moment under each version: no new version may begin at or before it. */
export const meteredExtent = pgTable(
  "metered_extent",
  {
    kind: text().notNull(),
    subjectNo: integer("subject_no").notNull(),
    /** Price: 0001-01-01; split: the segment's start; customer: 0001-01-01. */
    segmentFrom: moment("segment_from").notNull(),
    shard: smallint().notNull(),
    lastOccurredAt: moment("last_occurred_at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.kind, t.subjectNo, t.segmentFrom, t.shard] })],
);

/** Events that wait for their customer, model or price. Their identity is already taken. */
export const parkedEvent = pgTable("parked_event", {
  eventNo: bigint("event_no", { mode: "bigint" }).primaryKey(),
  shard: smallint().notNull(),
  reason: text().notNull(),
  event: jsonb().notNull(),
  parkedAt: moment("parked_at").notNull().defaultNow(),
});

/** What could not be metered, with its bytes and the reason; `conflict` rows wait for an operator's decision. */
export const deadLetter = pgTable(
  "dead_letter",
  {
    deadLetterNo: bigint("dead_letter_no", { mode: "bigint" }).primaryKey().generatedAlwaysAsIdentity(),
    logId: text("log_id").notNull(),
    partition: integer().notNull(),
    logOffset: bigint("log_offset", { mode: "bigint" }).notNull(),
    logIndex: integer("log_index").notNull(),
    reason: text().notNull(),
    message: text().notNull(),
    raw: bytea().notNull(),
    createdAt: moment("created_at").notNull().defaultNow(),
    replayedAt: moment("replayed_at"),
  },
  (t) => [unique().on(t.logId, t.partition, t.logOffset, t.logIndex)],
);
