import {
  fromMinor,
  type Money,
  minorDigits,
  type Nanos,
  parseNanos,
  present,
  toMinor,
} from "../../kernel/index.ts";
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
  const grossMinor = items.reduce((sum, item) => sum + item.amountMinor, 0n);
  if (fromMinor(currency, grossMinor) !== nanosOf(amount))
    throw new RangeError(`the items of invoice ${id} come to ${grossMinor}, not to ${amount.amount}`);
  const creditMinor = toMinor(currency, nanosOf(invoice.paid_from_credits));
  if (creditMinor > 0n) items.push({ amountMinor: -creditMinor, description: "Paid from credits" });
  const amountMinor = grossMinor - creditMinor;
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

function nanosOf({ amount }: Money): Nanos {
  return present(parseNanos(amount), "an amount");
}
