import { sqlCheck } from "../check.ts";

export const conversionsFromPlan = sqlCheck(
  "every conversion is in the approved plan of its settlement, and gives what the rate in force at the month's end gives, floored",
  `WITH planned AS (
     SELECT s.period, c.id, c.payee, c."from"->>'currency' AS from_currency, c.from_nanos, c."to"->>'currency' AS to_currency, c.to_nanos,
       c.rate_no, c.rate, c.source
     FROM settlement s CROSS JOIN jsonb_to_recordset(s.plan->'conversions') AS c(id text, payee text, "from" jsonb, from_nanos numeric,
       "to" jsonb, to_nanos numeric, rate_no int, rate numeric, source text) WHERE s.state = 'approved')
   SELECT format('conversion %s: planned %s %s for %s %s at rate %s, stored %s %s for %s %s at rate %s', id, p.to_nanos, p.to_currency,
     p.from_nanos, p.from_currency, p.rate_no, c.to_nanos, c.to_currency, c.from_nanos, c.from_currency, c.rate_no) AS difference
   FROM planned p FULL JOIN conversion c USING (id)
   WHERE (p.period, p.payee, p.from_currency, p.from_nanos, p.to_currency, p.to_nanos, p.rate_no)
     IS DISTINCT FROM (c.period, c.payee, c.from_currency, c.from_nanos, c.to_currency, c.to_nanos, c.rate_no)
   UNION ALL
   SELECT format('conversion %s: rate %s (%s) of %s, in force was rate %s (%s) of %s', c.id, p.rate, p.source, c.rate_no, r.rate, r.source, r.rate_no)
   FROM conversion c JOIN planned p USING (id) LEFT JOIN LATERAL fx_rate_of(c.from_currency, c.to_currency, c.period) r ON true
   WHERE (c.rate_no, p.rate, p.source) IS DISTINCT FROM (r.rate_no, r.rate, r.source)
   UNION ALL
   SELECT format('conversion %s: %s for %s at rate %s (%s)', c.id, c.to_nanos, c.from_nanos, r.rate_no, r.rate)
   FROM conversion c JOIN fx_rate r USING (rate_no) WHERE c.to_nanos <> floor(c.from_nanos * r.rate)`,
);

export const conversionEntries = sqlCheck(
  "every conversion is one entry in each of its currencies, through platform:fx",
  `WITH expected AS (
     SELECT format('conversion:%s:out', id) AS key, from_currency AS currency, payee, from_nanos AS nanos FROM conversion
     UNION ALL SELECT format('conversion:%s:in', id), to_currency, payee, -to_nanos FROM conversion
   ), booked AS (
     SELECT e.key, e.currency, a.owner AS payee, p.amount_nanos AS nanos
     FROM journal_entry e JOIN posting p USING (entry_no) JOIN ledger_account a USING (account_no)
     WHERE e.kind = 'conversion' AND a.kind = 'payee:payable')
   SELECT format('conversion, entry %s: booked %s %s of %s, conversions say %s %s of %s', key, b.nanos, b.currency, b.payee, x.nanos,
     x.currency, x.payee) AS difference
   FROM booked b FULL JOIN expected x USING (key) WHERE (b.currency, b.payee, b.nanos) IS DISTINCT FROM (x.currency, x.payee, x.nanos)`,
);
