import { z } from "zod";
import { Refusal } from "../../kernel/index.ts";
import { listReconciliations } from "../../payouts/index.ts";
import { changesSinceLastPlan, findSettlement } from "../../settlement/index.ts";
import { waitingBalances } from "../../statements/index.ts";
import { defineRoute, type Route } from "../route.ts";
import { Money, PeriodText } from "../schemas.ts";
import { Reconciliation } from "./reconcile.ts";

const operator = ["operator"] as const;
const WAITING_MAX = 1_000;
const RECONCILIATIONS_MAX = 50;

const changes = defineRoute({
  method: "get",
  path: "/settlements/{period}/changes",
  summary: "A period's plan beside the last one before it, the largest differences first",
  roles: operator,
  params: z.object({ period: PeriodText }),
  response: z.object({
    period: z.string(),
    since: z.string().nullable().meta({ description: "The period of the plan before; null without one." }),
    data: z.array(
      z.object({
        payee: z.string(),
        currency: z.string(),
        before: Money,
        now: Money,
        difference: Money,
        why: z.string().nullable().meta({ description: "Why nothing is paid now; null when something is." }),
      }),
    ),
  }),
  async handle({ params: { period }, context }) {
    const settlement = await findSettlement(context.sql, period);
    if (settlement === undefined || settlement.plan === null)
      throw new Refusal("not_found", `${period} has no plan yet: plan it first`);
    const { since, changes } = await changesSinceLastPlan(context.sql, settlement.plan);
    return { body: { period, since, data: changes } };
  },
});

const reconciliations = defineRoute({
  method: "get",
  path: "/settlements/{period}/reconciliations",
  summary: "What comparisons of a period with Stripe found, newest first",
  roles: operator,
  params: z.object({ period: PeriodText }),
  response: z.object({ data: z.array(Reconciliation) }),
  async handle({ params: { period }, context }) {
    return { body: { data: await listReconciliations(context.sql, period, RECONCILIATIONS_MAX) } };
  },
});

const waiting = defineRoute({
  method: "get",
  path: "/waiting-balances",
  summary: "Settled money that is not paid out, whose it is, why and since when; the longest waiting first",
  roles: operator,
  response: z.object({
    data: z.array(
      z.object({
        payee: z.string(),
        name: z.string(),
        currency: z.string(),
        payable: Money,
        held: Money,
        code: z.enum([
          "frozen",
          "no_account",
          "account_not_ready",
          "tax_form_missing",
          "not_this_month",
          "on_hold",
          "below_minimum",
          "held",
          "next_plan",
        ]),
        detail: z.string().nullable(),
        since: z.string().nullable().meta({
          description: "The first month closed with a balance since the payee was last paid.",
        }),
      }),
    ),
  }),
  async handle({ context }) {
    return { body: { data: await waitingBalances(context.sql, WAITING_MAX) } };
  },
});

export const oversightRoutes: Route[] = [changes, reconciliations, waiting];
