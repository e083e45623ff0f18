import { boolean, date, jsonb, numeric, pgTable, primaryKey, text, timestamp } from "drizzle-orm/pg-core";

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
    paidNanos: numeric("paid_nanos", { precision: 38, scale: 0 }).notNull(),
    closingNanos: numeric("closing_nanos", { precision: 38, scale: 0 }).notNull(),
    content: jsonb().notNull(),
    hash: text().notNull(),
  },
  (t) => [primaryKey({ columns: [t.payee, t.period, t.currency] })],
);
