import { sqlCheck } from "../check.ts";

const CHARGED = `
  SELECT e.booked_period, (e.occurred_at AT TIME ZONE 'UTC')::date AS service_day, e.customer_no, e.model_no,
    e.model_version_no, coalesce(e.country, '') AS country, q.meter_no, e.price_no, e.split_plan_no, e.shard,
    least(q.quantity, pc.max_per_event) AS quantity
  FROM usage_event e CROSS JOIN unnest(e.meter_nos, e.quantities) AS q(meter_no, quantity)
  LEFT JOIN price_component pc ON pc.price_no = e.price_no AND pc.meter_no = q.meter_no
  WHERE e.charged = 1`;

export const windowsFromEvents = sqlCheck(
  "every usage window is the sum of its charged events",
  `SELECT format('usage window %s: stored %s of %s events, events say %s of %s', k, w.quantity, w.events, e.quantity, e.events) AS difference
   FROM (SELECT (booked_period, service_day, model_no, model_version_no, country, meter_no, price_no, split_plan_no, shard)::text AS k,
           quantity, events FROM usage_window) w
   FULL JOIN (SELECT (booked_period, service_day, model_no, model_version_no, country, meter_no, price_no, split_plan_no, shard)::text AS k,
           sum(quantity) AS quantity, count(*) AS events FROM (${CHARGED}) c GROUP BY 1) e USING (k)
   WHERE (w.quantity, w.events) IS DISTINCT FROM (e.quantity, e.events)`,
);

export const customerWindowsFromEvents = sqlCheck(
  "every customer window is the sum of its charged events",
  `SELECT format('customer window %s: stored %s of %s events, events say %s of %s', k, w.quantity, w.events, e.quantity, e.events) AS difference
   FROM (SELECT (booked_period, service_month, customer_no, model_no, meter_no, price_no, split_plan_no, shard)::text AS k,
           quantity, events FROM customer_window) w
   FULL JOIN (SELECT (booked_period, date_trunc('month', service_day)::date, customer_no, model_no, meter_no, price_no, split_plan_no, shard)::text AS k,
           sum(quantity) AS quantity, count(*) AS events FROM (${CHARGED}) c GROUP BY 1) e USING (k)
   WHERE (w.quantity, w.events) IS DISTINCT FROM (e.quantity, e.events)`,
);

export const unchargedFromEvents = sqlCheck(
  "every uncharged event is counted apart",
  `SELECT format('uncharged window %s: stored %s events, events say %s', k, w.events, e.events) AS difference
   FROM (SELECT (booked_period, service_day, model_no, model_version_no, status, shard)::text AS k, events FROM uncharged_window) w
   FULL JOIN (SELECT (booked_period, (occurred_at AT TIME ZONE 'UTC')::date, model_no, model_version_no, status, shard)::text AS k,
           count(*) AS events FROM usage_event WHERE charged = 0 GROUP BY 1) e USING (k)
   WHERE w.events IS DISTINCT FROM e.events`,
);
