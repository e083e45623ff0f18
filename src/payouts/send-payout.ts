import { setTimeout as pause } from "node:timers/promises";
import { type Nanos, payoutStep, present, stopwatch, toMinor } from "../kernel/index.ts";
import { refusedByDatabase, type Sql } from "../postgres/index.ts";
import type { PayoutProvider, TransferOutcome, TransferRequest } from "./payout-provider.ts";

/** Stripe may forget a key after 24 hours; younger than this it is safe to send the same one again. */
const KEY_SAFE_MS = 20 * 3_600_000;
/** An unknown attempt that was never found, twice and this far apart, after this long, was never made. */
const MISSING_APART_MS = 600_000;
const MISSING_AFTER_MS = 24 * 3_600_000;
const BUSY_TRIES_MAX = 6;

export interface PayoutToSend {
  id: string;
  period: string;
  payee: string;
  currency: string;
  account: string;
}

/**
 * `carried`: too little of it is payable by now. `held`: the payee is frozen, the payout waits. `stop`: no other can be sent
 * either.
 */
export type SendResult = "paid" | "failed" | "carried" | "unknown" | "no_funds" | "held" | "stop" | "none";

/**
 * Sends one payout, or finds out what became of an attempt that was under way. Intent and key are committed before
 * the provider is called, and no transaction is open during the call; killed anywhere, calling again goes on safely.
 */
export async function sendPayout(
  sql: Sql,
  provider: PayoutProvider,
  payout: PayoutToSend,
): Promise<{ result: SendResult; detail?: string }> {
  const sinceAsked = stopwatch();
  const attempt = await begin(sql, payout);
  if (attempt === undefined) return notBegun(sql, payout.id);
  if ("stopped" in attempt) return { result: "stop", detail: attempt.stopped };
  const ageMs = Number(attempt.age_ms);
  const request: TransferRequest = {
    ...requestFor(payout, BigInt(attempt.amount_nanos)),
    idempotencyKey: attempt.idempotency_key,
    maySend: () => ageMs + sinceAsked() < KEY_SAFE_MS,
  };
  const outcome = attempt.resumed
    ? await lookUp(sql, provider, request, attempt)
    : await transfer(provider, request);
  const { result, detail } = await record(
    sql,
    payout.id,
    attempt.attempt,
    storedOutcome(outcome, attempt.resumed),
    outcome,
  );
  return {
    result: outcome.outcome === "stop" || outcome.outcome === "no_funds" ? outcome.outcome : result,
    ...detail,
  };
}

interface BegunAttempt {
  attempt: number;
  amount_nanos: string;
  idempotency_key: string;
  age_ms: string;
  resumed: boolean;
  /** Why the payee is frozen, when an attempt that is under way is answered. */
  frozen: string | null;
}

async function begin(
  sql: Sql,
  { id, currency }: PayoutToSend,
): Promise<BegunAttempt | { stopped: string } | undefined> {
  try {
    const [attempt] = await sql<BegunAttempt[]>`
      SELECT attempt, amount_nanos::text, idempotency_key, resumed, frozen,
        (extract(epoch FROM clock_timestamp() - started_at) * 1000)::bigint AS age_ms
      FROM begin_payout_attempt(${id}, ${payoutStep(currency).toString()})`;
    return attempt;
  } catch (error) {
    const refused = refusedByDatabase(error);
    if (refused?.code !== "payouts_stopped") throw error;
    return { stopped: `payouts are stopped (${refused.detail.reason}): resume them, then pay again` };
  }
}

/**
 * A refused key or a full stop says nothing of an earlier try under the same key, whose answer was lost: that stays
 * unknown. Every other refusal under a young key is definitive, since a success would have been answered again.
 */
function storedOutcome({ outcome }: TransferOutcome, resumed: boolean): string {
  if (outcome === "stop") return resumed ? "unknown" : "not_sent";
  return outcome === "no_funds" ? "not_sent" : outcome;
}

/** Paid before; or its payee is frozen, or too little of it is payable: then somebody must hear of it. */
async function notBegun(sql: Sql, id: string): Promise<{ result: SendResult; detail?: string }> {
  const [row] = await sql<
    [{ state: string; reason: string | null }]
  >`SELECT state, reason FROM payout WHERE id = ${id}`;
  const detail = row.reason ?? "";
  if (row.state === "failed" || row.state === "carried") return { result: row.state, detail };
  return row.state === "approved" ? { result: "held", detail } : { result: "none" };
}

function requestFor(
  payout: PayoutToSend,
  amountNanos: Nanos,
): Omit<TransferRequest, "idempotencyKey" | "maySend"> {
  const { id: payoutId, payee, period, currency, account } = payout;
  return { payoutId, payee, period, currency, account, amountMinor: toMinor(currency, amountNanos) };
}

async function transfer(provider: PayoutProvider, request: TransferRequest): Promise<TransferOutcome> {
  for (let tries = 1; ; tries++) {
    const outcome = await provider.transfer(request);
    if (outcome.outcome !== "busy") return outcome;
    // Still sending under a key that is safe to repeat: the next run goes on with it.
    if (tries === BUSY_TRIES_MAX) return { outcome: "unknown", detail: outcome.detail };
    await pause(100 * 2 ** tries);
  }
}

/**
 * Looks first. Not found, it is sent again only under the same key while that is young: an old one may be forgotten,
 * and the same request under it would pay twice. Nor while the payee is frozen: then it is only looked for.
 */
async function lookUp(
  sql: Sql,
  provider: PayoutProvider,
  request: TransferRequest,
  { attempt, frozen, age_ms }: BegunAttempt,
): Promise<TransferOutcome> {
  const sendAgain = async (): Promise<TransferOutcome> => {
    if (frozen === null) return transfer(provider, request);
    const detail = `the payee is frozen (${frozen}): the transfer is looked for, and not sent again`;
    return { outcome: "unknown", detail };
  };
  try {
    const transferId = await provider.findTransfer(request);
    if (transferId !== undefined) return { outcome: "paid", transferId };
  } catch (error) {
    if (request.maySend()) return sendAgain();
    return {
      outcome: "unknown",
      detail: `could not ask the provider: ${error instanceof Error ? error.message : error}`,
    };
  }
  if (request.maySend()) return sendAgain();
  const [row] = await sql<[{ since: Date; apart_ms: string }]>`
    SELECT since, (extract(epoch FROM clock_timestamp() - since) * 1000)::bigint AS apart_ms
    FROM note_attempt_missing(${request.payoutId}, ${attempt}) AS since`;
  if (Number(row.apart_ms) >= MISSING_APART_MS && Number(age_ms) >= MISSING_AFTER_MS) {
    return {
      outcome: "failed",
      detail: `no transfer was found twice, since ${row.since.toISOString()}: the attempt never reached the provider`,
    };
  }
  return {
    outcome: "unknown",
    detail: "not found at the provider yet: it is searched again at the next run",
  };
}

async function record(sql: Sql, id: string, attempt: number, stored: string, outcome: TransferOutcome) {
  const transferId = outcome.outcome === "paid" ? outcome.transferId : null;
  const detail = "detail" in outcome ? outcome.detail : null;
  const [row] = await sql<[{ state: string | null }]>`
    SELECT finish_payout_attempt(${id}, ${attempt}, ${stored}, ${transferId}, ${detail}) AS state`;
  // Another run may have recorded its answer first: that one counts.
  return {
    result: present(row.state, "the payout's state") as SendResult,
    detail: detail === null ? {} : { detail },
  };
}
