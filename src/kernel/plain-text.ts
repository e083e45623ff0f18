/** Text that every store takes: no control characters (PostgreSQL refuses NUL), no half surrogates. */
export function isPlainText(text: string): boolean {
  return text.isWellFormed() && !/\p{Cc}/u.test(text);
}
