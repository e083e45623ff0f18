import { formsOf } from "./encodings.ts";
import { keysIn, type Span, saidIn } from "./secret-patterns.ts";

/** What stands where a secret was. */
export const REDACTED = "[redacted]";

/** Shorter values are replaced where they stand, but not looked for elsewhere: they would be found everywhere. */
const SOUGHT_LENGTH_MIN = 4;
/** What a text says is a secret may be a word of a sentence. */
const SAID_LENGTH_MIN = 8;
const SECRETS_MAX = 100;
const OCCURRENCES_MAX = 10_000;

/** The secret values of one prediction; looked for in everything that came with it. */
export class KnownSecrets {
  readonly #values = new Set<string>();
  #forms: string[] | undefined;

  add(value: string): void {
    if (value.length < SOUGHT_LENGTH_MIN || value === REDACTED || this.#values.size >= SECRETS_MAX) return;
    this.#values.add(value);
    this.#forms = undefined;
  }

  /** Learns what a text shows or says to be a secret. */
  addFrom(text: string): void {
    for (const [from, to] of keysIn(text)) this.add(text.slice(from, to));
    for (const [from, to] of saidIn(text)) if (to - from >= SAID_LENGTH_MIN) this.add(text.slice(from, to));
  }

  /** Where a text holds a secret, known or plain to see. */
  spansIn(text: string): Span[] {
    return [...keysIn(text), ...saidIn(text), ...this.#knownIn(text)];
  }

  /** The same for parts of one text that was cut anywhere: what a text says may end where a part does. */
  spansAcross(text: string): Span[] {
    return [...keysIn(text), ...this.#knownIn(text)];
  }

  redact(text: string): string {
    return hide(text, this.spansIn(text));
  }

  #knownIn(text: string): Span[] {
    if (text.length < SOUGHT_LENGTH_MIN) return [];
    // Longest first: a short one inside it shows nothing of the rest.
    this.#forms ??= [...new Set([...this.#values].flatMap(formsOf))].sort((a, b) => b.length - a.length);
    const spans: Span[] = [];
    for (const form of this.#forms) {
      for (let at = text.indexOf(form); at >= 0 && spans.length < OCCURRENCES_MAX; ) {
        spans.push([at, at + form.length]);
        at = text.indexOf(form, at + 1);
      }
    }
    return spans;
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
