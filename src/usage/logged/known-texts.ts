import { randomInt } from "node:crypto";

/** So that nobody can choose names that share a slot. */
export const HASH_SEED = randomInt(2 ** 32) | 0;
const SLOTS_AT_FIRST = 256;
/** More different ones than any batch has in life; then they are asked for as texts. */
const TEXTS_MAX = 100_000;

/** Numbers of texts by their bytes, so that a name that was seen before need not become a text again. */
export class KnownTexts {
  #bytes = new Uint8Array(8192);
  #used = 0;
  /** By entry: where its bytes begin, how many there are, and its number. */
  readonly #from: number[] = [];
  readonly #length: number[] = [];
  readonly #number: number[] = [];
  readonly #hash: number[] = [];
  /** By hash: an entry + 1, or 0. Never more than half of them are taken. */
  #slots = new Int32Array(SLOTS_AT_FIRST);

  /** The number that was kept for these bytes, or -1. @param hash of them, any that is the same for the same bytes */
  find(bytes: Uint8Array, from: number, to: number, hash: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = (this.#slots[slot] ?? 0) - 1;
      if (entry < 0) return -1;
      if (this.#hash[entry] === hash && this.#equals(entry, bytes, from, to))
        return this.#number[entry] ?? -1;
    }
  }

  /** Keeps a number for bytes that have none yet. */
  keep(bytes: Uint8Array, from: number, to: number, hash: number, number: number): void {
    if (this.#number.length === TEXTS_MAX) return;
    const length = to - from;
    if (this.#used + length > this.#bytes.length) {
      const more = new Uint8Array(2 * this.#bytes.length + length);
      more.set(this.#bytes);
      this.#bytes = more;
    }
    this.#bytes.set(bytes.subarray(from, to), this.#used);
    this.#from.push(this.#used);
    this.#length.push(length);
    this.#number.push(number);
    this.#hash.push(hash);
    this.#used += length;
    if (2 * this.#number.length > this.#slots.length) this.#widen();
    else this.#enter(this.#number.length - 1);
  }

  #widen(): void {
    this.#slots = new Int32Array(2 * this.#slots.length);
    for (let entry = 0; entry < this.#number.length; entry++) this.#enter(entry);
  }

  #enter(entry: number): void {
    const mask = this.#slots.length - 1;
    let slot = (this.#hash[entry] ?? 0) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = entry + 1;
  }

  #equals(entry: number, bytes: Uint8Array, from: number, to: number): boolean {
    if (this.#length[entry] !== to - from) return false;
    const kept = this.#bytes;
    for (let at = from, own = this.#from[entry] ?? 0; at < to; at++, own++)
      if (bytes[at] !== kept[own]) return false;
    return true;
  }
}
