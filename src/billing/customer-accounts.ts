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

/** In each currency in which anything was booked. */
export async function customerAccounts(sql: Sql, customer: string): Promise<CustomerAccount[]> {
  const rows = await sql<{ currency: string; owed: string; invoiced: string }[]>`
    SELECT b.currency, b.balance_nanos::text AS owed,
      (SELECT coalesce(sum(invoice_left(i.id)), 0)::text FROM invoice i WHERE i.customer = ${customer} AND i.currency = b.currency) AS invoiced
    FROM account_balance b JOIN ledger_account a USING (account_no)
    WHERE a.path = format('customer:%s:receivable', ${customer}::text) ORDER BY 1`;
  return rows.map(({ currency, owed, invoiced }) => ({
    currency,
    owed: money(currency, BigInt(owed)),
    invoiced: money(currency, BigInt(invoiced)),
    on_account: money(currency, BigInt(invoiced) - BigInt(owed)),
  }));
}
