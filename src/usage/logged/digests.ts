import { CONSTANTS_BYTES, DIGEST_WORDS, sha256Lanes } from "./sha256-lanes.ts";

const BLOCK_BYTES = 64;
const LENGTH_BYTES = 8;
const LANES = 4;
/** Of a full record, an identity and a content each. */
const MESSAGES_MAX = 2048;
const POINTERS = CONSTANTS_BYTES;
const DIGESTS = POINTERS + 4 * MESSAGES_MAX;
const MESSAGES = DIGESTS + 4 * DIGEST_WORDS * MESSAGES_MAX;
const PAGE_BYTES = 65_536;
const PAGES = 5;
/** Source and id at their longest, with their lengths. */
const MESSAGE_BYTES_MAX = 1088;
const MESSAGES_END = PAGES * PAGE_BYTES - MESSAGE_BYTES_MAX;

/** Where digests go, by row. */
export interface DigestColumn {
  /** The first 128 bits. */
  set(row: number, one: number, two: number, three: number, four: number): void;
}

/** SHA-256 of many short messages: they are collected and hashed four at a time, for a sixth of what each costs by itself. */
export class Digests {
  readonly #lanes = sha256Lanes(PAGES);
  /** A message is written here, from `at` on; up to 1,020 bytes. */
  readonly bytes = new Uint8Array(this.#lanes.memory.buffer);
  at = MESSAGES;
  readonly #words = new Int32Array(this.#lanes.memory.buffer);
  /** By message: where it begins, how many blocks it has, and where its digest goes. */
  readonly #begins = new Int32Array(MESSAGES_MAX);
  readonly #blocks = new Uint8Array(MESSAGES_MAX);
  readonly #rows = new Int32Array(MESSAGES_MAX);
  readonly #columns: DigestColumn[] = [];
  #count = 0;
  #blocksMost = 0;
  readonly #group = new Int32Array(MESSAGES_MAX);

  /** Takes the message that was written, so many bytes. Its digest may be set at once, or when finish() is called. */
  add(length: number, column: DigestColumn, row: number): void {
    const begin = this.at;
    const blocks = this.#pad(begin, length);
    const n = this.#count++;
    this.#begins[n] = begin;
    this.#blocks[n] = blocks;
    this.#rows[n] = row;
    this.#columns[n] = column;
    if (blocks > this.#blocksMost) this.#blocksMost = blocks;
    this.at = begin + blocks * BLOCK_BYTES;
    if (this.#count === MESSAGES_MAX || this.at > MESSAGES_END) this.finish();
  }

  /** Sets the digests that are not set yet. */
  finish(): void {
    for (let blocks = 1; blocks <= this.#blocksMost; blocks++) this.#digest(blocks);
    this.drop();
  }

  /** Forgets the messages whose digests are not set yet. */
  drop(): void {
    this.#count = 0;
    this.#blocksMost = 0;
    this.#columns.length = 0;
    this.at = MESSAGES;
  }

  /** As FIPS 180-4 says: a one, zeros, and the length in bits at the end of a block. Answers how many blocks there are. */
  #pad(begin: number, length: number): number {
    const { bytes } = this;
    const padded = (length + LENGTH_BYTES + BLOCK_BYTES) & -BLOCK_BYTES;
    const end = begin + padded;
    bytes[begin + length] = 0x80;
    for (let at = begin + length + 1; at < end - 2; at++) bytes[at] = 0;
    bytes[end - 2] = length >>> 5;
    bytes[end - 1] = length << 3;
    return padded / BLOCK_BYTES;
  }

  /** Those of so many blocks. */
  #digest(blocks: number): void {
    const group = this.#group;
    let size = 0;
    for (let n = 0; n < this.#count; n++) if (this.#blocks[n] === blocks) group[size++] = n;
    if (size === 0) return;
    const words = this.#words;
    for (let n = 0; n < size; n++) words[POINTERS / 4 + n] = this.#begins[group[n] as number] as number;
    // The last group's empty lanes hash something, too.
    for (let n = size; n % LANES !== 0; n++) words[POINTERS / 4 + n] = MESSAGES;
    this.#lanes.digest(POINTERS, Math.ceil(size / LANES), blocks, DIGESTS);
    for (let n = 0; n < size; n++) {
      const message = group[n] as number;
      const at = DIGESTS / 4 + (n - (n % LANES)) * DIGEST_WORDS + (n % LANES);
      this.#columns[message]?.set(
        this.#rows[message] as number,
        words[at] as number,
        words[at + LANES] as number,
        words[at + 2 * LANES] as number,
        words[at + 3 * LANES] as number,
      );
    }
  }
}
