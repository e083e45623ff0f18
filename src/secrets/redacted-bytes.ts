import { createHash } from "node:crypto";
import { hideByName } from "./hide-secrets.ts";
import { KnownSecrets, orWithheld, WITHHELD } from "./known-secrets.ts";
import { keysIn } from "./secret-patterns.ts";
import { withoutMembers } from "./without-members.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Fewer hold nothing that could be hidden; a record may have a great many such elements. */
const BYTES_MIN = 8;

/** Of what is no JSON and may hold what somebody said: enough to see what kind of thing it is. */
const HEAD_LENGTH = 24;

/**
 * Bytes that nobody could read as what they should be, fit to be kept: without the members named (what people said and got
 * has no place there) and without secrets. Where there is none of either they stay as they are, byte by byte. What is no JSON
 * has no members that could be found, and can never be read: where it may hold any, its size, hash and first characters are kept.
 */
export function redactedBytes(bytes: Buffer, members: readonly string[]): Buffer {
  if (bytes.length < BYTES_MIN) return bytes;
  return orWithheld(
    () => redacted(bytes, members),
    () => Buffer.from(WITHHELD),
  );
}

function redacted(bytes: Buffer, members: readonly string[]): Buffer {
  const encoding = isUtf8(bytes) ? "utf8" : "latin1";
  const text = bytes.toString(encoding);
  const json = parsed(text);
  const known = new KnownSecrets();
  if (json !== undefined) {
    hideByName(json, known);
    return asBytes(known.redact(withoutMembers(text, members)));
  }
  // As UTF-16 has them between the letters of most languages.
  const plain = text.replaceAll("\0", "");
  const isBrokenEvent = /^[^\w\s]{0,3}\s*[[{]/.test(plain) && plain.includes("specversion");
  const short = bytes.length <= HEAD_LENGTH;
  const named = new RegExp(`(?<![A-Za-z0-9_])(?:${members.join("|")})(?![A-Za-z0-9_])`).exec(plain);
  if (named === null && (isBrokenEvent || short)) {
    const shown = known.redact(plain);
    return shown === plain ? bytes : asBytes(shown);
  }
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const head = known.redact(plain.slice(0, named?.index)).slice(0, HEAD_LENGTH);
  return Buffer.from(`${head.toWellFormed()}[no JSON, not kept: ${bytes.length} bytes, sha256 ${sha256}]`);

  function asBytes(kept: string): Buffer {
    return kept === text ? bytes : Buffer.from(kept, encoding);
  }
}

const KNOWN_NAMES_MAX = 1000;
const answers = new Map<string, boolean>();

/** Whether a name is one of the keys that are known by their look; asked for the same few names again and again. */
export function looksLikeKey(name: string): boolean {
  const answer = answers.get(name) ?? keysIn(name).length > 0;
  if (answers.size < KNOWN_NAMES_MAX) answers.set(name, answer);
  return answer;
}

function isUtf8(bytes: Buffer): boolean {
  try {
    utf8.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function parsed(text: string): unknown {
  try {
    // A record may begin with the mark of its encoding.
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    return undefined;
  }
}
