import { sql } from "drizzle-orm";
import { bigint, index, integer, pgTable, primaryKey, text, uniqueIndex } from "drizzle-orm/pg-core";
import { moment, nanos } from "../../postgres/index.ts";
import { invoice } from "../tables.ts";

// Written only by the functions of drizzle/0021_credits.sql, whose triggers refuse everything else.

/** Money that a customer has with the marketplace before it is used. Immutable: what is left of it follows from its uses and its expiry. */
export const creditGrant = pgTable(
  "credit_grant",
  {
    id: text().primaryKey(),
    /** The order in which they were granted. */
    grantNo: bigint("grant_no", { mode: "bigint" }).notNull().generatedAlwaysAsIdentity(),
    customer: text().notNull(),
    currency: text().notNull(),
    amountNanos: nanos("amount_nanos").notNull(),
    /** paid, promotional. */
    kind: text().notNull(),
    /** Among those that expire together the smaller is used first. */
    priority: integer().notNull(),
    expiresAt: moment("expires_at"),
    reason: text().notNull(),
    /** The payer's or the bank's name for the money of a paid one: the same one is granted once. */
    reference: text(),
    grantedBy: text("granted_by").notNull(),
    grantedAt: moment("granted_at").notNull().defaultNow(),
  },
  (t) => [
    index().on(t.customer, t.currency),
    index().on(t.expiresAt),
    uniqueIndex("credit_grant_reference").on(t.reference).where(sql`reference IS NOT NULL`),
  ],
);

/** What an invoice took of a grant. Immutable. */
export const creditUse = pgTable(
  "credit_use",
  {
    grantId: text("grant_id")
      .notNull()
      .references(() => creditGrant.id),
    invoiceId: text("invoice_id")
      .notNull()
      .references(() => invoice.id),
    amountNanos: nanos("amount_nanos").notNull(),
  },
  (t) => [primaryKey({ columns: [t.grantId, t.invoiceId] }), index().on(t.invoiceId)],
);

/** What was taken back of a grant by hand: as much as was neither used nor needed. Immutable; booked as an adjustment. */
export const creditRevocation = pgTable(
  "credit_revocation",
  {
    adjustmentNo: bigint("adjustment_no", { mode: "bigint" }).primaryKey(),
    grantId: text("grant_id")
      .notNull()
      .references(() => creditGrant.id),
    amountNanos: nanos("amount_nanos").notNull(),
  },
  (t) => [index().on(t.grantId)],
);

/** That a grant's time was over, and what of it was neither used nor needed for usage that is not invoiced yet. Immutable. */
export const creditExpiry = pgTable("credit_expiry", {
  grantId: text("grant_id")
    .primaryKey()
    .references(() => creditGrant.id),
  amountNanos: nanos("amount_nanos").notNull(),
  expiredAt: moment("expired_at").notNull().defaultNow(),
});
