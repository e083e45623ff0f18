import { formatScaled, parseDecimal } from "./decimal.ts";
import { floor, multiply, type Rational, rational, roundHalfEven } from "./rational.ts";

/** An amount in nanos: 10^-9 of the currency's major unit. The only form of settled money in this code. */
export type Nanos = bigint;

export const NANOS_PER_UNIT = 1_000_000_000n;

/** Money as it stands in JSON: nine decimals, a string. */
export interface Money {
  currency: string;
  amount: string;
}

export function money(currency: string, amountNanos: Nanos): Money {
  return { currency, amount: formatNanos(amountNanos) };
}

export function formatNanos(amountNanos: Nanos): string {
  return formatScaled(amountNanos, 9);
}

/** Reads "12.5" or "12.345678901"; undefined for parts of a nano or anything that is no plain decimal. */
export function parseNanos(text: string): Nanos | undefined {
  const value = parseDecimal(text);
  if (value === undefined) return undefined;
  const scaled = multiply(value, rational(NANOS_PER_UNIT));
  return scaled.den === 1n ? scaled.num : undefined;
}

/** An exact amount of major units, floored to a nano. */
export function floorToNanos(amount: Rational): Nanos {
  return floor(multiply(amount, rational(NANOS_PER_UNIT)));
}

/** An exact amount of major units, rounded half-even to a nano. */
export function roundToNanos(amount: Rational): Nanos {
  return roundHalfEven(multiply(amount, rational(NANOS_PER_UNIT)));
}
