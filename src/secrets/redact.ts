import { hideByName } from "./hide-secrets.ts";
import { hideBySchema, type InputSchema } from "./input-schema.ts";
import { hide, KnownSecrets, merged } from "./known-secrets.ts";
import type { Span } from "./secret-patterns.ts";

/** What came with a prediction, of any kind. */
export interface Payload {
  input?: unknown;
  output?: unknown;
  logs?: unknown;
  error?: unknown;
}

/**
 * The payload without its secrets: what the schemas of the model's input say is one, what stands under a secret's name, what
 * looks like one, and wherever else any of their values turns up, encoded too, and cut into the pieces of a stream. Pure.
 * Run over its own result, it changes nothing.
 */
export function redactPayload<T extends Payload>(payload: T, schemas: readonly InputSchema[] = []): T {
  const known = new KnownSecrets();
  const input = schemas.reduce<unknown>(
    (hidden, schema) => hideBySchema(schema, hidden, known),
    payload.input,
  );
  const named = hideByName(payload.input === undefined ? payload : { ...payload, input }, known);
  return redactTexts(named, known) as T;
}

/** A text by itself, such as a comment. */
export function redactText(text: string): string {
  return new KnownSecrets().redact(text);
}

/** Any JSON by itself. */
export function redactJson(value: unknown): unknown {
  const known = new KnownSecrets();
  return redactTexts(hideByName(value, known), known);
}

function redactTexts(value: unknown, known: KnownSecrets): unknown {
  if (typeof value === "string") return known.redact(value);
  if (typeof value === "number") {
    const text = String(value);
    return known.redact(text) === text ? value : known.redact(text);
  }
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return redactStream(value, known).map((element) => redactTexts(element, known));
  return Object.fromEntries(
    Object.entries(value).map(([key, held]) => [known.redact(key), redactTexts(held, known)]),
  );
}

/**
 * A stream is a list of pieces of one text: texts, or objects with texts in the same places. A secret may begin in one piece
 * and end in a later one.
 */
function redactStream(pieces: readonly unknown[], known: KnownSecrets): unknown[] {
  const texts = new Map<string, { piece: number; text: string }[]>();
  for (const [piece, value] of pieces.entries())
    eachText(value, "", (path, text) => {
      const same = texts.get(path) ?? [];
      if (same.length === 0) texts.set(path, same);
      same.push({ piece, text });
    });
  const changed = new Map<string, string>();
  for (const [path, parts] of texts) {
    if (parts.length < 2) continue;
    const spans = merged(known.spansAcross(parts.map(({ text }) => text).join("")));
    if (spans.length === 0) continue;
    hideInParts(parts, spans, (piece, text) => changed.set(`${piece}${path}`, text));
  }
  if (changed.size === 0) return [...pieces];
  return pieces.map((value, piece) =>
    withTexts(value, "", (path, text) => changed.get(`${piece}${path}`) ?? text),
  );
}

/** Spans are in order and apart, so both are walked once. */
function hideInParts(
  parts: readonly { piece: number; text: string }[],
  spans: readonly Span[],
  change: (piece: number, text: string) => void,
): void {
  let at = 0;
  let next = 0;
  for (const { piece, text } of parts) {
    const end = at + text.length;
    const inside: Span[] = [];
    for (let one = next; one < spans.length; one++) {
      const [from, to] = spans[one] ?? [0, 0];
      if (to <= at) next = one + 1;
      if (from >= end) break;
      if (to > at) inside.push([Math.max(from, at) - at, Math.min(to, end) - at]);
    }
    if (inside.length > 0) change(piece, hide(text, inside));
    at = end;
  }
}

function eachText(value: unknown, path: string, tell: (path: string, text: string) => void): void {
  if (typeof value === "string") tell(path, value);
  else if (typeof value === "object" && value !== null)
    for (const [key, held] of Object.entries(value)) eachText(held, `${path}\n${key}`, tell);
}

function withTexts(value: unknown, path: string, text: (path: string, text: string) => string): unknown {
  if (typeof value === "string") return text(path, value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((held, key) => withTexts(held, `${path}\n${key}`, text));
  return Object.fromEntries(
    Object.entries(value).map(([key, held]) => [key, withTexts(held, `${path}\n${key}`, text)]),
  );
}
