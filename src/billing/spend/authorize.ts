import { type Nanos, Refusal } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { eventIdentity } from "../../usage/index.ts";
import { AskTogether } from "./ask-together.ts";
import { CatalogMemory, estimateNanos, type Price, type Terms } from "./catalog-memory.ts";

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
  place: string;
  state: AuthorizeReason | "catalog_changed";
  amount_nanos: string;
  expires_at: Date | null;
  limit_left_nanos: string | null;
  credit_left_nanos: string | null;
}

interface Question {
  customerNo: number;
  currency: string;
  nanos: Nanos;
  identity: string;
  source: string;
  ttlSeconds: number;
  /** The version of the catalogue that said so. */
  catalog: string;
}

/** What all questions to one database share. */
interface Desk {
  memory: CatalogMemory;
  together: AskTogether<Question, Answer>;
}

const desks = new WeakMap<Sql, Desk>();

/** A catalogue that changes all the time is changed by somebody's mistake. */
const ATTEMPTS_MAX = 8;

/**
 * Whether a customer may run a prediction; if so its estimate is reserved. It reads no usage, three rows by their keys, and no
 * catalogue while that does not change; what is asked at the same time is answered by one statement. docs/benchmarks.md has
 * what it takes.
 * @throws Refusal not_found, currency_differs or price_missing; catalog_busy
 */
export async function authorize(sql: Sql, request: AuthorizeRequest): Promise<Authorization> {
  const { memory, together } = deskOf(sql);
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const question = await questionOf(memory, request);
    const answer = await together.answer(question);
    if (answer.state !== "catalog_changed") return fromAnswer(answer, answer.state, question);
    memory.forget(question.catalog);
  }
  throw new Refusal(
    "catalog_busy",
    "the catalogue keeps being changed by others: send the same request again",
  );
}

function deskOf(sql: Sql): Desk {
  const known = desks.get(sql);
  if (known !== undefined) return known;
  const together = new AskTogether<Question, Answer>(
    (questions) => ask(sql, questions),
    ({ identity }) => identity,
  );
  const desk = { memory: new CatalogMemory(sql), together };
  desks.set(sql, desk);
  return desk;
}

/** Nobody is refused for what is only remembered. @throws Refusal not_found, currency_differs or price_missing */
async function questionOf(memory: CatalogMemory, request: AuthorizeRequest): Promise<Question> {
  const { customer, estimate } = request;
  const model = "quantities" in estimate ? request.model : undefined;
  const recalled = memory.recall(customer, model);
  if (recalled !== undefined) {
    const question = onTerms(recalled, request);
    if (!(question instanceof Refusal)) return question;
  }
  const question = onTerms(await memory.read(customer, model), request);
  if (question instanceof Refusal) throw question;
  return question;
}

function onTerms({ catalog, customer, prices }: Terms, request: AuthorizeRequest): Question | Refusal {
  if (customer === undefined) return new Refusal("not_found", `there is no customer ${request.customer}`);
  const { no, currency } = customer;
  if (request.currency !== undefined && request.currency !== currency)
    return new Refusal(
      "currency_differs",
      `currency: ${request.customer} is charged in ${currency}, not in ${request.currency}`,
    );
  const nanos = nanosOf(request, prices, currency);
  if (nanos instanceof Refusal) return nanos;
  const { source, id } = request.prediction;
  const identity = eventIdentity(source, id);
  return { customerNo: no, currency, nanos, identity, source, ttlSeconds: request.ttlSeconds, catalog };
}

/** A name that is misspelt would be reserved at nothing, and no limit would hold. */
function nanosOf(
  { estimate, model }: AuthorizeRequest,
  prices: readonly Price[],
  currency: string,
): Nanos | Refusal {
  if ("nanos" in estimate) return estimate.nanos;
  const price = prices.find((one) => one.currency === currency);
  if (price === undefined)
    return new Refusal(
      "price_missing",
      `model: ${model} has no price in ${currency} now: post one, or estimate an amount`,
    );
  const priced = price.components.map(({ meter }) => meter);
  if (priced.length > 0 && !priced.some((meter) => estimate.quantities.has(meter)))
    return new Refusal(
      "price_missing",
      `estimate.metrics: none of these is priced; the price of ${model} is for ${priced.join(", ")}`,
    );
  return estimateNanos(price, estimate.quantities);
}

/** Answers in the questions' order. */
async function ask(sql: Sql, questions: readonly Question[]): Promise<Answer[]> {
  const asked = questions.map(({ customerNo, currency, nanos, identity, source, ttlSeconds, catalog }) => ({
    customer_no: customerNo,
    currency,
    nanos: nanos.toString(),
    identity,
    source,
    ttl: ttlSeconds,
    catalog,
  }));
  const rows = await sql<Answer[]>`
    SELECT place, state, amount_nanos, expires_at, limit_left_nanos, credit_left_nanos
    FROM authorize_predictions(${JSON.stringify(asked)}::text::jsonb, ${questions.map(({ customerNo }) => customerNo)}::int[])`;
  return rows.length < 2 ? rows : rows.toSorted((a, b) => Number(a.place) - Number(b.place));
}

function fromAnswer(
  answer: Answer,
  reason: AuthorizeReason,
  { identity, customerNo, currency }: Question,
): Authorization {
  const kept = reason === "reserved" || reason === "settled";
  return {
    authorized: kept || reason === "no_limit",
    reason,
    reservation: kept ? `rsv_${identity}_${customerNo}` : null,
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
