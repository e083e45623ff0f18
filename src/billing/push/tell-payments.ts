import { stopwatch, toMinor } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import type { BillingProvider, PaymentToTell } from "./billing-provider.ts";
import { KEY_SAFE_MS } from "./key-age.ts";
import { untilNotBusy } from "./until-not-busy.ts";

/** What was left in doubt is not asked about again before. */
const REST_SECONDS = 60;
const AT_MOST = 100;

interface PaymentName {
  invoice: string;
  reference: string;
}

export interface ToldPayments {
  told: number;
  problems: (PaymentName & { result: string; detail: string })[];
}

/**
 * Tells the provider of payments that came elsewhere for invoices it was asked to collect, one after the other, and goes on with what was
 * under way. Attempt and key are committed before it is called; safe to repeat, to kill, and beside itself: two ask under the same key.
 */
export async function tellDuePayments(
  sql: Sql,
  provider: BillingProvider,
  { restSeconds = REST_SECONDS }: { restSeconds?: number } = {},
): Promise<ToldPayments> {
  const report: ToldPayments = { told: 0, problems: [] };
  const due = await sql<PaymentName[]>`
    SELECT t.invoice_id AS invoice, t.reference FROM payment_push t JOIN invoice_push i USING (invoice_id)
    WHERE t.state IN ('waiting', 'sending', 'unknown') AND i.provider_id IS NOT NULL
      AND (t.attempt = 0 OR t.updated_at <= clock_timestamp() - make_interval(secs => ${restSeconds}))
    ORDER BY t.updated_at, t.invoice_id, t.reference LIMIT ${AT_MOST}`;
  for (const payment of due) {
    const outcome = await tellPayment(sql, provider, payment);
    if (outcome === undefined) continue;
    if (outcome.outcome === "told") report.told++;
    else report.problems.push({ ...payment, result: outcome.outcome, detail: outcome.detail });
    if (outcome.outcome === "stop") break;
  }
  return report;
}

async function tellPayment(sql: Sql, provider: BillingProvider, { invoice, reference }: PaymentName) {
  const sinceAsked = stopwatch();
  const [begun] = await sql<Begun[]>`
    SELECT b.provider_invoice, b.currency, b.amount_nanos::text AS nanos, b.paid_at, b.attempt, b.idempotency_key, s.installation,
      (extract(epoch FROM clock_timestamp() - b.started_at) * 1000)::bigint AS age_ms
    FROM begin_payment_push(${invoice}, ${reference}) b CROSS JOIN books_state s`;
  if (begun === undefined) return undefined;
  const ageMs = Number(begun.age_ms);
  const request: PaymentToTell = {
    invoice,
    reference,
    providerInvoice: begun.provider_invoice,
    currency: begun.currency,
    amountMinor: toMinor(begun.currency, BigInt(begun.nanos)),
    paidAt: begun.paid_at,
    installation: begun.installation,
    idempotencyKey: begun.idempotency_key,
    maySend: () => ageMs + sinceAsked() < KEY_SAFE_MS,
  };
  const outcome = await untilNotBusy(() => provider.tellPayment(request));
  const [providerId, detail] =
    outcome.outcome === "told" ? [outcome.providerId, null] : [null, outcome.detail];
  // Each try looks first, so a full stop or a key that is busy is only a try that said nothing.
  const stored = outcome.outcome === "stop" || outcome.outcome === "busy" ? "unknown" : outcome.outcome;
  await sql`SELECT finish_payment_push(${invoice}, ${reference}, ${begun.attempt}, ${stored}, ${providerId}, ${detail})`;
  return outcome;
}

interface Begun {
  provider_invoice: string;
  currency: string;
  nanos: string;
  paid_at: Date;
  attempt: number;
  idempotency_key: string;
  installation: string;
  age_ms: string;
}
