import { sqlCheck } from "../check.ts";

export const identitiesAreMetered = sqlCheck(
  "every identity is one metered or parked event, and no other event exists",
  `SELECT format('event %s: identity %s, metered %s, parked %s', coalesce(i.event_no, e.event_no, p.event_no),
      i.event_no IS NOT NULL, e.event_no IS NOT NULL, p.event_no IS NOT NULL) AS difference
   FROM usage_identity i FULL JOIN usage_event e USING (event_no) FULL JOIN parked_event p USING (event_no)
   WHERE i.event_no IS NULL OR (e.event_no IS NULL) = (p.event_no IS NULL)`,
);

export const countersMatch = sqlCheck(
  "the meter's counters are the events, parked events and dead letters there are",
  `SELECT format('counters say %s applied or parked, %s dead or in conflict; there are %s identities and %s dead letters', c.metered, c.dead, i.n, d.n) AS difference
   FROM (SELECT coalesce(sum(applied + parked), 0) AS metered, coalesce(sum(dead + conflict), 0) AS dead FROM metering_cursor) c,
     (SELECT count(*) AS n FROM usage_identity) i, (SELECT count(*) AS n FROM dead_letter) d
   WHERE c.metered <> i.n OR c.dead <> d.n`,
);
