import { multiply, parseDecimal, type Rational, rational, roundHalfEven } from "../kernel/index.ts";

/** A quantity at its meter's scale is at most this much per event. */
const QUANTITY_MAX = 10n ** 15n;

/** Rounds half-even to the meter's scale, from the shortest decimal text of the number; undefined when not acceptable. */
export function toQuantity(value: number, scale: 0 | 6): bigint | undefined {
  const certain = scale === 0 ? certainCount(value) : certainMicros(value);
  return certain < 0 ? exactQuantity(value, scale) : BigInt(certain);
}

function certainCount(value: number): number {
  return Number.isInteger(value) && value >= 0 && value <= 1e15 ? value : -1;
}

/**
 * Below 10^12 the product differs from a million times the shortest decimal text by less than a thousandth (half an ulp
 * of the value, half an ulp of the product), so it shows the nearest integer unless it lies close to a half.
 */
function certainMicros(value: number): number {
  const micros = value * 1e6;
  if (!(micros >= 0 && micros < 1e12)) return -1;
  const nearest = Math.round(micros);
  return Math.abs(micros - nearest) < 0.49 ? nearest : -1;
}

/** By its meaning, for every number; slow. */
export function exactQuantity(value: number, scale: 0 | 6): bigint | undefined {
  if (!Number.isFinite(value) || value < 0 || value > 1e15) return undefined;
  const quantity = roundHalfEven(multiply(shortestDecimal(value), rational(10n ** BigInt(scale))));
  return quantity > QUANTITY_MAX ? undefined : quantity;
}

function shortestDecimal(value: number): Rational {
  const [mantissa = "", exponent = "0"] = value.toString().split("e");
  const digits = parseDecimal(mantissa) ?? rational(0n);
  const power = 10n ** BigInt(Math.abs(Number(exponent)));
  return multiply(digits, Number(exponent) < 0 ? rational(1n, power) : rational(power));
}
