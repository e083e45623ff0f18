import { KEY_SAFE_MS, untilNotBusy, wasNeverMade } from "../../billing/index.ts";
import { present, stopwatch, toMinor } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { takeOurCreditNote, takeOurRefund } from "./our-refunds.ts";
import type { MadeOutcome, RefundMaker, RefundMeans, RefundToMake } from "./refund-maker.ts";

/** What is to be made at the provider for one refund. */
export interface RefundPush {
  adjustmentNo: string;
  means: RefundMeans;
}

/** `stop`: no other can be made either. `none`: there is nothing to make, or its invoice is not at the provider yet. */
export type SentRefund = "made" | "failed" | "unknown" | "stop" | "none";

/**
 * Makes one refund at the provider, or finds out what became of an attempt that was under way: the machine of payouts.
 * Intent and key are committed before the provider is called, no transaction is open during the call; killed anywhere,
 * calling again goes on safely. What it moved is booked before it counts as made, so once, whoever hears of it first.
 */
export async function sendRefund(
  sql: Sql,
  maker: RefundMaker,
  push: RefundPush,
): Promise<{ result: SentRefund; detail?: string }> {
  const sinceAsked = stopwatch();
  const begun = await begin(sql, push);
  if (begun === undefined) return { result: "none" };
  const { attempt, resumed } = begun;
  const ageMs = Number(begun.age_ms);
  const request: RefundToMake = {
    refund: begun.refund,
    means: push.means,
    invoice: begun.provider_invoice,
    currency: begun.currency,
    amountMinor: toMinor(begun.currency, BigInt(begun.nanos)),
    installation: begun.installation,
    idempotencyKey: begun.idempotency_key,
    maySend: () => ageMs + sinceAsked() < KEY_SAFE_MS,
  };
  const finish = (outcome: string, detail: string) =>
    sql`SELECT finish_refund_push(${push.adjustmentNo}, ${push.means}, ${attempt}, ${outcome}, ${detail})`;
  const made = resumed
    ? await lookUp(sql, maker, request, { push, attempt, ageMs })
    : await untilNotBusy(() => maker.makeRefund(request));
  if (made.outcome !== "made") {
    const result = made.outcome === "busy" ? "unknown" : made.outcome;
    // A full stop says nothing of what was done under the same key before it: that stays unknown.
    await finish(result === "stop" ? (resumed ? "unknown" : "not_sent") : result, made.detail);
    return { result, detail: made.detail };
  }
  const { providerId } = made;
  try {
    const result = await takeOver(sql, maker, request, providerId, begun.invoice);
    if (result === "made") return { result };
    const detail = `${providerId} does not stand any more`;
    await finish(result, detail);
    return { result, detail };
  } catch (error) {
    const detail = `${providerId} was made, and could not be booked: ${error instanceof Error ? error.message : error}`;
    await finish("unknown", detail);
    return { result: "unknown", detail };
  }
}

/** Looked at anew: since it was made, it may have failed. @throws ProviderUnavailable, Refusal */
async function takeOver(
  sql: Sql,
  maker: RefundMaker,
  { means, refund }: RefundToMake,
  providerId: string,
  invoice: string,
): Promise<"made" | "failed"> {
  if (means === "credit_note") {
    const note = present(await maker.creditNoteById(providerId), "the credit note just made");
    return takeOurCreditNote(sql, note, refund);
  }
  const one = present(await maker.refundById(providerId), "the refund just made");
  return takeOurRefund(sql, one, { id: refund, invoice });
}

interface Begun {
  refund: string;
  invoice: string;
  provider_invoice: string;
  currency: string;
  nanos: string;
  installation: string;
  attempt: number;
  idempotency_key: string;
  age_ms: string;
  resumed: boolean;
}

async function begin(sql: Sql, { adjustmentNo, means }: RefundPush): Promise<Begun | undefined> {
  const [begun] = await sql<Begun[]>`
    SELECT b.refund, b.invoice, b.provider_invoice, b.currency, b.amount_nanos::text AS nanos, b.attempt, b.idempotency_key, b.resumed,
      s.installation, (extract(epoch FROM clock_timestamp() - b.started_at) * 1000)::bigint AS age_ms
    FROM begin_refund_push(${adjustmentNo}, ${means}) b CROSS JOIN books_state s`;
  return begun;
}

/**
 * Looks first, for what any attempt may have left. Nothing found, it is sent again only under the same key while that is
 * young: an old one may be forgotten, and the same request under it would refund twice.
 */
async function lookUp(
  sql: Sql,
  maker: RefundMaker,
  request: RefundToMake,
  { push, attempt, ageMs }: { push: RefundPush; attempt: number; ageMs: number },
): Promise<MadeOutcome> {
  try {
    const providerId = await maker.findRefund(request);
    if (providerId !== undefined) return { outcome: "made", providerId };
  } catch (error) {
    return {
      outcome: "unknown",
      detail: `could not ask the provider: ${error instanceof Error ? error.message : error}`,
    };
  }
  if (request.maySend()) return untilNotBusy(() => maker.makeRefund(request));
  const [row] = await sql<[{ since: Date; missing_ms: string }]>`
    SELECT since, (extract(epoch FROM clock_timestamp() - since) * 1000)::bigint AS missing_ms
    FROM note_refund_missing(${push.adjustmentNo}, ${push.means}, ${attempt}) AS since`;
  if (wasNeverMade({ ageMs, missingMs: Number(row.missing_ms) }))
    return {
      outcome: "failed",
      detail: `nothing was found twice, since ${row.since.toISOString()}: the attempt never reached the provider`,
    };
  return { outcome: "unknown", detail: "not found at the provider yet: it is searched again later" };
}
