/** Shorter ones would be found everywhere. */
const FORM_LENGTH_MIN = 4;

/**
 * The texts in which a value may stand: as it is, escaped as in JSON (once and twice), percent-encoded, in hexadecimal, and
 * in base64, also as the middle of something longer that was encoded with it.
 */
export function formsOf(value: string): string[] {
  const bytes = Buffer.from(value);
  const hex = bytes.toString("hex");
  const percent = percentEncoded(value);
  const escaped = jsonEscaped(value);
  const forms = new Set([
    value,
    escaped,
    jsonEscaped(escaped),
    percent,
    percent.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    percent.replaceAll("%20", "+"),
    hex,
    hex.toUpperCase(),
    bytes.toString("base64"),
    ...[0, 1, 2].flatMap((offset) => {
      const inner = base64Inside(bytes, offset);
      return [inner, inner.replaceAll("+", "-").replaceAll("/", "_")];
    }),
  ]);
  return [...forms].filter((form) => form === value || form.length >= FORM_LENGTH_MIN);
}

function jsonEscaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** A half of a pair cannot be encoded; nobody could have sent it so. */
function percentEncoded(value: string): string {
  return encodeURIComponent(value.toWellFormed());
}

/** The digits that are the same whatever stands before and after: `offset` bytes, modulo three, stand before. */
function base64Inside(bytes: Buffer, offset: number): string {
  const digits = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
  return digits.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
}
