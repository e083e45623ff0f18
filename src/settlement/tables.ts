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
  unique,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import { moment, nanos } from "../postgres/index.ts";

// Written only by the functions of drizzle/0009_settlement.sql, 0019_reserves.sql and 0020_payout_terms.sql, under the triggers
// of 0029_two_persons.sql; settings by brakes.ts and terms/.

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

/** A plan that somebody did not want to be approved. Kept as history. */
export const planWithdrawal = pgTable(
  "plan_withdrawal",
  {
    withdrawalNo: integer("withdrawal_no").primaryKey().generatedAlwaysAsIdentity(),
    period: date().notNull(),
    planHash: text("plan_hash").notNull(),
    plannedBy: text("planned_by").notNull(),
    withdrawnBy: text("withdrawn_by").notNull(),
    withdrawnAt: moment("withdrawn_at").notNull().defaultNow(),
    reason: text().notNull(),
  },
  (t) => [index().on(t.period)],
);

/** What a payee earned, got and carries in one period and currency. Immutable; its hash names its content. */
export const statement = pgTable(
  "statement",
  {
    period: date().notNull(),
    payee: text().notNull(),
    currency: text().notNull(),
    openingNanos: nanos("opening_nanos").notNull(),
    earnedNanos: nanos("earned_nanos").notNull(),
    adjustmentsNanos: nanos("adjustments_nanos").notNull(),
    heldNanos: nanos("held_nanos").notNull(),
    releasedNanos: nanos("released_nanos").notNull(),
    convertedNanos: nanos("converted_nanos").notNull(),
    /** What the payee used as a customer, paid out of its earnings. */
    nettedNanos: nanos("netted_nanos").notNull(),
    paidNanos: nanos("paid_nanos").notNull(),
    closingNanos: nanos("closing_nanos").notNull(),
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
    owedNanos: nanos("owed_nanos").notNull(),
    amountNanos: nanos("amount_nanos").notNull(),
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
    minimumNanos: nanos("minimum_nanos").notNull(),
    setBy: text("set_by").notNull(),
    setAt: moment("set_at").notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.payee, t.currency] })],
);

/**
 * How a payee is paid; where a column is null, what holds for the marketplace (the row with payee '*'), and otherwise every
 * month, without a hold, each currency as it was earned.
 */
export const payoutTerms = pgTable("payout_terms", {
  payee: text().primaryKey(),
  /** monthly, quarterly (with the settlements of March, June, September, December) or manual. */
  schedule: text(),
  /** So many days after its month was closed, money may be paid out. */
  holdDays: integer("hold_days"),
  /** All that is payable is converted into this currency and paid in it. */
  payoutCurrency: text("payout_currency"),
  setBy: text("set_by").notNull(),
  setAt: moment("set_at").notNull().defaultNow(),
});

/** What is held back of earnings, from a books period on: the payee's own rule, or with payee '*' everybody else's. */
export const reserveRule = pgTable(
  "reserve_rule",
  {
    payee: text().notNull(),
    fromPeriod: date("from_period").notNull(),
    /** Hundredths of a per cent; null: the payee has no rule of its own from here on. */
    basisPoints: integer("basis_points"),
    days: integer(),
    setBy: text("set_by").notNull(),
    setAt: moment("set_at").notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.payee, t.fromPeriod] })],
);

/** A part of what became payable to a payee, held back until it is due: at close, or when a customer's invoice let it go. */
export const reserve = pgTable(
  "reserve",
  {
    period: date().notNull(),
    /** The invoice that was paid; empty for what became payable at close. */
    invoiceId: text("invoice_id").notNull().default(""),
    payee: text().notNull(),
    currency: text().notNull(),
    /** What became payable. */
    baseNanos: nanos("base_nanos").notNull(),
    amountNanos: nanos("amount_nanos").notNull(),
    dueAt: moment("due_at").notNull(),
    releasedAt: moment("released_at"),
  },
  (t) => [
    primaryKey({ columns: [t.period, t.invoiceId, t.payee, t.currency] }),
    index("reserve_waiting").on(t.dueAt).where(sql`released_at IS NULL`),
    index().on(t.payee),
  ],
);

/** What one unit of a currency gives in another, from a moment on. Immutable. */
export const fxRate = pgTable(
  "fx_rate",
  {
    rateNo: integer("rate_no").primaryKey().generatedAlwaysAsIdentity(),
    fromCurrency: text("from_currency").notNull(),
    toCurrency: text("to_currency").notNull(),
    rate: numeric().notNull(),
    effectiveFrom: moment("effective_from").notNull(),
    /** Where it was taken from, for people who ask. */
    source: text().notNull(),
    setBy: text("set_by").notNull(),
    setAt: moment("set_at").notNull().defaultNow(),
  },
  (t) => [unique().on(t.fromCurrency, t.toCurrency, t.effectiveFrom)],
);

/** Money of a payee that was exchanged before it was paid out, by an approved plan. Immutable. */
export const conversion = pgTable(
  "conversion",
  {
    id: text().primaryKey(),
    period: date().notNull(),
    payee: text().notNull(),
    fromCurrency: text("from_currency").notNull(),
    fromNanos: nanos("from_nanos").notNull(),
    toCurrency: text("to_currency").notNull(),
    toNanos: nanos("to_nanos").notNull(),
    rateNo: integer("rate_no")
      .notNull()
      .references(() => fxRate.rateNo),
  },
  (t) => [index().on(t.period), index().on(t.payee)],
);

/** Whether payees need an accepted tax form to be paid, from a books period on. */
export const taxFormRule = pgTable("tax_form_rule", {
  fromPeriod: date("from_period").primaryKey(),
  required: boolean().notNull(),
  setBy: text("set_by").notNull(),
  setAt: moment("set_at").notNull().defaultNow(),
});

/** What became of a payee's tax form; the latest row holds. The form and its numbers are kept elsewhere. */
export const taxForm = pgTable(
  "tax_form",
  {
    taxFormNo: integer("tax_form_no").primaryKey().generatedAlwaysAsIdentity(),
    payee: text().notNull(),
    form: text().notNull(),
    status: text().notNull(),
    /** The last day on which it counts; null: until it is recorded otherwise. */
    validUntil: date("valid_until"),
    recordedBy: text("recorded_by").notNull(),
    recordedAt: moment("recorded_at").notNull().defaultNow(),
  },
  (t) => [index().on(t.payee)],
);
