import { z } from "zod";
import { ModelId, PolicyDocument, PriceDocument } from "../../catalog/index.ts";
import { previewDraft } from "../../statements/index.ts";
import { defineRoute, type Route } from "../route.ts";
import { Money, PeriodText } from "../schemas.ts";

const undated = { effective_from: true } as const;

const Draft = z
  .strictObject({
    model: ModelId,
    period: PeriodText,
    policy: PolicyDocument.partial(undated).optional(),
    price: PriceDocument.partial(undated).optional(),
  })
  .refine(({ policy, price }) => policy !== undefined || price !== undefined, {
    error: "a draft `policy`, a draft `price`, or both",
  })
  .meta({
    id: "Draft",
    description:
      "A policy or price as it would be posted. It is taken to hold for the whole month of service, whatever its effective_from.",
  });

const compared = { currency: z.string(), now: Money, drafted: Money, difference: Money };
const Compared = z.object(compared).meta({ id: "Compared", description: "As it is, and as it would be." });

const postPreview = defineRoute({
  method: "post",
  path: "/policies/preview",
  audited: false,
  summary: "What everybody would earn of a month's usage under a draft policy or price; nothing is changed",
  roles: ["operator"],
  body: Draft,
  response: z
    .object({
      model: z.string(),
      period: z.string(),
      exact: z.boolean(),
      notes: z.array(z.string()),
      models: z.array(z.string()),
      gross: z.array(Compared),
      payees: z.array(z.object({ payee: z.string(), ...compared })),
      platform: z.array(Compared),
    })
    .meta({ id: "Preview" }),
  async handle({ body, context }) {
    const { model, period, policy, price } = body;
    const draft = { model, policy: policy?.steps, price: price === undefined ? undefined : termsOf(price) };
    return { body: await previewDraft(context.sql, await context.catalog.current(), draft, period) };
  },
});

function termsOf({ effective_from: _, ...terms }: NonNullable<z.infer<typeof Draft>["price"]>) {
  return PriceDocument.omit(undated).parse(terms);
}

export const previewRoutes: Route[] = [postPreview];
