import { ApiError, errorOf } from "./api-error.ts";
import type { Answer, Arguments, Item, Listing, Operation } from "./api-operations.ts";

export interface ApiClientOptions {
  /** Where Tributary answers, such as "https://billing.example.com". */
  url: string;
  key: string;
  /** How often a call is tried in all, where nobody answers or the service asks to wait. */
  attemptsMax?: number;
  /** For one attempt. */
  timeoutMs?: number;
  fetch?: typeof fetch;
}

/** An answer that is no JSON: a statement as PDF, say. */
export interface ApiFile {
  type: string;
  name: string | undefined;
  bytes: Uint8Array;
}

interface Request {
  path?: object;
  query?: object;
  body?: unknown;
  idempotencyKey?: string;
  signal?: AbortSignal;
}

interface Received {
  status: number;
  headers: Headers;
  bytes: Uint8Array;
}

const FIRST_PAUSE_MS = 200;
/** Whoever is asked to wait longer is told so, and decides. */
const LONGEST_PAUSE_MS = 30_000;

/**
 * The API in the types of its OpenAPI document. A call whose answer is lost is made again: every operation may be repeated,
 * a POST since it goes under one Idempotency-Key. Of an answer that says no, an ApiError says why.
 */
export class ApiClient {
  readonly #options: Required<ApiClientOptions>;

  constructor(options: ApiClientOptions) {
    this.#options = { attemptsMax: 3, timeoutMs: 30_000, fetch, ...options };
  }

  /** @throws ApiError */
  async call<O extends Operation>(operation: O, ...[input]: Arguments<O>): Promise<Answer<O>> {
    const { bytes } = await this.#request(operation, input ?? {}, "application/json");
    return bytes.length === 0 ? null : JSON.parse(new TextDecoder().decode(bytes));
  }

  /** Every item of a list, page after page as they are asked for. @throws ApiError */
  async *list<O extends Listing>(operation: O, ...[input]: Arguments<O>): AsyncGenerator<Item<O>, void> {
    let { query = {} }: Request = input ?? {};
    for (;;) {
      const { bytes } = await this.#request(operation, { ...input, query }, "application/json");
      const { data, next_cursor: cursor } = JSON.parse(new TextDecoder().decode(bytes));
      yield* data;
      if (cursor === null) return;
      query = { ...query, cursor };
    }
  }

  /** The answer in another media type, of operations that give some: "application/pdf", "text/csv". @throws ApiError */
  async download<O extends Operation>(
    operation: O,
    type: string,
    ...[input]: Arguments<O>
  ): Promise<ApiFile> {
    const { headers, bytes } = await this.#request(operation, input ?? {}, type);
    const [, name] = /filename="?([^";]+)"?/.exec(headers.get("content-disposition") ?? "") ?? [];
    return { type: headers.get("content-type") ?? type, name, bytes };
  }

  async #request(operation: string, request: Request, accept: string): Promise<Received> {
    const [method = "get", template = ""] = operation.split(" ");
    const headers: Record<string, string> = { Accept: accept, Authorization: `Bearer ${this.#options.key}` };
    if (method === "post") headers["Idempotency-Key"] = request.idempotencyKey ?? crypto.randomUUID();
    if (request.body !== undefined) headers["Content-Type"] = typeOf(operation, request.body);
    const init: RequestInit = { method: method.toUpperCase(), headers };
    if (request.body !== undefined) init.body = JSON.stringify(request.body);
    const url = new URL(addressOf(template, request), this.#options.url);
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#attempt(url, init, request.signal);
      if (!(answer instanceof ApiError)) return answer;
      const backoffMs = FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
      const pauseMs = answer.retryAfterMs ?? backoffMs;
      if (!answer.passing || attempt >= this.#options.attemptsMax || pauseMs > LONGEST_PAUSE_MS) throw answer;
      await pause(pauseMs, request.signal);
    }
  }

  /** One request with its whole answer. Throws only what the caller's own signal says. */
  async #attempt(url: URL, init: RequestInit, signal: AbortSignal | undefined): Promise<Received | ApiError> {
    const timeout = AbortSignal.timeout(this.#options.timeoutMs);
    try {
      const ends = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
      const response = await this.#options.fetch(url, { ...init, redirect: "error", signal: ends });
      const { status, headers } = response;
      const bytes = new Uint8Array(await response.arrayBuffer());
      return response.ok
        ? { status, headers, bytes }
        : errorOf(status, headers, new TextDecoder().decode(bytes));
    } catch (cause) {
      signal?.throwIfAborted();
      const detail = `no answer from ${url.origin} (${(cause as Error).message}): try again`;
      return new ApiError({ status: 0, code: "unreachable", detail }, undefined, { cause });
    }
  }
}

/** Usage says by its type whether it is one event or several. */
function typeOf(operation: string, body: unknown): string {
  if (operation !== "post /v1/events") return "application/json";
  return `application/cloudevents${Array.isArray(body) ? "-batch" : ""}+json`;
}

function addressOf(template: string, { path = {}, query = {} }: Request): string {
  const values: Record<string, unknown> = { ...path };
  const address = template.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String(values[name])),
  );
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  return search.size > 0 ? `${address}?${search}` : address;
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
  signal?.throwIfAborted();
}
