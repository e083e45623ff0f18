import { createHash } from "node:crypto";
import canonicalize from "canonicalize";

/** Canonical JSON (RFC 8785) of plain data: the same content is the same text, whatever the order of its keys. */
export function canonicalJson(content: unknown): string {
  const text = canonicalize(content);
  if (text === undefined) throw new TypeError("content has no JSON form");
  return text;
}

/** SHA-256 of the canonical JSON, in hex: the name of immutable content. */
export function contentHash(content: unknown): string {
  return createHash("sha256").update(canonicalJson(content)).digest("hex");
}
