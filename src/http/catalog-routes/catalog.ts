import { z } from "zod";
import { changeUnderTerms } from "../../agreements/index.ts";
import {
  CatalogDocument,
  CustomerTerms,
  Id,
  ModelId,
  ModelTerms,
  PayeeTerms,
  PolicyDocument,
  PriceDocument,
} from "../../catalog/index.ts";
import { formatNanos, Refusal } from "../../kernel/index.ts";
import { lettersNotPrinted } from "../../statements/index.ts";
import type { AppContext } from "../context.ts";
import { NotPrinted, notPrintedOf } from "../payee-routes/legal-details.ts";
import { defineRoute, type Route } from "../route.ts";

const operator = ["operator"] as const;
const ModelPath = z.object({ owner: Id, name: Id });
const modelOf = ({ owner, name }: { owner: string; name: string }) => `${owner}/${name}`;

type Change = z.input<typeof CatalogDocument>;

async function change(context: AppContext, document: Change, by: string): Promise<void> {
  await changeUnderTerms(context.sql, context.catalog, CatalogDocument.parse(document), by);
  await context.afterCatalogChange();
}

/** A change of one thing: errors name the field of that thing, not its place in a document. */
async function changeOne(context: AppContext, document: Change, by: string): Promise<void> {
  try {
    await change(context, document, by);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const fields = error.fields.map((field) => ({ ...field, path: field.path.replace(/^\w+\[0\]\.?/, "") }));
    throw new Refusal(error.code, error.message, fields);
  }
}

const putPayee = defineRoute({
  method: "put",
  path: "/payees/{id}",
  before: async ({ params, context }) => (await context.catalog.current()).payees.get(params.id),
  summary: "Register or change a payee",
  roles: operator,
  params: z.object({ id: Id }),
  body: PayeeTerms,
  response: PayeeTerms.extend({ id: Id, not_printed: NotPrinted.nullable() }),
  async handle({ params, body, principal, context }) {
    await changeOne(context, { payees: [{ id: params.id, ...body }] }, principal.id);
    const payee = (await context.catalog.current()).payees.get(params.id);
    const minimum = payee?.minimumPayoutNanos ?? null;
    const not_printed = await notPrintedOf(body.name, body.legal ?? null);
    return {
      body: {
        id: params.id,
        ...body,
        ...(minimum === null ? {} : { minimum_payout: formatNanos(minimum) }),
        ...(payee?.stripeAccount ? { stripe_account: payee.stripeAccount } : {}),
        not_printed,
      },
    };
  },
});

const putCustomer = defineRoute({
  method: "put",
  path: "/customers/{id}",
  summary: "Register a customer, or change its terms from a moment on",
  roles: operator,
  params: z.object({ id: Id }),
  body: CustomerTerms,
  response: CustomerTerms.extend({ id: Id }),
  async handle({ params, body, principal, context }) {
    await changeOne(context, { customers: [{ id: params.id, ...body }] }, principal.id);
    return { body: { id: params.id, ...body } };
  },
});

const putModel = defineRoute({
  method: "put",
  path: "/models/{owner}/{name}",
  before: async ({ params, context }) => (await context.catalog.current()).models.get(modelOf(params)),
  summary: "Register a model, or change its owner or base model from a moment on",
  roles: operator,
  params: ModelPath,
  body: ModelTerms,
  response: ModelTerms.extend({ id: ModelId }),
  async handle({ params, body, principal, context }) {
    await changeOne(context, { models: [{ id: modelOf(params), ...body }] }, principal.id);
    return { body: { id: modelOf(params), ...body } };
  },
});

const postPrice = defineRoute({
  method: "post",
  path: "/models/{owner}/{name}/prices",
  summary: "Add a version of a model's price",
  roles: operator,
  params: ModelPath,
  body: PriceDocument,
  status: 201,
  response: PriceDocument.extend({ model: ModelId }),
  async handle({ params, body, principal, context }) {
    await changeOne(context, { prices: [{ model: modelOf(params), ...body }] }, principal.id);
    return { body: { model: modelOf(params), ...body } };
  },
});

const postPolicy = defineRoute({
  method: "post",
  path: "/models/{owner}/{name}/policies",
  summary: "Add a version of a model's revenue policy",
  roles: operator,
  params: ModelPath,
  body: PolicyDocument,
  status: 201,
  response: PolicyDocument.extend({ model: ModelId }),
  async handle({ params, body, principal, context }) {
    await changeOne(context, { policies: [{ model: modelOf(params), ...body }] }, principal.id);
    return { body: { model: modelOf(params), ...body } };
  },
});

const Imported = z.object({
  payees: z.int(),
  models: z.int(),
  customers: z.int(),
  policies: z.int(),
  prices: z.int(),
  accounts_changed: z
    .array(z.object({ payee: Id, before: z.string().nullable(), after: z.string().nullable() }))
    .meta({ description: "Payees that were there already and are paid elsewhere from now on." }),
  not_printed: z
    .array(z.object({ payee: Id, letters: z.array(z.string()) }))
    .meta({ description: "Letters of names and legal details that statements as PDF show as boxes." }),
});

const importCatalog = defineRoute({
  method: "post",
  path: "/catalog/import",
  summary: "Import payees, models, customers, policies and prices: all or nothing",
  roles: operator,
  body: CatalogDocument,
  bodyBytesMax: 64 * 1_048_576,
  status: 201,
  response: Imported,
  async handle({ body, principal, context }) {
    const { payees: before } = await context.catalog.current();
    await change(context, body, principal.id);
    const { payees: after } = await context.catalog.current();
    const counts = Object.entries(body).map(([kind, rows]) => [kind, rows.length]);
    const named = [...body.payees.map(({ id }) => id), ...body.accounts.map(({ payee }) => payee)];
    // The audit log keeps what is answered, and of a long body only the hash.
    const accounts_changed = [...new Set(named)].flatMap((payee) => {
      const [was, is] = [before.get(payee), after.get(payee)?.stripeAccount ?? null];
      return was === undefined || was.stripeAccount === is
        ? []
        : [{ payee, before: was.stripeAccount, after: is }];
    });
    const not_printed = await notPrintedIn(body.payees);
    return { body: { ...Object.fromEntries(counts), accounts_changed, not_printed } };
  },
});

async function notPrintedIn(payees: CatalogDocument["payees"]) {
  const textsOf = ({ name, legal }: CatalogDocument["payees"][number]) =>
    [name, legal?.name, legal?.address, legal?.tax_id].join(" ");
  const missing = await lettersNotPrinted(payees.map(textsOf));
  if (missing.length === 0) return [];
  return payees.flatMap((payee) => {
    const text = textsOf(payee);
    const letters = missing.filter((letter) => text.includes(letter));
    return letters.length === 0 ? [] : [{ payee: payee.id, letters }];
  });
}

export const catalogRoutes: Route[] = [putPayee, putCustomer, putModel, postPrice, postPolicy, importCatalog];
