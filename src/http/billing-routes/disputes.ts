import { z } from "zod";
import { listDisputes, loseDispute, openDispute, winDispute } from "../../adjustments/index.ts";
import { Refusal } from "../../kernel/index.ts";
import type { AppContext } from "../context.ts";
import { defineRoute, type Route } from "../route.ts";
import { AmountNanos, Money, PageQuery, page, pageOf } from "../schemas.ts";
import { InvoiceId, Reason } from "./adjustment-schemas.ts";

const operator = ["operator"] as const;
const DisputeId = z.string().regex(/^[A-Za-z0-9._@:-]{1,200}$/, "a dispute's id");
const DisputePath = z.object({ id: DisputeId });

const Dispute = z
  .object({
    id: z.string(),
    invoice: z.string(),
    amount: Money,
    state: z
      .enum(["open", "won", "lost"])
      .meta({ description: "What was decided last: one that was lost may be won after all." }),
    reason: z.string(),
    lost_as: z.string().nullable().meta({ description: "The refund that it became when it was lost." }),
    given_back_by: z
      .string()
      .nullable()
      .meta({ description: "What took that refund back: it was lost, and is won after all." }),
    held: Money.meta({ description: "Of payees' balances, until it is decided." }),
    opened_by: z.string(),
    opened_at: z.string(),
    decided_by: z.string().nullable(),
    decided_at: z.string().nullable(),
  })
  .meta({ id: "Dispute" });

async function one({ sql }: AppContext, id: string) {
  const [found] = await listDisputes(sql, { id, limit: 1 });
  if (found === undefined) throw new Refusal("not_found", `there is no dispute ${id}`);
  return found;
}

const open = defineRoute({
  method: "post",
  path: "/disputes",
  summary: "A customer takes a payment back through its bank: the payees' parts are held until it is decided",
  roles: operator,
  body: z.strictObject({ id: DisputeId, invoice: InvoiceId, amount: AmountNanos, reason: Reason }),
  status: 201,
  response: Dispute,
  async handle({ body, principal, context }) {
    const { amount: amountNanos, ...opened } = body;
    await openDispute(context.sql, { ...opened, amountNanos, by: principal.id });
    return { body: await one(context, body.id) };
  },
});

const decide = defineRoute({
  method: "post",
  path: "/disputes/{id}/decide",
  summary:
    "Won: what was held is payable again. Lost: it becomes a refund, with the provider's fee borne as the policy says",
  roles: operator,
  params: DisputePath,
  body: z
    .strictObject({
      outcome: z.enum(["won", "lost"]),
      provider_fee: AmountNanos.optional().meta({ description: "What the provider charged for a lost one." }),
    })
    .refine(({ outcome, provider_fee }) => outcome === "lost" || provider_fee === undefined, {
      path: ["provider_fee"],
      message: "only of a lost dispute: of one that was won no fee is booked",
    }),
  response: Dispute,
  async handle({ params: { id }, body, principal, context }) {
    const feeNanos = body.provider_fee ?? 0n;
    if (body.outcome === "won") await winDispute(context.sql, id, principal.id);
    else await loseDispute(context.sql, { id, by: principal.id, feeNanos });
    return { body: await one(context, id) };
  },
});

const list = defineRoute({
  method: "get",
  path: "/disputes",
  summary: "Disputes, the newest first",
  roles: operator,
  query: PageQuery.extend({ state: Dispute.shape.state.optional() }),
  response: pageOf(Dispute),
  async handle({ query: { state, cursor, limit }, context }) {
    const disputes = await listDisputes(context.sql, { state, after: cursor, limit: limit + 1 });
    return { body: page(disputes, limit, ({ id }) => id) };
  },
});

const get = defineRoute({
  method: "get",
  path: "/disputes/{id}",
  summary: "One dispute",
  roles: operator,
  params: DisputePath,
  response: Dispute,
  handle: async ({ params, context }) => ({ body: await one(context, params.id) }),
});

export const disputeRoutes: Route[] = [open, decide, list, get];
