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
 * Customers with something on account, of a step of an invoice or more, by their ids. Only an adjustment leaves something there: so
 * only customers who had one are looked at.
 * @param after the customer and currency of the last one already seen
 */
export async function owedCustomers(
  sql: Sql,
  { currency, after, limit }: { currency?: string | undefined; after?: string | undefined; limit: number },
): Promise<OwedCustomer[]> {
  const [seen = "", seenCurrency = ""] = after?.split(" ") ?? [];
  const rows = await sql<(AccountRow & { customer: string; name: string; repayable: string })[]>`
    WITH adjusted AS (
      SELECT i.customer AS id FROM adjustment j JOIN invoice i ON i.id = j.invoice_id
      UNION SELECT c.id FROM adjustment_cell l JOIN customer c USING (customer_no)
      UNION SELECT split_part(m.account, ':', 2) FROM adjustment_movement m WHERE m.account LIKE 'customer:%:receivable')
    SELECT c.id AS customer, c.name, b.currency, b.balance_nanos::text AS owed, invoiced.nanos::text AS invoiced,
      (div(repayable(c.id, b.currency), invoice_step(b.currency)) * invoice_step(b.currency))::text AS repayable
    FROM adjusted JOIN customer c USING (id), ${accounts(sql)}
    WHERE a.path = format('customer:%s:receivable', c.id) AND (${currency ?? null}::text IS NULL OR b.currency = ${currency ?? null})
      AND (c.id, b.currency) > (${seen}, ${seenCurrency}) AND invoiced.nanos - b.balance_nanos >= invoice_step(b.currency)
    ORDER BY c.id, b.currency LIMIT ${limit}`;
  return rows.map(({ customer, name, repayable, ...row }) => ({
    customer,
    name,
    ...viewOf(row),
    repayable: money(row.currency, BigInt(repayable)),
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
