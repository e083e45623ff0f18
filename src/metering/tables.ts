import { sql } from "drizzle-orm";
import {
  bigint,
  date,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  primaryKey,
  smallint,
  text,
  unique,
  uuid,
} from "drizzle-orm/pg-core";
import { bytea, moment, transactionNo } from "../postgres/index.ts";

// Written only by the functions of drizzle/0003_metering.sql. No foreign keys on the hot tables: the function takes
// every number from the catalogue in the same statement, and `verify` proves it.

const quantity = (name: string) => numeric(name, { precision: 38, scale: 0 }).notNull();

/**
 * Who was ever metered, the one row that every event costs: outlives the events, so that a retry next month is still a
 * duplicate. `content` is 64 bits of the hash of what was billed; `event_no` is the block and the place in it, null
 * while the event is parked.
 */
export const usageIdentity = pgTable("usage_identity", {
  identity: uuid().primaryKey(),
  content: bigint({ mode: "bigint" }).notNull(),
  eventNo: bigint("event_no", { mode: "bigint" }),
});

/** Events from before this moment are never metered again, and identities up to this block may be gone. One row. */
export const identityFloor = pgTable("identity_floor", {
  singleton: smallint().primaryKey().default(1),
  occurredFrom: moment("occurred_from").notNull().default(sql`'-infinity'`),
  blockNo: bigint("block_no", { mode: "bigint" }).notNull().default(sql`0`),
});

export const usageSource = pgTable("usage_source", {
  sourceNo: integer("source_no").primaryKey().generatedAlwaysAsIdentity(),
  source: text().notNull().unique(),
});

/** Everything that is decided about an event, once for all events for which the same was decided. */
export const usageTerm = pgTable(
  "usage_term",
  {
    termNo: integer("term_no").primaryKey().generatedAlwaysAsIdentity(),
    modelNo: integer("model_no").notNull(),
    bookedPeriod: date("booked_period").notNull(),
    modelVersionNo: integer("model_version_no").notNull(),
    status: text().notNull(),
    country: text().notNull(),
    priceNo: integer("price_no").notNull(),
    splitPlanNo: integer("split_plan_no").notNull(),
    charged: smallint().notNull(),
  },
  (t) => [
    unique().on(t.modelNo, t.bookedPeriod, t.modelVersionNo, t.status, t.country, t.priceNo, t.splitPlanNo),
    // By both: what a payee earns in open months is not looked for in all that its plans ever had.
    index().on(t.splitPlanNo, t.bookedPeriod),
    index().on(t.bookedPeriod),
  ],
);

/**
 * The events of one batch that were new. `events` has the facts of each (unpack_events() reads them); the arrays are
 * about groups of events of one customer, model, version, status, day and hardware, for which the same was decided: their term,
 * null for an event that was parked, and their sums as reported (type usage_columns of drizzle/0003_metering.sql).
 */
export const usageBlock = pgTable(
  "usage_block",
  {
    blockNo: bigint("block_no", { mode: "bigint" }).primaryKey(),
    shard: smallint().notNull(),
    /** The earliest books period of its events. */
    firstPeriod: date("first_period").notNull(),
    eventCount: integer("event_count").notNull(),
    /** 1 once its events are in the customers' windows. */
    folded: smallint().notNull().default(0),
    /** 1 once an accrual has seen its events. */
    accrued: smallint().notNull().default(0),
    /** 1 once its events are in the spend of customers who have credits or limits; from the beginning when nobody has. */
    counted: smallint().notNull().default(0),
    /** 1 once the times of its events are in latency_sketch. */
    sketched: smallint().notNull().default(0),
    /** How many of its events name a parent; 0 again once those are in chained_event. */
    chained: integer().notNull().default(0),
    bookedAt: moment("booked_at").notNull().defaultNow(),
    /** Who has read windows in a snapshot finds by it which blocks came since, in whatever order they were committed. */
    bookedIn: transactionNo("booked_in").notNull().default(sql`pg_current_xact_id()`),
    sourceNos: integer("source_nos").array().notNull(),
    events: text().notNull(),
    /** What events were said to have run on, and of each group its place there, from 1; null when none says so. */
    hardware: text().array(),
    groupHardware: integer("group_hardware").array(),
    groupCustomerNo: integer("group_customer_no").array().notNull(),
    groupTermNo: integer("group_term_no").array().notNull(),
    groupFirst: bigint("group_first", { mode: "bigint" }).array().notNull(),
    groupEvents: integer("group_events").array().notNull(),
    predictSeconds: bigint("predict_seconds", { mode: "bigint" }).array(),
    predictSecondsEvents: integer("predict_seconds_events").array(),
    inputTokens: bigint("input_tokens", { mode: "bigint" }).array(),
    inputTokensEvents: integer("input_tokens_events").array(),
    outputTokens: bigint("output_tokens", { mode: "bigint" }).array(),
    outputTokensEvents: integer("output_tokens_events").array(),
    images: bigint({ mode: "bigint" }).array(),
    imagesEvents: integer("images_events").array(),
    otherGroup: integer("other_group").array(),
    otherMeterNo: smallint("other_meter_no").array(),
    /** As charged. */
    otherQuantity: bigint("other_quantity", { mode: "bigint" }).array(),
    otherEvents: integer("other_events").array(),
  },
  (t) => [
    index().on(t.blockNo).where(sql`folded = 0`),
    index().on(t.bookedAt),
    index("usage_block_to_accrue").on(t.blockNo).where(sql`accrued = 0`),
    index("usage_block_to_count").on(t.blockNo).where(sql`counted = 0`),
    index("usage_block_to_sketch").on(t.blockNo).where(sql`sketched = 0`),
    index("usage_block_booked_in").on(t.bookedIn),
    index("usage_block_to_chain").on(t.blockNo).where(sql`chained > 0`),
  ],
);

/** Events by the name of their parent, so that what a prediction called is found without reading any block. `parent_key` is a hash. */
export const chainedEvent = pgTable(
  "chained_event",
  {
    parentKey: bigint("parent_key", { mode: "bigint" }).notNull(),
    /** As usage_identity has it. */
    eventNo: bigint("event_no", { mode: "bigint" }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.parentKey, t.eventNo] })],
);

/** Charged quantities and how many events had them, of the built-in meters. */
function builtInMeters() {
  return {
    events: bigint({ mode: "bigint" }).notNull(),
    runs: quantity("runs"),
    predictSeconds: quantity("predict_seconds"),
    predictSecondsEvents: bigint("predict_seconds_events", { mode: "bigint" }).notNull(),
    inputTokens: quantity("input_tokens"),
    inputTokensEvents: bigint("input_tokens_events", { mode: "bigint" }).notNull(),
    outputTokens: quantity("output_tokens"),
    outputTokensEvents: bigint("output_tokens_events", { mode: "bigint" }).notNull(),
    images: quantity("images"),
    imagesEvents: bigint("images_events", { mode: "bigint" }).notNull(),
  };
}

/**
 * Usage windows, the built-in meters of a window in one row; the view usage_window has one row a meter. `shard` is the
 * partition, or -1 for what was merged from several.
 */
export const termWindow = pgTable(
  "term_window",
  {
    termNo: integer("term_no").notNull(),
    serviceDay: date("service_day").notNull(),
    shard: smallint().notNull(),
    ...builtInMeters(),
  },
  (t) => [
    primaryKey({ columns: [t.termNo, t.serviceDay, t.shard] }),
    // What merge_windows() has not merged yet.
    index().on(t.serviceDay).where(sql`shard >= 0`),
  ],
);

export const termWindowMeter = pgTable(
  "term_window_meter",
  {
    termNo: integer("term_no").notNull(),
    serviceDay: date("service_day").notNull(),
    meterNo: smallint("meter_no").notNull(),
    shard: smallint().notNull(),
    quantity: quantity("quantity"),
    events: bigint({ mode: "bigint" }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.termNo, t.serviceDay, t.meterNo, t.shard] })],
);

/** The same charged usage by customer, folded from the blocks: see the view customer_window. */
export const customerTermWindow = pgTable(
  "customer_term_window",
  {
    customerNo: integer("customer_no").notNull(),
    termNo: integer("term_no").notNull(),
    serviceMonth: date("service_month").notNull(),
    ...builtInMeters(),
  },
  (t) => [primaryKey({ columns: [t.customerNo, t.termNo, t.serviceMonth] }), index().on(t.termNo)],
);

export const customerTermWindowMeter = pgTable(
  "customer_term_window_meter",
  {
    customerNo: integer("customer_no").notNull(),
    termNo: integer("term_no").notNull(),
    serviceMonth: date("service_month").notNull(),
    meterNo: smallint("meter_no").notNull(),
    quantity: quantity("quantity"),
    events: bigint({ mode: "bigint" }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.customerNo, t.termNo, t.serviceMonth, t.meterNo] }), index().on(t.termNo)],
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

/**
 * What a batch adds to the extents, in one row: merged into them seconds later, since writing each of a thousand for every
 * batch cost more than a third of it. Read through the view metered_extents.
 */
export const notedExtent = pgTable("noted_extent", {
  noteNo: bigint("note_no", { mode: "bigint" }).primaryKey().generatedAlwaysAsIdentity(),
  shard: smallint().notNull(),
  modelNos: integer("model_nos").array().notNull(),
  currencies: text().array().notNull(),
  priceFroms: moment("price_froms").array().notNull(),
  splitFroms: moment("split_froms").array().notNull(),
  /** In microseconds since 1970, as `customer_lasts`. */
  modelLasts: bigint("model_lasts", { mode: "bigint" }).array().notNull(),
  customerNos: integer("customer_nos").array().notNull(),
  customerFroms: moment("customer_froms").array().notNull(),
  customerLasts: bigint("customer_lasts", { mode: "bigint" }).array().notNull(),
});

/** Events that wait for their customer, model or price. Their identity is already taken. */
export const parkedEvent = pgTable("parked_event", {
  identity: uuid().primaryKey(),
  parkedNo: bigint("parked_no", { mode: "bigint" }).notNull().generatedAlwaysAsIdentity(),
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
