const [MINUS, ZERO] = [0x2d, 0x30];
const HEX = Buffer.from("0123456789abcdef");
/** Of an integer with its sign. */
const INTEGER_CHARACTERS_MAX = 20;
const BILLION = 1_000_000_000;

/** Long texts of numbers, written as bytes: a text for each number, joined, takes three times as long. */
export class AsciiText {
  #bytes = Buffer.allocUnsafe(1 << 16);
  #length = 0;

  clear(): this {
    this.#length = 0;
    return this;
  }

  byte(code: number): this {
    this.#reserve(1);
    this.#bytes[this.#length++] = code;
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

  /** 64 bits with a sign, of two words. */
  signed64(upper: number, lower: number): this {
    this.#reserve(INTEGER_CHARACTERS_MAX);
    let [high, low] = [upper, lower];
    if (upper < 0) {
      this.#bytes[this.#length++] = MINUS;
      low = -lower | 0;
      high = ~upper + (low === 0 ? 1 : 0);
    }
    // Sixteen bits at a time: each step stays exact in a double.
    const quarters = [high >>> 16, high & 0xffff, low >>> 16, low & 0xffff];
    const last = divideByBillion(quarters);
    const middle = divideByBillion(quarters);
    const first = (quarters[2] ?? 0) * 65_536 + (quarters[3] ?? 0);
    if (first > 0) return this.#digits(first, digitsOf(first)).#digits(middle, 9).#digits(last, 9);
    if (middle > 0) return this.#digits(middle, digitsOf(middle)).#digits(last, 9);
    return this.#digits(last, digitsOf(last));
  }

  /** Eight digits. */
  hex(word: number): this {
    this.#reserve(8);
    for (let shift = 28; shift >= 0; shift -= 4)
      this.#bytes[this.#length++] = HEX[(word >>> shift) & 15] as number;
    return this;
  }

  toString(): string {
    return this.#bytes.toString("latin1", 0, this.#length);
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
    const wider = Buffer.allocUnsafe(2 * this.#bytes.length);
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

/** Divides a number of four times sixteen bits in its place; answers the remainder. */
function divideByBillion(quarters: number[]): number {
  let rest = 0;
  for (let n = 0; n < 4; n++) {
    const part = rest * 65_536 + (quarters[n] ?? 0);
    const quotient = Math.floor(part / BILLION);
    quarters[n] = quotient;
    rest = part - quotient * BILLION;
  }
  return rest;
}
