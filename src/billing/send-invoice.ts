import { setTimeout as pause } from "node:timers/promises";
import { present } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import { ensureCustomer } from "./billing-customer.ts";
import type { BillingProvider, InvoiceRequest, NotDone, PushOutcome } from "./billing-provider.ts";
import type { InvoiceWithLines } from "./invoice.ts";
import { requestFor } from "./invoice-request.ts";

/** The provider may forget a key after 24 hours; younger than this it is safe to send the same one again. */
export const KEY_SAFE_MS = 20 * 3_600_000;
/** An unknown attempt that was never found, twice and this far apart, after this long, was never made. */
const MISSING_APART_MS = 600_000;
const MISSING_AFTER_MS = 24 * 3_600_000;
const BUSY_TRIES_MAX = 6;

/** Milliseconds since now by the faster of two clocks: one stands still while the machine sleeps, the other can be set back. */
function stopwatch(): () => number {
  const [wall, steady] = [Date.now(), performance.now()];
  return () => Math.max(Date.now() - wall, performance.now() - steady);
}

/** `stop`: no other can be pushed either. `none`: it was pushed before, or asks for nothing. */
export type PushResult = "pushed" | "failed" | "unknown" | "stop" | "none";

/**
 * Pushes one invoice to the provider, or finds out what became of an attempt that was under way: the machine of
 * payouts. Intent and key are committed before the provider is called, no transaction is open during the call; killed
 * anywhere, calling again goes on safely, and the customer is asked once.
 */
export async function sendInvoice(
  sql: Sql,
  provider: BillingProvider,
  invoice: InvoiceWithLines,
): Promise<{ result: PushResult; detail?: string }> {
  const customer = await ensureCustomer(sql, provider, invoice);
  if ("outcome" in customer)
    return {
      result: customer.outcome === "busy" ? "unknown" : customer.outcome,
      detail: `the customer could not be made: ${customer.detail}`,
    };
  const sinceAsked = stopwatch();
  const attempt = await begin(sql, invoice.id);
  if (attempt === undefined) return { result: "none" };
  const ageMs = Number(attempt.age_ms);
  const request: InvoiceRequest = {
    ...(await requestFor(sql, invoice, customer.providerId)),
    idempotencyKey: attempt.idempotency_key,
    maySend: () => ageMs + sinceAsked() < KEY_SAFE_MS,
  };
  const outcome = attempt.resumed
    ? await lookUp(sql, provider, request, attempt.attempt, ageMs)
    : await untilNotBusy(() => provider.pushInvoice(request));
  const stored = await record(sql, invoice.id, attempt, outcome);
  const detail = "detail" in outcome ? { detail: outcome.detail } : {};
  return { result: outcome.outcome === "stop" ? "stop" : stored, ...detail };
}

interface BegunAttempt {
  attempt: number;
  idempotency_key: string;
  age_ms: string;
  resumed: boolean;
}

async function begin(sql: Sql, id: string): Promise<BegunAttempt | undefined> {
  const [attempt] = await sql<BegunAttempt[]>`
    SELECT attempt, idempotency_key, resumed,
      (extract(epoch FROM clock_timestamp() - started_at) * 1000)::bigint AS age_ms
    FROM begin_invoice_push(${id})`;
  return attempt;
}

export async function untilNotBusy<T extends { outcome: string }>(
  call: () => Promise<T | NotDone>,
): Promise<T | NotDone> {
  for (let tries = 1; ; tries++) {
    const outcome = await call();
    if (outcome.outcome !== "busy") return outcome;
    // Still sending under a key that is safe to repeat: the next run goes on with it.
    if (tries === BUSY_TRIES_MAX) return { outcome: "unknown", detail: (outcome as NotDone).detail };
    await pause(100 * 2 ** tries);
  }
}

/**
 * Looks first, for what any attempt may have left. A draft is completed; nothing found, it is sent again only under the
 * same key while that is young: an old one may be forgotten, and the same request under it would ask twice.
 */
async function lookUp(
  sql: Sql,
  provider: BillingProvider,
  request: InvoiceRequest,
  attempt: number,
  ageMs: number,
): Promise<PushOutcome> {
  try {
    const found = await provider.findInvoice(request);
    if (found !== undefined) return await untilNotBusy(() => provider.completeInvoice(request, found));
  } catch (error) {
    return {
      outcome: "unknown",
      detail: `could not ask the provider: ${error instanceof Error ? error.message : error}`,
    };
  }
  if (request.maySend()) return untilNotBusy(() => provider.pushInvoice(request));
  const [row] = await sql<[{ since: Date; apart_ms: string }]>`
    SELECT since, (extract(epoch FROM clock_timestamp() - since) * 1000)::bigint AS apart_ms
    FROM note_invoice_missing(${request.invoice}, ${attempt}) AS since`;
  if (Number(row.apart_ms) >= MISSING_APART_MS && ageMs >= MISSING_AFTER_MS)
    return {
      outcome: "failed",
      detail: `no invoice was found twice, since ${row.since.toISOString()}: the attempt never reached the provider`,
    };
  return {
    outcome: "unknown",
    detail: "not found at the provider yet: it is searched again at the next run",
  };
}

/** A full stop says nothing of what was done under the same key before it: that stays unknown. */
async function record(
  sql: Sql,
  id: string,
  { attempt, resumed }: BegunAttempt,
  outcome: PushOutcome,
): Promise<PushResult> {
  const stored = outcome.outcome === "stop" ? (resumed ? "unknown" : "not_sent") : outcome.outcome;
  const providerId = outcome.outcome === "pushed" ? outcome.providerId : null;
  const detail = "detail" in outcome ? outcome.detail : null;
  const [row] = await sql<[{ state: string | null }]>`
    SELECT finish_invoice_push(${id}, ${attempt}, ${stored}, ${providerId}, ${detail}) AS state`;
  // Another run may have recorded its answer first: that one counts.
  return present(row.state, "the push's state") as PushResult;
}
