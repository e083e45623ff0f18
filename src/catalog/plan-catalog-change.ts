import { formatDecimal, formatInstant, type Instant, parseNanos } from "../kernel/index.ts";
import { meterScale, unitAmount } from "../pricing/index.ts";
import { LINEAGE_LEVELS_MAX, planCost } from "../sharing/index.ts";
import { type Catalog, lineageAt, splitMoments, withDescendants } from "./catalog.ts";
import type { CatalogDocument } from "./documents.ts";
import { type Guard, planGuards } from "./guards.ts";
import { planSegments } from "./plan-segments.ts";
import { refusal } from "./refusal.ts";
import { beginning, insertVersion, momentOf } from "./versions.ts";

/** Rows for apply_catalog_change(), and the catalogue as it will be. */
export interface CatalogChange {
  rows: Record<string, unknown> & { expected_version: string; guards: Guard[] };
  after: Catalog;
}

/**
 * Works out what a document changes: pure, nothing is written. `at` is the moment that versions without a date begin
 * (the first version of a thing begins at the beginning of time).
 * @throws Refusal when the document contradicts the catalogue or itself.
 */
export function planCatalogChange(before: Catalog, document: CatalogDocument, at: Instant): CatalogChange {
  const after: Catalog = {
    ...before,
    payees: new Map(before.payees),
    customers: new Map(before.customers),
    models: new Map(before.models),
    derivatives: new Map(before.derivatives),
  };
  const payees = planPayees(after, document);
  const accounts = planAccounts(after, document);
  checkAccounts(after, document);
  const lineages = planModels(after, document, at);
  const customerVersions = planCustomers(after, document, at);
  const policies = planPolicies(after, document);
  const prices = planPrices(after, document);

  const resplit = withDescendants(
    after,
    [...lineages, ...policies].map((row) => row.model),
  );
  checkLineages(after, resplit);
  const { segments, plans, redirects } = planSegments(after, resplit);
  checkCostCurrencies(after, new Set([...resplit, ...prices.map((price) => price.model)]));

  const meters = [...prices.flatMap((p) => p.components), ...plans.flatMap((p) => planCost(p.content) ?? [])];
  return {
    after: { ...after, version: before.version + 1n },
    rows: {
      expected_version: before.version.toString(),
      guards: planGuards(before, after, {
        customers: customerVersions.map((row) => row.customer),
        prices,
        models: resplit,
      }),
      payees: lastOfEach(payees),
      accounts,
      customers: lastOfEach(document.customers.map(({ id, name }) => ({ id, name }))),
      customer_versions: customerVersions,
      models: document.models.map(({ id }) => ({ id })),
      lineages,
      meters: meters.map(({ meter }) => ({ name: meter, scale: meterScale(meter) })),
      prices,
      policies,
      plans,
      redirects,
      segments,
    },
  };
}

/** A document may name something twice, as with two versions of a customer: its name is the last one given. */
function lastOfEach<R extends { id: string }>(rows: readonly R[]): R[] {
  return [...new Map(rows.map((row) => [row.id, row])).values()];
}

function planPayees(after: Catalog, document: CatalogDocument) {
  return document.payees.map((row) => {
    const minimum = row.minimum_payout === undefined ? null : (parseNanos(row.minimum_payout) ?? null);
    const known = after.payees.get(row.id)?.stripeAccount ?? null;
    const stripeAccount = row.stripe_account === undefined ? known : row.stripe_account;
    const { id, name, country, default_currency } = row;
    after.payees.set(id, {
      name,
      country,
      defaultCurrency: default_currency,
      minimumPayoutNanos: minimum,
      stripeAccount,
    });
    return {
      id,
      name,
      country,
      default_currency,
      minimum_payout_nanos: minimum?.toString() ?? null,
      stripe_account: row.stripe_account ?? null,
      legal: row.legal ?? null,
    };
  });
}

/** One row for each payee; those that have theirs taken away in its own row are among them. */
function planAccounts(after: Catalog, document: CatalogDocument) {
  const rows = new Map<string, CatalogDocument["accounts"][number]>();
  for (const { id, stripe_account } of document.payees)
    if (stripe_account === null) rows.set(id, { payee: id, stripe_account });
  for (const [index, row] of document.accounts.entries()) {
    requirePayee(after, row.payee, `accounts[${index}].payee`);
    const payee = after.payees.get(row.payee);
    if (payee !== undefined) after.payees.set(row.payee, { ...payee, stripeAccount: row.stripe_account });
    rows.set(row.payee, row);
  }
  return [...rows.values()];
}

/** Of two payees with one account, one is paid the other's money. The database holds it too. */
function checkAccounts(after: Catalog, document: CatalogDocument): void {
  const given = new Map<string, { payee: string; path: string }>();
  const note = (payee: string, account: string | null | undefined, path: string) => {
    if (typeof account === "string") given.set(account, { payee, path });
  };
  for (const [n, { id, stripe_account }] of document.payees.entries())
    note(id, stripe_account, `payees[${n}].stripe_account`);
  for (const [n, { payee, stripe_account }] of document.accounts.entries())
    note(payee, stripe_account, `accounts[${n}].stripe_account`);
  if (given.size === 0) return;
  for (const [payee, { stripeAccount }] of after.payees) {
    const asked = stripeAccount === null ? undefined : given.get(stripeAccount);
    if (asked === undefined || asked.payee === payee) continue;
    const message = `${stripeAccount} is the account of ${payee}, and an account is one payee's: give ${payee} another one, or none (null), first`;
    throw refusal("stripe_account_taken", asked.path, message);
  }
}

function planModels(after: Catalog, document: CatalogDocument, at: Instant) {
  for (const { id } of document.models) {
    const known = after.models.get(id);
    after.models.set(id, known ?? { lineage: [], policies: [], pricesByCurrency: new Map(), segments: [] });
  }
  return document.models.flatMap((row, index) => {
    requirePayee(after, row.payee, `models[${index}].payee`);
    const base = row.base_model ?? null;
    if (base !== null) requireModel(after, base, `models[${index}].base_model`);
    const model = requireModel(after, row.id, `models[${index}].id`);
    const content = { payee: row.payee, baseModel: base };
    const effectiveFrom = beginning(row, document.models, model.lineage, content, at);
    const lineage = insertVersion(model.lineage, { ...content, effectiveFrom }, `models[${index}]`);
    if (lineage === model.lineage) return [];
    after.models.set(row.id, { ...model, lineage });
    if (base !== null) after.derivatives.set(base, new Set([...(after.derivatives.get(base) ?? []), row.id]));
    return [
      { model: row.id, effective_from: formatInstant(effectiveFrom), payee: row.payee, base_model: base },
    ];
  });
}

function planCustomers(after: Catalog, document: CatalogDocument, at: Instant) {
  return document.customers.flatMap((row, index) => {
    if (row.payee !== undefined) requirePayee(after, row.payee, `customers[${index}].payee`);
    const known = after.customers.get(row.id)?.versions ?? [];
    const content = { currency: row.currency, country: row.country ?? null, payee: row.payee ?? null };
    const effectiveFrom = beginning(row, document.customers, known, content, at);
    const versions = insertVersion(known, { ...content, effectiveFrom }, `customers[${index}]`);
    after.customers.set(row.id, { name: row.name, versions });
    if (versions === known) return [];
    return [{ customer: row.id, effective_from: formatInstant(effectiveFrom), ...content }];
  });
}

function planPolicies(after: Catalog, document: CatalogDocument) {
  return document.policies.flatMap((row, index) => {
    const model = requireModel(after, row.model, `policies[${index}].model`);
    for (const step of row.steps) {
      if (step.take !== "shares") continue;
      for (const share of step.shares) requirePayee(after, share.payee, `policies[${index}].steps`);
    }
    const effectiveFrom = momentOf(row.effective_from);
    const policies = insertVersion(model.policies, { steps: row.steps, effectiveFrom }, `policies[${index}]`);
    if (policies === model.policies) return [];
    after.models.set(row.model, { ...model, policies });
    return [{ model: row.model, effective_from: formatInstant(effectiveFrom), steps: row.steps }];
  });
}

function planPrices(after: Catalog, document: CatalogDocument) {
  return document.prices.flatMap((row, index) => {
    const model = requireModel(after, row.model, `prices[${index}].model`);
    const { model: _, effective_from, ...terms } = row;
    const effectiveFrom = momentOf(effective_from);
    const known = model.pricesByCurrency.get(terms.currency) ?? [];
    const versions = insertVersion(known, { terms, effectiveFrom }, `prices[${index}]`);
    if (versions === known) return [];
    const pricesByCurrency = new Map(model.pricesByCurrency).set(terms.currency, versions);
    after.models.set(row.model, { ...model, pricesByCurrency });
    const components = terms.components.map((component) => ({
      ...component,
      unit_amount: formatDecimal(unitAmount(component)),
      max_per_event:
        component.max_per_event === undefined ? null : atMeterScale(component.meter, component.max_per_event),
    }));
    return [{ ...terms, model: row.model, effective_from: formatInstant(effectiveFrom), components }];
  });
}

function atMeterScale(meter: string, units: string): string {
  return (BigInt(units) * 10n ** BigInt(meterScale(meter))).toString();
}

function requirePayee(catalog: Catalog, id: string, path: string): void {
  if (id !== "$owner" && !catalog.payees.has(id)) {
    throw refusal("payee_unknown", path, `there is no payee "${id}": PUT /v1/payees/${id} first`);
  }
}

function requireModel(catalog: Catalog, id: string, path: string) {
  const model = catalog.models.get(id);
  if (model === undefined)
    throw refusal("model_unknown", path, `there is no model "${id}": PUT /v1/models/${id} first`);
  return model;
}

function checkLineages(after: Catalog, models: Iterable<string>): void {
  for (const id of models) {
    for (const moment of splitMoments(after, id)) {
      const levels = lineageAt(after, id, moment).map((level) => level.model);
      if (new Set(levels).size < levels.length) {
        throw refusal(
          "lineage_invalid",
          "base_model",
          `${id} would be made from itself: ${levels.join(" → ")}`,
        );
      }
      if (levels.length > LINEAGE_LEVELS_MAX) {
        throw refusal(
          "lineage_invalid",
          "base_model",
          `a lineage has at most ${LINEAGE_LEVELS_MAX} levels: ${levels.join(" → ")}`,
        );
      }
    }
  }
}

/** A cost in one currency cannot be recovered from a gross in another: such usage would wait for ever. */
function checkCostCurrencies(after: Catalog, models: Iterable<string>): void {
  for (const id of models) {
    const model = requireModel(after, id, "model");
    for (const policy of model.policies) {
      const cost = policy.steps.find((step) => step.take === "cost");
      for (const currency of model.pricesByCurrency.keys()) {
        if (cost?.currency !== undefined && cost.currency !== currency) {
          throw refusal(
            "policy_invalid",
            "currency",
            `${id} has prices in ${currency}, but the cost step of its policy is in ${cost.currency} and splits that currency only`,
          );
        }
      }
    }
  }
}
