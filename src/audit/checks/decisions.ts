import { sqlCheck } from "../check.ts";

/**
 * Decides anew, event by event. Prices are compared by what they say: a version that says the same may have been put
 * into the metered past since.
 */
export const termsFromCatalogue = sqlCheck(
  "every usage term is what the catalogue says of its events: price, charged or not, split plan, country, version",
  `WITH price AS MATERIALIZED (
     SELECT v.*, (v.charge_statuses, (SELECT array_agg((c.meter_no, c.amount, c.per, c.max_per_event) ORDER BY c.meter_no)
       FROM price_component c WHERE c.price_no = v.price_no))::text AS said
     FROM price_version v
   )
   SELECT format('usage term %s, event %s: %s', e.term_no, e.event_no, concat_ws(', ',
       CASE WHEN c.customer_no IS NULL THEN 'no version of its customer is in force' END,
       CASE WHEN e.country <> coalesce(c.country, '') THEN 'country ' || e.country || ', the customer''s is ' || coalesce(c.country, 'none') END,
       CASE WHEN now.said IS DISTINCT FROM p.said THEN 'price ' || e.price_no || ', in force is ' || coalesce(now.price_no::text, 'none') END,
       CASE WHEN (e.status = ANY (p.charge_statuses)) IS DISTINCT FROM (e.charged = 1) THEN 'charged ' || e.charged || ' for ' || e.status END,
       CASE WHEN v.model_version_no IS NULL THEN 'the version is of another model' END,
       CASE WHEN coalesce(d.redirected_plan_no, s.split_plan_no) IS DISTINCT FROM e.split_plan_no
         THEN 'split plan ' || e.split_plan_no || ', in force is ' || coalesce(d.redirected_plan_no, s.split_plan_no)::text END)) AS difference
   FROM usage_event e
   LEFT JOIN customer_version c ON c.customer_no = e.customer_no AND c.effective_from <= e.occurred_at AND e.occurred_at < c.effective_until
   LEFT JOIN price p ON p.price_no = e.price_no
   LEFT JOIN price now ON now.model_no = e.model_no AND now.currency = c.currency
     AND now.effective_from <= e.occurred_at AND e.occurred_at < now.effective_until
   LEFT JOIN model_version v ON v.model_version_no = e.model_version_no AND v.model_no = e.model_no
   LEFT JOIN split_segment s ON s.model_no = e.model_no AND s.effective_from <= e.occurred_at AND e.occurred_at < s.effective_until
   LEFT JOIN self_dealing_plan d ON d.split_plan_no = s.split_plan_no AND d.payee_no = c.payee_no
   WHERE c.customer_no IS NULL OR v.model_version_no IS NULL OR e.country <> coalesce(c.country, '')
     OR now.said IS NULL OR now.said IS DISTINCT FROM p.said OR p.model_no <> e.model_no
     OR (e.status = ANY (p.charge_statuses)) IS DISTINCT FROM (e.charged = 1)
     OR coalesce(d.redirected_plan_no, s.split_plan_no) IS DISTINCT FROM e.split_plan_no`,
);

export const periodsFromCuts = sqlCheck(
  "every event is booked in the month it was used in or, when that was cut already, in the first open one after it",
  `SELECT format('usage term %s: booked in %s, used in %s', term_no, booked_period, month) AS difference
   FROM (SELECT DISTINCT term_no, booked_period, date_trunc('month', occurred_at AT TIME ZONE 'UTC')::date AS month FROM usage_event) e
   WHERE booked_period < month OR (booked_period > month
     AND NOT EXISTS (SELECT FROM settlement s WHERE s.period = e.booked_period - interval '1 month'))
   UNION ALL
   SELECT format('settlement %s: cut at %s, but block %s was booked in it at %s', s.period, s.cut_at, e.block_no, b.booked_at)
   FROM (SELECT DISTINCT block_no, booked_period FROM usage_event) e JOIN usage_block b USING (block_no)
   JOIN settlement s ON s.period = e.booked_period WHERE b.booked_at > s.cut_at
   UNION ALL
   SELECT format('usage term %s: no event has it', term_no) FROM usage_term t
   WHERE NOT EXISTS (SELECT FROM usage_block b WHERE t.term_no = ANY (b.group_term_no))`,
);
