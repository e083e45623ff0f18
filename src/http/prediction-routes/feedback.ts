import { z } from "zod";
import { ModelId } from "../../catalog/index.ts";
import { csv, Refusal } from "../../kernel/index.ts";
import { countFeedback, exportFeedback, setFeedback, withdrawFeedback } from "../../predictions/index.ts";
import { redactText } from "../../secrets/index.ts";
import { defineRoute, type Route } from "../route.ts";
import { PageQuery, page, pageOf } from "../schemas.ts";
import { OpinionView, visiblePrediction } from "../usage-routes/predictions.ts";
import { ModelPath, ownModel } from "./own-subject.ts";
import { PredictionPath, SourceQuery } from "./shares.ts";

const roles = ["operator", "customer"] as const;
const Author = z
  .string()
  .min(1)
  .max(200)
  .refine((author) => redactText(author) === author, "this looks like a secret: name the author otherwise")
  .meta({ description: "An end user of the customer; without one it is the customer's own." });
const AuthorQuery = SourceQuery.extend({ author: Author.optional() });

const putFeedback = defineRoute({
  method: "put",
  path: "/predictions/{id}/feedback",
  audited: false,
  summary: "Say what its customer, or one of the customer's users, thinks of a prediction; again changes it",
  roles,
  params: PredictionPath,
  query: AuthorQuery,
  body: z.strictObject({
    thumb: z.enum(["up", "down"]).nullable().default(null),
    score: z.int().min(0).max(100).nullable().default(null),
    labels: z.array(z.string().min(1).max(64)).max(20).default([]),
    text: z.string().max(10_000).nullable().default(null),
  }),
  response: OpinionView.meta({ id: "Feedback" }),
  async handle({ params, query, body, principal, context }) {
    const { whole } = await visiblePrediction(context, principal, params.id, query.source);
    const { keys } = context.payloads;
    return { body: await setFeedback(context.sql, keys, whole, query.author ?? null, body) };
  },
});

const removeFeedback = defineRoute({
  method: "delete",
  path: "/predictions/{id}/feedback",
  audited: false,
  summary: "Withdraw feedback",
  roles,
  params: PredictionPath,
  query: AuthorQuery,
  status: 204,
  response: z.null(),
  async handle({ params, query, principal, context }) {
    const { whole } = await visiblePrediction(context, principal, params.id, query.source);
    if (!(await withdrawFeedback(context.sql, whole, query.author ?? null)))
      throw new Refusal("not_found", `there is no feedback of this author on ${params.id}`);
    return { body: null };
  },
});

const ExportView = z.object({
  prediction: z.string(),
  source: z.string(),
  customer: z.string(),
  model: z.string(),
  version: z.string().nullable(),
  ...OpinionView.shape,
});

const COLUMNS = ["prediction", "source", "customer", "model", "version", "author", "thumb", "score"] as const;

const getFeedback = defineRoute({
  method: "get",
  path: "/feedback",
  summary: "All feedback that a customer gave, or everybody's for an operator; as JSON or CSV",
  roles,
  query: PageQuery.extend({
    model: ModelId.optional(),
    cursor: z
      .string()
      .regex(/^[0-9a-f-]{36}:.{0,200}$/s, "the next_cursor of an earlier answer")
      .optional(),
  }),
  offers: ["text/csv"],
  response: pageOf(ExportView.meta({ id: "ExportedFeedback" })),
  async handle({ query, principal, context, accepts }) {
    const filter = { customer: principal.customer ?? undefined, model: query.model };
    const rows = await exportFeedback(context.sql, context.payloads.keys, filter, {
      limit: query.limit + 1,
      after: query.cursor,
    });
    const found = page(rows, query.limit, ({ cursor }) => cursor);
    if (accepts !== "text/csv") return { body: found };
    const lines = found.data.map((row) => [
      ...COLUMNS.map((name) => String(row[name] ?? "")),
      row.labels.join(" "),
      row.text ?? "",
      row.created_at,
      row.updated_at,
    ]);
    const header = [...COLUMNS, "labels", "text", "created_at", "updated_at"];
    return { body: null, file: { type: "text/csv", name: "feedback.csv", bytes: csv([header, ...lines]) } };
  },
});

const getCounts = defineRoute({
  method: "get",
  path: "/models/{owner}/{name}/feedback",
  summary: "How each version of a model is liked",
  roles: ["operator", "payee"],
  params: ModelPath,
  response: z.object({
    model: z.string(),
    data: z.array(
      z.object({
        version: z.string().nullable(),
        given: z.int(),
        up: z.int(),
        down: z.int(),
        scored: z.int(),
        score_sum: z.int(),
        labels: z.record(z.string(), z.int()),
      }),
    ),
  }),
  async handle({ params, principal, context }) {
    const model = await ownModel(context, principal, params);
    return { body: { model, data: await countFeedback(context.sql, model) } };
  },
});

export const feedbackRoutes: Route[] = [putFeedback, removeFeedback, getFeedback, getCounts];
