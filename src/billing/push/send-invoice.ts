import { present, stopwatch } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import type { InvoiceWithLines } from "../invoice.ts";
import { ensureCustomer } from "./billing-customer.ts";
import type { BillingProvider, InvoiceRequest, PushOutcome } from "./billing-provider.ts";
import { requestFor } from "./invoice-request.ts";
import { KEY_SAFE_MS, wasNeverMade } from "./key-age.ts";
import { untilNotBusy } from "./until-not-busy.ts";

const DRAFT_LEFT = "its draft is at the provider, and its key too old: it goes on under a new one";

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
  if (outcome.outcome === "draft_left") {
    await finish(sql, invoice.id, attempt.attempt, { stored: "not_sent", detail: DRAFT_LEFT });
    return sendInvoice(sql, provider, invoice);
  }
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
): Promise<PushOutcome | { outcome: "draft_left" }> {
  try {
    const found = await provider.findInvoice(request);
    // What was found is safe to go on with under any key; an old one may not be used, nor would a cached 500 ever end.
    if (found?.isDraft === true && !request.maySend()) return { outcome: "draft_left" };
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
  if (wasNeverMade({ ageMs, missingMs: Number(row.apart_ms) }))
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
  return finish(sql, id, attempt, {
    stored,
    ...(outcome.outcome === "pushed" ? { providerId: outcome.providerId } : { detail: outcome.detail }),
  });
}

/** Another run may have recorded its answer first: that one counts, and is answered. */
async function finish(
  sql: Sql,
  id: string,
  attempt: number,
  { stored, providerId, detail }: { stored: string; providerId?: string; detail?: string },
): Promise<PushResult> {
  const [row] = await sql<[{ state: string | null }]>`
    SELECT finish_invoice_push(${id}, ${attempt}, ${stored}, ${providerId ?? null}, ${detail ?? null}) AS state`;
  return present(row.state, "the push's state") as PushResult;
}
