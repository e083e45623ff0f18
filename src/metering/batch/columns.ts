/** Numbers names from 1, in the order in which they come. */
export class Dictionary {
  readonly names: string[] = [];
  readonly #numbers = new Map<string, number>();

  numberOf(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    this.names.push(name);
    this.#numbers.set(name, this.names.length);
    return this.names.length;
  }
}

// PostgreSQL's array texts, written here since postgres.js knows array types only from a query that some clients are told
// to leave out, and takes longer.

export function intArray(column: readonly (bigint | number)[]): string {
  return `{${column.join(",")}}`;
}

/** Null when the column is empty throughout. */
export function nullableIntArray(column: readonly (bigint | number | null)[]): string | null {
  if (column.every((value) => value === null)) return null;
  return `{${column.map((value) => value ?? "NULL").join(",")}}`;
}

export function uuidArray(column: readonly string[]): string {
  return `{${column.join(",")}}`;
}

export function textArray(column: readonly string[]): string {
  return `{${column.map(quoted).join(",")}}`;
}

function quoted(text: string): string {
  return /["\\]/.test(text) ? `"${text.replaceAll(/["\\]/g, "\\$&")}"` : `"${text}"`;
}
