import { amountInWords, money, type Nanos, Refusal } from "../kernel/index.ts";
import { refusedByDatabase, type Sql } from "../postgres/index.ts";
import { prepareAccounts } from "./spend/limits.ts";

export interface Payment {
  invoice: string;
  amountNanos: Nanos;
  /** The payer's or the provider's name for this payment: the same one is recorded once. */
  reference: string;
  by: string;
  paidAt: Date;
}

/**
 * Records money that came for an invoice: the receivable is less by it, and once the invoice is paid in full, what is
 * held for it becomes payable after the rule's days. One statement; repeated, it changes nothing. Answers what is left
 * to pay, in nanos.
 * @throws Refusal not_found, payment_differs or payment_too_large
 */
export async function recordInvoicePaid(sql: Sql, payment: Payment): Promise<Nanos> {
  const { invoice, amountNanos, reference, by, paidAt } = payment;
  try {
    const [row] = await sql<[{ left: string }]>`
      SELECT record_invoice_payment(${invoice}, ${reference}, ${amountNanos.toString()}, ${by}, ${paidAt})::text AS left`;
    return BigInt(row.left);
  } catch (error) {
    throw refusalOf(error, payment);
  }
}

/**
 * Records money that came at the provider, which does not know what else was paid or refunded of the invoice: what it still
 * asks for is paid, and what was received beyond that becomes a paid credit of the customer. One statement; repeated, it
 * changes nothing. Answers how much became credit, in nanos.
 * @throws Refusal not_found or payment_differs
 */
export async function recordPaidAtProvider(
  sql: Sql,
  payment: Payment & { receivedNanos: Nanos },
): Promise<Nanos> {
  const { invoice, amountNanos, receivedNanos, reference, by, paidAt } = payment;
  const [{ exceeds }] = await sql<[{ exceeds: boolean | null }]>`
    SELECT invoice_left(${invoice}) < ${receivedNanos.toString()}::numeric AND NOT EXISTS (
      SELECT FROM invoice_payment WHERE invoice_id = ${invoice} AND reference = ${reference}) AS exceeds`;
  if (exceeds) await prepareAccounts(sql);
  try {
    const [row] = await sql<[{ credited: string }]>`
      SELECT record_provider_payment(${invoice}, ${reference}, ${amountNanos.toString()}, ${receivedNanos.toString()}, ${by},
        ${paidAt})::text AS credited`;
    return BigInt(row.credited);
  } catch (error) {
    throw refusalOf(error, payment);
  }
}

function refusalOf(error: unknown, { invoice, reference }: Payment): unknown {
  const refused = refusedByDatabase(error);
  if (refused?.code === "invoice_unknown") return new Refusal("not_found", `there is no invoice ${invoice}`);
  const nanos = BigInt(refused?.detail.nanos ?? "0");
  const amount = amountInWords(money(refused?.detail.currency ?? "", nanos));
  if (refused?.code === "payment_differs")
    return new Refusal(
      "payment_differs",
      `payment ${reference} of ${invoice} is recorded with ${amount}: use another reference for another payment`,
    );
  if (refused?.code === "payment_too_large")
    return new Refusal(
      "payment_too_large",
      nanos === 0n
        ? `amount: nothing is left to pay of ${invoice}: record money that came all the same as a paid credit (POST /v1/customers/{id}/credits)`
        : `amount: ${invoice} has ${amount} left to pay: record at most that, and what is beyond it as a paid credit (POST /v1/customers/{id}/credits)`,
    );
  return error;
}
