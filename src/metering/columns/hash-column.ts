const CAPACITY_MIN = 64;
const RADIX_BITS = 11;
const RADIX = 2 ** RADIX_BITS;

/** Hashes of rows, each of two or of four 32-bit words: no text and no object for any of them. */
export class HashColumn {
  readonly #wordsEach: 2 | 4;
  #words: Int32Array;
  #size = 0;

  /** @param capacity how many there will be, as far as that is known */
  constructor(wordsEach: 2 | 4, capacity = 0) {
    this.#wordsEach = wordsEach;
    this.#words = new Int32Array(Math.max(capacity, CAPACITY_MIN) * wordsEach);
  }

  /** Adds a row whose hash is set later. */
  reserve(): void {
    if ((this.#size + 1) * this.#wordsEach > this.#words.length) this.#widen();
    this.#size++;
  }

  /** Of a digest's first 128 bits the row takes as many as it has. */
  set(row: number, one: number, two: number, three: number, four: number): void {
    const each = this.#wordsEach;
    const at = row * each;
    this.#words[at] = one;
    this.#words[at + 1] = two;
    if (each <= 2) return;
    this.#words[at + 2] = three;
    this.#words[at + 3] = four;
  }

  addHex(hex: string): void {
    this.reserve();
    const word = (n: number) => Number.parseInt(hex.slice(8 * n, 8 * n + 8), 16);
    this.set(this.#size - 1, word(0), word(1), word(2), word(3));
  }

  addBigInt(value: bigint): void {
    this.addHex(
      BigInt.asUintN(32 * this.#wordsEach, value)
        .toString(16)
        .padStart(8 * this.#wordsEach, "0"),
    );
  }

  truncate(size: number): void {
    this.#size = Math.min(this.#size, size);
  }

  word(row: number, n: number): number {
    return this.#words[row * this.#wordsEach + n] ?? 0;
  }

  equal(row: number, other: number): boolean {
    for (let n = 0; n < this.#wordsEach; n++) if (this.word(row, n) !== this.word(other, n)) return false;
    return true;
  }

  /** The places of these rows in the order of their hashes, smallest first: as PostgreSQL sorts uuid. */
  order(rows: ArrayLike<number>): Int32Array {
    const words = new Int32Array(rows.length);
    let places = new Int32Array(rows.length);
    for (let place = 0; place < rows.length; place++) {
      words[place] = this.word(rows[place] as number, 0);
      places[place] = place;
    }
    for (let shift = 0; shift < 32; shift += RADIX_BITS) places = sortedBy(places, words, shift);
    // Of those that begin alike, few if any.
    for (let n = 1; n < places.length; n++) {
      const place = places[n] as number;
      let at = n;
      for (; at > 0 && this.#isLess(rows[place] as number, rows[places[at - 1] as number] as number); at--)
        places[at] = places[at - 1] as number;
      places[at] = place;
    }
    return places;
  }

  #isLess(row: number, other: number): boolean {
    for (let n = 0; n < this.#wordsEach; n++) {
      const [word, its] = [this.word(row, n) >>> 0, this.word(other, n) >>> 0];
      if (word !== its) return word < its;
    }
    return false;
  }

  hexOf(row: number): string {
    let hex = "";
    for (let n = 0; n < this.#wordsEach; n++) hex += (this.word(row, n) >>> 0).toString(16).padStart(8, "0");
    return hex;
  }

  /** As a signed number. */
  bigIntOf(row: number): bigint {
    return BigInt.asIntN(32 * this.#wordsEach, BigInt(`0x${this.hexOf(row)}`));
  }

  #widen(): void {
    const wider = new Int32Array(2 * this.#words.length);
    wider.set(this.#words);
    this.#words = wider;
  }
}

/** A step of a radix sort: by some bits of their words, and as they were where these are the same. */
function sortedBy(places: Int32Array, words: Int32Array, shift: number): Int32Array<ArrayBuffer> {
  const next = new Int32Array(RADIX + 1);
  for (let n = 0; n < words.length; n++) add(next, digitOf(words, n, shift) + 1, 1);
  for (let digit = 1; digit <= RADIX; digit++) add(next, digit, next[digit - 1] as number);
  const sorted = new Int32Array(places.length);
  for (let n = 0; n < places.length; n++) {
    const place = places[n] as number;
    const digit = digitOf(words, place, shift);
    sorted[next[digit] as number] = place;
    add(next, digit, 1);
  }
  return sorted;
}

function digitOf(words: Int32Array, place: number, shift: number): number {
  return ((words[place] as number) >>> shift) & (RADIX - 1);
}

function add(numbers: Int32Array, at: number, value: number): void {
  numbers[at] = (numbers[at] as number) + value;
}
