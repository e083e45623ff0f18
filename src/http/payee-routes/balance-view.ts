import { z } from "zod";
import { Money } from "../schemas.ts";

const Blocker = z.object({ code: z.string(), message: z.string() });
const HeldFor = z.object({
  code: z.enum(["invoice_not_made", "invoice_unpaid", "hold_days", "dispute", "reserve"]),
  message: z.string(),
  period: z.string(),
  customers: z.int(),
  amount: Money,
  until: z.string().nullable(),
});
export const BalanceView = z
  .object({
    currency: z.string(),
    accruing: Money,
    own_usage: Money.meta({
      description: "What customers linked to this payee used in open months: close nets it with `accruing`.",
    }),
    payable: Money,
    held: Money,
    on_hold: z
      .object({ amount: Money, until: z.string().nullable() })
      .meta({ description: "Of `payable`: closed so lately that the payee's hold is not over." }),
    held_for: z.array(HeldFor).meta({
      description:
        "Earnings that wait for customers' payments (release rule `on_payment`) or for disputes, or are held back for a time: together what is held.",
    }),
    in_transit: Money,
    transfers: z.array(
      z.object({
        payout: z.string(),
        amount: Money,
        since: z.string(),
        state: z.string(),
        trace_id: z.string(),
      }),
    ),
    netted: Money.meta({ description: "Paid so far for usage of customers linked to this payee." }),
    paid_out: Money,
    lifetime: Money,
    next_payout: z.object({
      date: z.string(),
      estimate: Money,
      paid_in: z.string().meta({ description: "The currency it is converted into, or its own." }),
      minimum: Money,
      to_minimum: Money.meta({
        description:
          "What is still to be earned until the minimum is reached, a debt with it; zero when it is.",
      }),
      why_not: z.string().nullable(),
      blocked_by: z.array(Blocker),
    }),
    as_of: z.string(),
  })
  .meta({ id: "Balance" });
