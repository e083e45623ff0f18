import type { Request } from "express";
import { z } from "zod";
import { Refusal } from "../../kernel/index.ts";
import { deadLetters, meteringStatus, replayDeadLetter } from "../../metering/index.ts";
import { storePayloads } from "../../predictions/index.ts";
import {
  acceptEvents,
  acceptLogged,
  CloudEvent,
  EVENT_REFUSALS,
  EVENTS_PER_BATCH_MAX,
  eventOfReplicatePrediction,
  REPLICATE_SOURCE,
  ReplicatePrediction,
} from "../../usage/index.ts";
import type { AppContext } from "../context.ts";
import { parseJson } from "../input/read-input.ts";
import type { Principal } from "../keys/principal.ts";
import { checkSignature } from "../keys/webhook-signature.ts";
import { defineRoute, type Route } from "../route.ts";
import { Done, PageQuery, page, pageOf } from "../schemas.ts";

const SINGLE = "application/cloudevents+json";
const BATCH = "application/cloudevents-batch+json";

const Acceptance = z.object({
  accepted: z.int(),
  rejected: z.array(
    z.object({
      index: z.int(),
      id: z.string().nullable(),
      code: z.enum(EVENT_REFUSALS),
      message: z.string(),
    }),
  ),
});

const postEvents = defineRoute({
  method: "post",
  path: "/events",
  audited: false,
  summary: "Send one usage event or a batch; 202 means that the accepted ones are durable",
  roles: ["operator", "ingest"],
  contentTypes: [SINGLE, BATCH],
  body: z.unknown().meta({ description: "A UsageEvent, or an array of at most 1,000 of them." }),
  bodyAsBytes: true,
  status: 202,
  response: Acceptance,
  async handle({ body, principal, context }, request) {
    const bytes = body as Buffer;
    const isBatch = Boolean(request.is(BATCH));
    // What stands as the log has it has no payload, so nothing is to be kept beside it.
    const sources = principal.sources ?? undefined;
    const taken = await acceptLogged(context.log, bytes, isBatch, sources, context.horizonDays);
    if (taken !== undefined) return { body: taken };
    const json = parseJson(bytes);
    return { body: await accept(context, principal, isBatch ? asBatch(json) : [asEvent(json)]) };
  },
});

/** What came with them is kept beside the log before the log has them. */
function accept(context: AppContext, { sources }: Principal, batch: unknown[]) {
  return acceptEvents(context.log, batch, sources ?? undefined, context.horizonDays, (taken) =>
    storePayloads(context.payloads, taken),
  );
}

const postReplicate = defineRoute({
  method: "post",
  path: "/ingest/replicate",
  anyText: true,
  audited: false,
  summary:
    "Send a Replicate prediction, as its webhooks send it, with a key or signed by Replicate; one that still runs is left aside",
  roles: ["operator", "ingest"],
  query: z.object({
    customer: z.string().meta({ description: "The customer who is charged: Replicate does not know." }),
    source: z.string().optional().meta({ description: "//replicate unless it says otherwise." }),
  }),
  body: ReplicatePrediction,
  signedBy: replicateOf,
  status: 202,
  response: Acceptance,
  async handle({ body, query, principal, context }) {
    const event = eventOfReplicatePrediction(body, query.customer, query.source);
    const batch = event === undefined ? [] : [event];
    return { body: await accept(context, principal, batch) };
  },
});

/** Who signed with Replicate's secret may send what Replicate sends, and nothing else. */
function replicateOf(
  body: Buffer,
  request: Request,
  { replicateSecrets }: AppContext,
): Principal | undefined {
  if (replicateSecrets.length === 0) return undefined;
  const header = (name: string) => request.get(`webhook-${name}`);
  const headers = { id: header("id"), timestamp: header("timestamp"), signature: header("signature") };
  checkSignature(replicateSecrets, headers, body);
  const bound = { payee: null, customer: null, sources: [REPLICATE_SOURCE] };
  return {
    id: "replicate",
    role: "ingest",
    scope: "write",
    name: null,
    duties: null,
    session: null,
    ...bound,
  };
}

function asEvent(body: unknown): unknown {
  if (typeof body === "object" && body !== null && "specversion" in body) return body;
  throw new Refusal(
    "event_invalid",
    `the body is no CloudEvent (a JSON object with a specversion); for several, send Content-Type: ${BATCH}`,
  );
}

function asBatch(body: unknown): unknown[] {
  if (!Array.isArray(body))
    throw new Refusal(
      "event_invalid",
      `a batch is a JSON array of CloudEvents; for a single one, send Content-Type: ${SINGLE}`,
    );
  if (body.length > EVENTS_PER_BATCH_MAX) {
    throw new Refusal(
      "body_too_large",
      `a batch has at most ${EVENTS_PER_BATCH_MAX} events, this one has ${body.length}: send them in parts`,
    );
  }
  return body;
}

const counter = z.string().meta({ example: "30000" });

const getStatus = defineRoute({
  method: "get",
  path: "/metering/status",
  summary: "How far metering is; lag 0 means that everything acknowledged before this request is metered",
  roles: ["operator", "ingest"],
  response: z.object({
    lag: z.int(),
    consumed: counter,
    applied: counter,
    duplicate: counter,
    conflict: counter,
    dead: counter,
    parked: counter,
    waiting: counter,
  }),
  handle: async ({ context }) => ({ body: await meteringStatus(context.sql, context.log) }),
});

const DeadLetterView = z.object({
  id: z.string(),
  reason: z.string(),
  message: z.string(),
  partition: z.int(),
  offset: z.string(),
  index: z.int(),
  raw_base64: z.string(),
  created_at: z.string(),
  replayed_at: z.string().nullable(),
});

const listDeadLetters = defineRoute({
  method: "get",
  path: "/dead-letters",
  summary: "Records that could not be metered, with their bytes and the reason; newest first",
  roles: ["operator"],
  query: PageQuery,
  response: pageOf(DeadLetterView),
  async handle({ query, context }) {
    if (query.cursor !== undefined && !/^\d{1,18}$/.test(query.cursor)) {
      throw new Refusal("parameter_invalid", "cursor: the next_cursor of an earlier answer");
    }
    const letters = await deadLetters(context.sql, query.limit + 1, query.cursor);
    const { data, next_cursor } = page(letters, query.limit, (letter) => letter.id);
    const views = data.map(({ rawBase64, createdAt, replayedAt, ...letter }) => ({
      ...letter,
      raw_base64: rawBase64,
      created_at: createdAt.toISOString(),
      replayed_at: replayedAt?.toISOString() ?? null,
    }));
    return { body: { data: views, next_cursor } };
  },
});

const postReplay = defineRoute({
  method: "post",
  path: "/dead-letters/{id}/replay",
  summary: "Send a dead letter through the log again, after what stopped it was mended",
  roles: ["operator"],
  params: z.object({ id: z.string().regex(/^\d{1,18}$/) }),
  response: Done,
  async handle({ params, context }) {
    await replayDeadLetter(context.sql, context.log, params.id);
    return { body: { ok: true } };
  },
});

/** Named in the OpenAPI document although events are checked one by one. */
export const UsageEventSchema = CloudEvent;

export const usageRoutes: Route[] = [postEvents, postReplicate, getStatus, listDeadLetters, postReplay];
