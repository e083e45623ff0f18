import { type DerivedCatalogue, derivedCatalogue } from "../../catalog/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { planCost, planHash, planPayees, type SplitPlan } from "../../sharing/index.ts";
import { type Check, DIFFERENCES_MAX, sqlCheck } from "../check.ts";

export const unitPrices = sqlCheck(
  "every price for one unit is its amount per its number of units",
  `SELECT format('price %s of %s, meter %s: one unit is %s, %s per %s says otherwise', c.price_no, d.id, m.name, c.unit_amount, c.amount, c.per) AS difference
   FROM price_component c JOIN meter m USING (meter_no) JOIN price_version v USING (price_no) JOIN model d USING (model_no)
   WHERE c.unit_amount * c.per::numeric * power(10::numeric, m.scale) <> c.amount::numeric`,
);

const follows = (what: string, table: string, key: string) => `
  SELECT format('${what} %s from %s: until %s, the next begins %s', k, effective_from, effective_until, next) AS difference
  FROM (SELECT (${key})::text AS k, effective_from, effective_until,
          lead(effective_from, 1, 'infinity') OVER (PARTITION BY ${key} ORDER BY effective_from) AS next FROM ${table}) x
  WHERE effective_until <> next`;

export const versionsFollow = sqlCheck(
  "every version holds until the next one begins",
  [
    follows("price", "price_version", "(model_no, currency)"),
    follows("terms of customer", "customer_version", "customer_no"),
    follows("split of model", "split_segment", "model_no"),
  ].join(" UNION ALL "),
);

export const ratesFromVersions = sqlCheck(
  "what metering looks up about a model is what its prices and splits say",
  `SELECT format('rate segment %s: stored %s, versions say %s', coalesce(r.k, v.k), r.facts, v.facts) AS difference
   FROM (SELECT (model_no, currency, since)::text AS k, (until, price_no, price_from, split_plan_no, segment_from, cost_meter_no,
           charge_statuses, limits_events, max_seconds, max_input, max_output, max_images, max_runs)::text AS facts FROM rate_segment) r
   FULL JOIN (
     SELECT (v.model_no, v.currency, epoch_micros(greatest(v.effective_from, g.effective_from)))::text AS k,
       (epoch_micros(least(v.effective_until, g.effective_until)), v.price_no, v.effective_from, g.split_plan_no, g.effective_from,
         p.cost_meter_no, v.charge_statuses, num_nonnulls(c.seconds, c.input, c.output, c.images) > 0, c.seconds, c.input, c.output,
         c.images, c.runs)::text AS facts
     FROM price_version v
     JOIN split_segment g ON g.model_no = v.model_no AND g.effective_from < v.effective_until AND v.effective_from < g.effective_until
     JOIN split_plan p ON p.split_plan_no = g.split_plan_no AND coalesce(p.cost_currency, v.currency) = v.currency
     CROSS JOIN LATERAL caps_of_price(v.price_no) AS c) v USING (k)
   WHERE r.facts IS DISTINCT FROM v.facts`,
);

export const plansNamed: Check = {
  law: "every split plan is named by the hash of its content, with the payees and the cost that are in it",
  async find(sql) {
    const rows = await sql<
      { hash: string; content: SplitPlan; payees: string[]; meter: string | null; currency: string | null }[]
    >`SELECT p.hash, p.content, p.payees, m.name AS meter, p.cost_currency AS currency
      FROM split_plan p LEFT JOIN meter m ON m.meter_no = p.cost_meter_no`;
    return rows
      .filter(({ hash, content, payees, meter, currency }) => {
        const cost = planCost(content);
        const stored = JSON.stringify([hash, [...payees].sort(), meter, currency]);
        const computed = [
          planHash(content),
          [...planPayees(content)].sort(),
          cost?.meter ?? null,
          cost?.currency ?? null,
        ];
        return stored !== JSON.stringify(computed);
      })
      .map(({ hash }) => `split plan ${hash}: its content, payees or cost were changed`)
      .slice(0, DIFFERENCES_MAX);
  },
};

/** Resolves every policy and lineage anew, for all times. */
export const splitsFromPolicies: Check = {
  law: "every model is split, at any time, as its policies and lineage say",
  async find(sql) {
    const [derived, stored] = await Promise.all([derivedCatalogue(sql), storedCatalogue(sql)]);
    const differences = [
      ...missing("split segment", derived.segments, stored.segments),
      ...missing("split segment that no policy says", stored.segments, derived.segments),
      ...missing("self-dealing plan", derived.redirects, stored.redirects),
    ];
    return differences.slice(0, DIFFERENCES_MAX);
  },
};

function missing(what: string, wanted: readonly string[], found: readonly string[]): string[] {
  const there = new Set(found);
  return wanted.filter((one) => !there.has(one)).map((one) => `${what}: ${one}`);
}

async function storedCatalogue(sql: Sql): Promise<DerivedCatalogue> {
  const segments = await sql<{ said: string }[]>`
    SELECT m.id || ' from ' || epoch_micros(s.effective_from) || ' by ' || p.hash AS said
    FROM split_segment s JOIN model m USING (model_no) JOIN split_plan p USING (split_plan_no)`;
  const redirects = await sql<{ said: string }[]>`
    SELECT p.hash || ' for ' || y.id || ' is ' || r.hash AS said FROM self_dealing_plan d
    JOIN split_plan p USING (split_plan_no) JOIN payee y USING (payee_no)
    JOIN split_plan r ON r.split_plan_no = d.redirected_plan_no`;
  return { segments: segments.map(({ said }) => said), redirects: redirects.map(({ said }) => said) };
}

export const singleRows = sqlCheck(
  "what there is one of there is exactly one of",
  ["books_state", "catalog_state", "identity_floor", "usage_log", "chain_state"]
    .map(
      (table) =>
        `SELECT format('${table}: %s rows', count(*)) AS difference FROM ${table} HAVING count(*) <> 1`,
    )
    .join(" UNION ALL "),
);

export const namesOfCatalogue = sqlCheck(
  "every name in the catalogue stands for something, and nothing is without its terms",
  `SELECT format('customer_version %s: ends %s, the next one begins %s', customer_version_no, effective_until, next) AS difference
   FROM (SELECT *, lead(effective_from, 1, 'infinity') OVER (PARTITION BY customer_no ORDER BY effective_from) AS next FROM customer_version) x
   WHERE effective_until <> next
   UNION ALL
   SELECT format('price_version %s: ends %s, the next one begins %s', price_no, effective_until, next)
   FROM (SELECT *, lead(effective_from, 1, 'infinity') OVER (PARTITION BY model_no, currency ORDER BY effective_from) AS next FROM price_version) x
   WHERE effective_until <> next
   UNION ALL
   SELECT format('split_segment of model %s from %s: ends %s, the next one begins %s', model_no, effective_from, effective_until, next)
   FROM (SELECT *, lead(effective_from, 1, 'infinity') OVER (PARTITION BY model_no ORDER BY effective_from) AS next FROM split_segment) x
   WHERE effective_until <> next
   UNION ALL
   SELECT format('price_component %s/%s: %s a unit, given as %s per %s %s', price_no, meter_no, unit_amount, amount, per, coalesce(m.name, 'of an unknown meter'))
   FROM price_component LEFT JOIN meter m USING (meter_no) WHERE (unit_amount * per::numeric * 10::numeric ^ m.scale = amount::numeric) IS NOT TRUE
   UNION ALL
   SELECT format('price_version %s: has no component', price_no) FROM price_version v
   WHERE NOT EXISTS (SELECT FROM price_component c WHERE c.price_no = v.price_no)
   UNION ALL
   SELECT format('meter %s: scale %s', name, scale) FROM meter WHERE scale <> CASE WHEN name ~ '_(seconds|time)$' THEN 6 ELSE 0 END
   UNION ALL
   SELECT format('meter: %s of five built-in meters', count(*)) FROM meter WHERE built_in = 1 HAVING count(*) <> 5
   UNION ALL
   SELECT format('%s %s: names model %s, payee %s, base %s', x.what, x.no, m.id, p.id, b.id)
   FROM (SELECT 'model_lineage of' AS what, model_no AS no, model_no, payee_no, base_model_no FROM model_lineage
         UNION ALL SELECT 'price_version', price_no, model_no, NULL, NULL FROM price_version
         UNION ALL SELECT 'revenue_policy', policy_no, model_no, NULL, NULL FROM revenue_policy
         UNION ALL SELECT 'customer_version', customer_version_no, NULL, payee_no, NULL FROM customer_version) x
   LEFT JOIN model m ON m.model_no = x.model_no LEFT JOIN payee p ON p.payee_no = x.payee_no LEFT JOIN model b ON b.model_no = x.base_model_no
   WHERE (m.id IS NULL AND x.model_no IS NOT NULL) OR (p.id IS NULL AND x.payee_no IS NOT NULL) OR (b.id IS NULL AND x.base_model_no IS NOT NULL)
   UNION ALL
   SELECT format('split_plan %s: pays %s, who is no payee', split_plan_no, payee) FROM split_plan CROSS JOIN LATERAL unnest(payees) AS payee
   WHERE payee NOT IN (SELECT id FROM payee)
   UNION ALL
   SELECT format('model %s: nobody owns it', m.id) FROM model m WHERE NOT EXISTS (SELECT FROM model_lineage l WHERE l.model_no = m.model_no)
   UNION ALL
   SELECT format('customer %s: has no terms', c.id) FROM customer c WHERE NOT EXISTS (SELECT FROM customer_version v WHERE v.customer_no = c.customer_no)`,
);
