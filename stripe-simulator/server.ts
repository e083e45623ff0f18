import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { control } from "./control.ts";
import { invalidRequest, type Outcome, StripeProblem, serverError, unauthorized } from "./errors.ts";
import { Faults, type Silence, silenceAfter, strikeBefore } from "./faults.ts";
import { parseForm } from "./form.ts";
import { Idempotency, type StripeRequest } from "./idempotency.ts";
import { RateLimit } from "./rate-limit.ts";
import type { State } from "./state.ts";
import { API_VERSION } from "./webhooks/events.ts";
import { Webhooks } from "./webhooks/webhooks.ts";

const BODY_BYTES_MAX = 1_048_576;
const VERSION = /^\d{4}-\d{2}-\d{2}(\.[a-z_]+)?$/;
const LOOPBACK = /^(127\.|::1$|::ffff:127\.)/;

interface Simulator {
  state: State;
  faults: Faults;
  webhooks: Webhooks;
  rateLimit: RateLimit;
  idempotency: Idempotency;
}

/** Stripe's API over HTTP, as far as Connect payouts need it, and the control API beside it. */
export function createSimulator(state: State): Server {
  const simulator = {
    state,
    faults: new Faults(),
    webhooks: new Webhooks(state),
    rateLimit: new RateLimit(),
    idempotency: new Idempotency(state),
  };
  const server = createServer((request, response) => {
    // Only a socket that is gone can still fail here.
    serve(simulator, request, response).catch(() => response.destroy());
  });
  return server.once("close", () => simulator.webhooks.stop());
}

async function serve(
  simulator: Simulator,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const requestId = `req_${randomBytes(7).toString("hex")}`;
  const outcome = await answer(simulator, request, requestId).catch((error: unknown) => {
    if (error instanceof StripeProblem) return error.outcome(requestId);
    // The caller went away in the middle of its request.
    if (request.errored !== null) return "drop" as const;
    console.error(error);
    return serverError().outcome(requestId);
  });
  if (outcome === "drop") response.destroy();
  if (outcome === "drop" || outcome === "hang") return;
  response.writeHead(outcome.status, {
    "Content-Type": "application/json",
    "Request-Id": requestId,
    "Stripe-Version": headerOf(request, "stripe-version") ?? API_VERSION,
    ...outcome.headers,
  });
  response.end(JSON.stringify(outcome.body));
}

async function answer(
  { state, faults, webhooks, rateLimit, idempotency }: Simulator,
  request: IncomingMessage,
  id: string,
): Promise<Outcome | Silence> {
  const body = await readBody(request);
  const { method = "GET" } = request;
  const url = URL.parse(request.url ?? "", "http://simulator");
  if (url === null) throw invalidRequest(undefined, "Invalid URL.");
  const { pathname: path, search } = url;
  if (path.startsWith("/_simulator/")) {
    if (!LOOPBACK.test(request.socket.remoteAddress ?? "")) throw unauthorized("Loopback only.");
    const said = await control({ state, faults, webhooks, rateLimit }, method, path, body);
    await state.durable();
    return { status: 200, body: said, headers: {} };
  }
  const secret = authenticate(request);
  requireVersion(headerOf(request, "stripe-version"));
  rateLimit.take();
  const fault = faults.strike(method, path);
  const silenceBefore = strikeBefore(fault);
  if (silenceBefore !== undefined) return silenceBefore;
  const encoded = method === "GET" || method === "DELETE" ? search.slice(1) : body;
  const form = parseForm(encoded);
  const idempotencyKey = headerOf(request, "idempotency-key");
  const account = headerOf(request, "stripe-account");
  const asked: StripeRequest = { id, method, path, form, encoded, secret, idempotencyKey, account };
  const outcome = await idempotency.once(asked, fault === "error_500_after");
  // Reads too: nobody is told of what a kill could still undo.
  await state.durable();
  return silenceAfter(fault) ?? outcome;
}

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}

/** Whatever version is asked for, the shapes are those of the pinned one. */
function requireVersion(version: string | undefined): void {
  if (version !== undefined && !VERSION.test(version))
    throw invalidRequest(undefined, `Invalid Stripe API version: ${version.slice(0, 40)}`);
}

/** @throws StripeProblem 401 for anything but a test key */
function authenticate({ headers }: IncomingMessage): string {
  const [scheme = "", credentials = ""] = (headers.authorization ?? "").split(" ");
  const secret =
    scheme.toLowerCase() === "basic"
      ? Buffer.from(credentials, "base64").toString().split(":")[0]
      : credentials;
  if (secret === undefined || secret === "")
    throw unauthorized(
      "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
    );
  if (!/^sk_test_\w+$/.test(secret))
    throw unauthorized(`Invalid API Key provided: ${secret.slice(0, 8)}****`);
  return secret;
}

/** @throws StripeProblem 413, and 400 for a body that is not UTF-8 */
async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // What is too much is read and forgotten: a caller that is cut off while sending would not see the answer.
    if (bytes <= BODY_BYTES_MAX) chunks.push(chunk);
  }
  if (bytes > BODY_BYTES_MAX)
    throw new StripeProblem(413, "invalid_request_error", undefined, "Request body too large.");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw invalidRequest(undefined, "Invalid UTF-8 in the request.");
  }
}
