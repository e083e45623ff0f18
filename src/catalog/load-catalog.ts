import type { Instant } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import type { PriceComponent, PriceTerms } from "../pricing/index.ts";
import type { PolicySteps } from "../sharing/index.ts";
import type { Catalog, Model } from "./catalog.ts";

// Microseconds since 1970: JavaScript dates would lose the last three digits.
const micros = (column: string) => `(extract(epoch FROM ${column}) * 1000000)::bigint`;

/** Reads the whole catalogue as of one snapshot. */
export async function loadCatalog(sql: Sql): Promise<Catalog> {
  const [row] = await sql<[{ catalog: StoredCatalog }]>`SELECT ${sql.unsafe(CATALOG_AS_JSON)} AS catalog`;
  return fromStored(row.catalog);
}

interface StoredCatalog {
  version: string;
  payees: {
    id: string;
    name: string;
    country: string;
    currency: string;
    minimum: string | null;
    account: string | null;
  }[];
  customers: { id: string; name: string }[];
  customer_versions: {
    customer: string;
    at: string;
    currency: string;
    country: string | null;
    payee: string | null;
  }[];
  lineages: { model: string; at: string; payee: string; base: string | null }[];
  policies: { model: string | null; at: string; steps: PolicySteps }[];
  prices: {
    model: string;
    currency: string;
    at: string;
    charge_statuses: PriceTerms["charge_statuses"];
    components: PriceComponent[];
  }[];
  segments: { model: string; at: string; plan: string }[];
}

const CATALOG_AS_JSON = `jsonb_build_object(
  'version', (SELECT version::text FROM catalog_state),
  'payees', (SELECT coalesce(jsonb_agg(jsonb_build_object('id', id, 'name', name, 'country', country,
    'currency', default_currency, 'minimum', minimum_payout_nanos::text, 'account', stripe_account)), '[]') FROM payee),
  'customers', (SELECT coalesce(jsonb_agg(jsonb_build_object('id', id, 'name', name)), '[]') FROM customer),
  'customer_versions', (SELECT coalesce(jsonb_agg(jsonb_build_object('customer', c.id, 'at', ${micros("v.effective_from")}::text,
    'currency', v.currency, 'country', v.country, 'payee', p.id) ORDER BY v.effective_from), '[]')
    FROM customer_version v JOIN customer c USING (customer_no) LEFT JOIN payee p USING (payee_no)),
  'lineages', (SELECT coalesce(jsonb_agg(jsonb_build_object('model', m.id, 'at', ${micros("l.effective_from")}::text,
    'payee', p.id, 'base', b.id) ORDER BY l.effective_from), '[]')
    FROM model_lineage l JOIN model m USING (model_no) JOIN payee p USING (payee_no) LEFT JOIN model b ON b.model_no = l.base_model_no),
  'policies', (SELECT coalesce(jsonb_agg(jsonb_build_object('model', m.id, 'at', ${micros("r.effective_from")}::text,
    'steps', r.steps) ORDER BY r.effective_from), '[]') FROM revenue_policy r LEFT JOIN model m USING (model_no)),
  'prices', (SELECT coalesce(jsonb_agg(jsonb_build_object('model', m.id, 'currency', v.currency,
    'at', ${micros("v.effective_from")}::text, 'charge_statuses', v.charge_statuses, 'components',
    (SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('meter', t.name, 'amount', c.amount, 'per', c.per,
       'max_per_event', div(c.max_per_event, power(10::numeric, t.scale))::text)) ORDER BY t.name COLLATE "C")
     FROM price_component c JOIN meter t USING (meter_no) WHERE c.price_no = v.price_no)) ORDER BY v.effective_from), '[]')
    FROM price_version v JOIN model m USING (model_no)),
  'segments', (SELECT coalesce(jsonb_agg(jsonb_build_object('model', m.id, 'at', ${micros("s.effective_from")}::text,
    'plan', p.hash) ORDER BY s.effective_from), '[]')
    FROM split_segment s JOIN model m USING (model_no) JOIN split_plan p USING (split_plan_no)))`;

function fromStored(stored: StoredCatalog): Catalog {
  const catalog: Catalog = {
    version: BigInt(stored.version),
    payees: new Map(),
    customers: new Map(),
    models: new Map(),
    defaultPolicies: [],
    derivatives: new Map(),
  };
  for (const { id, name, country, currency, minimum, account } of stored.payees) {
    const minimumPayoutNanos = minimum === null ? null : BigInt(minimum);
    catalog.payees.set(id, {
      name,
      country,
      defaultCurrency: currency,
      minimumPayoutNanos,
      stripeAccount: account,
    });
  }
  for (const { id, name } of stored.customers) catalog.customers.set(id, { name, versions: [] });
  for (const { customer, at, currency, country, payee } of stored.customer_versions) {
    catalog.customers.get(customer)?.versions.push({ effectiveFrom: instant(at), currency, country, payee });
  }
  for (const { model, at, payee, base } of stored.lineages) {
    modelOf(catalog, model).lineage.push({ effectiveFrom: instant(at), payee, baseModel: base });
    if (base !== null) catalog.derivatives.set(base, (catalog.derivatives.get(base) ?? new Set()).add(model));
  }
  for (const { model, at, steps } of stored.policies) {
    const policies = model === null ? catalog.defaultPolicies : modelOf(catalog, model).policies;
    policies.push({ effectiveFrom: instant(at), steps });
  }
  for (const { model, at, currency, charge_statuses, components } of stored.prices) {
    const prices = modelOf(catalog, model).pricesByCurrency;
    const terms = { currency, charge_statuses, components };
    prices.set(currency, [...(prices.get(currency) ?? []), { effectiveFrom: instant(at), terms }]);
  }
  for (const { model, at, plan } of stored.segments) {
    modelOf(catalog, model).segments.push({ effectiveFrom: instant(at), plan });
  }
  return catalog;
}

function modelOf(catalog: Catalog, id: string): Model {
  const known = catalog.models.get(id) ?? {
    lineage: [],
    policies: [],
    pricesByCurrency: new Map(),
    segments: [],
  };
  catalog.models.set(id, known);
  return known;
}

function instant(micros: string): Instant {
  return BigInt(micros);
}
