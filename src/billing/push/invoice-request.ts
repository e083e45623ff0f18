import { fromMinor, minorDigits, parseNanos, present, toMinor } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import type { InvoiceWithLines } from "../invoice.ts";
import type { InvoiceRequest } from "./billing-provider.ts";
import { planItems } from "./plan-items.ts";

/** What the provider is asked for: the same for each attempt, since invoices and books never change. */
export async function requestFor(
  sql: Sql,
  invoice: InvoiceWithLines,
  providerCustomer: string,
): Promise<Omit<InvoiceRequest, "idempotencyKey" | "maySend">> {
  const { id, period, currency, amount } = invoice;
  const [row] = await sql<[{ installation: string; step: string }]>`
    SELECT installation, invoice_step(${currency})::text AS step FROM books_state`;
  const minor = toMinor(currency, BigInt(row.step));
  const perUnit = 10n ** BigInt(minorDigits(currency)) / minor;
  const items = planItems(invoice, { minor, perUnit });
  const amountMinor = items.reduce((sum, item) => sum + item.amountMinor, 0n);
  if (fromMinor(currency, amountMinor) !== present(parseNanos(amount.amount), "an amount"))
    throw new RangeError(`the items of invoice ${id} come to ${amountMinor}, not to ${amount.amount}`);
  return {
    invoice: id,
    period,
    providerCustomer,
    currency,
    amountMinor,
    items,
    installation: row.installation,
  };
}
