import { z } from "zod";
import { Time } from "../../catalog/index.ts";
import { present, Refusal } from "../../kernel/index.ts";
import { createShare, deleteShare, findShared, listShares } from "../../predictions/index.ts";
import { findPredictions } from "../../statements/index.ts";
import { defineOpenRoute, type OpenRoute } from "../open-route.ts";
import { defineRoute, type Route } from "../route.ts";
import { MomentCursor, momentCursor, PageQuery, page, pageOf } from "../schemas.ts";
import { PayloadView, payloadView, visiblePrediction } from "../usage-routes/predictions.ts";

const roles = ["operator", "customer"] as const;
export const PredictionPath = z.object({ id: z.string().min(1).max(256) });
export const SourceQuery = z.object({ source: z.string().min(1).max(512).optional() });
const Token = z.string().regex(/^[\w-]{32}$/, "the token of a link");

const ShareView = z
  .object({ id: z.string(), created_at: z.string(), expires_at: z.string().nullable() })
  .meta({ id: "PredictionShare" });

const postShare = defineRoute({
  method: "post",
  path: "/predictions/{id}/shares",
  summary: "Make a public link: whoever has it sees what came in and out, not who paid or earned",
  roles,
  params: PredictionPath,
  query: SourceQuery,
  body: z.strictObject({ expires_at: Time.optional() }),
  bodyOptional: true,
  status: 201,
  response: ShareView.extend({
    url: z.string().nullable().meta({
      description: "Shown once. Null when an Idempotency-Key repeats the request.",
    }),
  }),
  async handle({ params, query, body, principal, context }) {
    const { whole } = await visiblePrediction(context, principal, params.id, query.source);
    const made = { by: principal.id, expiresAt: body.expires_at ?? null };
    const { share, token } = await createShare(context.sql, whole, made);
    const url = new URL(`/v1/shared/${token}`, context.publicUrl).href;
    return { body: { ...share, url }, keep: { ...share, url: null } };
  },
});

const getShares = defineRoute({
  method: "get",
  path: "/predictions/{id}/shares",
  summary: "A prediction's public links, the oldest first",
  roles,
  params: PredictionPath,
  query: SourceQuery.extend({ ...PageQuery.shape, cursor: MomentCursor }),
  response: pageOf(ShareView),
  async handle({ params, query, principal, context }) {
    const { whole } = await visiblePrediction(context, principal, params.id, query.source);
    const shares = await listShares(context.sql, whole, { limit: query.limit + 1, after: query.cursor });
    const { data, next_cursor } = page(shares, query.limit, momentCursor);
    return { body: { data: data.map(({ micros, ...share }) => share), next_cursor } };
  },
});

const removeShare = defineRoute({
  method: "delete",
  path: "/predictions/{id}/shares/{share}",
  summary: "Take a public link back",
  roles,
  params: PredictionPath.extend({ share: z.string().min(1).max(64) }),
  query: SourceQuery,
  status: 204,
  response: z.null(),
  async handle({ params, query, principal, context }) {
    const { whole } = await visiblePrediction(context, principal, params.id, query.source);
    if (!(await deleteShare(context.sql, whole, params.share)))
      throw new Refusal("not_found", `there is no link ${params.share}`);
    return { body: null };
  },
});

const getShared = defineOpenRoute({
  method: "get",
  path: "/shared/{token}",
  summary: "A prediction that was shared by a public link",
  params: z.object({ token: Token }),
  response: z
    .object({
      id: z.string(),
      model: z.string(),
      version: z.string().nullable(),
      status: z.string(),
      occurred_at: z.string(),
      ...PayloadView.shape,
    })
    .meta({ id: "SharedPrediction" }),
  async handle({ params, context }) {
    const shared = await findShared(context.sql, params.token);
    if (shared === undefined)
      throw new Refusal("not_found", "this link leads nowhere: it was taken back, has expired, or never was");
    const [prediction] = await findPredictions(context.sql, shared.id, shared.source);
    const { id, model, version, status, occurred_at, ...shown } = present(
      prediction,
      "the shared prediction",
    );
    const payload = await payloadView(context, shared.source, shared.id);
    return {
      body: {
        id,
        model,
        version,
        status,
        occurred_at,
        ...payload,
        hardware: shown.hardware ?? payload.hardware,
      },
    };
  },
});

export const shareRoutes: Route[] = [postShare, getShares, removeShare];
export const sharedRoutes: OpenRoute[] = [getShared];
