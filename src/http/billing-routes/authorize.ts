import { z } from "zod";
import {
  type Authorization,
  type AuthorizeRequest,
  authorize,
  releaseReservation,
} from "../../billing/index.ts";
import { money, type Nanos, Refusal } from "../../kernel/index.ts";
import { Currency } from "../../pricing/index.ts";
import { readQuantities } from "../../usage/index.ts";
import type { Principal } from "../keys/principal.ts";
import { defineRoute, type Route } from "../route.ts";
import { AmountNanos, Money } from "../schemas.ts";
import { CustomerPath } from "./customers.ts";

const gateways = ["operator", "ingest"] as const;
/** Longer than a prediction runs and its event takes to be counted. */
const TTL_SECONDS = 600;
const TTL_SECONDS_MAX = 86_400;

const Estimate = z.union([
  z.strictObject({ amount: AmountNanos }),
  z.strictObject({
    metrics: z.record(z.string(), z.number()).meta({
      description: "As a usage event reports them; priced at the model's price of now, rounded up to a nano.",
    }),
  }),
]);

const postAuthorize = defineRoute({
  method: "post",
  path: "/customers/{id}/authorize",
  summary:
    "Ask before a prediction whether its customer may run it; its estimate is reserved until its event comes",
  roles: gateways,
  // Five hundred a second, each of which keeps its own row: the log's one chain would make them wait for each other.
  audited: false,
  params: CustomerPath,
  bodyBytesMax: 65_536,
  body: z.strictObject({
    model: z.string().min(1).max(200),
    currency: Currency.optional().meta({ description: "The customer's own; another one is refused." }),
    estimate: Estimate,
    prediction: z
      .strictObject({ source: z.string().min(1).max(255), id: z.string().min(1).max(255) })
      .meta({ description: "As its usage event will name it. The same one again gets the same answer." }),
    ttl_seconds: z.int().min(1).max(TTL_SECONDS_MAX).default(TTL_SECONDS),
  }),
  response: z.object({
    authorized: z.boolean(),
    reason: z.enum(["reserved", "settled", "no_limit", "hard_limit_reached", "credit_exhausted"]),
    reservation: z.string().nullable(),
    amount: Money.meta({ description: "What is reserved, or would have been." }),
    expires_at: z.string().nullable(),
    remaining: z
      .object({ limit: Money.nullable(), credits: Money.nullable() })
      .meta({ description: "After this one; null where nothing limits it." }),
  }),
  async handle({ params, body, principal, context }) {
    requireSource(principal, body.prediction.source);
    const answer = await authorize(context.authorizing, {
      customer: params.id,
      model: body.model,
      currency: body.currency,
      estimate: estimateOf(body.estimate),
      prediction: body.prediction,
      ttlSeconds: body.ttl_seconds,
    });
    return { body: view(answer) };
  },
});

function estimateOf(estimate: z.infer<typeof Estimate>): AuthorizeRequest["estimate"] {
  if ("amount" in estimate) return { nanos: estimate.amount };
  const quantities = readQuantities(estimate.metrics);
  if ("code" in quantities)
    throw new Refusal("body_invalid", quantities.message.replace("data.metrics", "estimate.metrics"));
  return { quantities };
}

/** A key that is bound to sources speaks for no others. */
function requireSource({ sources }: Principal, source: string): void {
  if (sources !== null && !sources.includes(source))
    throw new Refusal("role_not_allowed", `prediction.source: this key is for ${sources.join(", ")} only`);
}

function view(answer: Authorization) {
  const { authorized, reason, reservation, currency, amountNanos, expiresAt } = answer;
  const orNull = (nanos: Nanos | null) => (nanos === null ? null : money(currency, nanos));
  return {
    authorized,
    reason,
    reservation,
    amount: money(currency, amountNanos),
    expires_at: expiresAt?.toISOString() ?? null,
    remaining: { limit: orNull(answer.limitLeftNanos), credits: orNull(answer.creditLeftNanos) },
  };
}

const deleteReservation = defineRoute({
  method: "delete",
  path: "/reservations/{id}",
  summary: "Free what is reserved for a prediction that will not run; one that has ended stays as it is",
  roles: gateways,
  audited: false,
  params: z.object({ id: z.string().max(100) }),
  response: z.object({ id: z.string(), outcome: z.enum(["released", "settled", "expired"]) }),
  async handle({ params: { id }, principal, context }) {
    return {
      body: { id, outcome: await releaseReservation(context.sql, id, principal.sources ?? undefined) },
    };
  },
});

export const authorizeRoutes: Route[] = [postAuthorize, deleteReservation];
