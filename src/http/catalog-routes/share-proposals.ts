import { z } from "zod";
import {
  answerProposal,
  listProposals,
  PROPOSAL_STATES,
  proposeShares,
  type ShareProposal,
  withdrawProposal,
} from "../../agreements/index.ts";
import { Id, ModelId, Time } from "../../catalog/index.ts";
import { Refusal } from "../../kernel/index.ts";
import type { AppContext } from "../context.ts";
import type { Principal } from "../keys/principal.ts";
import { defineRoute, type Route } from "../route.ts";
import { PageQuery, page, pageOf } from "../schemas.ts";

const roles = ["operator", "payee"] as const;
const ProposalPath = z.object({ id: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/, "a proposal's id") });

const Share = z.strictObject({
  payee: Id,
  weight: z.int().min(0).max(1_000_000_000).meta({ description: "In proportion to the others'." }),
});

const Proposal = z
  .object({
    id: z.string(),
    model: z.string(),
    proposed_by: z.string(),
    effective_from: z.string(),
    state: z.enum(PROPOSAL_STATES),
    reason: z
      .string()
      .nullable()
      .meta({ description: "Why it came to nothing; of a declined one, who said no." }),
    created_at: z.string(),
    decided_at: z.string().nullable(),
    shares: z.array(
      z.object({
        payee: z.string(),
        weight: z.int(),
        answer: z.enum(["accepted", "declined"]).nullable(),
        answered_at: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: "ShareProposal" });

/** @throws Refusal not_found, also for somebody who is not named in it */
async function visible(context: AppContext, principal: Principal, id: string): Promise<ShareProposal> {
  const [proposal] = await listProposals(context.sql, { id, limit: 1 });
  const named = proposal?.shares.some(({ payee }) => payee === principal.payee) === true;
  if (proposal === undefined || (principal.role !== "operator" && !named))
    throw new Refusal("not_found", `there is no share proposal ${id}`);
  return proposal;
}

const propose = defineRoute({
  method: "post",
  path: "/models/{owner}/{name}/share-proposals",
  summary:
    "Propose how a model's income is shared from a date on; a policy once everybody named has accepted",
  roles: ["payee"],
  params: z.object({ owner: Id, name: Id }),
  body: z.strictObject({
    effective_from: Time,
    shares: z
      .array(Share)
      .min(1)
      .max(64)
      .refine((shares) => new Set(shares.map(({ payee }) => payee)).size === shares.length, "each payee once")
      .refine((shares) => shares.some(({ weight }) => weight > 0), "somebody must have a weight above 0"),
  }),
  status: 201,
  response: Proposal,
  async handle({ params, body, principal, context }) {
    const proposal = await proposeShares(context.sql, context.catalog, {
      model: `${params.owner}/${params.name}`,
      proposedBy: principal.payee ?? "",
      effectiveFrom: body.effective_from,
      shares: body.shares,
      by: principal.id,
    });
    return { body: proposal };
  },
});

const list = defineRoute({
  method: "get",
  path: "/share-proposals",
  summary: "The proposals that a payee is named in, or everybody's for an operator, the newest first",
  roles,
  query: PageQuery.extend({ model: ModelId.optional() }),
  response: pageOf(Proposal),
  async handle({ query, principal, context }) {
    const proposals = await listProposals(context.sql, {
      limit: query.limit + 1,
      ...(query.cursor === undefined ? {} : { after: query.cursor }),
      ...(principal.payee === null ? {} : { payee: principal.payee }),
      ...(query.model === undefined ? {} : { model: query.model }),
    });
    return { body: page(proposals, query.limit, ({ id }) => id) };
  },
});

const get = defineRoute({
  method: "get",
  path: "/share-proposals/{id}",
  summary: "One proposal with what everybody said to it",
  roles,
  params: ProposalPath,
  response: Proposal,
  handle: async ({ params, principal, context }) => ({ body: await visible(context, principal, params.id) }),
});

/** Nothing is asked, and what is sent all the same, such as a reason, is refused rather than dropped. */
const Nothing = z.strictObject({});

const answering = (verb: "accept" | "decline", answer: "accepted" | "declined", summary: string) =>
  defineRoute({
    method: "post",
    path: `/share-proposals/{id}/${verb}`,
    summary,
    roles: ["payee"],
    before: async ({ params, context }) => (await listProposals(context.sql, { id: params.id, limit: 1 }))[0],
    params: ProposalPath,
    body: Nothing,
    bodyOptional: true,
    response: Proposal,
    async handle({ params, principal, context }) {
      const { id } = await visible(context, principal, params.id);
      const said = { id, payee: principal.payee ?? "", answer, by: principal.id };
      const proposal = await answerProposal(context.sql, context.catalog, said);
      if (proposal.state === "accepted") await context.afterCatalogChange();
      return { body: proposal };
    },
  });

const withdraw = defineRoute({
  method: "post",
  path: "/share-proposals/{id}/withdraw",
  summary: "Take a proposal back that is not decided yet",
  roles: ["payee"],
  params: ProposalPath,
  body: Nothing,
  bodyOptional: true,
  response: Proposal,
  async handle({ params, principal, context }) {
    const { id } = await visible(context, principal, params.id);
    return { body: await withdrawProposal(context.sql, id, principal.payee ?? "") };
  },
});

export const shareProposalRoutes: Route[] = [
  propose,
  list,
  get,
  answering("accept", "accepted", "Accept one's share; the last yes makes it a revenue policy"),
  answering("decline", "declined", "Decline: the proposal comes to nothing"),
  withdraw,
];
