import { boolean, index, integer, pgTable, text } from "drizzle-orm/pg-core";
import { moment, nanos } from "../postgres/index.ts";

/**
 * What the payment provider told, each event once, as it came. States: waiting → handled | ignored | dead; a replay makes it
 * wait again. It is told of, never believed: what it is about is fetched anew.
 */
export const providerEvent = pgTable(
  "provider_event",
  {
    id: text().primaryKey(),
    type: text().notNull(),
    /** The connected account that it happened to; null for the platform's own. */
    account: text(),
    /** The id of what it is about. */
    about: text().notNull(),
    livemode: boolean().notNull(),
    /** The provider's time. */
    occurredAt: moment("occurred_at").notNull(),
    receivedAt: moment("received_at").notNull().defaultNow(),
    /** As it was signed. */
    body: text().notNull(),
    state: text().notNull(),
    /** What it did, or why it did nothing, for a person. */
    outcome: text(),
    attempts: integer().notNull().default(0),
    nextTryAt: moment("next_try_at").notNull().defaultNow(),
    updatedAt: moment("updated_at").notNull().defaultNow(),
  },
  (t) => [index().on(t.state, t.nextTryAt), index().on(t.receivedAt, t.id)],
);

/** What connected accounts sent on to their banks, as the provider last said; a failed one does not become paid again. */
export const bankPayout = pgTable(
  "bank_payout",
  {
    id: text().primaryKey(),
    account: text().notNull(),
    currency: text().notNull(),
    amountNanos: nanos("amount_nanos").notNull(),
    status: text().notNull(),
    /** What the bank said, when it failed. */
    failure: text(),
    createdAt: moment("created_at").notNull(),
    updatedAt: moment("updated_at").notNull().defaultNow(),
  },
  (t) => [index().on(t.account)],
);
