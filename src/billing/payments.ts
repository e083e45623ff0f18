import { amountInWords, invalidField, type Money, money, type Nanos, Refusal } from "../kernel/index.ts";
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

/** Banks date ahead of us by their time zones at most. */
const AHEAD_MAX_MS = 86_400_000;

/** A slip of the pen in the year would keep what waits for the days after it held for so long. @throws Refusal body_invalid */
export function requireHappened(paidAt: Date): void {
  if (paidAt.getTime() > Date.now() + AHEAD_MAX_MS)
    throw invalidField("paid_at", "when the money passed, not a time that is to come");
}

/**
 * Records money that came for an invoice: the receivable is less by it, and once the invoice is paid in full, what is
 * held for it becomes payable after the rule's days. One statement; repeated, it changes nothing. Answers what is left
 * to pay, in nanos.
 * @throws Refusal not_found, payment_differs, payment_too_large or body_invalid
 */
export async function recordInvoicePaid(sql: Sql, payment: Payment): Promise<Nanos> {
  const { invoice, amountNanos, reference, by, paidAt } = payment;
  requireHappened(paidAt);
  try {
    const [row] = await sql<[{ left: string }]>`
      SELECT record_invoice_payment(${invoice}, ${reference}, ${amountNanos.toString()}, ${by}, ${paidAt})::text AS left`;
    return BigInt(row.left);
  } catch (error) {
    throw refusalOf(error, payment);
  }
}

export interface PaymentView {
  reference: string;
  amount: Money;
  paid_at: string;
  recorded_by: string;
  /** What the provider was to be told, which was asked to collect the invoice before; null: it knows, or never had to. */
  at_provider: {
    amount: Money;
    state: "none" | "waiting" | "sending" | "unknown" | "told" | "failed";
    provider_id: string | null;
    reason: string | null;
  } | null;
}

/** What was paid of an invoice, in the order of when it came. */
export async function paymentsOf(sql: Sql, invoice: string): Promise<PaymentView[]> {
  const rows = await sql<StoredPayment[]>`
    SELECT m.reference, i.currency, m.amount_nanos::text AS nanos, m.paid_at, m.recorded_by, t.amount_nanos::text AS told_nanos, t.state,
      t.provider_id, t.reason
    FROM invoice_payment m JOIN invoice i ON i.id = m.invoice_id
    LEFT JOIN payment_push t ON (t.invoice_id, t.reference) = (m.invoice_id, m.reference)
    WHERE m.invoice_id = ${invoice} ORDER BY m.paid_at, m.reference`;
  return rows.map(({ reference, currency, nanos, paid_at, recorded_by, ...told }) => ({
    ...{ reference, amount: money(currency, BigInt(nanos)), paid_at: paid_at.toISOString(), recorded_by },
    at_provider:
      told.state === null
        ? null
        : {
            ...{ amount: money(currency, BigInt(told.told_nanos)), state: told.state },
            ...{ provider_id: told.provider_id, reason: told.reason },
          },
  }));
}

type StoredPayment = {
  reference: string;
  currency: string;
  nanos: string;
  paid_at: Date;
  recorded_by: string;
  told_nanos: string;
  state: NonNullable<PaymentView["at_provider"]>["state"] | null;
  provider_id: string | null;
  reason: string | null;
};

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
