import { hideByName } from "./hide-secrets.ts";
import { KnownSecrets, orWithheld, WITHHELD } from "./known-secrets.ts";
import { keysIn } from "./secret-patterns.ts";
import { withoutMembers } from "./without-members.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Fewer hold nothing that could be hidden; a record may have a great many such elements. */
const BYTES_MIN = 8;

/**
 * Bytes that nobody could read as what they should be, fit to be kept: without the members named (what people said and got
 * has no place there) and without secrets. Where there is none of either they stay as they are, byte by byte.
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
  if (json !== undefined) hideByName(json, known);
  const kept = known.redact(json === undefined ? cutBefore(text, members) : withoutMembers(text, members));
  return kept === text ? bytes : Buffer.from(kept, encoding);
}

const KNOWN_NAMES_MAX = 1000;
const answers = new Map<string, boolean>();

/** Whether a name is one of the keys that are known by their look; asked for the same few names again and again. */
export function looksLikeKey(name: string): boolean {
  const answer = answers.get(name) ?? keysIn(name).length > 0;
  if (answers.size < KNOWN_NAMES_MAX) answers.set(name, answer);
  return answer;
}

/** What is no JSON has no end of a member that could be found. */
function cutBefore(text: string, members: readonly string[]): string {
  const first = new RegExp(`\\\\*"(?:${members.join("|")})\\\\*"\\s*:`).exec(text);
  return first === null ? text : `${text.slice(0, first.index)}[removed from here]`;
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
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
