import { sqlCheck } from "../check.ts";

const CHARGED = `
  SELECT t.booked_period, (q.occurred_at AT TIME ZONE 'UTC')::date AS service_day, q.customer_no, t.model_no,
    t.model_version_no, t.country, q.meter_no, t.price_no, t.split_plan_no,
    least(q.quantity, pc.max_per_event) AS quantity
  FROM usage_event_meter q JOIN usage_term t USING (term_no)
  LEFT JOIN price_component pc ON pc.price_no = t.price_no AND pc.meter_no = q.meter_no
  WHERE t.charged = 1`;

export const windowsFromEvents = sqlCheck(
  "every usage window is the sum of its charged events",
  sumsDiffer(
    "usage window",
    "(booked_period, service_day, model_no, model_version_no, country, meter_no, price_no, split_plan_no)::text",
    "usage_window",
    CHARGED,
  ),
);

export const customerWindowsFromEvents = sqlCheck(
  "every customer window is the sum of its charged events, of blocks that are folded",
  sumsDiffer(
    "customer window",
    "(booked_period, service_month, customer_no, model_no, meter_no, price_no, split_plan_no)::text",
    "customer_window",
    `SELECT c.*, date_trunc('month', c.service_day)::date AS service_month FROM (
       ${CHARGED} AND q.block_no IN (SELECT block_no FROM usage_block WHERE folded = 1)) c`,
  ),
);

export const unchargedFromEvents = sqlCheck(
  "every uncharged event is counted apart",
  `SELECT format('uncharged window %s: stored %s events, events say %s', k, w.events, e.events) AS difference
   FROM (SELECT (booked_period, service_day, model_no, model_version_no, status)::text AS k, sum(events) AS events
         FROM uncharged_window GROUP BY 1) w
   FULL JOIN (SELECT (booked_period, (occurred_at AT TIME ZONE 'UTC')::date, model_no, model_version_no, status)::text AS k,
           count(*) AS events FROM usage_event WHERE charged = 0 GROUP BY 1) e USING (k)
   WHERE w.events IS DISTINCT FROM e.events`,
);

function sumsDiffer(what: string, key: string, stored: string, facts: string): string {
  return `
   SELECT format('${what} %s: stored %s of %s events, events say %s of %s', k, w.quantity, w.events, e.quantity, e.events) AS difference
   FROM (SELECT ${key} AS k, sum(quantity) AS quantity, sum(events) AS events FROM ${stored} GROUP BY 1) w
   FULL JOIN (SELECT ${key} AS k, sum(quantity) AS quantity, count(*) AS events FROM (${facts}) c GROUP BY 1) e USING (k)
   WHERE (w.quantity, w.events) IS DISTINCT FROM (e.quantity, e.events)`;
}
