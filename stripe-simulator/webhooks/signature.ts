import { createHmac } from "node:crypto";

/** The Stripe-Signature header: HMAC-SHA-256 over the time and the raw body, scheme v1. */
export function signature(secret: string, body: string, unixSeconds: number): string {
  const v1 = createHmac("sha256", secret).update(`${unixSeconds}.${body}`).digest("hex");
  return `t=${unixSeconds},v1=${v1}`;
}
