import { invalidRequest } from "./errors.ts";

// What a lever's JSON may hold. Written out by hand: a schema library would take longer to load than all the rest.

const AMOUNT_MAX = 10 ** 15;
const SECONDS_MAX = 10 ** 10;
const TIMES_MAX = 10 ** 6;

/** @throws StripeProblem unless it is an object with no other names than these */
export function fields<Name extends string>(value: unknown, ...names: Name[]): { [P in Name]?: unknown } {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(value, "an object");
  const known: readonly string[] = names;
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown !== undefined) throw invalidRequest(undefined, `${unknown}: none of ${names.join(", ")}`);
  return value as { [P in Name]?: unknown };
}

export function optional<T>(read: (value: unknown) => T, value: unknown): T | undefined {
  return value === undefined ? undefined : read(value);
}

/** Minor units; a balance may be negative. */
export function amount(value: unknown): number {
  return whole(value, -AMOUNT_MAX, AMOUNT_MAX);
}

export function seconds(value: unknown): number {
  return whole(value, 0, SECONDS_MAX);
}

export function times(value: unknown, min: number): number {
  return whole(value, min, TIMES_MAX);
}

export function text(value: unknown): string {
  if (typeof value !== "string") throw wrong(value, "a text");
  return value;
}

export function texts(value: unknown): string[] {
  if (!Array.isArray(value)) throw wrong(value, "a list of texts");
  return value.map(text);
}

export function flag(value: unknown): boolean {
  if (typeof value !== "boolean") throw wrong(value, "true or false");
  return value;
}

export function oneOf<T extends string>(allowed: readonly T[], value: unknown): T {
  const found = allowed.find((each) => each === value);
  if (found === undefined) throw wrong(value, `one of ${allowed.join(", ")}`);
  return found;
}

function whole(value: unknown, min: number, max: number): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < min || value > max)
    throw wrong(value, `a whole number from ${min} to ${max}`);
  return value;
}

function wrong(value: unknown, wanted: string) {
  return invalidRequest(undefined, `${wanted}, not ${JSON.stringify(value)?.slice(0, 100)}`);
}
