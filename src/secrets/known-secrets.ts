import { formsOf } from "./encodings.ts";
import { Search, SOUGHT_LENGTH_MIN, TooManySecrets } from "./search.ts";
import { keysIn, type Span, saidIn } from "./secret-patterns.ts";

/** What stands where a secret was. */
export const REDACTED = "[redacted]";
/** What stands where something was that holds more secrets than can be looked for. */
export const WITHHELD = "[not kept: it holds too many secrets]";

/** What a text says is a secret may be a word of a sentence. */
const SAID_LENGTH_MIN = 8;
/** All secret values together; each counts for some more, since looking for it costs something. */
const VALUES_LENGTH_MAX = 1024 * 1024;
const VALUE_LENGTH_EXTRA = 32;

/**
 * The secret values of one prediction; looked for in everything that came with it. Those of less than four characters are
 * replaced where they stand, but not looked for elsewhere: they would be found everywhere.
 */
export class KnownSecrets {
  readonly #values = new Set<string>();
  #length = 0;
  #search: Search | undefined;

  /** @throws TooManySecrets */
  add(value: string): void {
    if (value.replaceAll(REDACTED, "").length < SOUGHT_LENGTH_MIN || this.#values.has(value)) return;
    this.#length += value.length + VALUE_LENGTH_EXTRA;
    if (this.#length > VALUES_LENGTH_MAX) throw new TooManySecrets();
    this.#values.add(value);
    this.#search = undefined;
  }

  /**
   * Learns what a text shows or says to be a secret.
   * @throws TooManySecrets
   */
  addFrom(text: string): void {
    for (const [from, to] of keysIn(text)) this.add(text.slice(from, to));
    for (const [from, to] of saidIn(text)) if (to - from >= SAID_LENGTH_MIN) this.add(text.slice(from, to));
  }

  /**
   * Where a text holds a secret, known or plain to see.
   * @throws TooManySecrets
   */
  spansIn(text: string): Span[] {
    return [...keysIn(text), ...saidIn(text), ...this.#knownIn(text)];
  }

  /** @throws TooManySecrets */
  redact(text: string): string {
    return hide(text, this.spansIn(text));
  }

  #knownIn(text: string): Span[] {
    if (this.#values.size === 0) return [];
    this.#search ??= new Search([...this.#values].flatMap(formsOf));
    return this.#search.spansIn(text);
  }
}

/** What is answered instead, where more secrets are than can be looked for: better nothing than some of them. */
export function orWithheld<T>(redact: () => T, withheld: () => T): T {
  try {
    return redact();
  } catch (error) {
    if (error instanceof TooManySecrets) return withheld();
    throw error;
  }
}

/** The text with the mark in the place of each span; spans that touch are one. */
export function hide(text: string, spans: readonly Span[]): string {
  if (spans.length === 0) return text;
  let kept = "";
  let at = 0;
  for (const [from, to] of merged(spans)) {
    kept += text.slice(at, from) + REDACTED;
    at = to;
  }
  return kept + text.slice(at);
}

/** In order, without overlaps. */
export function merged(spans: readonly Span[]): Span[] {
  const result: [number, number][] = [];
  for (const [from, to] of [...spans].sort((a, b) => a[0] - b[0])) {
    const last = result.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
    else result.push([from, to]);
  }
  return result;
}
