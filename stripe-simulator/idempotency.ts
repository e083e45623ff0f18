import { createHash } from "node:crypto";
import { invalidRequest, type Outcome, retryAdvice, StripeProblem, serverError } from "./errors.ts";
import type { Form } from "./form.ts";
import { execute } from "./routes.ts";
import type { Change, State } from "./state.ts";

const KEY_LENGTH_MAX = 255;

export interface StripeRequest {
  id: string;
  method: string;
  path: string;
  form: Form;
  /** The parameters as they were sent. */
  encoded: string;
  secret: string;
  idempotencyKey: string | undefined;
  /** The Stripe-Account header. */
  account: string | undefined;
}

interface Executed {
  outcome: Outcome;
  change: Change;
  /** Whether the answer is kept under the key. */
  stored: boolean;
}

/** Stripe's v1 idempotency: a key's first execution is its answer, error or not, for as long as the key lives. */
export class Idempotency {
  readonly #state: State;
  readonly #inFlight = new Set<string>();

  constructor(state: State) {
    this.#state = state;
  }

  /** Answers under the request's key when that has an answer; otherwise executes. @throws StripeProblem */
  async once(request: StripeRequest, failAfter: boolean): Promise<Outcome> {
    const name = request.method === "POST" ? request.idempotencyKey : undefined;
    if (name === undefined || name === "") {
      const { outcome, change } = carryOut(this.#state, request, failAfter);
      if (Object.keys(change).length > 0) this.#state.commit(change);
      return outcome;
    }
    if (name.length > KEY_LENGTH_MAX)
      throw invalidRequest(undefined, `Idempotency keys must be at most ${KEY_LENGTH_MAX} characters long.`);
    // The secret itself does not belong in a file.
    const key = `${hash(request.secret)} ${name}`;
    if (this.#inFlight.has(key)) throw inUse();
    return this.#replay(key, name, request) ?? (await this.#execute(key, request, failAfter));
  }

  #replay(key: string, name: string, request: StripeRequest): Outcome | undefined {
    const kept = this.#state.kept(key);
    if (kept === undefined) return undefined;
    if (kept.requestHash !== hashOf(request)) throw otherParameters(name);
    const headers = { ...retryAdvice(kept.status), "Idempotent-Replayed": "true" };
    return { status: kept.status, body: kept.body, headers };
  }

  /** The effect and the answer kept under the key are committed together. */
  async #execute(key: string, request: StripeRequest, failAfter: boolean): Promise<Outcome> {
    this.#inFlight.add(key);
    try {
      const { outcome, change, stored } = carryOut(this.#state, request, failAfter);
      const { status, body } = outcome;
      const answer = { requestHash: hashOf(request), status, body, at: this.#state.now() };
      if (stored) this.#state.commit({ ...change, kept: { key, answer } });
      await this.#state.durable();
      return outcome;
    } finally {
      this.#inFlight.delete(key);
    }
  }
}

function carryOut(state: State, request: StripeRequest, failAfter: boolean): Executed {
  try {
    const { body, change = {} } = execute(state, request);
    const idempotency_key = request.idempotencyKey ?? null;
    if (Object.keys(change).length > 0) change.request = { id: request.id, idempotency_key };
    const outcome = failAfter ? serverError().outcome(request.id) : { status: 200, body, headers: {} };
    return { outcome, change, stored: true };
  } catch (error) {
    if (!(error instanceof StripeProblem)) throw error;
    return { outcome: error.outcome(request.id), change: {}, stored: error.stored };
  }
}

/** The same parameters in another order are the same request. */
function hashOf({ method, path, encoded }: StripeRequest): string {
  const parameters = new URLSearchParams(encoded);
  parameters.sort();
  return hash(`${method} ${path}\n${parameters}`);
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function inUse(): StripeProblem {
  const message =
    "There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through). Please try again later.";
  return new StripeProblem(409, "idempotency_error", "idempotency_key_in_use", message);
}

function otherParameters(name: string): StripeProblem {
  const message = `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${name}' if you meant to execute a different request.`;
  return new StripeProblem(400, "idempotency_error", undefined, message);
}
