import { hash } from "node:crypto";
import { isBuiltInMeter } from "../pricing/index.ts";
import type { UsageEvent } from "./usage-event.ts";

/** The first 128 bits of SHA-256 over length-prefixed source and id: 32 hexadecimal digits. Billed once, ever. */
export function eventIdentity(source: string, id: string): string {
  return sha256Hex(identityText(source, id)).slice(0, 32);
}

export function identityText(source: string, id: string): string {
  return `${source.length}:${source}${id.length}:${id}`;
}

/** The built-in meters but `runs`, which every event counts once; in the order in which they stand in a content. */
export const COLUMN_METERS = ["predict_seconds", "input_tokens", "output_tokens", "images"] as const;

/** In place of a quantity: the event has none on this meter. */
export const UNMETERED = -1;

const FINGERPRINT_BYTES = 8;
/** Times are below 2^53 and quantities at most 10^15. */
const NUMBER_BYTES = 7;
/** 51: SHA-256 takes up to 55 as one block. */
export const CONTENT_BYTES = 2 * FINGERPRINT_BYTES + (1 + COLUMN_METERS.length) * NUMBER_BYTES;

/**
 * What a conflict is about, every field that decides what is charged to whom: the first 64 bits of the SHA-256 of
 * writeContent()'s bytes, as a signed number (PostgreSQL's bigint). Meters without a place there follow as text, in the
 * order of their names, which have no control characters.
 */
export function billedContent({
  customer,
  occurredAt,
  quantities,
  ...event
}: Omit<UsageEvent, "parent" | "hardware">): bigint {
  const bytes = Buffer.alloc(CONTENT_BYTES);
  const subject = subjectText(event.model, event.version, event.status);
  const ofColumns = COLUMN_METERS.map((meter) => Number(quantities.get(meter) ?? UNMETERED));
  writeContent(bytes, 0, textFingerprint(customer), textFingerprint(subject), Number(occurredAt), ofColumns);
  const others: string[] = [];
  for (const meter of quantities.keys()) if (!isBuiltInMeter(meter)) others.push(meter);
  const text = others.sort().map((meter) => `\n${meter}\n${quantities.get(meter)}`);
  const digest = sha256Hex(text.length === 0 ? bytes : Buffer.concat([bytes, Buffer.from(text.join(""))]));
  return Buffer.from(digest, "hex").readBigInt64BE();
}

/** Customer and subject by their fingerprints, time and quantities as numbers: one place each, so none can pass for another. */
export function writeContent(
  bytes: Uint8Array,
  from: number,
  customer: Uint8Array,
  subject: Uint8Array,
  occurredAt: number,
  quantities: ArrayLike<number>,
): void {
  for (let at = 0; at < FINGERPRINT_BYTES; at++) {
    bytes[from + at] = customer[at] ?? 0;
    bytes[from + FINGERPRINT_BYTES + at] = subject[at] ?? 0;
  }
  let at = writeNumber(bytes, from + 2 * FINGERPRINT_BYTES, occurredAt);
  for (let meter = 0; meter < COLUMN_METERS.length; meter++)
    at = writeNumber(bytes, at, quantities[meter] ?? UNMETERED);
}

/** Seven bytes, the first ones first; UNMETERED fills them. */
function writeNumber(bytes: Uint8Array, at: number, value: number): number {
  const upper = Math.floor(value / 2 ** 32);
  const lower = value - upper * 2 ** 32;
  bytes[at] = upper >> 16;
  bytes[at + 1] = upper >> 8;
  bytes[at + 2] = upper;
  bytes[at + 3] = lower >>> 24;
  bytes[at + 4] = lower >>> 16;
  bytes[at + 5] = lower >>> 8;
  bytes[at + 6] = lower;
  return at + NUMBER_BYTES;
}

/** What is decided together. */
export function subjectText(model: string, version: string, status: string): string {
  return `${model}\n${version}\n${status}`;
}

/** 64 bits that stand for a text in a content. */
export function textFingerprint(text: string): Uint8Array {
  return Buffer.from(sha256Hex(text).slice(0, 2 * FINGERPRINT_BYTES), "hex");
}

// Of what Node offers this is the fastest for short texts, by a factor of three.
function sha256Hex(text: string | Uint8Array): string {
  return hash("sha256", text, "hex");
}
