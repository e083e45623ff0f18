/** A broken invariant: a bug, never a user's mistake. */
export class InvariantBroken extends Error {
  override name = "InvariantBroken";
}

/** @throws InvariantBroken */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantBroken(message);
}

/** The value, which must be there. @throws InvariantBroken naming what is missing. */
export function present<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new InvariantBroken(`${what} is missing`);
  return value;
}
