import { sql } from "drizzle-orm";
import {
  bigint,
  date,
  foreignKey,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  primaryKey,
  smallint,
  text,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import { moment, nanos } from "../postgres/index.ts";

// Written only by the functions of drizzle/0022_adjustments.sql, drizzle/0023_corrections.sql and
// drizzle/0028_refunds_at_provider.sql; all but disputes, proposals and what is asked of the provider are append-only.

const adjustmentNo = () =>
  bigint("adjustment_no", { mode: "bigint" })
    .notNull()
    .references(() => adjustment.adjustmentNo);

/** Who bears what when usage of these books periods is refunded, from this one on. */
export const refundPolicy = pgTable("refund_policy", {
  fromPeriod: date("from_period").primaryKey(),
  /** returned: the platform gives its fee back; kept: those who earned bear it. */
  fee: text().notNull(),
  /** Who bears what the provider charges for it: platform or payees. */
  providerFee: text("provider_fee").notNull(),
  setBy: text("set_by").notNull(),
  setAt: moment("set_at").notNull().defaultNow(),
});

/** One fact that changes what a closed month came to: booked in the open period, by one entry. */
export const adjustment = pgTable(
  "adjustment",
  {
    adjustmentNo: bigint("adjustment_no", { mode: "bigint" }).primaryKey().generatedAlwaysAsIdentity(),
    id: text().notNull().unique(),
    /** The operator's or the provider's name for it: the same one is booked once. */
    reference: text().notNull().unique(),
    kind: text().notNull(),
    currency: text().notNull(),
    /** The books period that it corrects; null when it names no usage. */
    corrects: date(),
    /** The invoice whose usage is refunded. */
    invoiceId: text("invoice_id"),
    /** What the customers owe more, exact, in major units: Σ of the cells. */
    gross: numeric().notNull(),
    /** What the invoice asks for less. */
    creditedNanos: nanos("credited_nanos").notNull(),
    /** Money that went back to the customer. */
    returnedNanos: nanos("returned_nanos").notNull(),
    /** The adjustment that is taken back by this one. */
    reverses: bigint({ mode: "bigint" }),
    /** What was asked for, as it was asked. */
    asked: jsonb().notNull(),
    reason: text().notNull(),
    madeBy: text("made_by").notNull(),
    madeAt: moment("made_at").notNull(),
  },
  (t) => [
    uniqueIndex().on(t.reverses).where(sql`reverses IS NOT NULL`),
    index().on(t.invoiceId),
    index().on(t.kind, t.adjustmentNo),
  ],
);

/** By how much the usage of one customer, model, meter, price and split plan is refunded, or charged otherwise. */
export const adjustmentCell = pgTable(
  "adjustment_cell",
  {
    adjustmentNo: adjustmentNo(),
    customerNo: integer("customer_no").notNull(),
    bookedPeriod: date("booked_period").notNull(),
    serviceMonth: date("service_month").notNull(),
    modelNo: integer("model_no").notNull(),
    meterNo: smallint("meter_no").notNull(),
    priceNo: integer("price_no").notNull(),
    splitPlanNo: integer("split_plan_no").notNull(),
    /** Exact, in major units; negative when a refund is taken back. */
    refunded: numeric().notNull(),
    /** Exact, in major units: corrected price × quantity, less what was charged. */
    rerated: numeric().notNull(),
  },
  (t) => [
    primaryKey({
      columns: [t.adjustmentNo, t.customerNo, t.serviceMonth, t.modelNo, t.meterNo, t.priceNo, t.splitPlanNo],
    }),
    index().on(t.bookedPeriod, t.modelNo),
    index().on(t.customerNo, t.bookedPeriod),
  ],
);

/** What a party's part of a line changes by: more than nothing is a credit. */
export const adjustmentPart = pgTable(
  "adjustment_part",
  {
    adjustmentNo: adjustmentNo(),
    bookedPeriod: date("booked_period").notNull(),
    serviceMonth: date("service_month").notNull(),
    modelNo: integer("model_no").notNull(),
    splitPlanNo: integer("split_plan_no").notNull(),
    /** Null for the platform's own parts. */
    payee: text(),
    reason: text().notNull(),
    paidBy: text("paid_by").notNull(),
    amountNanos: nanos("amount_nanos").notNull(),
  },
  (t) => [index().on(t.adjustmentNo), index().on(t.payee, t.adjustmentNo)],
);

/** How much of it moved what is held for the invoice's payment, instead of the payable balance: less than nothing. */
export const adjustmentHeld = pgTable(
  "adjustment_held",
  {
    adjustmentNo: adjustmentNo(),
    payee: text().notNull(),
    /** The release of its invoice that it waits for, or waited for. */
    round: integer().notNull(),
    amountNanos: nanos("amount_nanos").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.adjustmentNo, t.payee] }),
    index("adjustment_held_again").on(t.payee).where(sql`round > 1`),
  ],
);

/** What it moves besides the parts of lines, by account: more than nothing is a credit. Sums to zero. */
export const adjustmentMovement = pgTable(
  "adjustment_movement",
  { adjustmentNo: adjustmentNo(), account: text().notNull(), amountNanos: nanos("amount_nanos").notNull() },
  (t) => [primaryKey({ columns: [t.adjustmentNo, t.account] }), index().on(t.account)],
);

/** What of a refund is to be made at the provider: waiting → sending → made | failed, unknown while an answer is lost. */
export const refundPush = pgTable(
  "refund_push",
  {
    adjustmentNo: adjustmentNo(),
    /** credit_note: the invoice asks for less; refund: money of its payment goes back. */
    means: text().notNull(),
    amountNanos: nanos("amount_nanos").notNull(),
    state: text().notNull(),
    /** Of the last one; 0 before the first. */
    attempt: integer().notNull(),
    /** The provider's name for it, once it is made. */
    providerId: text("provider_id"),
    /** Why it is not made, for people. */
    reason: text(),
    updatedAt: moment("updated_at").notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.adjustmentNo, t.means] }),
    index().on(t.state).where(sql`state IN ('waiting', 'sending', 'unknown')`),
  ],
);

/** One try, committed before the provider is called. */
export const refundPushAttempt = pgTable(
  "refund_push_attempt",
  {
    adjustmentNo: adjustmentNo(),
    means: text().notNull(),
    attempt: integer().notNull(),
    idempotencyKey: text("idempotency_key").notNull(),
    startedAt: moment("started_at").notNull().defaultNow(),
    /** Since when the provider was searched for it in vain. */
    missingSince: moment("missing_since"),
    endedAt: moment("ended_at"),
    outcome: text(),
    detail: text(),
  },
  (t) => [
    primaryKey({ columns: [t.adjustmentNo, t.means, t.attempt] }),
    foreignKey({
      columns: [t.adjustmentNo, t.means],
      foreignColumns: [refundPush.adjustmentNo, refundPush.means],
    }),
  ],
);

/** That what a payee earned of a model's usage in a period is another one's. */
export const reattribution = pgTable("reattribution", {
  adjustmentNo: bigint("adjustment_no", { mode: "bigint" })
    .primaryKey()
    .references(() => adjustment.adjustmentNo),
  bookedPeriod: date("booked_period").notNull(),
  modelNo: integer("model_no").notNull(),
  fromPayee: text("from_payee").notNull(),
  toPayee: text("to_payee").notNull(),
});

/** A payment that the customer takes back through its bank: open → won | lost. */
export const dispute = pgTable(
  "dispute",
  {
    /** The provider's or the operator's name for it. */
    id: text().primaryKey(),
    invoiceId: text("invoice_id").notNull(),
    amountNanos: nanos("amount_nanos").notNull(),
    state: text().notNull(),
    reason: text().notNull(),
    openedBy: text("opened_by").notNull(),
    openedAt: moment("opened_at").notNull().defaultNow(),
    decidedBy: text("decided_by"),
    decidedAt: moment("decided_at"),
  },
  (t) => [index().on(t.invoiceId)],
);

/** What is held of a payee's payable balance until a dispute is decided. */
export const disputeHold = pgTable(
  "dispute_hold",
  {
    disputeId: text("dispute_id")
      .notNull()
      .references(() => dispute.id),
    payee: text().notNull(),
    amountNanos: nanos("amount_nanos").notNull(),
  },
  (t) => [primaryKey({ columns: [t.disputeId, t.payee] })],
);

/** A correction by an operator: proposed, and booked once it needs no approval or has it; or withdrawn. */
export const correction = pgTable("correction", {
  id: text().primaryKey(),
  kind: text().notNull(),
  currency: text().notNull(),
  /** What it moves: as proposed, and once booked, as booked. */
  amountNanos: nanos("amount_nanos").notNull(),
  /** Of all that it moved as it was proposed: what is approved is that, or nothing. */
  draftHash: text("draft_hash").notNull(),
  /** Above it somebody else must approve; null for no limit. */
  limitNanos: nanos("limit_nanos"),
  asked: jsonb().notNull(),
  reason: text().notNull(),
  proposedBy: text("proposed_by").notNull(),
  proposedAt: moment("proposed_at").notNull().defaultNow(),
  approvedBy: text("approved_by"),
  approvedAt: moment("approved_at"),
  /** Who took the proposal back, or did not want it: it is never booked then. */
  withdrawnBy: text("withdrawn_by"),
  withdrawnAt: moment("withdrawn_at"),
  withdrawnReason: text("withdrawn_reason"),
  adjustmentNo: bigint("adjustment_no", { mode: "bigint" })
    .unique()
    .references(() => adjustment.adjustmentNo),
});
