import { type Instant, parseInstant } from "../kernel/index.ts";

/** Reads an RFC 3339 time, truncated to microseconds; undefined when it is none or no such day exists. */
export function readTime(text: string): Instant | undefined {
  const bytes = Buffer.from(text);
  const micros = plainMicros(bytes, 0, bytes.length);
  return micros < 0 ? parseInstant(text) : BigInt(micros);
}

const SHORTEST = "2023-11-16T18:17:03Z".length;
/** A point and 18 digits more. */
const LONGEST = SHORTEST + 19;
const [POINT, DASH, COLON, T, Z] = [46, 45, 58, 84, 90];

/**
 * A UTC time of the years 2000 to 2099, written as nearly everybody does, in these bytes. Its microseconds are exact in a double, and
 * every fourth year is a leap year. Negative for all else, and for what is no time.
 */
export function plainMicros(bytes: Uint8Array, from: number, to: number): number {
  const length = to - from;
  if (length < SHORTEST || length > LONGEST || !isPunctuated(bytes, from, to - 1)) return -1;
  const year = pair(bytes, from) * 100 + pair(bytes, from + 2);
  const day = plainDay(year, pair(bytes, from + 5), pair(bytes, from + 8));
  const hour = pair(bytes, from + 11);
  const minute = pair(bytes, from + 14);
  const second = pair(bytes, from + 17);
  const micros = plainFraction(bytes, from + SHORTEST - 1, to - 1);
  // What is not a number fails every comparison.
  if (!(day >= 0 && hour < 24 && minute < 60 && second < 60 && micros >= 0)) return -1;
  return (((day * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000 + micros;
}

function isPunctuated(bytes: Uint8Array, from: number, last: number): boolean {
  return (
    bytes[from + 4] === DASH &&
    bytes[from + 7] === DASH &&
    bytes[from + 10] === T &&
    bytes[from + 13] === COLON &&
    bytes[from + 16] === COLON &&
    bytes[last] === Z
  );
}

const DAYS_TO_2000 = 10_957;
const DAYS_TO_MONTH = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];

/** Days since 1970; negative for a day that is none, or not of 2000 to 2099. */
function plainDay(year: number, month: number, day: number): number {
  if (!(year >= 2000 && year <= 2099 && month >= 1 && month <= 12 && day >= 1)) return -1;
  const leap = year % 4 === 0 ? 1 : 0;
  const before = (DAYS_TO_MONTH[month - 1] ?? 0) + (month > 2 ? leap : 0);
  const after = (DAYS_TO_MONTH[month] ?? 0) + (month > 1 ? leap : 0);
  if (day > after - before) return -1;
  const leapDaysBefore = Math.ceil((year - 2000) / 4);
  return DAYS_TO_2000 + (year - 2000) * 365 + leapDaysBefore + before + day - 1;
}

/** Microseconds of `.123456789`, truncated; NaN when it is no such thing. */
function plainFraction(bytes: Uint8Array, from: number, to: number): number {
  if (from === to) return 0;
  if (bytes[from] !== POINT || from + 1 === to) return Number.NaN;
  let micros = 0;
  for (let at = from + 1, unit = 100_000; at < to; at++, unit /= 10) {
    micros += digit(bytes, at) * (unit >= 1 ? unit : 0);
  }
  return micros;
}

/** The number of two digits; NaN when one of them is none. */
function pair(bytes: Uint8Array, at: number): number {
  return digit(bytes, at) * 10 + digit(bytes, at + 1);
}

function digit(bytes: Uint8Array, at: number): number {
  const value = (bytes[at] ?? 0) - 48;
  return value >= 0 && value <= 9 ? value : Number.NaN;
}
