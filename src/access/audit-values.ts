import { createHash } from "node:crypto";
import { redactJson } from "../secrets/index.ts";

/** Of what was asked and answered; of more its hash is kept. */
const JSON_BYTES_MAX = 16_384;
const SECRET = /secret|password|token|api_key|authorization/i;

/** Whether what goes by this name, or stands in this text, may be a secret. */
export function namesSecret(text: string): boolean {
  return SECRET.test(text);
}

/** What stands of a value in the audit log: JSON without secrets, and not longer than a person reads. */
export function shownInAudit(value: unknown): unknown {
  if (value === undefined || value === null) return undefined;
  const text = JSON.stringify(value, (name, inner: unknown) => {
    if (typeof inner === "string") return namesSecret(name) ? "[left out]" : storable(inner);
    return typeof inner === "bigint" ? String(inner) : inner;
  });
  if (Buffer.byteLength(text) > JSON_BYTES_MAX) return hashInAudit(Buffer.from(text));
  return redactJson(JSON.parse(text));
}

/** What stands there of a body as it came. */
export function bodyInAudit(body: Buffer): unknown {
  if (body.length > JSON_BYTES_MAX * 4) return hashInAudit(body);
  try {
    return shownInAudit(JSON.parse(body.toString("utf8")));
  } catch {
    return hashInAudit(body);
  }
}

/** PostgreSQL's JSON holds neither NUL nor half a character. */
function storable(text: string): string {
  return text.replaceAll("\0", "").toWellFormed();
}

function hashInAudit(bytes: Buffer) {
  return { bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}
