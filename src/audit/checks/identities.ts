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
  "the meter's counters are the events, parked events and dead letters there are",
  `SELECT format('counters say %s applied or parked, %s dead or in conflict; there are %s events and parked events, and %s dead letters', c.metered, c.dead, i.n, d.n) AS difference
   FROM (SELECT coalesce(sum(applied + parked), 0) AS metered, coalesce(sum(dead + conflict), 0) AS dead FROM metering_cursor) c,
     (SELECT (SELECT coalesce(sum(event_count), 0) FROM usage_block) + (SELECT count(*) FROM parked_event) AS n) i, (SELECT count(*) AS n FROM dead_letter) d
   WHERE c.metered <> i.n OR c.dead <> d.n`,
);
