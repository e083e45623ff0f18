import { learnFromPieces } from "./hide-secrets.ts";
import { hide, type KnownSecrets, merged } from "./known-secrets.ts";
import type { Span } from "./secret-patterns.ts";

/**
 * A stream is a list of pieces of one text: texts, or objects with texts in the same places. A secret may begin in one piece
 * and end in a later one, and so may the name that says it is one.
 */
interface Part {
  piece: number;
  /** Which of its piece's texts it is. */
  place: number;
  text: string;
}

/** Learns what the pieces of each list say together, at any depth. */
export function learnFromStreams(value: unknown, known: KnownSecrets): void {
  if (typeof value !== "object" || value === null) return;
  if (Array.isArray(value))
    for (const parts of textsOf(value)) learnFromPieces(parts.map(({ text }) => text).join(""), known);
  for (const held of Object.values(value)) learnFromStreams(held, known);
}

/** The pieces without the secrets that stand in them together. */
export function redactStream(pieces: readonly unknown[], known: KnownSecrets): unknown[] {
  const hidden = new Map<string, Span[]>();
  for (const parts of textsOf(pieces)) {
    const spans = merged(known.spansIn(parts.map(({ text }) => text).join("")));
    if (spans.length > 0)
      eachInside(parts, spans, ({ piece, place }, inside) => {
        const key = `${piece} ${place}`;
        hidden.set(key, [...(hidden.get(key) ?? []), ...inside]);
      });
  }
  if (hidden.size === 0) return [...pieces];
  return pieces.map((value, piece) =>
    mapTexts(value, (text, place) => hide(text, hidden.get(`${piece} ${place}`) ?? [])),
  );
}

/**
 * The texts that more than one piece has a part of. Streams of several texts tell them apart by an `index` (choices and tool
 * calls of OpenAI, blocks of Anthropic); in others it only counts the pieces. So both are tried.
 */
function textsOf(pieces: readonly unknown[]): Part[][] {
  const byPlace = new Map<string, Part[]>();
  const byIndex = new Map<string, Part[]>();
  let indexed = false;
  for (const [piece, value] of pieces.entries()) {
    let place = 0;
    eachText(value, "", "", (path, indexPath, text) => {
      const part = { piece, place: place++, text };
      if (text === "") return;
      add(byPlace, path, part);
      add(byIndex, indexPath, part);
      indexed ||= path !== indexPath;
    });
  }
  const found = [...byPlace.values(), ...(indexed ? byIndex.values() : [])];
  return found.filter((parts) => parts.length > 1);
}

function add(texts: Map<string, Part[]>, path: string, part: Part): void {
  const same = texts.get(path);
  if (same === undefined) texts.set(path, [part]);
  else same.push(part);
}

/** Spans are in order and apart, so both are walked once. */
function eachInside(
  parts: readonly Part[],
  spans: readonly Span[],
  tell: (part: Part, inside: Span[]) => void,
): void {
  let at = 0;
  let next = 0;
  for (const part of parts) {
    const end = at + part.text.length;
    const inside: Span[] = [];
    for (let one = next; one < spans.length; one++) {
      const [from, to] = spans[one] ?? [0, 0];
      if (to <= at) next = one + 1;
      if (from >= end) break;
      if (to > at) inside.push([Math.max(from, at) - at, Math.min(to, end) - at]);
    }
    if (inside.length > 0) tell(part, inside);
    at = end;
  }
}

/** Each text with its path by places, and by what objects say is their index. */
function eachText(
  value: unknown,
  path: string,
  indexPath: string,
  tell: (path: string, indexPath: string, text: string) => void,
): void {
  if (typeof value === "string") tell(path, indexPath, value);
  if (typeof value !== "object" || value === null) return;
  const { index } = value as { index?: unknown };
  const own = typeof index === "number" ? `${indexPath}#${index}` : indexPath;
  for (const [key, held] of Object.entries(value)) {
    const known = Array.isArray(value) && hasIndex(held) ? "" : key;
    eachText(held, `${path}\n${key}`, `${own}\n${known}`, tell);
  }
}

function hasIndex(value: unknown): boolean {
  return typeof (value as { index?: unknown } | null)?.index === "number";
}

/** The same with each text changed; they are counted in the order in which `eachText` tells them. */
function mapTexts(value: unknown, change: (text: string, place: number) => string): unknown {
  let place = 0;
  const map = (held: unknown): unknown => {
    if (typeof held === "string") return change(held, place++);
    if (typeof held !== "object" || held === null) return held;
    if (Array.isArray(held)) return held.map(map);
    return Object.fromEntries(Object.entries(held).map(([key, inner]) => [key, map(inner)]));
  };
  return map(value);
}
