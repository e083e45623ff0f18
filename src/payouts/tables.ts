import { bigint, boolean, date, index, integer, jsonb, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { moment, nanos } from "../postgres/index.ts";

// Written only by the functions of drizzle/0010_payouts.sql; account facts by record-account;
// reconciliations by reconcile, those and reversals guarded by drizzle/0012_reconcile.sql.

/** What the provider last said of a connected account. */
export const payoutAccount = pgTable("payout_account", {
  account: text().primaryKey(),
  transfersEnabled: boolean("transfers_enabled").notNull(),
  disabledReason: text("disabled_reason"),
  checkedAt: moment("checked_at").notNull().defaultNow(),
});

/**
 * One payee, one currency, one settlement. States: planned → approved → sending → paid | failed, with `unknown`
 * between when the provider's answer was lost, and back to approved (`waiting_for_funds`) when it had no money; `carried`
 * when what was taken back since it was approved left too little to be paid.
 */
export const payout = pgTable(
  "payout",
  {
    id: text().primaryKey(),
    period: date().notNull(),
    payee: text().notNull(),
    currency: text().notNull(),
    /** What was approved. */
    plannedNanos: nanos("planned_nanos").notNull(),
    /** What is paid: of the last attempt; less than was approved where less was payable. */
    amountNanos: nanos("amount_nanos").notNull(),
    account: text().notNull(),
    state: text().notNull(),
    /** Why it is where it is, for a person: the last refusal, or what it waits for. */
    reason: text(),
    attempt: integer().notNull().default(0),
    transferId: text("transfer_id"),
    createdAt: moment("created_at").notNull().defaultNow(),
    updatedAt: moment("updated_at").notNull().defaultNow(),
  },
  (t) => [index().on(t.period, t.state), index().on(t.payee)],
);

/** One try at the provider, committed before the call: its key, and what came of it. */
export const payoutAttempt = pgTable(
  "payout_attempt",
  {
    payoutId: text("payout_id")
      .notNull()
      .references(() => payout.id),
    attempt: integer().notNull(),
    /** What is sent: what was payable, at most what was approved. */
    amountNanos: nanos("amount_nanos").notNull(),
    idempotencyKey: text("idempotency_key").notNull().unique(),
    startedAt: moment("started_at").notNull().defaultNow(),
    outcome: text(),
    detail: text(),
    endedAt: moment("ended_at"),
    /** When the provider was last searched for an unknown attempt and nothing was found. */
    missingSince: moment("missing_since"),
  },
  (t) => [primaryKey({ columns: [t.payoutId, t.attempt] })],
);

/** What one comparison with the provider found. Append-only: so that finance can see what was found when. */
export const reconciliation = pgTable(
  "reconciliation",
  {
    run: bigint({ mode: "bigint" }).primaryKey().generatedAlwaysAsIdentity(),
    period: date().notNull(),
    ranAt: moment("ran_at").notNull().defaultNow(),
    ranBy: text("ran_by").notNull(),
    differences: integer().notNull(),
    report: jsonb().notNull(),
    /** Of the report's canonical JSON. */
    hash: text().notNull(),
  },
  (t) => [index().on(t.period)],
);

/** A reversal at the provider that an operator has booked: the payee has the money to come again. */
export const payoutReversal = pgTable(
  "payout_reversal",
  {
    reversalId: text("reversal_id").primaryKey(),
    payoutId: text("payout_id")
      .notNull()
      .references(() => payout.id),
    amountNanos: nanos("amount_nanos").notNull(),
    bookedBy: text("booked_by").notNull(),
    bookedAt: moment("booked_at").notNull().defaultNow(),
  },
  (t) => [index().on(t.payoutId)],
);
