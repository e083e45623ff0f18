import { openCatalogStore, planSegments } from "../../catalog/index.ts";
import { formatInstant } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { planCost, planHash, planPayees, redirectPlan, type SplitPlan } from "../../sharing/index.ts";
import { type Check, DIFFERENCES_MAX, sqlCheck } from "../check.ts";

export const versionsFollow = sqlCheck(
  "every catalogue version ends where the next one begins, prices are as they were given, and names stand for something",
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

export const singleRows = sqlCheck(
  "what there is one of there is exactly one of",
  ["books_state", "catalog_state", "identity_floor", "usage_log", "chain_state"]
    .map(
      (table) =>
        `SELECT format('${table}: %s rows', count(*)) AS difference FROM ${table} HAVING count(*) <> 1`,
    )
    .join(" UNION ALL "),
);

export const ratesFromVersions = sqlCheck(
  "every rate segment is where one price and one split plan hold together",
  `WITH expected AS (
     SELECT v.model_no, v.currency, epoch_micros(greatest(v.effective_from, g.effective_from)) AS since,
       epoch_micros(least(v.effective_until, g.effective_until)) AS until, v.price_no, v.effective_from AS price_from, g.split_plan_no,
       g.effective_from AS segment_from, plan.cost_meter_no, v.charge_statuses,
       num_nonnulls(cap.seconds, cap.input, cap.output, cap.images) > 0 AS limits_events, cap.seconds, cap.input, cap.output, cap.images, cap.runs
     FROM price_version v
     JOIN split_segment g ON g.model_no = v.model_no AND g.effective_from < v.effective_until AND v.effective_from < g.effective_until
     JOIN split_plan plan ON plan.split_plan_no = g.split_plan_no AND coalesce(plan.cost_currency, v.currency) = v.currency
     CROSS JOIN LATERAL caps_of_price(v.price_no) AS cap
   )
   SELECT format('rate_segment of model %s in %s from %s: stored %s, price and split say %s', model_no, currency, since, r, e) AS difference
   FROM rate_segment r FULL JOIN expected e USING (model_no, currency, since)
   WHERE (r.until, r.price_no, r.price_from, r.split_plan_no, r.segment_from, r.cost_meter_no, r.charge_statuses, r.limits_events,
       r.max_seconds, r.max_input, r.max_output, r.max_images, r.max_runs)
     IS DISTINCT FROM (e.until, e.price_no, e.price_from, e.split_plan_no, e.segment_from, e.cost_meter_no, e.charge_statuses, e.limits_events,
       e.seconds, e.input, e.output, e.images, e.runs)`,
);

export const segmentsFromPolicies: Check = {
  law: "every split segment is the plan that the policies and the lineage come to at its time",
  async find(sql) {
    const catalog = await openCatalogStore(sql).current();
    const before = new Map([...catalog.models].map(([id, { segments }]) => [id, segments]));
    const planned = planSegments(catalog, [...catalog.models.keys()]);
    const differences: string[] = [];
    const expected = new Map<string, string[]>();
    for (const { model, effective_from, plan } of planned.segments)
      expected.set(model, [...(expected.get(model) ?? []), `${effective_from} ${plan}`]);
    for (const [model, segments] of before) {
      const stored = segments.map(({ effectiveFrom, plan }) => `${formatInstant(effectiveFrom)} ${plan}`);
      const computed = expected.get(model) ?? [];
      if (stored.join() !== computed.join())
        differences.push(`split_segment of ${model}: stored [${stored}], policies say [${computed}]`);
    }
    const plans = await readPlans(sql);
    for (const { plan, payee, redirected } of planned.redirects)
      if (plans.redirects.get(`${plan} ${payee}`) !== redirected)
        differences.push(`self_dealing_plan of ${plan} for ${payee}: is not ${redirected}`);
    return [...differences, ...plans.differences].slice(0, DIFFERENCES_MAX);
  },
};

interface PlanRow {
  split_plan_no: number;
  hash: string;
  content: SplitPlan;
  cost_meter: string | null;
  cost_currency: string | null;
  payees: string[];
}

/** Plans that no segment has any more still split what was used under them: each is judged by its own content. */
async function readPlans(sql: Sql) {
  const rows = await sql<PlanRow[]>`
    SELECT split_plan_no, hash, content, m.name AS cost_meter, cost_currency, payees
    FROM split_plan LEFT JOIN meter m ON m.meter_no = cost_meter_no`;
  const differences: string[] = [];
  for (const { split_plan_no, hash, content, cost_meter, cost_currency, payees } of rows) {
    const cost = planCost(content);
    const said = [planHash(content), cost?.meter ?? null, cost?.currency ?? null, planPayees(content)].join(
      " ",
    );
    const stored = [hash, cost_meter, cost_currency, payees].join(" ");
    if (said !== stored)
      differences.push(`split_plan ${split_plan_no}: stored ${stored}, its content says ${said}`);
  }
  const redirects = new Map<string, string>();
  const stored = await sql<{ plan: string; content: SplitPlan; payee: string; redirected: string | null }[]>`
    SELECT s.hash AS plan, s.content, p.id AS payee, r.hash AS redirected FROM self_dealing_plan d
    JOIN split_plan s USING (split_plan_no) LEFT JOIN payee p USING (payee_no)
    LEFT JOIN split_plan r ON r.split_plan_no = d.redirected_plan_no`;
  for (const { plan, content, payee, redirected } of stored) {
    redirects.set(`${plan} ${payee}`, redirected ?? "");
    if (planHash(redirectPlan(content, payee)) !== redirected)
      differences.push(`self_dealing_plan of ${plan} for ${payee}: ${redirected} is another plan's`);
  }
  return { redirects, differences };
}
