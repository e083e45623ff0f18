import { sqlCheck } from "../check.ts";

/**
 * Metering decides by rate_segment; this asks the versions themselves, event by event. A price that says the same as the
 * one before it may begin in the metered past, so prices are compared by what they say.
 */
export const termsInForce = sqlCheck(
  "every event was decided by the customer's terms, the price and the split that held at its time",
  `WITH price AS MATERIALIZED (
     SELECT v.*, (SELECT jsonb_agg(jsonb_build_array(meter_no, unit_amount, max_per_event) ORDER BY meter_no)
       FROM price_component c WHERE c.price_no = v.price_no) AS components
     FROM price_version v
   )
   SELECT format('event %s %s of model %s: decided country %s, price %s, split %s, charged %s; in force were %s, %s, %s, %s',
      e.event_no, e.id, m.id, e.country, e.price_no, e.split_plan_no, e.charged, c.country, v.price_no, p.split_plan_no,
      (e.status = ANY (v.charge_statuses))::int) AS difference
   FROM usage_event e JOIN model m USING (model_no)
   LEFT JOIN customer_version c ON c.customer_no = e.customer_no AND e.occurred_at >= c.effective_from AND e.occurred_at < c.effective_until
   LEFT JOIN price v ON v.model_no = e.model_no AND v.currency = c.currency
     AND e.occurred_at >= v.effective_from AND e.occurred_at < v.effective_until
   LEFT JOIN price decided ON decided.price_no = e.price_no
   LEFT JOIN split_segment g ON g.model_no = e.model_no AND e.occurred_at >= g.effective_from AND e.occurred_at < g.effective_until
   LEFT JOIN self_dealing_plan d ON d.split_plan_no = g.split_plan_no AND d.payee_no = c.payee_no
   LEFT JOIN LATERAL (SELECT coalesce(d.redirected_plan_no, g.split_plan_no) AS split_plan_no) p ON true
   WHERE (decided.model_no, decided.currency, decided.components, e.split_plan_no, e.country, e.charged) IS DISTINCT FROM
         (v.model_no, v.currency, v.components, p.split_plan_no, coalesce(c.country, ''),
          (e.status = ANY (v.charge_statuses))::int::smallint)
      OR e.booked_period < date_trunc('month', e.occurred_at AT TIME ZONE 'UTC')`,
);

export const versionsOfTheirModels = sqlCheck(
  "every usage term's version is one of its own model",
  `SELECT format('usage term %s: version %s is not one of model %s', t.term_no, t.model_version_no, t.model_no) AS difference
   FROM usage_term t LEFT JOIN model_version v USING (model_version_no) WHERE v.model_no IS DISTINCT FROM t.model_no`,
);

// An earlier version's extent counts: one that says the same may begin in the metered past.
export const extentsFromEvents = sqlCheck(
  "no metered event lies after what is noted as the last one under its versions",
  `WITH event AS (
     SELECT e.shard, e.model_no, e.customer_no, e.price_no, e.occurred_at FROM usage_event e
   ), extent AS (
     SELECT kind, subject_no, segment_from, shard, max(last_occurred_at) AS last_occurred_at FROM metered_extents GROUP BY 1, 2, 3, 4
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
   SELECT format('metered extent of %s %s from %s, partition %s: stored %s, events say %s', s.kind, s.subject_no, s.segment_from, s.shard,
      max(x.last_occurred_at), s.last) AS difference
   FROM seen s LEFT JOIN extent x ON (x.kind, x.subject_no, x.shard) = (s.kind, s.subject_no, s.shard) AND x.segment_from <= s.segment_from
   GROUP BY s.kind, s.subject_no, s.segment_from, s.shard, s.last
   HAVING coalesce(max(x.last_occurred_at), '-infinity') < s.last`,
);

/**
 * Extents keep a catalogue change from reaching into usage that is metered. Which version one was kept for may have been
 * split since by one that says the same, so what is asked is what the guard needs: that none is too short, or made up.
 */
export const extentsEndWithEvents = sqlCheck(
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
   FROM metered_extents x
   WHERE last_occurred_at < segment_from OR NOT EXISTS (
     SELECT FROM event e WHERE (e.kind, e.subject_no, e.shard, e.occurred_at) = (x.kind, x.subject_no, x.shard, x.last_occurred_at))
   UNION ALL
   SELECT format('metered extent %s %s of shard %s from %s: no version begins there', kind, subject_no, shard, segment_from)
   FROM metered_extents x WHERE NOT EXISTS (
     SELECT FROM (SELECT 'price:' || currency AS kind, model_no AS subject_no, effective_from FROM price_version
                  UNION ALL SELECT 'split', model_no, effective_from FROM split_segment
                  UNION ALL SELECT 'customer', customer_no, effective_from FROM customer_version) v
     WHERE (v.kind, v.subject_no, v.effective_from) = (x.kind, x.subject_no, x.segment_from))
   UNION ALL
   SELECT format('metered extent %s %s of shard %s: no extent covers the event of %s', kind, subject_no, shard, occurred_at)
   FROM latest l WHERE NOT EXISTS (
     SELECT FROM metered_extents x WHERE (x.kind, x.subject_no, x.shard) = (l.kind, l.subject_no, l.shard)
       AND x.segment_from <= l.occurred_at AND x.last_occurred_at >= l.occurred_at)`,
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
