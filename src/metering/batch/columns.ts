import { UNMETERED } from "../../usage/index.ts";
import { AsciiText } from "./ascii-text.ts";
import type { HashColumn } from "./hash-column.ts";

// PostgreSQL's array texts, written here since postgres.js knows array types only from a query that some clients are told
// to leave out, and takes longer.

export function intArray(column: readonly number[]): string {
  return `{${intList(column)}}`;
}

/** With commas between. */
export function intList(column: readonly number[]): string {
  const text = scratch.clear();
  for (let row = 0; row < column.length; row++) {
    if (row > 0) text.byte(COMMA);
    text.integer(column[row] ?? 0);
  }
  return text.toString();
}

/** As JSON has it: null for what is unmetered. */
export function quantityList(column: readonly number[]): string {
  return column.includes(UNMETERED)
    ? column.map((quantity) => (quantity === UNMETERED ? "null" : quantity)).join(",")
    : intList(column);
}

/** Null when the column is empty throughout. */
export function nullableIntArray(column: readonly (number | null)[]): string | null {
  if (column.every((value) => value === null)) return null;
  return `{${column.map((value) => value ?? "NULL").join(",")}}`;
}

/** Hashes of 128 bits, as PostgreSQL reads uuids. */
export function uuidArray(hashes: HashColumn, rows: readonly number[]): string {
  const text = scratch.clear().byte(OPEN);
  for (let n = 0; n < rows.length; n++) {
    if (n > 0) text.byte(COMMA);
    for (let word = 0; word < 4; word++) text.hex(hashes.word(rows[n] ?? 0, word));
  }
  return text.byte(CLOSE).toString();
}

/** Hashes of 64 bits, as signed numbers. */
export function bigintArray(hashes: HashColumn, rows: readonly number[]): string {
  const text = scratch.clear().byte(OPEN);
  for (let n = 0; n < rows.length; n++) {
    if (n > 0) text.byte(COMMA);
    const row = rows[n] ?? 0;
    text.signed64(hashes.word(row, 0), hashes.word(row, 1));
  }
  return text.byte(CLOSE).toString();
}

export function textArray(column: readonly string[]): string {
  return `{${column.map(quoted).join(",")}}`;
}

function quoted(text: string): string {
  return /["\\]/.test(text) ? `"${text.replaceAll(/["\\]/g, "\\$&")}"` : `"${text}"`;
}

const [OPEN, COMMA, CLOSE] = [0x7b, 0x2c, 0x7d];
const scratch = new AsciiText();
