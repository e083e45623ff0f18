import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import Stripe from "stripe";

const CUT = "CONNECTION_CUT";

/**
 * Stripe's own HTTP client, but a cut connection is told and not retried. The SDK repeats a request once after
 * ECONNRESET or EPIPE even with maxNetworkRetries 0 (RequestSender._shouldRetry): if the first one was carried out and
 * the second is refused, with 401 say, the refusal would hide a payment. Connections are not kept alive, so a cut one
 * never is just a stale one.
 */
export function candidHttpClient(protocol: "http" | "https") {
  const agent =
    protocol === "http" ? new HttpAgent({ keepAlive: false }) : new HttpsAgent({ keepAlive: false });
  const client = Stripe.createNodeHttpClient(agent);
  const makeRequest = client.makeRequest.bind(client);
  client.makeRequest = (...request) =>
    makeRequest(...request).catch((error: NodeJS.ErrnoException) => {
      const cut = error.code === "ECONNRESET" || error.code === "EPIPE";
      throw cut ? Object.assign(new Error(error.message, { cause: error }), { code: CUT }) : error;
    });
  return client;
}

/** Whether an error of the SDK is a connection that was cut before the answer came. */
export function isCut(error: unknown): boolean {
  if (!(error instanceof Stripe.errors.StripeConnectionError)) return false;
  const { detail } = error as { detail?: unknown };
  return detail instanceof Error && "code" in detail && detail.code === CUT;
}
