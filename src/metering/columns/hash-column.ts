const CAPACITY_MIN = 64;

/** Hashes of rows, each of the same number of 32-bit words: no text and no object for any of them. */
export class HashColumn {
  readonly #wordsEach: number;
  #words: Int32Array;
  #size = 0;

  /** @param capacity how many there will be, as far as that is known */
  constructor(wordsEach: number, capacity = 0) {
    this.#wordsEach = wordsEach;
    this.#words = new Int32Array(Math.max(capacity, CAPACITY_MIN) * wordsEach);
  }

  /** Adds the first words of a digest. */
  add(digest: Int32Array): void {
    const each = this.#wordsEach;
    if ((this.#size + 1) * each > this.#words.length) this.#widen();
    for (let n = 0, at = this.#size * each; n < each; n++, at++) this.#words[at] = digest[n] ?? 0;
    this.#size++;
  }

  addHex(hex: string): void {
    const word = (n: number) => Number.parseInt(hex.slice(8 * n, 8 * n + 8), 16);
    this.add(Int32Array.from({ length: this.#wordsEach }, (_, n) => word(n)));
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
