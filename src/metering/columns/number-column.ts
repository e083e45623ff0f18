const CAPACITY_MIN = 64;

/** Numbers by row, exact up to 2^53, eight bytes each: an array of V8's own is copied more often as it grows. */
export class NumberColumn {
  #values: Float64Array;
  #size = 0;

  /** @param capacity how many there will be, as far as that is known */
  constructor(capacity = CAPACITY_MIN) {
    this.#values = new Float64Array(Math.max(capacity, CAPACITY_MIN));
  }

  get size(): number {
    return this.#size;
  }

  /** Answers its row. */
  add(value: number): number {
    if (this.#size === this.#values.length) {
      const wider = new Float64Array(2 * this.#size);
      wider.set(this.#values);
      this.#values = wider;
    }
    this.#values[this.#size] = value;
    return this.#size++;
  }

  /** Of a row that there is. */
  at(row: number): number {
    return this.#values[row] as number;
  }

  set(row: number, value: number): void {
    this.#values[row] = value;
  }

  truncate(size: number): void {
    this.#size = Math.min(this.#size, size);
  }

  /** As long as nothing is added. */
  get values(): Float64Array {
    return this.#values.subarray(0, this.#size);
  }
}
