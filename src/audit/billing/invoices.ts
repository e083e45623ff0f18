import { sqlCheck } from "../check.ts";

export const invoicesFromWindows = sqlCheck(
  "the invoices of a period are its customers' windows at their prices, line by line",
  `WITH used AS (SELECT r.period, w.* FROM invoice_run r CROSS JOIN LATERAL customer_lines(r.period) w),
   invoiced AS (SELECT i.period, i.customer, i.currency, l.* FROM invoice_line l LEFT JOIN invoice i ON i.id = l.invoice_id)
   SELECT format('invoice line %s/%s/%s/%s/%s of %s: invoiced %s of %s events for %s, used %s of %s for %s', l.invoice_id, service_month,
     model_no, meter_no, price_no, customer, l.quantity, l.events, l.gross, u.quantity, u.events, u.gross) AS difference
   FROM invoiced l FULL JOIN used u USING (period, customer, currency, service_month, model_no, meter_no, price_no)
   WHERE (l.quantity, l.events, l.gross) IS DISTINCT FROM (u.quantity, u.events, u.gross)`,
);

export const invoicesAddUp = sqlCheck(
  "an invoice is its lines and what the one before left, less what was netted, floored to the currency's step, and the rest is carried on",
  `WITH told AS (
     SELECT i.*, coalesce(l.n, 0) AS n, coalesce(l.sum, 0) AS sum,
       coalesce(lag(carried_out) OVER (PARTITION BY customer, currency ORDER BY period), 0) AS left_before,
       (SELECT coalesce(sum(x.amount_nanos), 0) FROM netting x
        WHERE x.period = i.period AND x.customer = i.customer AND x.currency = i.currency) AS netted
     FROM invoice i LEFT JOIN (SELECT invoice_id, count(*) AS n, sum(gross) AS sum FROM invoice_line GROUP BY 1) l ON l.invoice_id = i.id)
   SELECT format('invoice %s: %s lines for %s, carried in %s, netted %s, amount %s, carried out %s; its lines are %s for %s, carried on was %s, netted %s', id, lines,
     gross, carried_in, netted_nanos, amount_nanos, carried_out, n, sum, left_before, netted) AS difference
   FROM told WHERE lines <> n OR gross <> sum OR carried_in <> left_before
     OR amount_nanos <> div((sum + left_before) * 1000000000 - netted, invoice_step(currency)) * invoice_step(currency)
     OR carried_out <> sum + left_before - (netted + amount_nanos) * 0.000000001 OR netted_nanos <> netted
     OR id <> format('inv_%s_%s_%s', to_char(period, 'YYYY-MM'), customer, currency)`,
);

export const invoicesFromBills = sqlCheck(
  "what is invoiced before rounding is what close moved to the customer's receivable, to the nano",
  `SELECT format('invoice of %s to %s in %s: its lines come to %s nanos, the bill is %s', period, customer, currency, i.nanos, e.nanos) AS difference
   FROM (SELECT period, customer, currency, round_to_nanos(gross) AS nanos FROM invoice) i
   FULL JOIN (SELECT e.period, a.owner AS customer, e.currency, sum(p.amount_nanos) AS nanos
              FROM journal_entry e JOIN posting p USING (entry_no) JOIN ledger_account a USING (account_no) JOIN invoice_run r USING (period)
              WHERE e.kind = 'billing' AND a.kind = 'customer:receivable' GROUP BY 1, 2, 3) e USING (period, customer, currency)
   WHERE coalesce(i.nanos, 0) <> coalesce(e.nanos, 0)`,
);

export const invoiceRuns = sqlCheck(
  "invoices are made once for each closed period, in order and without a gap",
  `SELECT format('invoice run %s: says %s invoices, there are %s', period, r.invoices, i.n) AS difference
   FROM invoice_run r FULL JOIN (SELECT period, count(*) AS n FROM invoice GROUP BY 1) i USING (period)
   WHERE coalesce(r.invoices, -1) <> coalesce(i.n, 0)
   UNION ALL
   SELECT format('invoice run %s: the period is not closed', r.period) FROM invoice_run r
   WHERE NOT EXISTS (SELECT FROM settlement s WHERE s.period = r.period AND s.state NOT IN ('closing', 'released'))
   UNION ALL
   SELECT format('invoice run %s is missing: later ones are there', s.period) FROM settlement s
   WHERE s.period < (SELECT max(period) FROM invoice_run) AND NOT EXISTS (SELECT FROM invoice_run r WHERE r.period = s.period)`,
);
