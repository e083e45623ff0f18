import { randomBytes } from "node:crypto";
import type Stripe from "stripe";
import { invalidRequest, missing } from "../errors.ts";
import { group, mergeMetadata, only, requiredText, text } from "../form.ts";
import type { Answer, Call } from "../routes.ts";
import type { WebhookEndpoint } from "../state.ts";
import { LIST_PARAMETERS, listOf } from "./lists.ts";

/** The secret is in this answer alone. */
export function createEndpoint({ state, form }: Call): Answer {
  only(form, "url", "enabled_events", "connect", "api_version", "description", "metadata");
  const url = requiredText(form, "url");
  if (!/^https?:\/\/[^/]+/.test(url)) throw invalidRequest("url_invalid", "Not a valid URL", "url");
  const wanted = group(form, "enabled_events");
  const enabled_events = Object.keys(wanted).map((index) => requiredText(wanted, index));
  if (enabled_events.length === 0)
    throw invalidRequest("parameter_missing", "Missing required param: enabled_events.", "enabled_events");
  const endpoint: Stripe.WebhookEndpoint = {
    id: state.nextId("we"),
    object: "webhook_endpoint",
    api_version: text(form, "api_version") ?? null,
    application: null,
    created: state.now(),
    description: text(form, "description") ?? null,
    enabled_events,
    livemode: false,
    metadata: mergeMetadata(form),
    status: "enabled",
    url,
  };
  const secret = `whsec_${randomBytes(24).toString("base64url")}`;
  const object: WebhookEndpoint = {
    id: endpoint.id,
    endpoint,
    secret,
    connect: text(form, "connect") === "true",
  };
  return { body: { ...endpoint, secret }, change: { put: [{ kind: "webhook_endpoint", object }] } };
}

export function retrieveEndpoint(call: Call): Answer {
  only(call.form);
  return { body: endpointOf(call).endpoint };
}

export function listEndpoints({ state, form }: Call): Answer {
  only(form, ...LIST_PARAMETERS);
  const endpoints = [...state.objects.webhook_endpoint.values()].map(({ endpoint }) => endpoint);
  return { body: listOf("/v1/webhook_endpoints", endpoints, form) };
}

export function deleteEndpoint(call: Call): Answer {
  const { id } = endpointOf(call);
  return { body: { id, object: "webhook_endpoint", deleted: true }, change: { remove: id } };
}

function endpointOf({ state, id }: Call): WebhookEndpoint {
  return state.objects.webhook_endpoint.get(id) ?? noEndpoint(id);
}

function noEndpoint(id: string): never {
  throw missing("webhook endpoint", id);
}
