import { z } from "zod";
import {
  acceptRoyaltyTerms,
  endRoyaltyTerms,
  listRoyaltyAcceptances,
  listRoyaltyTerms,
  offerRoyaltyTerms,
  TERMS_STATES,
  withdrawRoyaltyTerms,
} from "../../agreements/index.ts";
import { Id, ModelId, Time } from "../../catalog/index.ts";
import { isPlainText } from "../../kernel/index.ts";
import { Percent, PercentOf } from "../../sharing/index.ts";
import { defineRoute, type Route } from "../route.ts";
import { PageQuery, page, pageOf } from "../schemas.ts";

const roles = ["operator", "payee"] as const;
const ModelPath = z.object({ owner: Id, name: Id });
const TermsPath = z.object({ id: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/, "the id of royalty terms") });

const Wording = z
  .string()
  .min(1)
  .max(10_000)
  .refine((text) => text.split("\n").every(isPlainText), "text without control characters but line ends")
  .meta({ example: "For every model made from this one, however much of it is changed." });

const Taken = { percent: z.string(), of: z.enum(["gross", "remaining"]) };

const Terms = z
  .object({
    id: z.string(),
    model: z.string().meta({ description: "The base model." }),
    offered_by: z.string(),
    ...Taken,
    wording: z.string(),
    effective_from: z.string(),
    offered_at: z.string(),
    ends_at: z
      .string()
      .nullable()
      .meta({ description: "From when on nobody accepts them any more; who accepted before keeps them." }),
    state: z.enum(TERMS_STATES),
  })
  .meta({ id: "RoyaltyTerms" });

const Acceptance = z
  .object({
    id: z.string(),
    terms: z.string(),
    base_model: z.string(),
    offered_by: z.string(),
    ...Taken,
    wording: z.string(),
    model: z.string(),
    payee: z.string(),
    accepted_as: z
      .enum(["payee", "operator"])
      .meta({ description: "`operator`: in the payee's name, when the model was registered." }),
    accepted_at: z.string(),
    hash: z.string().meta({ description: "SHA-256 over the acceptance and what was accepted." }),
    registered: z.boolean().meta({ description: "The model was registered under it." }),
    carried: z.object(Taken).nullable().meta({
      description:
        "What the model's policy sends up now: other than accepted where an operator has posted another policy since.",
    }),
  })
  .meta({ id: "RoyaltyAcceptance" });

const offer = defineRoute({
  method: "post",
  path: "/models/{owner}/{name}/royalty-terms",
  summary:
    "Offer the royalty terms under which others may make models from one's own; whoever accepted earlier ones keeps those",
  roles: ["payee"],
  params: ModelPath,
  body: z.strictObject({
    percent: Percent,
    of: PercentOf,
    wording: Wording,
    effective_from: Time.optional().meta({ description: "Now, when it is left out." }),
  }),
  status: 201,
  response: Terms,
  async handle({ params, body, principal, context }) {
    const terms = await offerRoyaltyTerms(context.sql, context.catalog, {
      model: `${params.owner}/${params.name}`,
      offeredBy: principal.payee ?? "",
      percent: body.percent,
      of: body.of,
      wording: body.wording,
      effectiveFrom: body.effective_from,
    });
    return { body: terms };
  },
});

const listTerms = defineRoute({
  method: "get",
  path: "/models/{owner}/{name}/royalty-terms",
  summary: "The royalty terms that a model has been offered as a base under, the latest first",
  roles,
  params: ModelPath,
  response: z.object({ data: z.array(Terms) }),
  async handle({ params, context }) {
    const models = [`${params.owner}/${params.name}`];
    return { body: { data: await listRoyaltyTerms(context.sql, { models }) } };
  },
});

const listOffered = defineRoute({
  method: "get",
  path: "/royalty-terms",
  summary: "The royalty terms that were offered: to a payee its own for all its models, the latest first",
  roles,
  query: PageQuery,
  response: pageOf(Terms),
  async handle({ query: { cursor, limit }, principal, context }) {
    const terms = await listRoyaltyTerms(context.sql, {
      ...(principal.payee === null ? {} : { offeredBy: principal.payee }),
      ...(cursor === undefined ? {} : { after: cursor }),
      limit: limit + 1,
    });
    return { body: page(terms, limit, ({ id }) => id) };
  },
});

const withdraw = defineRoute({
  method: "post",
  path: "/royalty-terms/{id}/withdraw",
  summary:
    "Take back terms that nobody has accepted: those before them, if there are any, are in force again",
  roles: ["payee"],
  params: TermsPath,
  response: Terms,
  async handle({ params, principal, context }) {
    const asked = { id: params.id, offeredBy: principal.payee ?? "", by: principal.id };
    return { body: await withdrawRoyaltyTerms(context.sql, asked) };
  },
});

const end = defineRoute({
  method: "post",
  path: "/royalty-terms/{id}/end",
  summary:
    "Ask for no royalty of models that are made from a moment on; who accepted the terms before keeps them",
  roles: ["payee"],
  params: TermsPath,
  body: z.strictObject({
    ends_at: Time.optional().meta({ description: "Not in the past; now, when it is left out." }),
  }),
  response: Terms,
  async handle({ params, body, principal, context }) {
    const asked = { id: params.id, offeredBy: principal.payee ?? "", by: principal.id, at: body.ends_at };
    return { body: await endRoyaltyTerms(context.sql, asked) };
  },
});

const accept = defineRoute({
  method: "post",
  path: "/royalty-terms/{id}/accept",
  summary: "Accept the terms of a base model for a model that is to be registered",
  roles: ["payee"],
  params: TermsPath,
  body: z.strictObject({ model: ModelId.meta({ description: "The model to be made from the base." }) }),
  status: 201,
  response: Acceptance,
  async handle({ params, body, principal, context }) {
    const acceptance = await acceptRoyaltyTerms(context.sql, context.catalog, {
      terms: params.id,
      model: body.model,
      payee: principal.payee ?? "",
      as: "payee",
      by: principal.id,
    });
    return { body: acceptance };
  },
});

const listAcceptances = defineRoute({
  method: "get",
  path: "/royalty-acceptances",
  summary:
    "Who accepted which royalty terms for which model: to a payee its own, on either side; the newest first",
  roles,
  query: PageQuery.extend({ model: ModelId.optional().meta({ description: "The model, or its base." }) }),
  response: pageOf(Acceptance),
  async handle({ query, principal, context }) {
    const acceptances = await listRoyaltyAcceptances(context.sql, context.catalog, {
      limit: query.limit + 1,
      ...(query.cursor === undefined ? {} : { after: query.cursor }),
      ...(principal.payee === null ? {} : { party: principal.payee }),
      ...(query.model === undefined ? {} : { model: query.model }),
    });
    return { body: page(acceptances, query.limit, ({ id }) => id) };
  },
});

export const royaltyTermsRoutes: Route[] = [
  offer,
  listTerms,
  listOffered,
  accept,
  withdraw,
  end,
  listAcceptances,
];
