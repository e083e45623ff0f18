/** Rows as RFC 4180, each ended by CRLF. */
export function csv(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.map(field).join(",")}\r\n`).join("");
}

/** What most fields are: neither a formula nor anything that is quoted. */
const PLAIN = /^(?:[\w.:/][\w.:/ -]*)?$/;

/** A spreadsheet would run what begins like a formula, some also in full width; numbers, negative ones too, stay numbers. */
function field(text: string): string {
  if (PLAIN.test(text)) return text;
  const safe = /^[=+@\t\r\n＝＋－＠]/.test(text) || /^-(?!\d+(\.\d+)?$)/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
