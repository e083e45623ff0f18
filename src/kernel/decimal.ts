import { type Rational, rational } from "./rational.ts";

const DECIMAL = /^(-?)(\d{1,60})(?:\.(\d{1,60}))?$/;

/**
 * Reads plain decimal text ("0.65", no exponent, at most 60 digits either side of the point) exactly.
 * Answers undefined for anything else.
 */
export function parseDecimal(text: string): Rational | undefined {
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = "0", fraction = ""] = match;
  const digits = BigInt(whole + fraction);
  return rational(sign === "-" ? -digits : digits, 10n ** BigInt(fraction.length));
}

/** Plain decimals, as PostgreSQL writes `numeric`, as integers over one power of ten: fractions without a common divisor to look for. */
export function overPowerOfTen(texts: readonly string[]): { nums: bigint[]; den: bigint } {
  let scale = 0;
  for (const text of texts) scale = Math.max(scale, fractionDigits(text));
  const nums = texts.map((text) => BigInt(text.replace(".", "") + "0".repeat(scale - fractionDigits(text))));
  return { nums, den: 10n ** BigInt(scale) };
}

function fractionDigits(text: string): number {
  const point = text.indexOf(".");
  return point < 0 ? 0 : text.length - point - 1;
}

/**
 * Writes a fraction whose denominator divides a power of ten, shortest form.
 * @throws RangeError for a fraction with no finite decimal form.
 */
export function formatDecimal(value: Rational): string {
  for (let scale = 0n; scale <= 80n; scale++) {
    if (10n ** scale % value.den === 0n)
      return formatScaled(value.num * (10n ** scale / value.den), Number(scale));
  }
  throw new RangeError(`${value.num}/${value.den} has no finite decimal form`);
}

/** Writes an integer of 10^-scale units with all its digits: (1234n, 3) is "1.234". */
export function formatScaled(units: bigint, scale: number): string {
  const sign = units < 0n ? "-" : "";
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, "0");
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** N of "per N units" must be 1, 10, 100, … so that a gross always is an exact decimal. */
export function isPowerOfTen(text: string): boolean {
  return /^10{0,18}$/.test(text);
}
