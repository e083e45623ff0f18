import { sqlCheck } from "../check.ts";

/**
 * Extents keep a catalogue change from reaching into usage that is metered. Which version one was kept for may have been
 * split since by one that says the same, so what is asked is what the guard needs: that none is too short, or made up.
 */
export const extentsFromEvents = sqlCheck(
  "every event is covered by the metered extent of its price, its split and its customer, and every extent ends with an event",
  `WITH event AS MATERIALIZED (
     SELECT 'price:' || p.currency AS kind, e.model_no AS subject_no, e.shard, e.occurred_at
     FROM usage_event e JOIN price_version p USING (price_no)
     UNION ALL SELECT 'split', model_no, shard, occurred_at FROM usage_event
     UNION ALL SELECT 'customer', customer_no, shard, occurred_at FROM usage_event
   ), latest AS (
     SELECT kind, subject_no, shard, max(occurred_at) AS occurred_at FROM event GROUP BY 1, 2, 3
   )
   SELECT format('metered extent %s %s of shard %s from %s: ends at %s without an event', kind, subject_no, shard, segment_from,
       last_occurred_at) AS difference
   FROM metered_extent x
   WHERE last_occurred_at < segment_from OR NOT EXISTS (
     SELECT FROM event e WHERE (e.kind, e.subject_no, e.shard, e.occurred_at) = (x.kind, x.subject_no, x.shard, x.last_occurred_at))
   UNION ALL
   SELECT format('metered extent %s %s of shard %s from %s: no version begins there', kind, subject_no, shard, segment_from)
   FROM metered_extent x WHERE NOT EXISTS (
     SELECT FROM (SELECT 'price:' || currency AS kind, model_no AS subject_no, effective_from FROM price_version
                  UNION ALL SELECT 'split', model_no, effective_from FROM split_segment
                  UNION ALL SELECT 'customer', customer_no, effective_from FROM customer_version) v
     WHERE (v.kind, v.subject_no, v.effective_from) = (x.kind, x.subject_no, x.segment_from))
   UNION ALL
   SELECT format('metered extent %s %s of shard %s: no extent covers the event of %s', kind, subject_no, shard, occurred_at)
   FROM latest l WHERE NOT EXISTS (
     SELECT FROM metered_extent x WHERE (x.kind, x.subject_no, x.shard) = (l.kind, l.subject_no, l.shard)
       AND x.segment_from <= l.occurred_at AND x.last_occurred_at >= l.occurred_at)`,
);
