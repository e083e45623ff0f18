import { sqlCheck } from "../check.ts";

export const nettingsFromUsage = sqlCheck(
  "what a linked customer used in a released period is netted as far as its payee's unheld earnings of that period go",
  `WITH due AS (SELECT s.period, x.* FROM settlement s CROSS JOIN LATERAL netting_due(s.period) x WHERE s.state <> 'closing')
   SELECT format('netting %s/%s/%s/%s: stored %s of %s, by usage, links and the netting rule it is %s of %s', period, customer, currency, payee,
     n.amount_nanos, n.owed_nanos, d.amount_nanos, d.owed_nanos) AS difference
   FROM netting n FULL JOIN due d USING (period, customer, currency, payee)
   WHERE (n.amount_nanos, n.owed_nanos) IS DISTINCT FROM (d.amount_nanos, d.owed_nanos)`,
);

export const nettingEntries = sqlCheck(
  "every netting is one entry, from its payee's payable to its customer's receivable",
  `WITH expected AS (
     SELECT format('netting:%s:%s/%s:%s', period, payee, customer, currency) AS key, period, currency, side.path, side.nanos
     FROM netting CROSS JOIN LATERAL (VALUES (format('payee:%s:payable', payee), amount_nanos),
       (format('customer:%s:receivable', customer), -amount_nanos)) AS side(path, nanos)
   ), booked AS (
     SELECT e.key, e.period, e.currency, a.path, p.amount_nanos AS nanos
     FROM journal_entry e JOIN posting p USING (entry_no) JOIN ledger_account a USING (account_no) WHERE e.kind = 'netting')
   SELECT format('netting, entry %s on %s: booked %s, netted %s', key, path, b.nanos, x.nanos) AS difference
   FROM booked b FULL JOIN expected x USING (key, period, currency, path) WHERE b.nanos IS DISTINCT FROM x.nanos`,
);
