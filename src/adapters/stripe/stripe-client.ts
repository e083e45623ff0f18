import Stripe from "stripe";
import { candidHttpClient } from "./candid-http-client.ts";

export interface StripeOptions {
  secretKey: string;
  /** Another base than Stripe itself: the simulator's. */
  apiBase: string | null;
  timeoutMs: number;
}

/** The official SDK. It never retries by itself: we do, under keys of our own. */
export function openStripe({ secretKey, apiBase, timeoutMs }: StripeOptions): Stripe {
  const { host, protocol, port } = endpoint(apiBase);
  return new Stripe(secretKey, {
    host,
    protocol,
    port,
    httpClient: candidHttpClient(protocol),
    maxNetworkRetries: 0,
    timeout: timeoutMs,
    telemetry: false,
  });
}

function endpoint(apiBase: string | null): { host: string; protocol: "http" | "https"; port: string } {
  const url = new URL(apiBase ?? "https://api.stripe.com");
  const protocol = url.protocol === "http:" ? "http" : "https";
  return { host: url.hostname, protocol, port: url.port || (protocol === "http" ? "80" : "443") };
}

/** Stripe's wire format has amounts as JSON numbers; anything beyond their exact range must not be sent. */
export function safeInteger(amountMinor: bigint): number {
  if (amountMinor > BigInt(Number.MAX_SAFE_INTEGER))
    throw new RangeError(`${amountMinor} is too much for one request`);
  return Number(amountMinor);
}
