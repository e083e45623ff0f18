// PostgreSQL's array texts, written here since postgres.js knows array types only from a query that some clients are told
// to leave out, and takes longer.

export function intArray(column: readonly (bigint | number)[]): string {
  return `{${column.join(",")}}`;
}

/** Null when the column is empty throughout. */
export function nullableIntArray(column: readonly (number | null)[]): string | null {
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
