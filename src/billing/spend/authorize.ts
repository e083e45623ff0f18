import { type Nanos, Refusal } from "../../kernel/index.ts";
import { refusedByDatabase, type Sql } from "../../postgres/index.ts";
import { eventIdentity } from "../../usage/index.ts";

export interface AuthorizeRequest {
  customer: string;
  model: string;
  /** The customer's own when it is left out. */
  currency: string | undefined;
  /** What it will cost, or the quantities that it will move, at their meters' scales. */
  estimate: { nanos: Nanos } | { quantities: ReadonlyMap<string, bigint> };
  /** The prediction, as its usage event will name it. */
  prediction: { source: string; id: string };
  ttlSeconds: number;
}

/** `reserved`, `settled`, `no_limit` may run; the others may not. */
export type AuthorizeReason = "reserved" | "settled" | "no_limit" | "hard_limit_reached" | "credit_exhausted";

export interface Authorization {
  authorized: boolean;
  reason: AuthorizeReason;
  /** Null when nothing is reserved. */
  reservation: string | null;
  currency: string;
  amountNanos: Nanos;
  expiresAt: Date | null;
  /** Left after this; null where nothing limits it. Negative when it was passed. */
  limitLeftNanos: Nanos | null;
  creditLeftNanos: Nanos | null;
}

interface Answer {
  state: AuthorizeReason;
  customer_no: number;
  currency: string;
  amount_nanos: string;
  expires_at: Date | null;
  limit_left_nanos: string | null;
  credit_left_nanos: string | null;
}

/**
 * Whether a customer may run a prediction; if so its estimate is reserved. One statement with a prepared plan, which reads
 * no usage: five rows by their keys. docs/benchmarks.md has what it takes.
 * @throws Refusal not_found, currency_differs, model_unknown or price_missing
 */
export async function authorize(sql: Sql, request: AuthorizeRequest): Promise<Authorization> {
  const { customer, model, currency, estimate, prediction, ttlSeconds } = request;
  const identity = eventIdentity(prediction.source, prediction.id);
  const nanos = "nanos" in estimate ? estimate.nanos.toString() : null;
  const quantities =
    "quantities" in estimate
      ? JSON.stringify(
          Object.fromEntries([...estimate.quantities].map(([meter, n]) => [meter, n.toString()])),
        )
      : null;
  try {
    const [row] = await sql<[Answer]>`
      SELECT state, customer_no, currency, amount_nanos, expires_at, limit_left_nanos, credit_left_nanos
      FROM authorize_prediction(${customer}, ${model}, ${currency ?? null}, ${nanos}, ${quantities}::text::jsonb,
        ${identity}, ${prediction.source}, ${ttlSeconds})`;
    return fromAnswer(row, identity);
  } catch (error) {
    throw refusalOf(error, request);
  }
}

function fromAnswer(row: Answer, identity: string): Authorization {
  const { state } = row;
  const kept = state === "reserved" || state === "settled";
  return {
    authorized: kept || state === "no_limit",
    reason: state,
    reservation: kept ? `rsv_${identity}_${row.customer_no}` : null,
    currency: row.currency,
    amountNanos: BigInt(row.amount_nanos),
    expiresAt: row.expires_at,
    limitLeftNanos: row.limit_left_nanos === null ? null : BigInt(row.limit_left_nanos),
    creditLeftNanos: row.credit_left_nanos === null ? null : BigInt(row.credit_left_nanos),
  };
}

function refusalOf(error: unknown, { customer, model, currency }: AuthorizeRequest): unknown {
  const refused = refusedByDatabase(error);
  const theirs = refused?.detail.currency;
  switch (refused?.code) {
    case "customer_unknown":
      return new Refusal("not_found", `there is no customer ${customer}`);
    case "currency_differs":
      return new Refusal(
        "currency_differs",
        `currency: ${customer} is charged in ${theirs}, not in ${currency}`,
      );
    case "no_price":
      return new Refusal(
        "price_missing",
        `model: ${model} has no price in ${theirs} now: post one, or estimate an amount`,
      );
    default:
      return error;
  }
}

const RESERVATION = /^rsv_([0-9a-f]{32})_(\d{1,9})$/;

/**
 * Frees what is reserved for a prediction that will not run; one that has ended stays as it is. Answers how it ended.
 * @param sources whose reservations may be released; undefined for all
 * @throws Refusal not_found
 */
export async function releaseReservation(
  sql: Sql,
  id: string,
  sources: readonly string[] | undefined,
): Promise<"released" | "settled" | "expired"> {
  const [, identity, customerNo] = RESERVATION.exec(id) ?? [];
  const missing = new Refusal("not_found", `there is no reservation ${id}`);
  if (identity === undefined || customerNo === undefined) throw missing;
  const [row] = await sql<[{ outcome: "released" | "settled" | "expired" | null }]>`
    SELECT release_reservation(${identity}, ${customerNo}, ${sources === undefined ? null : [...sources]}) AS outcome`;
  if (row.outcome === null) throw missing;
  return row.outcome;
}
