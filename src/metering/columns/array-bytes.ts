import type { HashColumn } from "./hash-column.ts";

// PostgreSQL's arrays in their binary form: array_recv() in src/backend/utils/adt/arrayfuncs.c. Numbers are big-endian.

const [INT4, INT8, UUID] = [23, 20, 2950];
const HEADER_BYTES = 20;
const EMPTY_BYTES = 12;
const NULL_LENGTH = -1;
const TWO_32 = 2 ** 32;

export function int4Array(column: ArrayLike<number>): Buffer {
  const bytes = begun(INT4, column.length, 4);
  for (let row = 0, at = HEADER_BYTES; row < column.length; row++)
    at = addInt4(bytes, at, column[row] as number);
  return bytes;
}

/** Exact up to 2^53. */
export function int8Array(column: ArrayLike<number>): Buffer {
  const bytes = begun(INT8, column.length, 8);
  for (let row = 0, at = HEADER_BYTES; row < column.length; row++)
    at = addInt8(bytes, at, column[row] as number);
  return bytes;
}

/** Null for the column when it is empty throughout. */
export function nullableInt4Array(
  column: ArrayLike<number>,
  isNull: (row: number) => boolean,
): Buffer | null {
  return nullableArray(INT4, 4, addInt4, column, isNull);
}

export function nullableInt8Array(
  column: ArrayLike<number>,
  isNull: (row: number) => boolean,
): Buffer | null {
  return nullableArray(INT8, 8, addInt8, column, isNull);
}

function nullableArray(
  type: number,
  width: number,
  add: (bytes: Buffer, at: number, value: number) => number,
  column: ArrayLike<number>,
  isNull: (row: number) => boolean,
): Buffer | null {
  let filled = 0;
  for (let row = 0; row < column.length; row++) if (!isNull(row)) filled++;
  if (filled === 0) return null;
  const bytes = begun(type, column.length, width, filled);
  let at = HEADER_BYTES;
  for (let row = 0; row < column.length; row++)
    at = isNull(row) ? bytes.writeInt32BE(NULL_LENGTH, at) : add(bytes, at, column[row] as number);
  return bytes;
}

/** Hashes of 128 bits. */
export function uuidArray(hashes: HashColumn, rows: ArrayLike<number>): Buffer {
  return hashArray(UUID, 4, hashes, rows);
}

/** Hashes of 64 bits, as signed numbers. */
export function bigintArray(hashes: HashColumn, rows: ArrayLike<number>): Buffer {
  return hashArray(INT8, 2, hashes, rows);
}

function hashArray(type: number, words: number, hashes: HashColumn, rows: ArrayLike<number>): Buffer {
  const bytes = begun(type, rows.length, 4 * words);
  for (let n = 0, at = HEADER_BYTES; n < rows.length; n++) {
    at = bytes.writeInt32BE(4 * words, at);
    for (let word = 0; word < words; word++)
      at = bytes.writeInt32BE(hashes.word(rows[n] as number, word), at);
  }
  return bytes;
}

function addInt4(bytes: Buffer, at: number, value: number): number {
  return bytes.writeInt32BE(value, bytes.writeInt32BE(4, at));
}

function addInt8(bytes: Buffer, at: number, value: number): number {
  const upper = Math.floor(value / TWO_32);
  return bytes.writeUInt32BE(value - upper * TWO_32, bytes.writeInt32BE(upper, bytes.writeInt32BE(8, at)));
}

/** The header, and room for the elements. An empty array has no dimension. */
function begun(type: number, length: number, width: number, filled = length): Buffer {
  const bytes = Buffer.allocUnsafe(length === 0 ? EMPTY_BYTES : HEADER_BYTES + 4 * length + width * filled);
  bytes.writeInt32BE(length === 0 ? 0 : 1, 0);
  bytes.writeInt32BE(filled < length ? 1 : 0, 4);
  bytes.writeInt32BE(type, 8);
  if (length === 0) return bytes;
  bytes.writeInt32BE(length, 12);
  bytes.writeInt32BE(1, 16); // Subscripts begin at one.
  return bytes;
}
