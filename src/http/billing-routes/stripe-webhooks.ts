import { z } from "zod";
import { Refusal } from "../../kernel/index.ts";
import { type KeptEvent, listEvents, replayEvent, storeEvent } from "../../provider-events/index.ts";
import { defineRoute, type Route } from "../route.ts";
import { Done, PageQuery, page, pageOf } from "../schemas.ts";
import type { SignedRoute } from "../signed-route.ts";

const operator = ["operator"] as const;
const EventId = z.string().regex(/^[A-Za-z0-9_-]{1,255}$/, "an event's id");
const EventPath = z.object({ id: EventId });

/** Stripe's webhooks: kept, answered, and handled afterwards. */
export const stripeWebhook: SignedRoute = {
  path: "/webhooks/stripe",
  summary: "Stripe's webhooks: the signature over the raw body is checked, each event is handled once",
  header: "Stripe-Signature",
  bodyBytesMax: 1_048_576,
  body: z
    .looseObject({ id: z.string(), type: z.string() })
    .meta({ description: "An event, as Stripe sends it." }),
  response: z.object({ received: z.literal(true), new: z.boolean() }),
  async handle(body, signature, { sql, events }) {
    const event = events.reader.read(body, signature, events.secrets());
    return { received: true, new: await storeEvent(sql, event, events.reader.livemode) };
  },
};

const EventView = z
  .object({
    id: z.string(),
    type: z.string(),
    account: z.string().nullable(),
    about: z.string().meta({ description: "The id of what it is about." }),
    livemode: z.boolean(),
    occurred_at: z.string(),
    received_at: z.string(),
    state: z.enum(["waiting", "handled", "ignored", "dead"]),
    outcome: z.string().nullable().meta({ description: "What it did, or why it did nothing." }),
    attempts: z.int(),
    next_try_at: z.string().nullable(),
  })
  .meta({ id: "StripeEvent" });

function view(event: KeptEvent): z.infer<typeof EventView> {
  return {
    id: event.id,
    type: event.type,
    account: event.account,
    about: event.about,
    livemode: event.livemode,
    occurred_at: event.occurredAt.toISOString(),
    received_at: event.receivedAt.toISOString(),
    state: event.state as z.infer<typeof EventView>["state"],
    outcome: event.outcome,
    attempts: event.attempts,
    next_try_at: event.nextTryAt?.toISOString() ?? null,
  };
}

const listStripeEvents = defineRoute({
  method: "get",
  path: "/webhooks/stripe/events",
  summary: "What Stripe told, newest first, and what it did",
  roles: operator,
  query: PageQuery.extend({
    state: EventView.shape.state.optional(),
    type: z.string().max(255).optional(),
    cursor: EventId.optional(),
  }),
  response: pageOf(EventView),
  async handle({ query: { limit, cursor, state, type }, context }) {
    const events = await listEvents(context.sql, { state, type, before: cursor, limit: limit + 1 });
    return { body: page(events.map(view), limit, ({ id }) => id) };
  },
});

const getStripeEvent = defineRoute({
  method: "get",
  path: "/webhooks/stripe/events/{id}",
  summary: "One event that Stripe told",
  roles: operator,
  params: EventPath,
  response: EventView,
  async handle({ params: { id }, context }) {
    const [event] = await listEvents(context.sql, { id, limit: 1 });
    if (event === undefined) throw new Refusal("not_found", `Stripe told of no event ${id}`);
    return { body: view(event) };
  },
});

const replayStripeEvent = defineRoute({
  method: "post",
  path: "/webhooks/stripe/events/{id}/replay",
  summary: "Handle an event once more, whatever became of it",
  roles: operator,
  params: EventPath,
  status: 202,
  response: Done,
  async handle({ params: { id }, context }) {
    if (!(await replayEvent(context.sql, id)))
      throw new Refusal("not_found", `Stripe told of no event ${id}`);
    return { body: { ok: true } };
  },
});

export const stripeWebhookRoutes: Route[] = [listStripeEvents, getStripeEvent, replayStripeEvent];
