import { z } from "zod";
import { DIFFERENCE_KINDS } from "../../payouts/index.ts";
import { defineRoute } from "../route.ts";
import { Money, PeriodText } from "../schemas.ts";

const Difference = z
  .object({
    kind: z.enum(DIFFERENCE_KINDS),
    payout: z.string().nullable(),
    payee: z.string().nullable(),
    reference: z.string().nullable(),
    currency: z.string(),
    ours: Money,
    theirs: Money,
    difference: Money,
    cause: z.string(),
  })
  .meta({ id: "ReconcileDifference" });

export const Reconciliation = z
  .object({
    run: z.string(),
    period: z.string(),
    at: z.string(),
    by: z.string(),
    compared: z.object({
      payouts: z.int(),
      transfers: z.int(),
      reversals: z.int(),
      movements: z.int(),
      bank_payouts: z.int(),
    }),
    totals: z.array(z.object({ currency: z.string(), ours: Money, theirs: Money })),
    differences: z.array(Difference),
  })
  .meta({ id: "Reconciliation" });

export const reconcileRoute = defineRoute({
  method: "post",
  path: "/settlements/{period}/reconcile",
  summary: "Compare a period's payouts with everything at Stripe, both ways; corrects nothing",
  roles: ["operator"],
  params: z.object({ period: PeriodText }),
  response: Reconciliation,
  handle: async ({ params, principal, context }) => ({
    body: await context.settle.reconcile(params.period, { by: principal.id }),
  }),
});

export const bookReversalRoute = defineRoute({
  method: "post",
  path: "/payouts/{id}/reversals",
  summary: "Book a reversal that happened at Stripe: the payee has the money to come again; once",
  roles: ["operator"],
  params: z.object({ id: z.string() }),
  body: z.strictObject({
    reversal: z.string().meta({ example: "trr_…", description: "As reconcile names it." }),
  }),
  status: 201,
  response: z.object({ payout: z.string(), reversal: z.string(), amount_nanos: z.string() }),
  async handle({ params, body, principal, context }) {
    const { id: payout } = params;
    const { reversal } = body;
    const { amountNanos } = await context.settle.bookReversal({ payout, reversal, by: principal.id });
    return { body: { payout, reversal, amount_nanos: amountNanos.toString() } };
  },
});
