import { setTimeout as pause } from "node:timers/promises";

const ANSWER_WITHIN_MS = 20_000;
const RESTARTED_WITHIN_MS = 60_000;
const ASK_AGAIN_MS = 200;

/** The operator's key of every stage. */
export const OPERATOR_KEY = "an-operator-key-for-tests-0123456789";

interface Request {
  method: string;
  /** Under /v1. */
  path: string;
  body?: unknown;
  contentType?: string;
  signal: AbortSignal;
}

/** Asks an API once, whatever comes of it. */
export function request(
  url: string,
  { method, path, body, contentType, signal }: Request,
): Promise<Response> {
  return fetch(`${url}/v1${path}`, {
    method,
    signal,
    headers: { authorization: `Bearer ${OPERATOR_KEY}`, "content-type": contentType ?? "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** The API cannot answer just now, and says so. */
class NotNow extends Error {
  override name = "NotNow";
}

/**
 * As `request`, and reads the answer. A question to an API that does not answer, or is just being started again, is asked again.
 * @throws Error with status and body when it is refused
 */
export async function call<T>(url: string, method: string, path: string, body?: unknown): Promise<T> {
  for (const deadline = Date.now() + RESTARTED_WITHIN_MS; ; await pause(ASK_AGAIN_MS)) {
    try {
      return await callOnce<T>(url, method, path, body);
    } catch (error) {
      const { name } = error as Error;
      const unanswered = error instanceof TypeError || name === "TimeoutError" || error instanceof NotNow;
      if (!unanswered || method !== "GET" || Date.now() > deadline) throw error;
    }
  }
}

async function callOnce<T>(url: string, method: string, path: string, body: unknown): Promise<T> {
  const response = await request(url, { method, path, body, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
  const text = await response.text();
  if (response.status === 503) throw new NotNow(`${method} ${path}: ${response.status} ${text}`);
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text) as T;
}
