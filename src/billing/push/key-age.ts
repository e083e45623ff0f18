/** The provider may forget a key after 24 hours; younger than this it is safe to send the same one again. */
export const KEY_SAFE_MS = 20 * 3_600_000;
const MISSING_APART_MS = 600_000;
const MISSING_AFTER_MS = 24 * 3_600_000;

/** An unknown attempt that was never found, twice and ten minutes apart, after a day. */
export function wasNeverMade({ ageMs, missingMs }: { ageMs: number; missingMs: number }): boolean {
  return missingMs >= MISSING_APART_MS && ageMs >= MISSING_AFTER_MS;
}
