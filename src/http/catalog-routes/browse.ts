import { z } from "zod";
import {
  Id,
  legalDetailsOf,
  ModelId,
  PolicyDocument,
  PriceDocument,
  versionAt,
} from "../../catalog/index.ts";
import { BEGINNING_OF_TIME, formatInstant, formatNanos, now, Refusal } from "../../kernel/index.ts";
import type { AppContext } from "../context.ts";
import type { Principal } from "../keys/principal.ts";
import { LegalView, NotPrinted, notPrintedOf } from "../payee-routes/legal-details.ts";
import { visiblePayee } from "../payee-routes/payees.ts";
import { defineRoute, type Route } from "../route.ts";
import { PageQuery, page, pageOf } from "../schemas.ts";
import { familyOf, isParty, LineageNode } from "./family.ts";

const readers = ["operator", "payee"] as const;

const PayeeView = z
  .object({
    id: z.string(),
    name: z.string(),
    country: z.string(),
    default_currency: z.string(),
    minimum_payout: z.string().nullable(),
    stripe_account: z.string().nullable(),
  })
  .meta({ id: "Payee" });

type PayeeTerms = Awaited<ReturnType<typeof visiblePayee>>;

function payeeView(id: string, payee: PayeeTerms): z.infer<typeof PayeeView> {
  const { name, country, defaultCurrency, minimumPayoutNanos, stripeAccount } = payee;
  const minimum_payout = minimumPayoutNanos === null ? null : formatNanos(minimumPayoutNanos);
  return {
    id,
    name,
    country,
    default_currency: defaultCurrency,
    minimum_payout,
    stripe_account: stripeAccount,
  };
}

const listPayees = defineRoute({
  method: "get",
  path: "/payees",
  summary: "All payees, by id; `search` finds a part of an id or a name",
  roles: ["operator"],
  query: PageQuery.extend({ search: z.string().max(100).optional() }),
  response: pageOf(PayeeView),
  async handle({ query, context }) {
    const { payees } = await context.catalog.current();
    const wanted = query.search?.toLowerCase() ?? "";
    const found = [...payees]
      .filter(([id, { name }]) => `${id} ${name}`.toLowerCase().includes(wanted))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .filter(([id]) => query.cursor === undefined || id > query.cursor)
      .slice(0, query.limit + 1)
      .map(([id, payee]) => payeeView(id, payee));
    return { body: page(found, query.limit, ({ id }) => id) };
  },
});

const getPayee = defineRoute({
  method: "get",
  path: "/payees/{id}",
  summary: "One payee's terms, and what stands on its next statement as its legal details",
  roles: readers,
  params: z.object({ id: Id }),
  response: PayeeView.extend({ legal: LegalView.nullable(), not_printed: NotPrinted.nullable() }).meta({
    id: "PayeeWithLegal",
  }),
  async handle({ params, principal, context }) {
    const payee = await visiblePayee(context, principal, params.id);
    const legal = (await legalDetailsOf(context.sql, params.id)) ?? null;
    const not_printed = await notPrintedOf(payee.name, legal);
    return { body: { ...payeeView(params.id, payee), legal, not_printed } };
  },
});

const ModelSummary = z.object({
  id: z.string(),
  payee: z.string(),
  base_model: z.string().nullable(),
  currencies: z.array(z.string()).meta({ description: "In which it has a price." }),
});

const listModels = defineRoute({
  method: "get",
  path: "/models",
  summary: "Models, by id: all of them for an operator, those that pay it a part now for a payee",
  roles: readers,
  query: PageQuery.extend({ payee: Id.optional(), search: z.string().max(100).optional() }),
  response: pageOf(ModelSummary),
  async handle({ query, principal, context }) {
    const catalog = await context.catalog.current();
    const payee = principal.role === "operator" ? query.payee : (principal.payee ?? "");
    const found = [...catalog.models]
      .filter(([id]) => id.toLowerCase().includes(query.search?.toLowerCase() ?? ""))
      .filter(([id]) => payee === undefined || isParty(catalog, id, payee))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .filter(([id]) => query.cursor === undefined || id > query.cursor)
      .slice(0, query.limit + 1)
      .map(([id, model]) => {
        const terms = versionAt(model.lineage, now()) ?? model.lineage.at(-1);
        const currencies = [...model.pricesByCurrency.keys()].sort();
        return { id, payee: terms?.payee ?? "", base_model: terms?.baseModel ?? null, currencies };
      });
    return { body: page(found, query.limit, ({ id }) => id) };
  },
});

const Version = z.object({ effective_from: z.string().nullable() });

const ModelView = ModelSummary.extend({
  lineage: z
    .array(LineageNode)
    .meta({ description: "From the root of its lineage to the model, then everything made from it." }),
  prices: z.array(PriceDocument.omit({ effective_from: true }).extend(Version.shape)),
  policies: z.array(PolicyDocument.omit({ effective_from: true }).extend(Version.shape)),
}).meta({ id: "Model" });

const getModel = defineRoute({
  method: "get",
  path: "/models/{owner}/{name}",
  summary: "One model with its prices, its policies and its lineage, up and down",
  roles: readers,
  params: z.object({ owner: Id, name: Id }),
  response: ModelView,
  async handle({ params, principal, context }) {
    return { body: await modelView(context, principal, ModelId.parse(`${params.owner}/${params.name}`)) };
  },
});

/** @throws Refusal not_found, also for a model in which a payee has no part */
async function modelView(
  context: AppContext,
  principal: Principal,
  id: string,
): Promise<z.input<typeof ModelView>> {
  const catalog = await context.catalog.current();
  const model = catalog.models.get(id);
  const mine = principal.role === "operator" || isParty(catalog, id, principal.payee ?? "");
  if (model === undefined || !mine) throw new Refusal("not_found", `there is no model ${id}`);
  const terms = versionAt(model.lineage, now()) ?? model.lineage.at(-1);
  const since = (at: bigint) => (at === BEGINNING_OF_TIME ? null : formatInstant(at));
  const owns = principal.role === "operator" || terms?.payee === principal.payee;
  const prices = [...model.pricesByCurrency.values()].flat();
  return {
    id,
    payee: terms?.payee ?? "",
    base_model: terms?.baseModel ?? null,
    currencies: [...model.pricesByCurrency.keys()].sort(),
    lineage: familyOf(catalog, id),
    prices: prices.map((price) => ({ ...price.terms, effective_from: since(price.effectiveFrom) })),
    // How others share among themselves is theirs to know.
    policies: owns
      ? model.policies.map(({ steps, effectiveFrom }) => ({ steps, effective_from: since(effectiveFrom) }))
      : [],
  };
}

export const browseRoutes: Route[] = [listPayees, getPayee, listModels, getModel];
