import { type Money, money } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";

/** How a customer stands in the books, in one currency. */
export interface CustomerAccount {
  currency: string;
  /** What it owes for closed months; less than nothing: what it is owed. */
  owed: Money;
  /** What its invoices still ask for. */
  invoiced: Money;
  /**
   * invoiced − owed: what refunds and corrections left in its favour, which no invoice takes. Less than nothing: what it owes and no
   * invoice asks for, or not yet.
   */
  on_account: Money;
}

/** A customer to whom the marketplace owes money. */
export interface OwedCustomer extends CustomerAccount {
  customer: string;
  name: string;
  /**
   * What may be paid back elsewhere now, in whole steps of the currency: not what is on its way back at the provider, nor what a bank
   * may take back in an open dispute. What is below a step and carried on to the next invoice is not taken off.
   */
  repayable: Money;
  /**
   * What the provider received beyond what was asked for and is left of it: credit that the next invoices take, which the customer
   * may want back instead. Not on account, and not repayable: the credit is revoked.
   */
  overpaid: Money;
}

interface AccountRow {
  currency: string;
  owed: string;
  invoiced: string;
}

/** Receivables a of customers, with their balances b. */
const accounts = (sql: Sql) => sql`
  ledger_account a JOIN account_balance b USING (account_no)
  CROSS JOIN LATERAL (SELECT coalesce(sum(invoice_left(i.id)), 0) AS nanos FROM invoice i
    WHERE i.customer = a.owner AND i.currency = b.currency) invoiced`;

/** In each currency in which anything was booked. */
export async function customerAccounts(sql: Sql, customer: string): Promise<CustomerAccount[]> {
  const rows = await sql<AccountRow[]>`
    SELECT b.currency, b.balance_nanos::text AS owed, invoiced.nanos::text AS invoiced
    FROM ${accounts(sql)} WHERE a.path = format('customer:%s:receivable', ${customer}::text) ORDER BY 1`;
  return rows.map(viewOf);
}

/**
 * Customers with something on account, of a step of an invoice or more, or with something left of what they overpaid, by their ids. Only
 * an adjustment leaves something on account: so only customers who had one, or overpaid, are looked at.
 * @param after the customer and currency of the last one already seen
 */
export async function owedCustomers(
  sql: Sql,
  { currency, after, limit }: { currency?: string | undefined; after?: string | undefined; limit: number },
): Promise<OwedCustomer[]> {
  const [seen = "", seenCurrency = ""] = after?.split(" ") ?? [];
  const rows = await sql<
    (AccountRow & { customer: string; name: string; repayable: string; overpaid: string })[]
  >`
    -- The provider's name of the invoice, or of one that it carried over (drizzle/0021_credits.sql), is what such a credit goes by.
    WITH overpaid AS MATERIALIZED (
      SELECT s.customer, s.currency, sum(s.left_nanos) AS nanos FROM credit_standing s
      JOIN invoice_push p ON p.provider_id = split_part(s.reference, '/', 1)
      WHERE s.kind = 'paid' AND s.left_nanos > 0 GROUP BY 1, 2
    ), found AS (
      SELECT customer AS id FROM overpaid UNION
      SELECT i.customer AS id FROM adjustment j JOIN invoice i ON i.id = j.invoice_id
      UNION SELECT c.id FROM adjustment_cell l JOIN customer c USING (customer_no)
      UNION SELECT split_part(m.account, ':', 2) FROM adjustment_movement m WHERE m.account LIKE 'customer:%:receivable'
    )
    SELECT c.id AS customer, c.name, b.currency, b.balance_nanos::text AS owed, invoiced.nanos::text AS invoiced,
      (div(repayable(c.id, b.currency), invoice_step(b.currency)) * invoice_step(b.currency))::text AS repayable,
      coalesce((SELECT o.nanos FROM overpaid o WHERE (o.customer, o.currency) = (c.id, b.currency)), 0)::text AS overpaid
    FROM found JOIN customer c USING (id), ${accounts(sql)}
    WHERE a.path = format('customer:%s:receivable', c.id) AND (${currency ?? null}::text IS NULL OR b.currency = ${currency ?? null})
      AND (c.id, b.currency) > (${seen}, ${seenCurrency}) AND (invoiced.nanos - b.balance_nanos >= invoice_step(b.currency)
        OR EXISTS (SELECT FROM overpaid o WHERE (o.customer, o.currency) = (c.id, b.currency)))
    ORDER BY c.id, b.currency LIMIT ${limit}`;
  return rows.map(({ customer, name, repayable, overpaid, ...row }) => ({
    customer,
    name,
    ...viewOf(row),
    repayable: money(row.currency, BigInt(repayable)),
    overpaid: money(row.currency, BigInt(overpaid)),
  }));
}

function viewOf({ currency, owed, invoiced }: AccountRow): CustomerAccount {
  return {
    currency,
    owed: money(currency, BigInt(owed)),
    invoiced: money(currency, BigInt(invoiced)),
    on_account: money(currency, BigInt(invoiced) - BigInt(owed)),
  };
}
