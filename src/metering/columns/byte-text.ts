const [MINUS, ZERO, COMMA] = [0x2d, 0x30, 0x2c];
/** Of an integer with its sign. */
const INTEGER_CHARACTERS_MAX = 20;
const BILLION = 1_000_000_000;

/** A long text, written as UTF-8: a text for each part, joined, takes three times as long. */
export class ByteText {
  #bytes: Buffer;
  #length = 0;

  /** @param capacity how many bytes there will be, as far as that is known */
  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafe(Math.max(capacity, 1 << 10));
  }

  text(text: string): this {
    this.#reserve(3 * text.length);
    this.#length += this.#bytes.write(text, this.#length);
    return this;
  }

  bytes(bytes: Buffer, from: number, to: number): this {
    this.#reserve(to - from);
    bytes.copy(this.#bytes, this.#length, from, to);
    this.#length += to - from;
    return this;
  }

  /** With commas between. @param none is written as null */
  integers(count: number, integerAt: (n: number) => number, none = Number.NaN): this {
    for (let n = 0; n < count; n++) {
      this.#reserve(INTEGER_CHARACTERS_MAX + 1);
      if (n > 0) this.#bytes[this.#length++] = COMMA;
      const value = integerAt(n);
      if (value === none) this.text("null");
      else this.integer(value);
    }
    return this;
  }

  /** Exact up to 2^53. */
  integer(value: number): this {
    this.#reserve(INTEGER_CHARACTERS_MAX);
    let positive = value;
    if (value < 0) {
      this.#bytes[this.#length++] = MINUS;
      positive = -value;
    }
    if (positive < BILLION) return this.#digits(positive, digitsOf(positive));
    const upper = Math.floor(positive / BILLION);
    return this.#digits(upper, digitsOf(upper)).#digits(positive - upper * BILLION, 9);
  }

  /** What was written, until more is. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** The last digits of an integer below 2^31. */
  #digits(value: number, count: number): this {
    let rest = value | 0;
    for (let at = this.#length + count - 1; at >= this.#length; at--) {
      const upper = (rest / 10) | 0;
      this.#bytes[at] = ZERO + rest - upper * 10;
      rest = upper;
    }
    this.#length += count;
    return this;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const wider = Buffer.allocUnsafe(2 * this.#bytes.length + bytes);
    this.#bytes.copy(wider, 0, 0, this.#length);
    this.#bytes = wider;
  }
}

/** Of an integer below 2^31. */
function digitsOf(value: number): number {
  let digits = 1;
  for (let limit = 10; value >= limit; limit *= 10) digits++;
  return digits;
}
