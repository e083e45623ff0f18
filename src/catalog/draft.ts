import { BEGINNING_OF_TIME, formatInstant, type Instant, present } from "../kernel/index.ts";
import type { PriceTerms } from "../pricing/index.ts";
import { type PolicySteps, planHash, type SplitPlan } from "../sharing/index.ts";
import { type Catalog, splitMoments, splitPlanAt, withDescendants } from "./catalog.ts";
import { CatalogDocument } from "./documents.ts";
import { planCatalogChange } from "./plan-catalog-change.ts";

/** What a model's policy or price might be. */
export interface Draft {
  model: string;
  policy?: PolicySteps | undefined;
  price?: PriceTerms | undefined;
}

/**
 * The catalogue as if the draft's policy had held from the beginning of time, and no other one of the model.
 * @throws Refusal for what could not be posted either.
 */
export function withDraft(catalog: Catalog, { model: id, policy, price }: Draft, at: Instant): Catalog {
  const dated = { model: id, effective_from: formatInstant(at) };
  const document = CatalogDocument.parse({
    policies: policy === undefined ? [] : [{ ...dated, steps: policy }],
    prices: price === undefined ? [] : [{ ...dated, ...price }],
  });
  planCatalogChange(catalog, document, at);
  if (policy === undefined) return catalog;
  const model = present(catalog.models.get(id), "the draft's model");
  const policies = [{ effectiveFrom: BEGINNING_OF_TIME, steps: policy }];
  return { ...catalog, models: new Map(catalog.models).set(id, { ...model, policies }) };
}

/** The models whose split a draft may change: its own, and with a policy all that were ever made from it. */
export function modelsOfDraft(catalog: Catalog, { model, policy }: Draft): string[] {
  return policy === undefined ? [model] : [...withDescendants(catalog, [model])];
}

/** From when until when a model's usage that was split by one plan would be split by another. Half-open. */
export interface Resplit {
  from: Instant;
  until: Instant;
  /** The hash of the plan that holds in the catalogue as it is. */
  before: string;
  after: SplitPlan;
}

/** How a draft would have split a model's usage between two moments. */
export function resplitsOf(
  catalog: Catalog,
  drafted: Catalog,
  model: string,
  from: Instant,
  until: Instant,
): Resplit[] {
  const inside = [...splitMoments(catalog, model), ...splitMoments(drafted, model)]
    .filter((moment) => moment > from && moment < until)
    .sort((a, b) => (a < b ? -1 : 1));
  const moments = [...new Set([from, ...inside])];
  return moments.flatMap((moment, index) => {
    const before = splitPlanAt(catalog, model, moment);
    const after = splitPlanAt(drafted, model, moment);
    if (before === undefined || after === undefined) return [];
    return [{ from: moment, until: moments[index + 1] ?? until, before: planHash(before), after }];
  });
}
