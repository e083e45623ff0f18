import { type Nanos, Refusal } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { eventIdentity } from "../../usage/index.ts";
import { AskTogether } from "./ask-together.ts";

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
  state: AuthorizeReason | "customer_unknown" | "currency_differs" | "no_price";
  customer_no: number;
  currency: string;
  amount_nanos: string;
  expires_at: Date | null;
  limit_left_nanos: string | null;
  credit_left_nanos: string | null;
}

interface Question {
  request: AuthorizeRequest;
  identity: string;
}

const desks = new WeakMap<Sql, AskTogether<Question, Answer>>();

/**
 * Whether a customer may run a prediction; if so its estimate is reserved. It reads no usage, five rows by their keys; what
 * is asked at the same time is answered by one statement. docs/benchmarks.md has what it takes.
 * @throws Refusal not_found, currency_differs or price_missing
 */
export async function authorize(sql: Sql, request: AuthorizeRequest): Promise<Authorization> {
  const identity = eventIdentity(request.prediction.source, request.prediction.id);
  const answer = await deskOf(sql).answer({ request, identity });
  return fromAnswer(answer, identity, request);
}

function deskOf(sql: Sql): AskTogether<Question, Answer> {
  const known = desks.get(sql);
  if (known !== undefined) return known;
  const desk = new AskTogether<Question, Answer>(
    (questions) => ask(sql, questions),
    ({ identity }) => identity,
  );
  desks.set(sql, desk);
  return desk;
}

async function ask(sql: Sql, questions: readonly Question[]): Promise<Answer[]> {
  const asked = questions.map(({ request, identity }) => ({
    customer: request.customer,
    model: request.model,
    currency: request.currency,
    ...("nanos" in request.estimate
      ? { nanos: request.estimate.nanos.toString() }
      : { quantities: quantitiesOf(request.estimate.quantities) }),
    identity,
    source: request.prediction.source,
    ttl: request.ttlSeconds,
  }));
  return sql<Answer[]>`
    SELECT state, customer_no, currency, amount_nanos, expires_at, limit_left_nanos, credit_left_nanos
    FROM authorize_predictions(${JSON.stringify(asked)}::text::jsonb) ORDER BY place`;
}

const quantitiesOf = (quantities: ReadonlyMap<string, bigint>): Record<string, string> =>
  Object.fromEntries([...quantities].map(([meter, n]) => [meter, n.toString()]));

function fromAnswer(answer: Answer, identity: string, request: AuthorizeRequest): Authorization {
  const { state, currency } = answer;
  switch (state) {
    case "customer_unknown":
      throw new Refusal("not_found", `there is no customer ${request.customer}`);
    case "currency_differs":
      throw new Refusal(
        "currency_differs",
        `currency: ${request.customer} is charged in ${currency}, not in ${request.currency}`,
      );
    case "no_price":
      throw new Refusal(
        "price_missing",
        `model: ${request.model} has no price in ${currency} now: post one, or estimate an amount`,
      );
  }
  const kept = state === "reserved" || state === "settled";
  return {
    authorized: kept || state === "no_limit",
    reason: state,
    reservation: kept ? `rsv_${identity}_${answer.customer_no}` : null,
    currency,
    amountNanos: BigInt(answer.amount_nanos),
    expiresAt: answer.expires_at,
    limitLeftNanos: answer.limit_left_nanos === null ? null : BigInt(answer.limit_left_nanos),
    creditLeftNanos: answer.credit_left_nanos === null ? null : BigInt(answer.credit_left_nanos),
  };
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
