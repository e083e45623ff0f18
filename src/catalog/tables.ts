import { sql } from "drizzle-orm";
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
  unique,
  uuid,
} from "drizzle-orm/pg-core";
import { moment, nanos } from "../postgres/index.ts";

// Written only by apply_catalog_change() (drizzle/0002_catalog.sql). Numbers (`…_no`) are internal and narrow: they
// stand in every usage row; ids are what people and APIs use.

/** One row. Its version moves with every change, so that a change planned on older facts is refused. */
export const catalogState = pgTable("catalog_state", {
  singleton: smallint().primaryKey().default(1),
  version: bigint({ mode: "bigint" }).notNull().default(sql`0`),
});

export const payee = pgTable("payee", {
  payeeNo: integer("payee_no").primaryKey().generatedAlwaysAsIdentity(),
  id: text().notNull().unique(),
  name: text().notNull(),
  country: text().notNull(),
  defaultCurrency: text("default_currency").notNull(),
  minimumPayoutNanos: nanos("minimum_payout_nanos"),
  stripeAccount: text("stripe_account"),
  createdAt: moment("created_at").notNull().defaultNow(),
});

/**
 * What stands on a payee's statements as its legal details, each version from when it was given: a statement shows those that
 * held when its month was closed, whatever comes later.
 */
export const payeeLegal = pgTable(
  "payee_legal",
  {
    payeeLegalNo: integer("payee_legal_no").primaryKey().generatedAlwaysAsIdentity(),
    payee: text().notNull(),
    name: text().notNull(),
    address: text().notNull(),
    taxId: text("tax_id"),
    givenAt: moment("given_at").notNull().defaultNow(),
    /** The version whose mistake it mends: documents that showed that one show this one, and say that they are corrected copies. */
    corrects: integer(),
    reason: text(),
    correctedBy: text("corrected_by"),
  },
  (t) => [index().on(t.payee)],
);

/**
 * What a payee was called and where it lived, each version from when it was said: a statement's documents show those that held
 * when its month was closed.
 */
export const payeeName = pgTable(
  "payee_name",
  {
    payeeNameNo: integer("payee_name_no").primaryKey().generatedAlwaysAsIdentity(),
    payee: text().notNull(),
    name: text().notNull(),
    country: text().notNull(),
    givenAt: moment("given_at").notNull().defaultNow(),
  },
  (t) => [index().on(t.payee)],
);

/**
 * Which Stripe account a payee had, each from when it was set, and who set it. The last one stands in `payee.stripe_account`, whose
 * trigger writes these (drizzle/0035_payee_accounts.sql).
 */
export const payeeAccount = pgTable(
  "payee_account",
  {
    payeeAccountNo: integer("payee_account_no").primaryKey().generatedAlwaysAsIdentity(),
    payee: text().notNull(),
    /** Null: it was taken away. */
    account: text(),
    /** Neither the one that the payee was registered with nor the first that was opened for it: it is told, and plans warn. */
    changed: boolean().notNull(),
    /** Null where nobody said: then nobody can tell that somebody else approves. */
    setBy: text("set_by"),
    setAt: moment("set_at").notNull().default(sql`clock_timestamp()`),
  },
  (t) => [index().on(t.payee)],
);

export const customer = pgTable("customer", {
  customerNo: integer("customer_no").primaryKey().generatedAlwaysAsIdentity(),
  id: text().notNull().unique(),
  name: text().notNull(),
  createdAt: moment("created_at").notNull().defaultNow(),
});

/** A customer's terms from a moment on; `payee_no` is the self-dealing link. effective_until follows from the next one. */
export const customerVersion = pgTable(
  "customer_version",
  {
    customerVersionNo: integer("customer_version_no").primaryKey().generatedAlwaysAsIdentity(),
    customerNo: integer("customer_no")
      .notNull()
      .references(() => customer.customerNo),
    effectiveFrom: moment("effective_from").notNull(),
    effectiveUntil: moment("effective_until").notNull().default("infinity"),
    currency: text().notNull(),
    country: text(),
    payeeNo: integer("payee_no").references(() => payee.payeeNo),
  },
  (t) => [unique().on(t.customerNo, t.effectiveFrom)],
);

export const model = pgTable("model", {
  modelNo: integer("model_no").primaryKey().generatedAlwaysAsIdentity(),
  id: text().notNull().unique(),
  createdAt: moment("created_at").notNull().defaultNow(),
});

/** Who owns a model and what it was made from, from a moment on. */
export const modelLineage = pgTable(
  "model_lineage",
  {
    modelNo: integer("model_no")
      .notNull()
      .references(() => model.modelNo),
    effectiveFrom: moment("effective_from").notNull(),
    payeeNo: integer("payee_no")
      .notNull()
      .references(() => payee.payeeNo),
    baseModelNo: integer("base_model_no").references(() => model.modelNo),
  },
  (t) => [primaryKey({ columns: [t.modelNo, t.effectiveFrom] })],
);

/** A version of a model's code as events name it: recorded and reported, never priced. Written by metering. */
export const modelVersion = pgTable(
  "model_version",
  {
    modelVersionNo: integer("model_version_no").primaryKey().generatedAlwaysAsIdentity(),
    modelNo: integer("model_no")
      .notNull()
      .references(() => model.modelNo),
    version: text().notNull(),
  },
  (t) => [unique().on(t.modelNo, t.version)],
);

export const meter = pgTable("meter", {
  meterNo: smallint("meter_no").primaryKey().generatedAlwaysAsIdentity(),
  name: text().notNull().unique(),
  scale: smallint().notNull(),
  /** Built-in meters are kept for every event; others only where a price or a plan's cost names them. */
  builtIn: smallint("built_in").notNull().default(0),
});

export const priceVersion = pgTable(
  "price_version",
  {
    priceNo: integer("price_no").primaryKey().generatedAlwaysAsIdentity(),
    modelNo: integer("model_no")
      .notNull()
      .references(() => model.modelNo),
    currency: text().notNull(),
    effectiveFrom: moment("effective_from").notNull(),
    effectiveUntil: moment("effective_until").notNull().default("infinity"),
    chargeStatuses: text("charge_statuses").array().notNull(),
    createdAt: moment("created_at").notNull().defaultNow(),
  },
  (t) => [unique().on(t.modelNo, t.currency, t.effectiveFrom)],
);

export const priceComponent = pgTable(
  "price_component",
  {
    priceNo: integer("price_no")
      .notNull()
      .references(() => priceVersion.priceNo),
    meterNo: smallint("meter_no")
      .notNull()
      .references(() => meter.meterNo),
    amount: text().notNull(),
    per: text().notNull(),
    /** Major units for one unit at the meter's scale: exact, so that SQL only ever multiplies. */
    unitAmount: numeric("unit_amount").notNull(),
    /** At the meter's scale, as quantities are. */
    maxPerEvent: numeric("max_per_event", { precision: 38, scale: 0 }),
  },
  (t) => [primaryKey({ columns: [t.priceNo, t.meterNo] })],
);

/** A model's revenue policy from a moment on; without a model, the marketplace's default. */
export const revenuePolicy = pgTable(
  "revenue_policy",
  {
    policyNo: integer("policy_no").primaryKey().generatedAlwaysAsIdentity(),
    modelNo: integer("model_no").references(() => model.modelNo),
    effectiveFrom: moment("effective_from").notNull(),
    steps: jsonb().notNull(),
    createdAt: moment("created_at").notNull().defaultNow(),
  },
  (t) => [unique().on(t.modelNo, t.effectiveFrom).nullsNotDistinct()],
);

/** Whether a payee earns from its own usage as a customer: 'platform' sends its parts to the platform, 'earner' does not. */
export const selfDealingRule = pgTable("self_dealing_rule", {
  effectiveFrom: moment("effective_from").primaryKey(),
  rule: text().notNull(),
});

/** A policy resolved with its whole lineage; named by the hash of its content, never changed. */
export const splitPlan = pgTable(
  "split_plan",
  {
    splitPlanNo: integer("split_plan_no").primaryKey().generatedAlwaysAsIdentity(),
    hash: text().notNull().unique(),
    content: jsonb().notNull(),
    costMeterNo: smallint("cost_meter_no").references(() => meter.meterNo),
    costCurrency: text("cost_currency"),
    payees: text().array().notNull(),
  },
  (t) => [index().using("gin", t.payees)],
);

/** Which plan splits a model's gross at which time: the resolution of all versions, ready for the hot path. */
export const splitSegment = pgTable(
  "split_segment",
  {
    modelNo: integer("model_no")
      .notNull()
      .references(() => model.modelNo),
    effectiveFrom: moment("effective_from").notNull(),
    effectiveUntil: moment("effective_until").notNull().default("infinity"),
    splitPlanNo: integer("split_plan_no")
      .notNull()
      .references(() => splitPlan.splitPlanNo),
  },
  (t) => [primaryKey({ columns: [t.modelNo, t.effectiveFrom] }), index().on(t.splitPlanNo)],
);

/**
 * From when until when one price and one split plan of a model hold together: all that metering has to look up about a
 * model. Made anew with every change of either. Times are microseconds since 1970, half-open.
 */
export const rateSegment = pgTable(
  "rate_segment",
  {
    modelNo: integer("model_no").notNull(),
    currency: text().notNull(),
    since: bigint({ mode: "bigint" }).notNull(),
    until: bigint({ mode: "bigint" }).notNull(),
    priceNo: integer("price_no").notNull(),
    priceFrom: moment("price_from").notNull(),
    splitPlanNo: integer("split_plan_no").notNull(),
    segmentFrom: moment("segment_from").notNull(),
    costMeterNo: smallint("cost_meter_no"),
    chargeStatuses: text("charge_statuses").array().notNull(),
    /** Something limits what one event is charged for on a built-in meter other than runs. */
    limitsEvents: boolean("limits_events").notNull(),
    /** The most that one event is charged for on each built-in meter; null where nothing limits it. */
    maxSeconds: bigint("max_seconds", { mode: "bigint" }),
    maxInput: bigint("max_input", { mode: "bigint" }),
    maxOutput: bigint("max_output", { mode: "bigint" }),
    maxImages: bigint("max_images", { mode: "bigint" }),
    maxRuns: bigint("max_runs", { mode: "bigint" }),
  },
  (t) => [primaryKey({ columns: [t.modelNo, t.currency, t.since] })],
);

/** The plan that replaces another when the customer is linked to one of its payees. */
export const selfDealingPlan = pgTable(
  "self_dealing_plan",
  {
    splitPlanNo: integer("split_plan_no")
      .notNull()
      .references(() => splitPlan.splitPlanNo),
    payeeNo: integer("payee_no")
      .notNull()
      .references(() => payee.payeeNo),
    redirectedPlanNo: integer("redirected_plan_no")
      .notNull()
      .references(() => splitPlan.splitPlanNo),
  },
  (t) => [primaryKey({ columns: [t.splitPlanNo, t.payeeNo] })],
);

/** The books' first open month. One row; moved only by closing, read by every batch under the catalogue-and-books lock. */
export const booksState = pgTable("books_state", {
  singleton: smallint().primaryKey().default(1),
  firstOpenPeriod: date("first_open_period", { mode: "string" }).notNull().default("0001-01-01"),
  /** Part of every key at the payout provider: another database on the same account never repeats one of ours. */
  installation: uuid().notNull().defaultRandom(),
});
