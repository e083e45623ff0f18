import { createHmac, timingSafeEqual } from "node:crypto";
import { Refusal } from "../../kernel/index.ts";

/** A sender's clock, and the way, may be off by so much, in both directions. */
const TOLERANCE_SECONDS = 300;

export interface SignatureHeaders {
  id: string | undefined;
  timestamp: string | undefined;
  signature: string | undefined;
}

/**
 * Checks a webhook's signature after the Standard Webhooks specification, as Replicate signs: HMAC-SHA256 over id, timestamp
 * and the bytes of the body, with one of the secrets.
 * @throws Refusal signature_invalid
 */
export function checkSignature(
  secrets: readonly string[],
  { id, timestamp, signature }: SignatureHeaders,
  body: Buffer,
  nowSeconds = Date.now() / 1000,
): void {
  if (id === undefined || timestamp === undefined || signature === undefined)
    throw refused("webhook-id, webhook-timestamp and webhook-signature belong together: one is missing");
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(Number(timestamp) - nowSeconds) > TOLERANCE_SECONDS)
    throw refused("webhook-timestamp is not within five minutes of now: check both clocks");
  const given = signature
    .split(" ")
    .filter((one) => one.startsWith("v1,"))
    .map((one) => Buffer.from(one.slice("v1,".length), "base64"));
  const matches = secrets.some((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
    const expected = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest();
    return given.some((one) => one.length === expected.length && timingSafeEqual(one, expected));
  });
  if (!matches) throw refused("no webhook-signature is one of this body under REPLICATE_WEBHOOK_SECRET");
}

function refused(message: string): Refusal {
  return new Refusal("signature_invalid", message);
}
