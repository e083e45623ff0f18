import { type Instant, parseInstant } from "../kernel/index.ts";

/** Reads an RFC 3339 time, truncated to microseconds; undefined when it is none or no such day exists. */
export function readTime(text: string): Instant | undefined {
  const micros = plainMicros(text);
  return micros < 0 ? parseInstant(text) : BigInt(micros);
}

const SHORTEST = "2023-11-16T18:17:03Z".length;
/** A point and 18 digits more. */
const LONGEST = SHORTEST + 19;
const [POINT, DASH, COLON, T, Z] = [46, 45, 58, 84, 90];

/**
 * A UTC time of the years 2000 to 2099, written as nearly everybody does. Its microseconds are exact in a double, and
 * every fourth year is a leap year. Negative for all else, and for what is no time.
 */
export function plainMicros(text: string): number {
  const last = text.length - 1;
  if (last < SHORTEST - 1 || last >= LONGEST || !isPunctuated(text, last)) return -1;
  const day = plainDay(pair(text, 0) * 100 + pair(text, 2), pair(text, 5), pair(text, 8));
  const hour = pair(text, 11);
  const minute = pair(text, 14);
  const second = pair(text, 17);
  const micros = plainFraction(text, last);
  // What is not a number fails every comparison.
  if (!(day >= 0 && hour < 24 && minute < 60 && second < 60 && micros >= 0)) return -1;
  return (((day * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000 + micros;
}

function isPunctuated(text: string, last: number): boolean {
  return (
    text.charCodeAt(4) === DASH &&
    text.charCodeAt(7) === DASH &&
    text.charCodeAt(10) === T &&
    text.charCodeAt(13) === COLON &&
    text.charCodeAt(16) === COLON &&
    text.charCodeAt(last) === Z
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
function plainFraction(text: string, end: number): number {
  if (end === SHORTEST - 1) return 0;
  if (text.charCodeAt(SHORTEST - 1) !== POINT || end === SHORTEST) return Number.NaN;
  let micros = 0;
  for (let at = SHORTEST, unit = 100_000; at < end; at++, unit /= 10) {
    micros += digit(text, at) * (unit >= 1 ? unit : 0);
  }
  return micros;
}

/** The number of two digits; NaN when one of them is none. */
function pair(text: string, at: number): number {
  return digit(text, at) * 10 + digit(text, at + 1);
}

function digit(text: string, at: number): number {
  const value = text.charCodeAt(at) - 48;
  return value >= 0 && value <= 9 ? value : Number.NaN;
}
