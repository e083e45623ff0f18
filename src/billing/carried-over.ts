import { fromMinor, type Nanos } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import type { BillingProvider, InvoiceStanding } from "./push/billing-provider.ts";
import { prepareAccounts } from "./spend/limits.ts";

/** A payment of an invoice at the provider that paid more than this invoice, and how it stands there. */
export interface PaidBeyond {
  invoice: string;
  providerId: string;
  standing: InvoiceStanding;
  /** What is beyond the invoice's own amount; how much of that the provider has. */
  amountNanos: Nanos;
  receivedNanos: Nanos;
  by: string;
  paidAt: Date;
}

interface Carried {
  invoice: string;
  provider_id: string;
  nanos: string;
}

/**
 * Records what a payment paid of the customer's invoices before, which were too small to be charged and which the provider
 * carried over to this one: each as it would be paid by itself. One statement; repeated, it changes nothing. Answers what was
 * paid for none of our invoices, in nanos.
 * @throws ProviderUnavailable
 */
export async function recordPaidWith(
  sql: Sql,
  provider: BillingProvider,
  payment: PaidBeyond,
): Promise<Nanos> {
  const { providerId, amountNanos, receivedNanos, by, paidAt } = payment;
  const carried = await carriedTo(sql, provider, payment);
  if (carried.length === 0) return amountNanos;
  await prepareAccounts(sql);
  const [row] = await sql<[{ left: string }]>`
    SELECT record_carried_payment(${providerId}, ${JSON.stringify(carried)}::text::jsonb, ${amountNanos.toString()},
      ${receivedNanos.toString()}, ${by}, ${paidAt})::text AS left`;
  return BigInt(row.left) as Nanos;
}

/** The latest first, until they come to what was paid: with each invoice that it charges the provider asks for all that is carried. */
async function carriedTo(sql: Sql, provider: BillingProvider, payment: PaidBeyond): Promise<Carried[]> {
  const { invoice, providerId, standing, amountNanos } = payment;
  const others = await sql<{ invoice: string; provider_id: string; paid: string }[]>`
    SELECT p.invoice_id AS invoice, p.provider_id, carried_paid(p.invoice_id, p.provider_id, ${providerId})::text AS paid
    FROM invoice own JOIN invoice i ON i.customer = own.customer AND i.currency = own.currency AND i.period < own.period
    JOIN invoice_push p ON p.invoice_id = i.id AND p.provider_id IS NOT NULL
    WHERE own.id = ${invoice} AND NOT EXISTS (
      SELECT FROM invoice_payment x WHERE x.invoice_id = i.id AND x.reference = p.provider_id)
    ORDER BY i.period DESC`;
  const carried: Carried[] = [];
  let left = amountNanos as bigint;
  for (const { invoice, provider_id, paid } of others) {
    if (left <= 0n) break;
    const one = await provider.invoiceStanding(provider_id);
    if (one === undefined || !wasCarriedTo(standing, one)) continue;
    const nanos = fromMinor(one.currency, one.carriedMinor);
    carried.push({ invoice, provider_id, nanos: nanos.toString() });
    left -= nanos - BigInt(paid);
  }
  return carried;
}

function wasCarriedTo(
  later: InvoiceStanding,
  { status, carriedMinor, finalizedAt }: InvoiceStanding,
): boolean {
  if (status !== "paid" || carriedMinor <= 0n || finalizedAt === null || later.finalizedAt === null)
    return false;
  return finalizedAt <= later.finalizedAt;
}
