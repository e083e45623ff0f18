import type { Sql } from "../postgres/index.ts";
import { type SendResult, sendMessage } from "./send-message.ts";
import { signedHeaders } from "./sign.ts";

const AT_ONCE = 20;
/** Of one endpoint at once. */
const EACH = 4;
/** Longer than an attempt can take. */
const LEASE = "60 seconds";

interface Claimed {
  delivery_no: string;
  attempt: number;
  message_id: string;
  url: string;
  secret: string;
  old_secret: string | null;
  body: string;
}

/**
 * Sends everything that is due. The attempt is committed before the call and its outcome after it, and no transaction is open
 * in between: killed anywhere, what was in hand is sent again under the same id when its lease is over.
 */
export async function deliverDue(sql: Sql, allowed: ReadonlySet<string>): Promise<number> {
  for (let sent = 0; ; ) {
    const claimed = await sql<Claimed[]>`
      SELECT delivery_no::text, attempt, message_id, url, secret, old_secret, body
      FROM claim_deliveries(${AT_ONCE}, ${EACH}, ${LEASE}::interval)`;
    if (claimed.length === 0) return sent;
    await Promise.all(claimed.map((one) => attempt(sql, one, allowed)));
    sent += claimed.length;
  }
}

async function attempt(sql: Sql, claimed: Claimed, allowed: ReadonlySet<string>): Promise<void> {
  const { message_id, url, secret, old_secret, body } = claimed;
  const secrets = old_secret === null ? [secret] : [secret, old_secret];
  const headers = {
    "content-type": "application/json",
    "user-agent": "Tributary-Webhooks/1",
    ...signedHeaders(message_id, body, secrets, new Date()),
  };
  const began = performance.now();
  const result: SendResult = await sendMessage({ url, headers, body }, allowed);
  const durationMs = Math.round(performance.now() - began);
  await sql`
    SELECT finish_delivery(${claimed.delivery_no}, ${claimed.attempt}, ${result.status}, ${result.error}, ${durationMs})`;
}
