import type { ByteText } from "./byte-text.ts";
import { NumberColumn } from "./number-column.ts";

const [QUOTE, COMMA] = [0x22, 0x2c];
/** Of what most producers give, with its quotes and comma. */
const BYTES_EACH = 32;
const BYTES_MIN = 1 << 10;

/** Ids of events by row, as JSON has them, one behind the other: no text is made for any of them. */
export class IdColumn {
  #bytes: Buffer;
  /** By row: where it ends, the comma behind it included. */
  readonly #ends: NumberColumn;

  /** @param capacity how many there will be, as far as that is known */
  constructor(capacity = 0) {
    this.#bytes = Buffer.allocUnsafe(BYTES_MIN + BYTES_EACH * capacity);
    this.#ends = new NumberColumn(capacity);
  }

  get size(): number {
    return this.#ends.size;
  }

  add(id: string): void {
    const json = Buffer.from(JSON.stringify(id));
    const at = this.#reserve(json.length + 1);
    json.copy(this.#bytes, at);
    this.#bytes[at + json.length] = COMMA;
    this.#ends.add(at + json.length + 1);
  }

  /** Adds an id that stands in these bytes without escapes, in ASCII. */
  addPlain(bytes: Uint8Array, from: number, to: number): void {
    let end = this.#reserve(to - from + 3);
    const own = this.#bytes;
    own[end++] = QUOTE;
    for (let at = from; at < to; at++) own[end++] = bytes[at] as number;
    own[end++] = QUOTE;
    own[end++] = COMMA;
    this.#ends.add(end);
  }

  truncate(size: number): void {
    this.#ends.truncate(size);
  }

  /** Writes those of the rows, with commas between. */
  writeList(rows: ArrayLike<number>, text: ByteText): void {
    for (let n = 0; n < rows.length; ) {
      const first = rows[n] ?? 0;
      let last = first;
      for (n++; rows[n] === last + 1; n++) last++;
      // Not the comma behind the last one.
      const to = this.#ends.at(last) - (n === rows.length ? 1 : 0);
      text.bytes(this.#bytes, this.#endOf(first - 1), to);
    }
  }

  /** Answers where the next one begins. */
  #reserve(bytes: number): number {
    const at = this.#endOf(this.size - 1);
    if (at + bytes > this.#bytes.length) {
      const wider = Buffer.allocUnsafe(2 * this.#bytes.length + bytes);
      this.#bytes.copy(wider, 0, 0, at);
      this.#bytes = wider;
    }
    return at;
  }

  #endOf(row: number): number {
    return row < 0 ? 0 : this.#ends.at(row);
  }
}
