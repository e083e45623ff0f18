import { z } from "zod";
import { CURRENCY_PATTERN, isPlainText } from "../../kernel/index.ts";
import {
  freezePayee,
  payoutStop,
  resumePayouts,
  setMinimumPayout,
  stopPayouts,
  unfreezePayee,
} from "../../settlement/index.ts";
import { defineRoute, type Route } from "../route.ts";
import { AmountNanos, Done } from "../schemas.ts";

const roles = ["operator"] as const;
const Why = z.string().min(1).max(500).refine(isPlainText, "text without control characters");
const Reason = z.strictObject({ reason: Why.meta({ description: "Shown to the payee." }) });
const PayeePath = z.object({ id: z.string() });

const stop = defineRoute({
  method: "post",
  path: "/payouts/stop",
  before: ({ context }) => payoutStop(context.sql),
  duty: "any",
  summary: "Stop all payouts at once: none begins once this is answered",
  roles,
  body: z.strictObject({ reason: Why }),
  response: Done,
  async handle({ body, principal, context }) {
    await stopPayouts(context.sql, body.reason, principal.id);
    return { body: { ok: true } };
  },
});

const resume = defineRoute({
  method: "post",
  path: "/payouts/resume",
  before: ({ context }) => payoutStop(context.sql),
  duty: "any",
  summary: "Let payouts go on after a stop",
  roles,
  response: Done,
  async handle({ principal, context }) {
    await resumePayouts(context.sql, principal.id);
    return { body: { ok: true } };
  },
});

const state = defineRoute({
  method: "get",
  path: "/payouts/stop",
  summary: "Whether payouts are stopped, by whom and why",
  roles,
  response: z.object({
    stopped: z.boolean(),
    reason: z.string().nullable(),
    by: z.string().nullable(),
    since: z.string().nullable(),
  }),
  async handle({ context }) {
    const now = await payoutStop(context.sql);
    const since = now?.stoppedAt.toISOString() ?? null;
    return {
      body: { stopped: now !== undefined, reason: now?.reason ?? null, by: now?.stoppedBy ?? null, since },
    };
  },
});

const freeze = defineRoute({
  method: "put",
  path: "/payees/{id}/freeze",
  duty: "any",
  summary: "Do not pay this payee until it is lifted; what is approved already waits too",
  roles,
  params: PayeePath,
  body: Reason,
  response: Done,
  async handle({ params, body, principal, context }) {
    await freezePayee(context.sql, params.id, body.reason, principal.id);
    return { body: { ok: true } };
  },
});

const unfreeze = defineRoute({
  method: "delete",
  path: "/payees/{id}/freeze",
  duty: "any",
  summary: "Pay this payee again, from the next run on",
  roles,
  params: PayeePath,
  response: Done,
  async handle({ params, principal, context }) {
    await unfreezePayee(context.sql, params.id, principal.id);
    return { body: { ok: true } };
  },
});

const minimum = defineRoute({
  method: "put",
  path: "/payees/{id}/minimum-payouts/{currency}",
  summary: "The least that this payee is paid at once in a currency; from the next plan on",
  roles,
  params: z.object({
    id: z.string(),
    currency: z.string().regex(CURRENCY_PATTERN, "a currency such as USD"),
  }),
  body: z.strictObject({ amount: AmountNanos }),
  response: Done,
  async handle({ params, body, principal, context }) {
    const { id: payee, currency } = params;
    await setMinimumPayout(context.sql, { payee, currency, minimum: body.amount, by: principal.id });
    return { body: { ok: true } };
  },
});

export const payoutRuleRoutes: Route[] = [stop, resume, state, freeze, unfreeze, minimum];
