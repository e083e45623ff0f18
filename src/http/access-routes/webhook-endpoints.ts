import { z } from "zod";
import { Id, Time } from "../../catalog/index.ts";
import { Refusal } from "../../kernel/index.ts";
import {
  createEndpoint,
  deleteEndpoint,
  type EndpointOwner,
  EVENT_TYPES,
  enableEndpoint,
  findEndpoint,
  listDeliveries,
  listEndpoints,
  replay,
  rotateEndpointSecret,
  type WebhookEndpoint,
} from "../../notifications/index.ts";
import { requireCustomer } from "../billing-routes/customers.ts";
import type { AppContext } from "../context.ts";
import { type Principal, requireOwn } from "../keys/principal.ts";
import { visiblePayee } from "../payee-routes/payees.ts";
import { defineRoute, type Route } from "../route.ts";
import { Done, MomentCursor, momentCursor, PageQuery, page, pageOf } from "../schemas.ts";

const roles = ["operator", "payee", "customer"] as const;
const EndpointPath = z.object({ id: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/, "an endpoint's id") });

const EndpointView = z
  .object({
    id: z.string(),
    payee: z.string().nullable(),
    customer: z
      .string()
      .nullable()
      .meta({ description: "A payee or a customer; neither where everybody's events are sent." }),
    url: z.string(),
    events: z.array(z.enum(EVENT_TYPES)).nullable().meta({ description: "Null for every type." }),
    created_at: z.string(),
    failing_since: z.string().nullable(),
    disabled_at: z.string().nullable(),
    disabled_reason: z.string().nullable(),
  })
  .meta({ id: "WebhookEndpoint" });

const Secret = z
  .string()
  .nullable()
  .meta({ description: "whsec_…, shown once. Null when an Idempotency-Key repeats the request." });

function belongsTo(endpoint: EndpointOwner, { role, payee, customer }: Principal): boolean {
  if (role === "operator") return true;
  // Everybody's names neither, and so does a key of another role.
  return role === "payee"
    ? payee !== null && endpoint.payee === payee
    : customer !== null && endpoint.customer === customer;
}

/** @throws Refusal not_found, also for somebody else's */
async function ownEndpoint(context: AppContext, principal: Principal, id: string): Promise<WebhookEndpoint> {
  const endpoint = await findEndpoint(context.sql, id);
  if (endpoint === undefined || !belongsTo(endpoint, principal))
    throw new Refusal("not_found", `there is no webhook endpoint ${id}`);
  return endpoint;
}

const postEndpoint = defineRoute({
  method: "post",
  path: "/webhook-endpoints",
  summary:
    "Have a payee's, a customer's or everybody's events sent to a URL, signed after the Standard Webhooks specification",
  roles,
  body: z.strictObject({
    url: z.string().min(1).max(2000),
    payee: Id.optional().meta({ description: "For operators; a payee's own key says whose it is." }),
    customer: Id.optional().meta({ description: "Instead of a payee; a customer's own key says it too." }),
    everybody: z.literal(true).optional().meta({
      description: "For operators, instead of both: the events of every payee and customer.",
    }),
    events: z.array(z.enum(EVENT_TYPES)).min(1).max(EVENT_TYPES.length).optional(),
  }),
  status: 201,
  response: EndpointView.extend({ secret: Secret }),
  async handle({ body, principal, context }) {
    const wanted = {
      ...(await ownerOf(context, principal, body)),
      url: body.url,
      events: body.events ?? null,
    };
    const { endpoint, secret } = await createEndpoint(context.sql, wanted, context.webhookHosts);
    return { body: { ...endpoint, secret }, keep: { ...endpoint, secret: null } };
  },
});

/** @throws Refusal parameter_invalid, role_not_allowed or not_found */
async function ownerOf(
  context: AppContext,
  principal: Principal,
  body: { payee?: string | undefined; customer?: string | undefined; everybody?: true | undefined },
): Promise<EndpointOwner> {
  if (body.everybody === true && principal.role !== "operator")
    throw new Refusal("role_not_allowed", "everybody: only operators are told of everybody's events");
  if (body.everybody === true && (body.payee ?? body.customer) === undefined)
    return { payee: null, customer: null };
  const payee = body.payee ?? principal.payee;
  const customer = body.customer ?? principal.customer;
  if (body.everybody === true || (payee === null) === (customer === null))
    throw new Refusal(
      "parameter_invalid",
      "payee, customer or everybody: say whose events are sent, one of them",
    );
  if (payee !== null) await visiblePayee(context, principal, payee);
  if (customer !== null) await requireCustomer(context, principal, customer);
  return { payee, customer };
}

const getEndpoints = defineRoute({
  method: "get",
  path: "/webhook-endpoints",
  summary: "A payee's or customer's webhook endpoints, or everybody's for an operator, the oldest first",
  roles,
  query: PageQuery.extend({
    payee: Id.optional(),
    customer: Id.optional(),
    everybody: z.literal("true").optional().meta({
      description: "For operators: those alone that the events of every payee and customer are sent to.",
    }),
    cursor: MomentCursor,
  }),
  response: pageOf(EndpointView),
  async handle({ query, principal, context }) {
    if (query.payee !== undefined) requireOwn(principal, "payee", query.payee);
    if (query.customer !== undefined) requireOwn(principal, "customer", query.customer);
    const everybody = query.everybody !== undefined;
    if (everybody && principal.role !== "operator")
      throw new Refusal("role_not_allowed", "everybody: only operators are told of everybody's events");
    const payee = query.payee ?? principal.payee;
    const customer = query.customer ?? principal.customer;
    const owner = {
      everybody,
      ...(payee === null ? {} : { payee }),
      ...(customer === null ? {} : { customer }),
    };
    const asked = { limit: query.limit + 1, after: query.cursor };
    const { data, next_cursor } = page(
      await listEndpoints(context.sql, owner, asked),
      query.limit,
      momentCursor,
    );
    return { body: { data: data.map(({ micros, ...endpoint }) => endpoint), next_cursor } };
  },
});

const getEndpoint = defineRoute({
  method: "get",
  path: "/webhook-endpoints/{id}",
  summary: "One webhook endpoint",
  roles,
  params: EndpointPath,
  response: EndpointView,
  async handle({ params, principal, context }) {
    return { body: await ownEndpoint(context, principal, params.id) };
  },
});

const removeEndpoint = defineRoute({
  method: "delete",
  path: "/webhook-endpoints/{id}",
  summary: "Delete a webhook endpoint: nothing more is sent there",
  roles,
  params: EndpointPath,
  status: 204,
  response: z.null(),
  async handle({ params, principal, context }) {
    await ownEndpoint(context, principal, params.id);
    await deleteEndpoint(context.sql, params.id);
    return { body: null };
  },
});

const rotateSecret = defineRoute({
  method: "post",
  path: "/webhook-endpoints/{id}/rotate",
  summary: "A new signing secret; for a day messages are signed with the one before too",
  roles,
  params: EndpointPath,
  status: 201,
  response: z.object({ id: z.string(), secret: Secret }),
  async handle({ params, principal, context }) {
    const { id } = await ownEndpoint(context, principal, params.id);
    return { body: { id, secret: await rotateEndpointSecret(context.sql, id) }, keep: { id, secret: null } };
  },
});

const enable = defineRoute({
  method: "post",
  path: "/webhook-endpoints/{id}/enable",
  summary: "Switch a disabled webhook endpoint on again; what waited is sent",
  roles,
  params: EndpointPath,
  response: Done,
  async handle({ params, principal, context }) {
    await ownEndpoint(context, principal, params.id);
    await enableEndpoint(context.sql, params.id);
    return { body: { ok: true } };
  },
});

const postReplay = defineRoute({
  method: "post",
  path: "/webhook-endpoints/{id}/replay",
  summary:
    "Send again what was told since a time, or one message, under the same message ids; at most 10,000",
  roles,
  params: EndpointPath,
  body: z
    .strictObject({ since: Time.optional(), message: z.string().max(100).optional() })
    .refine(({ since, message }) => (since === undefined) !== (message === undefined), {
      path: ["since"],
      error: "since or message, one of them",
    }),
  status: 202,
  response: z.object({ replayed: z.int() }),
  async handle({ params, body, principal, context }) {
    const { id, disabled_at } = await ownEndpoint(context, principal, params.id);
    if (disabled_at !== null) throw new Refusal("endpoint_disabled", `${id} is disabled: enable it first`);
    return { body: { replayed: await replay(context.sql, id, body) } };
  },
});

const DeliveryView = z
  .object({
    id: z.string(),
    message: z.string().meta({ description: "The webhook-id: the same for every attempt and replay." }),
    type: z.enum(EVENT_TYPES),
    state: z.enum(["pending", "delivered", "failed"]),
    next_attempt_at: z.string().nullable(),
    created_at: z.string(),
    attempts: z.array(
      z.object({
        attempt: z.int(),
        ended_at: z.string(),
        status: z.int().nullable(),
        error: z.string().nullable(),
        duration_ms: z.int(),
      }),
    ),
    payload: z.unknown(),
  })
  .meta({ id: "WebhookDelivery" });

const getDeliveries = defineRoute({
  method: "get",
  path: "/webhook-endpoints/{id}/deliveries",
  summary: "What was sent to an endpoint and what came of it, newest first",
  roles,
  params: EndpointPath,
  query: PageQuery.extend({
    cursor: z
      .string()
      .regex(/^\d{1,18}$/, "the next_cursor of an earlier answer")
      .optional(),
  }),
  response: pageOf(DeliveryView),
  async handle({ params, query, principal, context }) {
    await ownEndpoint(context, principal, params.id);
    const before = query.cursor === undefined ? {} : { before: query.cursor };
    const deliveries = await listDeliveries(context.sql, params.id, { limit: query.limit + 1, ...before });
    return { body: page(deliveries, query.limit, ({ id }) => id) };
  },
});

export const webhookEndpointRoutes: Route[] = [
  postEndpoint,
  getEndpoints,
  getEndpoint,
  removeEndpoint,
  rotateSecret,
  enable,
  postReplay,
  getDeliveries,
];
