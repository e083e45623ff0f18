import { sql } from "drizzle-orm";
import { bigint, index, integer, jsonb, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { moment } from "../postgres/index.ts";

// Messages are written only by the triggers of drizzle/0015_notifications.sql, in the transaction of the fact they tell of.

/** Where a payee, a customer, or with neither named the operator, wants to be told. Its secret signs, so it cannot be kept as a hash. */
export const webhookEndpoint = pgTable(
  "webhook_endpoint",
  {
    id: text().primaryKey(),
    payee: text(),
    customer: text(),
    url: text().notNull(),
    /** Types of events; null for all of them. */
    events: text().array(),
    secret: text().notNull(),
    /** Signs too until then: the one before the last rotation. */
    oldSecret: text("old_secret"),
    oldSecretUntil: moment("old_secret_until"),
    createdAt: moment("created_at").notNull().defaultNow(),
    /** Since when no delivery has succeeded; null while they do. */
    failingSince: moment("failing_since"),
    disabledAt: moment("disabled_at"),
    disabledReason: text("disabled_reason"),
    deletedAt: moment("deleted_at"),
  },
  (t) => [
    index().on(t.payee),
    index().on(t.customer),
    index("webhook_endpoint_everybody").on(t.id).where(sql`payee IS NULL AND customer IS NULL`),
  ],
);

/** What is told of one fact to one payee or customer. `key` names the fact, so that it is told once. */
export const webhookMessage = pgTable(
  "webhook_message",
  {
    messageNo: bigint("message_no", { mode: "bigint" }).primaryKey().generatedAlwaysAsIdentity(),
    id: text().notNull().unique(),
    key: text().notNull().unique(),
    payee: text(),
    customer: text(),
    type: text().notNull(),
    payload: jsonb().notNull(),
    createdAt: moment("created_at").notNull().defaultNow(),
  },
  (t) => [index().on(t.payee, t.messageNo), index().on(t.customer, t.messageNo)],
);

/** The queue: one message to one endpoint. A replay is a delivery of its own. */
export const webhookDelivery = pgTable(
  "webhook_delivery",
  {
    deliveryNo: bigint("delivery_no", { mode: "bigint" }).primaryKey().generatedAlwaysAsIdentity(),
    messageNo: bigint("message_no", { mode: "bigint" })
      .notNull()
      .references(() => webhookMessage.messageNo),
    endpointId: text("endpoint_id")
      .notNull()
      .references(() => webhookEndpoint.id),
    /** pending, delivered, failed. */
    state: text().notNull(),
    /** Attempts begun. */
    attempts: integer().notNull().default(0),
    /** While an attempt is under way: when it is taken for dead. */
    nextAttemptAt: moment("next_attempt_at").notNull().defaultNow(),
    createdAt: moment("created_at").notNull().defaultNow(),
  },
  (t) => [index().on(t.nextAttemptAt).where(sql`state = 'pending'`), index().on(t.endpointId, t.deliveryNo)],
);

/** What came of one attempt. */
export const webhookAttempt = pgTable(
  "webhook_attempt",
  {
    deliveryNo: bigint("delivery_no", { mode: "bigint" })
      .notNull()
      .references(() => webhookDelivery.deliveryNo),
    attempt: integer().notNull(),
    endedAt: moment("ended_at").notNull().defaultNow(),
    status: integer(),
    error: text(),
    durationMs: integer("duration_ms").notNull(),
  },
  (t) => [primaryKey({ columns: [t.deliveryNo, t.attempt] })],
);

/** The queue of mails: written by their facts' own transactions, sent afterwards. What they say is worded when they are sent. */
export const mail = pgTable(
  "mail",
  {
    mailNo: bigint("mail_no", { mode: "bigint" }).primaryKey().generatedAlwaysAsIdentity(),
    /** Names the fact and whom it is told, so that it is told once. */
    key: text().notNull().unique(),
    recipient: text().notNull(),
    type: text().notNull(),
    data: jsonb().notNull(),
    /** pending, sent, failed. */
    state: text().notNull().default("pending"),
    /** Attempts begun. */
    attempts: integer().notNull().default(0),
    /** While an attempt is under way: when it is taken for dead. */
    nextAttemptAt: moment("next_attempt_at").notNull().defaultNow(),
    createdAt: moment("created_at").notNull().defaultNow(),
    sentAt: moment("sent_at"),
    error: text(),
  },
  (t) => [index().on(t.nextAttemptAt).where(sql`state = 'pending'`)],
);
