import { sqlCheck } from "../check.ts";

export const identitiesAreMetered = sqlCheck(
  "every identity is one metered or parked event, and no other event exists",
  `SELECT format('identity %s, event %s: metered %s, parked %s', coalesce(i.identity, p.identity), coalesce(i.event_no, e.event_no),
      e.event_no IS NOT NULL, p.identity IS NOT NULL) AS difference
   FROM usage_identity i FULL JOIN usage_event e USING (event_no) FULL JOIN parked_event p ON p.identity = i.identity
   WHERE (i.identity IS NULL AND (p.identity IS NOT NULL OR e.block_no > (SELECT block_no FROM identity_floor)))
      OR (i.identity IS NOT NULL AND (e.event_no IS NULL) = (p.identity IS NULL))
   UNION ALL
   SELECT format('event %s has %s identities', event_no, count(*)) FROM usage_identity
   WHERE event_no IS NOT NULL GROUP BY event_no HAVING count(*) > 1
   UNION ALL
   SELECT format('block %s says %s events and has %s', b.block_no, b.event_count, n.events)
   FROM usage_block b LEFT JOIN (SELECT block_no, count(*) AS events FROM usage_event GROUP BY 1) n USING (block_no)
   WHERE n.events IS DISTINCT FROM b.event_count`,
);

export const countersMatch = sqlCheck(
  "the meter's counters are the events, parked events and dead letters there are, partition by partition",
  `SELECT format('metering cursor %s: counters say %s applied or parked, %s dead or in conflict; there are %s events and parked events, and %s dead letters',
     partition, c.metered, c.dead, e.n, d.n) AS difference
   FROM (SELECT partition, sum(applied + parked) AS metered, sum(dead + conflict) AS dead FROM metering_cursor GROUP BY 1) c
   FULL JOIN (SELECT partition, sum(n) AS n FROM (
       SELECT shard::int AS partition, sum(event_count) AS n FROM usage_block GROUP BY 1
       UNION ALL SELECT shard, count(*) FROM parked_event GROUP BY 1) x GROUP BY 1) e USING (partition)
   FULL JOIN (SELECT partition, count(*) AS n FROM dead_letter GROUP BY 1) d USING (partition)
   WHERE coalesce(c.metered, 0) <> coalesce(e.n, 0) OR coalesce(c.dead, 0) <> coalesce(d.n, 0)`,
);

export const floorFromBlocks = sqlCheck(
  "identities are forgotten up to the block that the floor's time says, and no further",
  `SELECT format('identity_floor: %s and block %s, blocks say %s', occurred_from, f.block_no, b.block_no) AS difference
   FROM identity_floor f CROSS JOIN LATERAL (
     SELECT coalesce(max(b.block_no), 0) AS block_no FROM usage_block b WHERE b.booked_at < f.occurred_from - interval '10 minutes') b
   WHERE f.block_no <> b.block_no`,
);
