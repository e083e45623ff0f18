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

const BUILT_IN = ["predict_seconds", "input_tokens", "output_tokens", "images"];
const CAPS = ["seconds", "input", "output", "images"];
const COLUMNS = ["events", "runs", ...BUILT_IN.flatMap((meter) => [meter, `${meter}_events`])];

/** Also what no view shows: columns without events, and quantities that are never charged. */
export const windowColumnsFromEvents = sqlCheck(
  "every column of every term window and customer term window is the sum of its events, as limited by their price",
  [
    columnsDiffer(
      "term_window",
      "term_no, service_day",
      "(e.occurred_at AT TIME ZONE 'UTC')::date AS service_day",
      "true",
    ),
    columnsDiffer(
      "customer_term_window",
      "term_no, customer_no, service_month",
      "e.customer_no, date_trunc('month', e.occurred_at AT TIME ZONE 'UTC')::date AS service_month",
      "e.charged = 1 AND e.block_no IN (SELECT block_no FROM usage_block WHERE folded = 1)",
    ),
  ].join(" UNION ALL "),
);

export const otherWindowsFromBlocks = sqlCheck(
  "every term window meter and customer term window meter is the sum of its blocks' meters without a column",
  [
    otherDiffer("term_window_meter", "term_no, service_day, meter_no", "day AS service_day", "true"),
    otherDiffer(
      "customer_term_window_meter",
      "term_no, customer_no, service_month, meter_no",
      "customer_no, date_trunc('month', day)::date AS service_month",
      "charged = 1 AND folded = 1",
    ),
  ].join(" UNION ALL "),
);

/** What ran on which hardware is summed minutes after it was metered, under the names that its model has on that day. */
export const hardwareFromEvents = sqlCheck(
  "every hardware window and hardware window meter is the sum of the events that tell their hardware, of blocks that were gone through; at most 32 names a model and day, each told by an event",
  `WITH told AS MATERIALIZED (
     SELECT e.block_no, e.place, e.term_no, e.price_no, e.predict_seconds, e.input_tokens, e.output_tokens, e.images,
       (e.occurred_at AT TIME ZONE 'UTC')::date AS service_day, coalesce(k.hardware, 'other') AS hardware
     FROM usage_event e JOIN usage_block b USING (block_no)
     LEFT JOIN model_hardware k ON k.model_no = e.model_no AND k.service_day = (e.occurred_at AT TIME ZONE 'UTC')::date
       AND k.hardware = e.hardware
     WHERE b.sketched = 1 AND b.hardware IS NOT NULL AND e.hardware IS NOT NULL
   )
   SELECT format('hardware window %s: stored %s, events say %s', (term_no, service_day, hardware)::text, w, e) AS difference
   FROM hardware_window w FULL JOIN (
     SELECT t.term_no, t.service_day, t.hardware, count(*) AS events, sum(coalesce(c.runs, 1)) AS runs,
       ${BUILT_IN.map((meter, n) => `coalesce(sum(capped(t.${meter}, c.${CAPS[n]})), 0) AS ${meter}`)}
     FROM told t CROSS JOIN LATERAL caps_of_price(t.price_no) AS c GROUP BY 1, 2, 3) e USING (term_no, service_day, hardware)
   WHERE ${["w", "e"].map((name) => `(${["events", "runs", ...BUILT_IN].map((column) => `${name}.${column}`)})`).join(" IS DISTINCT FROM ")}
   UNION ALL
   SELECT format('hardware window meter %s: stored %s, events say %s', (term_no, service_day, hardware, meter_no)::text, w.quantity, e.quantity)
   FROM hardware_window_meter w FULL JOIN (
     SELECT t.term_no, t.service_day, t.hardware, q.meter_no, sum(least(q.quantity, c.max_per_event)) AS quantity
     FROM told t JOIN usage_event_meter q USING (block_no, place) JOIN meter m ON m.meter_no = q.meter_no AND m.built_in = 0
     LEFT JOIN price_component c ON c.price_no = t.price_no AND c.meter_no = q.meter_no GROUP BY 1, 2, 3, 4) e
     USING (term_no, service_day, hardware, meter_no)
   WHERE w.quantity IS DISTINCT FROM e.quantity
   UNION ALL
   SELECT format('model hardware %s: no event tells it', (k.model_no, k.service_day, k.hardware)::text)
   FROM model_hardware k LEFT JOIN (
     SELECT DISTINCT e.model_no, (e.occurred_at AT TIME ZONE 'UTC')::date AS service_day, e.hardware
     FROM usage_event e JOIN usage_block b USING (block_no) WHERE b.hardware IS NOT NULL AND e.hardware IS NOT NULL
   ) e USING (model_no, service_day, hardware) WHERE e.model_no IS NULL
   UNION ALL
   SELECT format('model hardware of %s: %s names', (model_no, service_day)::text, count(*)) FROM model_hardware
   GROUP BY model_no, service_day HAVING count(*) > 32`,
);

function columnsDiffer(table: string, key: string, keyColumns: string, only: string): string {
  const stored = COLUMNS.map((column) => `sum(${column}) AS ${column}`);
  const facts = BUILT_IN.flatMap((meter, n) => [
    `coalesce(sum(capped(e.${meter}, c.${CAPS[n]})), 0) AS ${meter}`,
    `count(e.${meter}) AS ${meter}_events`,
  ]);
  const compared = (name: string) => COLUMNS.map((column) => `${name}.${column}`).join(", ");
  return `
   SELECT format('${table} %s: stored %s, events say %s', (${key})::text, w, e) AS difference
   FROM (SELECT ${key}, ${stored} FROM ${table} GROUP BY ${key}) w
   FULL JOIN (
     SELECT e.term_no, ${keyColumns}, count(*) AS events, sum(coalesce(c.runs, 1)) AS runs, ${facts}
     FROM usage_event e
     JOIN (SELECT t.term_no AS no, cap.* FROM usage_term t CROSS JOIN LATERAL caps_of_price(t.price_no) AS cap) c ON c.no = e.term_no
     WHERE ${only} GROUP BY ${key}) e USING (${key})
   WHERE (${compared("w")}) IS DISTINCT FROM (${compared("e")})`;
}

function otherDiffer(table: string, key: string, keyColumns: string, only: string): string {
  return `
   SELECT format('${table} %s: stored %s of %s events, blocks say %s of %s', (${key})::text, w.quantity, w.events, b.quantity, b.events) AS difference
   FROM (SELECT ${key}, sum(quantity) AS quantity, sum(events) AS events FROM ${table} GROUP BY ${key}) w
   FULL JOIN (
     SELECT term_no, ${keyColumns}, meter_no, sum(quantity) AS quantity, sum(events) AS events
     FROM (SELECT o.*, b.folded, b.group_term_no[o.grp] AS term_no, b.group_customer_no[o.grp] AS customer_no,
             date '1970-01-01' + (b.group_first[o.grp] / 86400000000)::int AS day
           FROM usage_block b CROSS JOIN LATERAL unnest(b.other_group, b.other_meter_no, b.other_quantity, b.other_events)
             AS o(grp, meter_no, quantity, events)) o JOIN usage_term USING (term_no)
     WHERE ${only} GROUP BY ${key}) b USING (${key})
   WHERE (w.quantity, w.events) IS DISTINCT FROM (b.quantity, b.events)`;
}

function sumsDiffer(what: string, key: string, stored: string, facts: string): string {
  return `
   SELECT format('${what} %s: stored %s of %s events, events say %s of %s', k, w.quantity, w.events, e.quantity, e.events) AS difference
   FROM (SELECT ${key} AS k, sum(quantity) AS quantity, sum(events) AS events FROM ${stored} GROUP BY 1) w
   FULL JOIN (SELECT ${key} AS k, sum(quantity) AS quantity, count(*) AS events FROM (${facts}) c GROUP BY 1) e USING (k)
   WHERE (w.quantity, w.events) IS DISTINCT FROM (e.quantity, e.events)`;
}
