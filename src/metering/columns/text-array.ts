/** PostgreSQL's text of an array. */
export function textArray(column: readonly string[]): string {
  return `{${column.map(quoted).join(",")}}`;
}

function quoted(text: string): string {
  return /["\\]/.test(text) ? `"${text.replaceAll(/["\\]/g, "\\$&")}"` : `"${text}"`;
}
