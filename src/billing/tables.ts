import { sql } from "drizzle-orm";
import {
  bigint,
  date,
  foreignKey,
  index,
  integer,
  numeric,
  pgTable,
  primaryKey,
  smallint,
  text,
  unique,
} from "drizzle-orm/pg-core";
import { moment, nanos } from "../postgres/index.ts";

// Written only by the functions of drizzle/0016_billing.sql, whose triggers refuse everything else.

/** That the invoices of a closed period were made, all of them in one statement. */
export const invoiceRun = pgTable("invoice_run", {
  period: date().primaryKey(),
  invoices: integer().notNull(),
  madeBy: text("made_by").notNull(),
  madeAt: moment("made_at").notNull().defaultNow(),
});

/** What a customer is asked to pay for one period and currency. Immutable. */
export const invoice = pgTable(
  "invoice",
  {
    id: text().primaryKey(),
    period: date().notNull(),
    customer: text().notNull(),
    currency: text().notNull(),
    lines: integer().notNull(),
    /** Σ of the lines, exact, in major units; so are both carried amounts. */
    gross: numeric().notNull(),
    /** The rest that the customer's invoice before this one left. */
    carriedIn: numeric("carried_in").notNull(),
    /** What close paid out of the earnings of the payee that the customer is linked to. */
    nettedNanos: nanos("netted_nanos").notNull(),
    amountNanos: nanos("amount_nanos").notNull(),
    carriedOut: numeric("carried_out").notNull(),
  },
  (t) => [unique().on(t.customer, t.currency, t.period), index().on(t.period, t.id)],
);

/** One model, meter and price of an invoice, by the month in which it was used. Immutable. */
export const invoiceLine = pgTable(
  "invoice_line",
  {
    invoiceId: text("invoice_id")
      .notNull()
      .references(() => invoice.id),
    serviceMonth: date("service_month").notNull(),
    modelNo: integer("model_no").notNull(),
    meterNo: smallint("meter_no").notNull(),
    priceNo: integer("price_no").notNull(),
    quantity: numeric({ precision: 38, scale: 0 }).notNull(),
    events: bigint({ mode: "bigint" }).notNull(),
    /** Exact, in major units. */
    gross: numeric().notNull(),
  },
  (t) => [primaryKey({ columns: [t.invoiceId, t.serviceMonth, t.modelNo, t.meterNo, t.priceNo] })],
);

/**
 * A customer as the billing provider knows it, one for each currency. Without a name of the provider's, it is being
 * made under this key.
 */
export const billingCustomer = pgTable(
  "billing_customer",
  {
    customer: text().notNull(),
    currency: text().notNull(),
    attempt: integer().notNull(),
    idempotencyKey: text("idempotency_key").notNull().unique(),
    startedAt: moment("started_at").notNull().defaultNow(),
    providerId: text("provider_id"),
  },
  (t) => [primaryKey({ columns: [t.customer, t.currency] })],
);

/** An invoice's way to the billing provider: pushing → pushed | failed, `unknown` between when an answer was lost. */
export const invoicePush = pgTable("invoice_push", {
  invoiceId: text("invoice_id")
    .primaryKey()
    .references(() => invoice.id),
  state: text().notNull(),
  attempt: integer().notNull(),
  /** What the attempt does not ask for: paid elsewhere or credited before it began, in whole steps. */
  offNanos: nanos("off_nanos").notNull(),
  /** The provider's name for it. */
  providerId: text("provider_id").unique(),
  /** Why it is where it is, for a person. */
  reason: text(),
  updatedAt: moment("updated_at").notNull().defaultNow(),
});

/** One try at the provider, committed before the call: its key, and what came of it. */
export const invoicePushAttempt = pgTable(
  "invoice_push_attempt",
  {
    invoiceId: text("invoice_id")
      .notNull()
      .references(() => invoicePush.invoiceId),
    attempt: integer().notNull(),
    idempotencyKey: text("idempotency_key").notNull().unique(),
    startedAt: moment("started_at").notNull().defaultNow(),
    outcome: text(),
    detail: text(),
    endedAt: moment("ended_at"),
    /** When the provider was last searched for an unknown attempt and nothing was found. */
    missingSince: moment("missing_since"),
  },
  (t) => [primaryKey({ columns: [t.invoiceId, t.attempt] })],
);

// Written only by the functions of drizzle/0017_release_rule.sql.

/** When earnings become payable, for books periods from this one on: at close, or when the customer has paid. */
export const releaseRule = pgTable("release_rule", {
  fromPeriod: date("from_period").primaryKey(),
  rule: text().notNull(),
  /** How long earnings wait after the payment. */
  holdDays: integer("hold_days").notNull(),
  setBy: text("set_by").notNull(),
  setAt: moment("set_at").notNull().defaultNow(),
});

/** A payee's part of what a customer used in a period, held at close until the customer's invoice is paid. */
export const heldShare = pgTable(
  "held_share",
  {
    period: date().notNull(),
    customer: text().notNull(),
    currency: text().notNull(),
    payee: text().notNull(),
    amountNanos: nanos("amount_nanos").notNull(),
  },
  (t) => [primaryKey({ columns: [t.period, t.customer, t.currency, t.payee] }), index().on(t.payee)],
);

/** Money that came for an invoice. Its reference is the payer's, or the provider's: the same one is recorded once. */
export const invoicePayment = pgTable(
  "invoice_payment",
  {
    invoiceId: text("invoice_id")
      .notNull()
      .references(() => invoice.id),
    reference: text().notNull(),
    amountNanos: nanos("amount_nanos").notNull(),
    recordedBy: text("recorded_by").notNull(),
    paidAt: moment("paid_at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.invoiceId, t.reference] })],
);

/** What of a payment the provider is told, which was asked to collect the invoice before: waiting → sending → told | failed. */
export const paymentPush = pgTable(
  "payment_push",
  {
    invoiceId: text("invoice_id").notNull(),
    reference: text().notNull(),
    /** In whole steps; nothing (state none) where it is less, and goes with the next one. */
    amountNanos: nanos("amount_nanos").notNull(),
    state: text().notNull(),
    /** Of the last one; 0 before the first. */
    attempt: integer().notNull(),
    /** When it began. */
    startedAt: moment("started_at"),
    /** The provider's name for what it was told. */
    providerId: text("provider_id"),
    /** Why it is not told, for people. */
    reason: text(),
    updatedAt: moment("updated_at").notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.invoiceId, t.reference] }),
    foreignKey({
      columns: [t.invoiceId, t.reference],
      foreignColumns: [invoicePayment.invoiceId, invoicePayment.reference],
    }),
    index().on(t.state).where(sql`state IN ('waiting', 'sending', 'unknown')`),
  ],
);

/** An invoice that is paid, and from when on what is held for it is payable. */
export const invoiceRelease = pgTable(
  "invoice_release",
  {
    invoiceId: text("invoice_id")
      .notNull()
      .references(() => invoice.id),
    /** 1, and one more each time that a released invoice asked for something again, and was paid again. */
    round: integer().notNull(),
    dueAt: moment("due_at").notNull(),
    releasedAt: moment("released_at"),
  },
  (t) => [
    primaryKey({ columns: [t.invoiceId, t.round] }),
    index().on(t.dueAt).where(sql`released_at IS NULL`),
  ],
);
