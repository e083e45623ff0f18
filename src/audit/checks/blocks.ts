import { sqlCheck } from "../check.ts";

/** A block's arrays are sums over its own events, written beside them: what windows and customers' windows are added from. */
export const groupsFromEvents = sqlCheck(
  "every usage block's groups are the sums of its events, and its first period the earliest of its terms",
  `WITH event AS (
     SELECT b.block_no, e.grp, count(*) AS events, min(e.occurred_at) AS first,
       sum(e.predict_seconds) AS seconds, count(e.predict_seconds) AS seconds_events,
       sum(e.input_tokens) AS input, count(e.input_tokens) AS input_events,
       sum(e.output_tokens) AS output, count(e.output_tokens) AS output_events,
       sum(e.images) AS images, count(e.images) AS images_events
     FROM usage_block b CROSS JOIN LATERAL unpack_events(b.events) e GROUP BY 1, 2
   ), grp AS (
     SELECT b.block_no, g.grp, g.events, g.first,
       g.seconds, coalesce(g.seconds_events, CASE WHEN g.seconds IS NULL THEN 0 ELSE g.events END) AS seconds_events,
       g.input, coalesce(g.input_events, CASE WHEN g.input IS NULL THEN 0 ELSE g.events END) AS input_events,
       g.output, coalesce(g.output_events, CASE WHEN g.output IS NULL THEN 0 ELSE g.events END) AS output_events,
       g.images, coalesce(g.images_events, CASE WHEN g.images IS NULL THEN 0 ELSE g.events END) AS images_events
     FROM usage_block b CROSS JOIN LATERAL unnest(b.group_events, b.group_first, b.predict_seconds, b.predict_seconds_events,
         b.input_tokens, b.input_tokens_events, b.output_tokens, b.output_tokens_events, b.images, b.images_events)
       WITH ORDINALITY AS g(events, first, seconds, seconds_events, input, input_events, output, output_events, images,
         images_events, grp)
   )
   SELECT format('usage block %s, group %s: stored %s, events say %s', block_no, grp, g, e) AS difference
   FROM grp g FULL JOIN event e USING (block_no, grp)
   WHERE (g.events, g.first, g.seconds, g.seconds_events, g.input, g.input_events, g.output, g.output_events, g.images, g.images_events)
     IS DISTINCT FROM (e.events, e.first, e.seconds, e.seconds_events, e.input, e.input_events, e.output, e.output_events, e.images, e.images_events)
   UNION ALL
   SELECT format('usage block %s: first period %s, its terms say %s', b.block_no, b.first_period, t.first)
   FROM usage_block b CROSS JOIN LATERAL (
     SELECT min(t.booked_period) AS first FROM unnest(b.group_term_no) AS u(term_no) JOIN usage_term t USING (term_no)) t
   WHERE b.first_period IS DISTINCT FROM t.first`,
);

export const chainsFromEvents = sqlCheck(
  "whatever names a parent is noted under its name, once its block was gone through, and nothing else is",
  `WITH event AS (
     SELECT b.block_no, (b.block_no << 20) + e.place AS event_no, parent_key(e.parent) AS parent_key, b.chained, b.group_term_no[e.grp] AS term_no
     FROM usage_block b CROSS JOIN LATERAL unpack_events(b.events) e WHERE position('"p":' IN b.events) > 0 AND e.parent IS NOT NULL
   ), expected AS (SELECT parent_key, event_no FROM event WHERE chained = 0 AND term_no IS NOT NULL)
   SELECT format('chained event %s under %s: stored %s, its block says %s', event_no, parent_key, c.event_no IS NOT NULL, x.event_no IS NOT NULL) AS difference
   FROM chained_event c FULL JOIN expected x USING (parent_key, event_no) WHERE (c.event_no IS NULL) <> (x.event_no IS NULL)
   UNION ALL
   SELECT format('usage block %s: says %s of its events name a parent, they are %s', b.block_no, b.chained, coalesce(e.n, 0))
   FROM usage_block b LEFT JOIN (SELECT block_no, count(*) AS n FROM event GROUP BY 1) e USING (block_no)
   WHERE b.chained NOT IN (0, coalesce(e.n, 0))`,
);

export const otherMetersFromEvents = sqlCheck(
  "every usage block's meters without a column are the sums of its events, as charged",
  `WITH event AS (
     SELECT b.block_no, o.grp, m.meter_no, sum(least(o.quantity, c.max_per_event)) AS quantity, count(*) AS events
     FROM usage_block b CROSS JOIN LATERAL unpack_other_meters(b.events) o
     JOIN usage_term t ON t.term_no = b.group_term_no[o.grp]
     JOIN meter m ON m.name = o.meter AND m.built_in = 0
     JOIN split_plan p USING (split_plan_no)
     LEFT JOIN price_component c ON c.price_no = t.price_no AND c.meter_no = m.meter_no
     WHERE m.meter_no = p.cost_meter_no OR c.meter_no IS NOT NULL GROUP BY 1, 2, 3
   ), stored AS (
     SELECT b.block_no, o.* FROM usage_block b
     CROSS JOIN LATERAL unnest(b.other_group, b.other_meter_no, b.other_quantity, b.other_events) AS o(grp, meter_no, quantity, events)
   )
   SELECT format('usage block %s, group %s, meter %s: stored %s of %s events, events say %s of %s',
       block_no, grp, meter_no, s.quantity, s.events, e.quantity, e.events) AS difference
   FROM stored s FULL JOIN event e USING (block_no, grp, meter_no)
   WHERE (s.quantity, s.events) IS DISTINCT FROM (e.quantity, e.events)`,
);
