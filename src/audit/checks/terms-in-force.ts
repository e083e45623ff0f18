import { sqlCheck } from "../check.ts";

/** Metering decides by rate_segment; this asks the versions themselves, event by event. */
export const termsInForce = sqlCheck(
  "every event was decided by the customer's terms, the price and the split that held at its time",
  `SELECT format('event %s %s of model %s: decided country %s, price %s, split %s, charged %s; in force were %s, %s, %s, %s',
      e.event_no, e.id, m.id, e.country, e.price_no, e.split_plan_no, e.charged, c.country, v.price_no, p.split_plan_no,
      (e.status = ANY (v.charge_statuses))::int) AS difference
   FROM usage_event e JOIN model m USING (model_no)
   LEFT JOIN customer_version c ON c.customer_no = e.customer_no AND e.occurred_at >= c.effective_from AND e.occurred_at < c.effective_until
   LEFT JOIN price_version v ON v.model_no = e.model_no AND v.currency = c.currency
     AND e.occurred_at >= v.effective_from AND e.occurred_at < v.effective_until
   LEFT JOIN split_segment g ON g.model_no = e.model_no AND e.occurred_at >= g.effective_from AND e.occurred_at < g.effective_until
   LEFT JOIN self_dealing_plan d ON d.split_plan_no = g.split_plan_no AND d.payee_no = c.payee_no
   LEFT JOIN LATERAL (SELECT coalesce(d.redirected_plan_no, g.split_plan_no) AS split_plan_no) p ON true
   WHERE (e.price_no, e.split_plan_no, e.country, e.charged) IS DISTINCT FROM
         (v.price_no, p.split_plan_no, coalesce(c.country, ''), (e.status = ANY (v.charge_statuses))::int::smallint)
      OR e.booked_period < date_trunc('month', e.occurred_at AT TIME ZONE 'UTC')`,
);

export const extentsFromEvents = sqlCheck(
  "no metered event lies after what is noted as the last one under its versions",
  `WITH event AS (
     SELECT e.shard, e.model_no, e.customer_no, e.price_no, e.occurred_at FROM usage_event e
   ), seen AS (
     SELECT 'price:' || v.currency AS kind, e.model_no AS subject_no, v.effective_from AS segment_from, e.shard, max(e.occurred_at) AS last
     FROM event e JOIN price_version v USING (price_no) GROUP BY 1, 2, 3, 4
     UNION ALL
     SELECT 'split', e.model_no, g.effective_from, e.shard, max(e.occurred_at)
     FROM event e JOIN split_segment g ON g.model_no = e.model_no AND e.occurred_at >= g.effective_from AND e.occurred_at < g.effective_until
     GROUP BY 1, 2, 3, 4
     UNION ALL
     SELECT 'customer', e.customer_no, c.effective_from, e.shard, max(e.occurred_at)
     FROM event e JOIN customer_version c ON c.customer_no = e.customer_no AND e.occurred_at >= c.effective_from AND e.occurred_at < c.effective_until
     GROUP BY 1, 2, 3, 4
   )
   SELECT format('metered extent of %s %s from %s, partition %s: stored %s, events say %s', kind, subject_no, segment_from, shard,
      x.last_occurred_at, s.last) AS difference
   FROM seen s LEFT JOIN metered_extent x USING (kind, subject_no, segment_from, shard)
   WHERE coalesce(x.last_occurred_at, '-infinity') < s.last`,
);
