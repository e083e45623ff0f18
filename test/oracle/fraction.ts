// The oracle's own fractions: nothing here knows the product's.

/** An exact fraction in lowest terms; the denominator is positive. */
export interface Fraction {
  readonly n: bigint;
  readonly d: bigint;
}

export const NOTHING: Fraction = { n: 0n, d: 1n };
const NANOS = 1_000_000_000n;

export function fraction(n: bigint, d = 1n): Fraction {
  let [a, b] = [n < 0n ? -n : n, d];
  while (b > 0n) [a, b] = [b, a % b];
  return { n: n / a, d: d / a };
}

export function plus(a: Fraction, b: Fraction): Fraction {
  return fraction(a.n * b.d + b.n * a.d, a.d * b.d);
}

export function minus(a: Fraction, b: Fraction): Fraction {
  return fraction(a.n * b.d - b.n * a.d, a.d * b.d);
}

export function times(a: Fraction, b: Fraction): Fraction {
  return fraction(a.n * b.n, a.d * b.d);
}

export function smaller(a: Fraction, b: Fraction): Fraction {
  return a.n * b.d < b.n * a.d ? a : b;
}

/** Whole nanos of an amount that is not negative; what is left of a nano is cut off. */
export function wholeNanos(amount: Fraction): bigint {
  return (amount.n * NANOS) / amount.d;
}

/** Nearest nano of an amount that is not negative; a half goes to the even neighbour. */
export function nearestNanos(amount: Fraction): bigint {
  return nearest(times(amount, fraction(NANOS)));
}

/** Nearest integer of a fraction that is not negative; a half goes to the even neighbour. */
export function nearest({ n, d }: Fraction): bigint {
  const below = n / d;
  const twice = 2n * (n % d);
  return twice > d || (twice === d && below % 2n === 1n) ? below + 1n : below;
}

/** Reads "12", "0.65", "1.5e-7" or "1e+21" exactly. */
export function decimal(text: string): Fraction {
  const [mantissa = "", exponent = "0"] = text.toLowerCase().split("e");
  const [whole = "", digits = ""] = mantissa.split(".");
  const power = BigInt(exponent) - BigInt(digits.length);
  const value = BigInt(whole + digits);
  return power < 0n ? fraction(value, 10n ** -power) : fraction(value * 10n ** power);
}

/** The shortest decimal text of an exact decimal that is not negative. */
export function decimalText({ n, d }: Fraction): string {
  let scale = 0;
  while (10n ** BigInt(scale) % d !== 0n) scale++;
  const digits = ((n * 10n ** BigInt(scale)) / d).toString().padStart(scale + 1, "0");
  return scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
