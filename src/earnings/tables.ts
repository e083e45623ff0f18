import { bigint, date, index, integer, numeric, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { nanos } from "../postgres/index.ts";

// Written only by post_accrual() (drizzle/0008_earnings.sql), in the statement that posts the difference.

/** What has been accrued of a line so far: cumulative. The next accrual posts the difference to the windows. */
export const accrualLine = pgTable(
  "accrual_line",
  {
    bookedPeriod: date("booked_period").notNull(),
    serviceMonth: date("service_month").notNull(),
    modelNo: integer("model_no").notNull(),
    splitPlanNo: integer("split_plan_no").notNull(),
    currency: text().notNull(),
    /** Exact, in major units. */
    gross: numeric().notNull(),
    costQuantity: numeric("cost_quantity", { precision: 38, scale: 0 }).notNull(),
    events: bigint({ mode: "bigint" }).notNull(),
    receivableNanos: nanos("receivable_nanos").notNull(),
  },
  (t) => [primaryKey({ columns: [t.bookedPeriod, t.serviceMonth, t.modelNo, t.splitPlanNo, t.currency] })],
);

/** A payee's or the platform's part of a line, cumulative, in nanos. */
export const accrualPart = pgTable(
  "accrual_part",
  {
    bookedPeriod: date("booked_period").notNull(),
    serviceMonth: date("service_month").notNull(),
    modelNo: integer("model_no").notNull(),
    splitPlanNo: integer("split_plan_no").notNull(),
    currency: text().notNull(),
    /** The account it accrues on: `payee:ada:accruing`, `platform:revenue`, … */
    account: text().notNull(),
    reason: text().notNull(),
    /** The model whose step or shares paid it: the model run, or one of its bases for a royalty. */
    paidBy: text("paid_by").notNull(),
    amountNanos: nanos("amount_nanos").notNull(),
  },
  (t) => [
    primaryKey({
      columns: [
        t.bookedPeriod,
        t.serviceMonth,
        t.modelNo,
        t.splitPlanNo,
        t.currency,
        t.account,
        t.reason,
        t.paidBy,
      ],
    }),
    index().on(t.account, t.bookedPeriod),
  ],
);
