import type { Span } from "./secret-patterns.ts";

/** No text that is sought is shorter. */
export const SOUGHT_LENGTH_MIN = 4;
const FILTER_SIZE = 8192;
/** So many characters are compared in 64s; only what was made for it needs more. */
const STEPS_MAX = 3_000_000;

/** There are more secrets than could be looked for. What they came with must not be kept. */
export class TooManySecrets extends Error {}

/** Looks for many texts at once: the time it takes depends on the text that is searched, not on how many are sought. */
export class Search {
  /** By their first four characters and their length; the longest first, since a short one inside it shows nothing of the rest. */
  readonly #sought = new Map<number, Map<number, Set<string>>>();
  readonly #filter = new Uint8Array(FILTER_SIZE);
  #steps = 0;

  /** @param texts of at least `SOUGHT_LENGTH_MIN` characters */
  constructor(texts: readonly string[]) {
    for (const text of texts.toSorted((a, b) => b.length - a.length)) {
      let four = 0;
      for (let at = 0; at < SOUGHT_LENGTH_MIN; at++) four = (four << 8) ^ text.charCodeAt(at);
      const byLength = this.#sought.get(four) ?? new Map<number, Set<string>>();
      this.#sought.set(four, byLength);
      byLength.set(text.length, (byLength.get(text.length) ?? new Set()).add(text));
      this.#filter[slotOf(four)] = 1;
    }
  }

  /**
   * Where any of them stands, in order; those that overlap are one.
   * @throws TooManySecrets
   */
  spansIn(text: string): Span[] {
    const spans: [number, number][] = [];
    let four = 0;
    for (let end = 1; end <= text.length; end++) {
      // Eight bits at a time: older characters fall out.
      four = (four << 8) ^ text.charCodeAt(end - 1);
      if (end < SOUGHT_LENGTH_MIN || this.#filter[slotOf(four)] === 0) continue;
      const from = end - SOUGHT_LENGTH_MIN;
      const length = this.#lengthAt(four, text, from);
      if (length === 0) continue;
      const last = spans.at(-1);
      if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], from + length);
      else spans.push([from, from + length]);
    }
    return spans;
  }

  #lengthAt(four: number, text: string, from: number): number {
    for (const [length, sought] of this.#sought.get(four) ?? []) {
      this.#steps += 1 + (length >> 6);
      if (this.#steps > STEPS_MAX) throw new TooManySecrets();
      if (sought.has(text.slice(from, from + length))) return length;
    }
    return 0;
  }
}

function slotOf(four: number): number {
  return (four ^ (four >>> 13)) & (FILTER_SIZE - 1);
}
