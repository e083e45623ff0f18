/** An exact fraction; `den` is positive and the fraction is in lowest terms. Money is never rounded while it is one. */
export interface Rational {
  readonly num: bigint;
  readonly den: bigint;
}

export const ZERO: Rational = { num: 0n, den: 1n };

/** @throws RangeError for a zero denominator. */
export function rational(num: bigint, den = 1n): Rational {
  if (den === 0n) throw new RangeError("a fraction needs a denominator other than zero");
  const divisor = gcd(num < 0n ? -num : num, den < 0n ? -den : den) * (den < 0n ? -1n : 1n);
  return { num: num / divisor, den: den / divisor };
}

export function add(a: Rational, b: Rational): Rational {
  return rational(a.num * b.den + b.num * a.den, a.den * b.den);
}

/** All of them as numerators over one denominator that is common to them. */
export function overCommonDenominator(values: readonly Rational[]): { nums: bigint[]; den: bigint } {
  let den = 1n;
  for (const value of values) if (den % value.den !== 0n) den = (den / gcd(den, value.den)) * value.den;
  return { nums: values.map((value) => value.num * (den / value.den)), den };
}

/** As repeated `add`, without a fraction in lowest terms at each step. */
export function sum(values: readonly Rational[]): Rational {
  const { nums, den } = overCommonDenominator(values);
  return rational(
    nums.reduce((total, num) => total + num, 0n),
    den,
  );
}

export function subtract(a: Rational, b: Rational): Rational {
  return rational(a.num * b.den - b.num * a.den, a.den * b.den);
}

export function multiply(a: Rational, b: Rational): Rational {
  return rational(a.num * b.num, a.den * b.den);
}

export function compare(a: Rational, b: Rational): -1 | 0 | 1 {
  const difference = a.num * b.den - b.num * a.den;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

export function min(a: Rational, b: Rational): Rational {
  return compare(a, b) <= 0 ? a : b;
}

/** The largest integer not above the fraction (also for negative fractions). */
export function floor(value: Rational): bigint {
  const quotient = value.num / value.den;
  return value.num < 0n && value.num % value.den !== 0n ? quotient - 1n : quotient;
}

/** The nearest integer; a half goes to the even neighbour. */
export function roundHalfEven(value: Rational): bigint {
  const below = floor(value);
  const twiceRest = (value.num - below * value.den) * 2n;
  if (twiceRest < value.den) return below;
  if (twiceRest > value.den) return below + 1n;
  return below % 2n === 0n ? below : below + 1n;
}

function gcd(a: bigint, b: bigint): bigint {
  while (b > EXACT_MAX || a > EXACT_MAX) {
    if (b === 0n) return a;
    [a, b] = [b, a % b];
  }
  // Small numbers from here on: the remainder of two doubles is exact, and found several times sooner.
  let [x, y] = [Number(a), Number(b)];
  while (y !== 0) [x, y] = [y, x % y];
  return x === 0 ? 1n : BigInt(x);
}

const EXACT_MAX = BigInt(Number.MAX_SAFE_INTEGER);
