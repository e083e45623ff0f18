import {
  bigint,
  boolean,
  date,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  primaryKey,
  smallint,
  text,
  uuid,
} from "drizzle-orm/pg-core";
import { bytea, moment } from "../postgres/index.ts";

// The payloads themselves lie in prediction_payload, a table in parts by day of expiry, which Drizzle cannot declare: see
// drizzle/0027_predictions.sql.

/** A customer's data key of one month, wrapped by a master key; without it nothing of that customer can be read. */
export const payloadKey = pgTable(
  "payload_key",
  {
    customer: text().notNull(),
    /** Year and month of its making, and which of that month: 20261100. */
    keyNo: integer("key_no").notNull(),
    /** Null once it is shredded. */
    wrapped: bytea(),
    /** Which master key wraps it. */
    masterKey: text("master_key").notNull(),
    createdAt: moment("created_at").notNull().defaultNow(),
    shreddedAt: moment("shredded_at"),
  },
  (t) => [primaryKey({ columns: [t.customer, t.keyNo] }), index().on(t.masterKey)],
);

/** Which events have a payload, and until when: so each is kept once, however often it is sent. */
export const payloadRef = pgTable(
  "payload_ref",
  {
    identity: uuid().notNull(),
    /** That of the event it came with: of two events in conflict each has its own, and the one that counts is shown. */
    content: bigint({ mode: "bigint" }).notNull(),
    customer: text().notNull(),
    model: text().notNull(),
    storedAt: moment("stored_at").notNull().defaultNow(),
    /** From then on it is not shown. */
    expiresAt: moment("expires_at").notNull(),
    /** It is off the disk the day after. Infinity under a legal hold. */
    expiresOn: date("expires_on").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.identity, t.content] }),
    index().on(t.expiresOn),
    index().on(t.customer),
    index().on(t.model),
  ],
);

/** What a customer or a model has said about payloads. */
export const payloadRule = pgTable(
  "payload_rule",
  {
    /** customer or model. */
    kind: text().notNull(),
    subject: text().notNull(),
    /** 0: never kept. Null: says nothing. */
    days: integer(),
    /** Nothing of this customer goes, whatever its age. */
    hold: boolean().notNull().default(false),
    /** The customer lets creators of the models read what it sent and got. */
    creatorsRead: boolean("creators_read").notNull().default(false),
    setAt: moment("set_at").notNull().defaultNow(),
    /** When the payloads kept before were brought in line. */
    appliedAt: moment("applied_at"),
  },
  (t) => [primaryKey({ columns: [t.kind, t.subject] })],
);

/** Tables from which rows were deleted that must be gone from the disk too: they are written anew. */
export const payloadRewrite = pgTable("payload_rewrite", {
  tableName: text("table_name").primaryKey(),
  /** A transaction after the deletion: while an older one is open, the rows cannot go. */
  deletedBefore: bigint("deleted_before", { mode: "bigint" }).notNull(),
});

/** That a customer's data was erased. After a backup is restored, these are carried out again. */
export const payloadErasure = pgTable("payload_erasure", {
  erasureNo: bigint("erasure_no", { mode: "bigint" }).primaryKey().generatedAlwaysAsIdentity(),
  customer: text().notNull(),
  askedBy: text("asked_by").notNull(),
  askedAt: moment("asked_at").notNull().defaultNow(),
});

/** What a version's input looks like, and so which of it is secret. */
export const versionSchema = pgTable(
  "version_schema",
  {
    model: text().notNull(),
    version: text().notNull(),
    inputSchema: jsonb("input_schema").notNull(),
    setAt: moment("set_at").notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.model, t.version] })],
);

/** A public link to a prediction; of its token only the hash. */
export const predictionShare = pgTable(
  "prediction_share",
  {
    id: text().primaryKey(),
    tokenHash: text("token_hash").notNull().unique(),
    source: text().notNull(),
    prediction: text().notNull(),
    customer: text().notNull(),
    createdBy: text("created_by").notNull(),
    createdAt: moment("created_at").notNull().defaultNow(),
    expiresAt: moment("expires_at"),
  },
  (t) => [index().on(t.source, t.prediction), index().on(t.customer)],
);

/** What somebody thought of a prediction; the text is encrypted as payloads are. */
export const predictionFeedback = pgTable(
  "prediction_feedback",
  {
    identity: uuid().notNull(),
    /** Empty for the customer itself, otherwise the end user's name as the customer has it. */
    author: text().notNull(),
    source: text().notNull(),
    prediction: text().notNull(),
    customer: text().notNull(),
    model: text().notNull(),
    version: text().notNull(),
    /** What the prediction ran on, as `latency_sketch` has it. */
    hardware: text().notNull().default(""),
    /** 1 up, -1 down. */
    thumb: smallint(),
    /** 0 to 100. */
    score: smallint(),
    labels: text().array().notNull(),
    keyNo: integer("key_no"),
    comment: bytea(),
    createdAt: moment("created_at").notNull().defaultNow(),
    updatedAt: moment("updated_at").notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.identity, t.author] }),
    index().on(t.model, t.version),
    index().on(t.customer),
  ],
);

/**
 * How long predictions of a version took that succeeded and began on a day: a DDSketch of their predict_time in
 * microseconds (no value is off by more than 1 %), so that days and versions can be put together.
 */
export const latencySketch = pgTable(
  "latency_sketch",
  {
    modelNo: integer("model_no").notNull(),
    modelVersionNo: integer("model_version_no").notNull(),
    serviceDay: date("service_day").notNull(),
    /** What they ran on; empty where it is not told. */
    hardware: text().notNull().default(""),
    /** Raised with each change: whoever adds to a sketch names the one that was read. */
    revision: integer().notNull(),
    /** As src/predictions/insight/stored-sketch.ts writes it. */
    sketch: bytea().notNull(),
  },
  (t) => [primaryKey({ columns: [t.modelNo, t.modelVersionNo, t.serviceDay, t.hardware] })],
);

/**
 * The same of each group of events of a block, and so by customer; null for groups of which nothing was timed that succeeded. In
 * the order of the block's other arrays.
 */
export const blockLatency = pgTable("block_latency", {
  blockNo: bigint("block_no", { mode: "bigint" }).primaryKey(),
  groupSketches: bytea("group_sketches").array().notNull(),
});

/** The names that a model's hardware is told apart by on a day, the first 32 of them: what came after them counts as "other". */
export const modelHardware = pgTable(
  "model_hardware",
  {
    modelNo: integer("model_no").notNull(),
    serviceDay: date("service_day").notNull(),
    hardware: text().notNull(),
  },
  (t) => [primaryKey({ columns: [t.modelNo, t.serviceDay, t.hardware] })],
);

const quantity = (name: string) => numeric(name, { precision: 38, scale: 0 }).notNull();

/**
 * What of a term_window ran on hardware that is told: the same quantities, some time after them. What is not told is what is left
 * of the window.
 */
export const hardwareWindow = pgTable(
  "hardware_window",
  {
    termNo: integer("term_no").notNull(),
    serviceDay: date("service_day").notNull(),
    hardware: text().notNull(),
    events: bigint({ mode: "bigint" }).notNull(),
    runs: quantity("runs"),
    predictSeconds: quantity("predict_seconds"),
    inputTokens: quantity("input_tokens"),
    outputTokens: quantity("output_tokens"),
    images: quantity("images"),
  },
  (t) => [primaryKey({ columns: [t.termNo, t.serviceDay, t.hardware] })],
);

/** The same of a term_window_meter. */
export const hardwareWindowMeter = pgTable(
  "hardware_window_meter",
  {
    termNo: integer("term_no").notNull(),
    serviceDay: date("service_day").notNull(),
    hardware: text().notNull(),
    meterNo: smallint("meter_no").notNull(),
    quantity: quantity("quantity"),
  },
  (t) => [primaryKey({ columns: [t.termNo, t.serviceDay, t.hardware, t.meterNo] })],
);

/** From which difference on a model's owner wants to be told that its predictions are not what they were. */
export const driftRule = pgTable("drift_rule", {
  model: text().primaryKey(),
  /** The last complete days that are compared … */
  windowDays: smallint("window_days").notNull(),
  /** … with so many before them. */
  baselineDays: smallint("baseline_days").notNull(),
  /** On both sides; with fewer nothing is said. */
  predictionsMin: integer("predictions_min").notNull(),
  /** By figure: success_rate a difference, the others parts of what they were. */
  thresholds: jsonb().notNull(),
  setBy: text("set_by").notNull(),
  setAt: moment("set_at").notNull().defaultNow(),
  /** The last day of the window that was looked at last. */
  lookedAtDay: date("looked_at_day"),
});

/** What differs now, and was told: it is not told again until it is over, or differs the other way. */
export const driftState = pgTable(
  "drift_state",
  {
    model: text().notNull(),
    /** Empty for all versions together. */
    version: text().notNull(),
    figure: text().notNull(),
    /** up or down. */
    direction: text().notNull(),
    /** As it was told. */
    facts: jsonb().notNull(),
    sinceDay: date("since_day").notNull(),
  },
  (t) => [primaryKey({ columns: [t.model, t.version, t.figure] })],
);
