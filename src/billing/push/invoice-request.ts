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

/**
 * What the provider is asked for by the attempt that is under way: the invoice, less what was paid elsewhere or credited before the
 * attempt began. What comes between its tries changes nothing of it.
 */
export async function requestFor(
  sql: Sql,
  invoice: InvoiceWithLines,
  providerCustomer: string,
): Promise<Omit<InvoiceRequest, "idempotencyKey" | "maySend">> {
  const { id, period, currency, amount } = invoice;
  const [row] = await sql<[{ installation: string; step: string; off: string }]>`
    SELECT installation, invoice_step(${currency})::text AS step, off_nanos::text AS off
    FROM books_state, invoice_push WHERE invoice_id = ${id}`;
  const minor = toMinor(currency, BigInt(row.step));
  const perUnit = 10n ** BigInt(minorDigits(currency)) / minor;
  const items = planItems(invoice, { minor, perUnit });
  const grossMinor = items.reduce((sum, item) => sum + item.amountMinor, 0n);
  if (fromMinor(currency, grossMinor) !== nanosOf(amount))
    throw new RangeError(`the items of invoice ${id} come to ${grossMinor}, not to ${amount.amount}`);
  const creditMinor = toMinor(currency, nanosOf(invoice.paid_from_credits));
  if (creditMinor > 0n) items.push({ amountMinor: -creditMinor, description: "Paid from credits" });
  const offMinor = toMinor(currency, BigInt(row.off));
  if (offMinor > 0n) items.push({ amountMinor: -offMinor, description: "Paid or credited already" });
  const amountMinor = grossMinor - creditMinor - offMinor;
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
