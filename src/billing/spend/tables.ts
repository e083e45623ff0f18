import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  date,
  index,
  integer,
  numeric,
  pgTable,
  primaryKey,
  text,
  uuid,
} from "drizzle-orm/pg-core";
import { moment, nanos } from "../../postgres/index.ts";

// Written only by the functions of drizzle/0021_credits.sql.

const sumOfNanos = (name: string) => nanos(name).notNull().default(sql`0`);

/**
 * All that authorizing a prediction reads about a customer: one row, locked while it is read. Only customers with credits or
 * limits have one; what the others use is not counted here.
 */
export const spendAccount = pgTable(
  "spend_account",
  {
    customerNo: integer("customer_no").notNull(),
    currency: text().notNull(),
    /** Usage of blocks up to this one was counted when the account was opened. */
    sinceBlock: bigint("since_block", { mode: "bigint" }).notNull(),
    /** Everything ever used and counted, exact, in major units. */
    spent: numeric().notNull(),
    /** Σ of the customer's invoices, with what was netted on them. */
    invoicedNanos: sumOfNanos("invoiced_nanos"),
    /** Σ of what is left of its credit grants. */
    creditNanos: sumOfNanos("credit_nanos"),
    /** Σ of its open reservations. */
    reservedNanos: sumOfNanos("reserved_nanos"),
    /** month, total: what the limits are about. */
    period: text().notNull().default("month"),
    softNanos: nanos("soft_nanos"),
    hardNanos: nanos("hard_nanos"),
    /** Nothing is authorized that credits do not cover. */
    prepaid: boolean().notNull().default(false),
    /** Counts the limits that were set: each may be reached once in a month. */
    limitNo: integer("limit_no").notNull().default(0),
    /** The month in which they were set: those before it are past. */
    limitsFrom: date("limits_from").notNull().default("0001-01-01"),
  },
  (t) => [primaryKey({ columns: [t.customerNo, t.currency] })],
);

/** What of it was used in which month (UTC), by the events' own times. */
export const spendMonth = pgTable(
  "spend_month",
  {
    customerNo: integer("customer_no").notNull(),
    currency: text().notNull(),
    serviceMonth: date("service_month").notNull(),
    spent: numeric().notNull(),
  },
  (t) => [primaryKey({ columns: [t.customerNo, t.currency, t.serviceMonth] })],
);

/**
 * An estimate that is kept free for one prediction until its event is counted, it is released, or its time is over. Its
 * identity is the one that the event will have.
 */
export const spendReservation = pgTable(
  "spend_reservation",
  {
    identity: uuid().notNull(),
    customerNo: integer("customer_no").notNull(),
    currency: text().notNull(),
    amountNanos: nanos("amount_nanos").notNull(),
    source: text().notNull(),
    expiresAt: moment("expires_at").notNull(),
    /** settled, released, expired; null while it is open. */
    outcome: text(),
    endedAt: moment("ended_at"),
  },
  (t) => [
    primaryKey({ columns: [t.identity, t.customerNo] }),
    // The open ones by the end of their time, and the others by when they ended. Two partial ones would be asked for each row.
    index("spend_reservation_order").on(t.endedAt, t.expiresAt),
  ],
);

/**
 * That a limit was reached, once for each limit and month (0001-01-01 for a total), or that all credits are used up, once for
 * so many grants. What is told of it is written with it.
 */
export const spendCrossing = pgTable(
  "spend_crossing",
  {
    customerNo: integer("customer_no").notNull(),
    currency: text().notNull(),
    limitNo: integer("limit_no").notNull(),
    /** soft, hard; credits: then limit_no counts the grants, and the limit is their sum. */
    kind: text().notNull(),
    month: date().notNull(),
    limitNanos: nanos("limit_nanos").notNull(),
    spent: numeric().notNull(),
    crossedAt: moment("crossed_at").notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.customerNo, t.currency, t.limitNo, t.kind, t.month] })],
);
