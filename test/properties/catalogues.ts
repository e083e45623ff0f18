import fc from "fast-check";
import { CatalogDocument } from "../../src/catalog/documents.ts";
import type { Catalog } from "../../src/catalog/index.ts";
import { type CatalogChange, planCatalogChange } from "../../src/catalog/plan-catalog-change.ts";
import { BEGINNING_OF_TIME, type Instant, parseInstant, present, Refusal } from "../../src/kernel/index.ts";
import { DEFAULT_POLICY } from "../../src/sharing/index.ts";

export const EMPTY: Catalog = {
  version: 0n,
  payees: new Map(),
  customers: new Map(),
  models: new Map(),
  defaultPolicies: [{ effectiveFrom: BEGINNING_OF_TIME, steps: DEFAULT_POLICY }],
  derivatives: new Map(),
};

/** When undated later versions would begin: after everything that is generated. */
export const NOW = instant("2024-01-01T00:00:00Z");
export const MODELS = ["m/a", "m/b", "m/c", "m/d", "m/e"];
const PAYEES = ["ada", "bob", "cy"];

export function instant(text: string): Instant {
  return present(parseInstant(text), "a time");
}

/** Few moments, so that versions meet. */
export const MOMENTS = Array.from({ length: 9 }, (_, index) => `2023-11-0${index + 1}T00:00:00Z`);
const moment = fc.constantFrom(...MOMENTS);

const shares = fc.uniqueArray(
  fc.record({ payee: fc.constantFrom(...PAYEES, "$owner"), weight: fc.integer({ min: 1, max: 2 }) }),
  {
    minLength: 1,
    maxLength: 2,
    selector: ({ payee }) => payee,
  },
);
const steps = fc
  .record({ platform: fc.constantFrom("0", "20"), royalty: fc.constantFrom(null, "5", "10"), shares })
  .map((drawn) => [
    { take: "platform", percent: drawn.platform },
    ...(drawn.royalty === null ? [] : [{ take: "royalty", percent: drawn.royalty }]),
    { take: "shares", shares: drawn.shares },
  ]);

const policy = fc.record({ model: fc.constantFrom(...MODELS), effective_from: moment, steps });
const model = fc.record({
  id: fc.constantFrom(...MODELS),
  payee: fc.constantFrom(...PAYEES),
  base_model: fc.option(fc.constantFrom(...MODELS), { freq: 2 }),
  effective_from: moment,
});
const price = fc.record({
  model: fc.constantFrom(...MODELS),
  currency: fc.constantFrom("USD", "EUR"),
  effective_from: moment,
  components: fc.constantFrom("1", "2").map((amount) => [{ meter: "input_tokens", amount, per: "1000" }]),
});
const customer = fc.record({
  id: fc.constantFrom("acme", "globex"),
  name: fc.constant("A customer"),
  currency: fc.constantFrom("USD", "EUR"),
  effective_from: moment,
});

/** Everybody is there; the models too, from one moment or another. */
const first = fc
  .tuple(
    ...MODELS.map((id) =>
      fc.record({ id: fc.constant(id), payee: fc.constantFrom(...PAYEES), effective_from: moment }),
    ),
  )
  .map((models) => ({
    payees: PAYEES.map((id) => ({ id, name: id, country: "US", default_currency: "USD" })),
    models,
  }));
const later = fc.record({
  models: fc.array(model, { maxLength: 3 }),
  policies: fc.array(policy, { maxLength: 3 }),
  prices: fc.array(price, { maxLength: 2 }),
  customers: fc.array(customer, { maxLength: 2 }),
});

/** A catalogue told one document after another; some of them are refused. */
export const histories = fc
  .tuple(first, fc.array(later, { minLength: 1, maxLength: 6 }))
  .map(([start, more]) => [start, ...more].map((document) => CatalogDocument.parse(document)));

export interface Step {
  before: Catalog;
  document: CatalogDocument;
  change: CatalogChange;
}

/** The changes that were taken, in order. */
export function play(documents: readonly CatalogDocument[]): Step[] {
  const taken: Step[] = [];
  let catalog = EMPTY;
  for (const document of documents) {
    const change = planned(catalog, document);
    if (change instanceof Refusal) continue;
    taken.push({ before: catalog, document, change });
    catalog = change.after;
  }
  return taken;
}

export function planned(catalog: Catalog, document: Partial<CatalogDocument>): CatalogChange | Refusal {
  try {
    return planCatalogChange(catalog, CatalogDocument.parse(document), NOW);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

/** Everything a change would write, apart from names of things that exist and what is resolved again. */
export function writtenVersions({ rows }: CatalogChange): unknown[] {
  return ["lineages", "policies", "prices", "customer_versions", "guards", "segments"].flatMap(
    (key) => rows[key],
  );
}
