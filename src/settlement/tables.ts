import { sql } from "drizzle-orm";
import {
  boolean,
  date,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
} from "drizzle-orm/pg-core";

// Written only by the functions of drizzle/0009_settlement.sql.

const moment = (name: string) => timestamp(name, { withTimezone: true, mode: "string" });

/** The closing of one books period. Its state only moves forward: closing, closed, planned, approved. */
export const settlement = pgTable("settlement", {
  period: date().primaryKey(),
  state: text().notNull(),
  cutAt: moment("cut_at").notNull().defaultNow(),
  closedAt: moment("closed_at"),
  plan: jsonb(),
  planHash: text("plan_hash"),
  plannedBy: text("planned_by"),
  plannedAt: moment("planned_at"),
  approvedBy: text("approved_by"),
  approvedAt: moment("approved_at"),
  /** The hash that was approved; the database lets no other plan stand beside it. */
  approvedHash: text("approved_hash"),
  /** Warnings of the plan that the approver confirmed. */
  confirmed: text().array(),
  /** True when the plan had to be approved by someone else than its maker. */
  twoPerson: boolean("two_person").notNull().default(false),
});

/** What a payee earned, got and carries in one period and currency. Immutable; its hash names its content. */
export const statement = pgTable(
  "statement",
  {
    period: date().notNull(),
    payee: text().notNull(),
    currency: text().notNull(),
    openingNanos: numeric("opening_nanos", { precision: 38, scale: 0 }).notNull(),
    earnedNanos: numeric("earned_nanos", { precision: 38, scale: 0 }).notNull(),
    adjustmentsNanos: numeric("adjustments_nanos", { precision: 38, scale: 0 }).notNull(),
    /** What the payee used as a customer, paid out of its earnings. */
    nettedNanos: numeric("netted_nanos", { precision: 38, scale: 0 }).notNull(),
    paidNanos: numeric("paid_nanos", { precision: 38, scale: 0 }).notNull(),
    closingNanos: numeric("closing_nanos", { precision: 38, scale: 0 }).notNull(),
    content: jsonb().notNull(),
    hash: text().notNull(),
  },
  (t) => [primaryKey({ columns: [t.payee, t.period, t.currency] })],
);

/** Whether a customer's usage is paid out of the earnings of the payee it is linked to, for books periods from this one on. */
export const nettingRule = pgTable(
  "netting_rule",
  {
    customer: text().notNull(),
    fromPeriod: date("from_period").notNull(),
    nets: boolean().notNull(),
    setBy: text("set_by").notNull(),
    setAt: moment("set_at").notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.customer, t.fromPeriod] })],
);

/** What of a customer's bill was paid out of the month's earnings of the payee it is linked to. Immutable. */
export const netting = pgTable(
  "netting",
  {
    period: date().notNull(),
    customer: text().notNull(),
    currency: text().notNull(),
    payee: text().notNull(),
    /** What it used while it was linked to this payee, floored to a nano: the most that could be netted. */
    owedNanos: numeric("owed_nanos", { precision: 38, scale: 0 }).notNull(),
    amountNanos: numeric("amount_nanos", { precision: 38, scale: 0 }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.period, t.customer, t.currency, t.payee] }), index().on(t.payee)],
);

/** A payee that is not paid until somebody lifts it. Kept as history. */
export const payeeFreeze = pgTable(
  "payee_freeze",
  {
    freezeNo: integer("freeze_no").primaryKey().generatedAlwaysAsIdentity(),
    payee: text().notNull(),
    reason: text().notNull(),
    frozenBy: text("frozen_by").notNull(),
    frozenAt: moment("frozen_at").notNull().defaultNow(),
    liftedBy: text("lifted_by"),
    liftedAt: moment("lifted_at"),
  },
  (t) => [uniqueIndex().on(t.payee).where(sql`lifted_at IS NULL`)],
);

/** While one of these is open no payout begins. Kept as history. */
export const payoutStop = pgTable(
  "payout_stop",
  {
    stopNo: integer("stop_no").primaryKey().generatedAlwaysAsIdentity(),
    reason: text().notNull(),
    stoppedBy: text("stopped_by").notNull(),
    stoppedAt: moment("stopped_at").notNull().defaultNow(),
    resumedBy: text("resumed_by"),
    resumedAt: moment("resumed_at"),
  },
  () => [uniqueIndex("payout_stop_open").on(sql`(resumed_at IS NULL)`).where(sql`resumed_at IS NULL`)],
);

/** The least that a payee is paid at once in a currency; without one, the payee's own minimum or the smallest payout. */
export const payoutMinimum = pgTable(
  "payout_minimum",
  {
    payee: text().notNull(),
    currency: text().notNull(),
    minimumNanos: numeric("minimum_nanos", { precision: 38, scale: 0 }).notNull(),
    setBy: text("set_by").notNull(),
    setAt: moment("set_at").notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.payee, t.currency] })],
);
