import type { Instant, Nanos } from "../kernel/index.ts";
import type { PriceTerms } from "../pricing/index.ts";
import {
  LINEAGE_LEVELS_MAX,
  type LineageLevel,
  type PolicySteps,
  resolveSplitPlan,
  type SplitPlan,
} from "../sharing/index.ts";

/** Something that holds from a moment on, until the next version of the same thing. */
export interface Version {
  effectiveFrom: Instant;
}

export interface Payee {
  name: string;
  country: string;
  defaultCurrency: string;
  minimumPayoutNanos: Nanos | null;
  stripeAccount: string | null;
}
export interface CustomerVersion extends Version {
  currency: string;
  country: string | null;
  payee: string | null;
}
export interface LineageVersion extends Version {
  payee: string;
  baseModel: string | null;
}
export interface PriceVersion extends Version {
  terms: PriceTerms;
}
export interface PolicyVersion extends Version {
  steps: PolicySteps;
}
/** From when which split plan (by hash) splits a model's gross. */
export interface Segment extends Version {
  plan: string;
}
export interface Customer {
  name: string;
  versions: CustomerVersion[];
}
export interface Model {
  lineage: LineageVersion[];
  policies: PolicyVersion[];
  pricesByCurrency: Map<string, PriceVersion[]>;
  segments: Segment[];
}

/** The whole catalogue at one version, by id. All version lists are sorted by effectiveFrom. */
export interface Catalog {
  version: bigint;
  payees: Map<string, Payee>;
  customers: Map<string, Customer>;
  models: Map<string, Model>;
  defaultPolicies: PolicyVersion[];
  /** Base model → models that ever named it as their base. */
  derivatives: Map<string, Set<string>>;
}

/** The version in force at a moment, if any. */
export function versionAt<V extends Version>(versions: readonly V[], at: Instant): V | undefined {
  return versions.findLast((version) => version.effectiveFrom <= at);
}

/** A model's lineage at a moment, model first; undefined before the model exists. Endless lineages are cut one level too deep. */
export function lineageAt(catalog: Catalog, modelId: string, at: Instant): LineageLevel[] {
  const levels: LineageLevel[] = [];
  let next: string | null = modelId;
  while (next !== null && levels.length <= LINEAGE_LEVELS_MAX) {
    const model: Model | undefined = catalog.models.get(next);
    const lineage = versionAt(model?.lineage ?? [], at);
    const policy = versionAt(model?.policies ?? [], at) ?? versionAt(catalog.defaultPolicies, at);
    if (lineage === undefined || policy === undefined) break;
    levels.push({ model: next, owner: lineage.payee, steps: policy.steps });
    next = lineage.baseModel;
  }
  return levels;
}

/** Every moment at which a model's split may change: its own versions and those of all it was ever made from. */
export function splitMoments(catalog: Catalog, modelId: string): Instant[] {
  const moments = new Set<Instant>(catalog.defaultPolicies.map((policy) => policy.effectiveFrom));
  const seen = new Set<string>();
  const visit = (id: string) => {
    const model = catalog.models.get(id);
    if (model === undefined || seen.has(id)) return;
    seen.add(id);
    for (const version of [...model.lineage, ...model.policies]) moments.add(version.effectiveFrom);
    for (const version of model.lineage) if (version.baseModel !== null) visit(version.baseModel);
  };
  visit(modelId);
  return [...moments].sort((a, b) => (a < b ? -1 : 1));
}

/** The split plan of a model at a moment; undefined before the model exists. */
export function splitPlanAt(catalog: Catalog, modelId: string, at: Instant): SplitPlan | undefined {
  const lineage = lineageAt(catalog, modelId, at);
  return lineage.length === 0 ? undefined : resolveSplitPlan(lineage);
}

/** The model and everything that was ever made from it, however far down. */
export function withDescendants(catalog: Catalog, modelIds: Iterable<string>): Set<string> {
  const found = new Set<string>();
  const queue = [...modelIds];
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    if (found.has(id)) continue;
    found.add(id);
    queue.push(...(catalog.derivatives.get(id) ?? []));
  }
  return found;
}
