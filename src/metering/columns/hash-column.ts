const CAPACITY_MIN = 64;

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
