import type { Sql } from "../../postgres/index.ts";
import type { Invoice } from "../invoice.ts";
import type { BillingProvider, CustomerRequest, NotDone } from "./billing-provider.ts";
import { KEY_SAFE_MS } from "./key-age.ts";
import { untilNotBusy } from "./until-not-busy.ts";

/** Clocks differ: somebody made "since then" is searched from a little before. */
const CLOCKS_APART_MS = 600_000;

/**
 * The customer at the provider, one for each currency (Stripe does not mix currencies on one), made when it is first
 * needed. Should one be made twice after all, the second one is empty for ever: invoices name the recorded one.
 */
export async function ensureCustomer(
  sql: Sql,
  provider: BillingProvider,
  { customer, currency }: Pick<Invoice, "customer" | "currency">,
): Promise<{ providerId: string } | NotDone> {
  const begun = await begin(sql, customer, currency);
  if (begun.provider_id !== null) return { providerId: begun.provider_id };
  const request = { customer, currency, ...begun.request };
  if (begun.resumed) {
    const found = await provider
      .findCustomer(request, new Date(begun.started_at.getTime() - CLOCKS_APART_MS))
      .catch((error: unknown) => ({ detail: error instanceof Error ? error.message : String(error) }));
    if (typeof found === "object") return { outcome: "unknown", detail: found.detail };
    if (found !== undefined) return record(sql, request, found);
    if (Number(begun.age_ms) >= KEY_SAFE_MS) {
      await renew(sql, request, begun.attempt);
      return ensureCustomer(sql, provider, { customer, currency });
    }
  }
  const made = await untilNotBusy(() => provider.createCustomer(request));
  if (made.outcome === "made" && "providerId" in made) return record(sql, request, made.providerId);
  if (made.outcome === "failed") await renew(sql, request, begun.attempt);
  return made as NotDone;
}

interface Begun {
  provider_id: string | null;
  attempt: number;
  started_at: Date;
  age_ms: string;
  resumed: boolean;
  request: Pick<CustomerRequest, "idempotencyKey" | "name" | "installation">;
}

async function begin(sql: Sql, customer: string, currency: string): Promise<Begun> {
  const [{ key, name, installation, ...row }] = await sql<
    [Omit<Begun, "request"> & { key: string; name: string; installation: string }]
  >`
    SELECT b.provider_id, b.attempt, b.started_at, b.resumed, b.idempotency_key AS key, c.name, s.installation,
      (extract(epoch FROM clock_timestamp() - b.started_at) * 1000)::bigint AS age_ms
    FROM begin_billing_customer(${customer}, ${currency}) b JOIN customer c ON c.id = ${customer} CROSS JOIN books_state s`;
  return { ...row, request: { idempotencyKey: key, name, installation } };
}

async function record(sql: Sql, { customer, currency }: CustomerRequest, providerId: string) {
  const [row] = await sql<[{ id: string }]>`
    SELECT record_billing_customer(${customer}, ${currency}, ${providerId}) AS id`;
  return { providerId: row.id };
}

async function renew(sql: Sql, { customer, currency }: CustomerRequest, attempt: number): Promise<void> {
  await sql`SELECT renew_billing_customer(${customer}, ${currency}, ${attempt})`;
}
