import { type Nanos, overCommonDenominator, type Rational } from "../kernel/index.ts";

/**
 * Spreads a part over the rows that made its gross, in their order: each row gets the difference of
 * floor(part × running gross ÷ total gross). So any coarser group of rows adds up to the part exactly, and rows that follow
 * each other may as well be summed before.
 * A line without gross allots nothing.
 */
export function allot(partNanos: Nanos, rowGross: readonly Rational[]): Nanos[] {
  return allotter(overCommonDenominator(rowGross).nums)(partNanos);
}

/** The same for many parts of one line, by integers in proportion to the rows' gross. */
export function allotter(weights: readonly bigint[]): (partNanos: Nanos) => Nanos[] {
  let total = 0n;
  const running = weights.map((weight) => {
    total += weight;
    return total;
  });
  return (partNanos) => {
    if (total === 0n) return weights.map(() => 0n);
    let allotted = 0n;
    return running.map((upTo) => {
      const upToHere = floorOf(partNanos * upTo, total);
      const share = upToHere - allotted;
      allotted = upToHere;
      return share;
    });
  };
}

/** floor(num ÷ den), without a fraction made for each row: a payee's figures have tens of thousands of them. */
function floorOf(num: bigint, den: bigint): bigint {
  const quotient = num / den;
  return num < 0n !== den < 0n && quotient * den !== num ? quotient - 1n : quotient;
}
