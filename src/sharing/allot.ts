import { floor, type Nanos, overCommonDenominator, type Rational } from "../kernel/index.ts";

/**
 * Spreads a part over the rows that made its gross, in their order: each row gets the difference of
 * floor(part × running gross ÷ total gross). So any coarser group of rows adds up to the part exactly.
 * A line without gross allots nothing.
 */
export function allot(partNanos: Nanos, rowGross: readonly Rational[]): Nanos[] {
  const { nums } = overCommonDenominator(rowGross);
  const total = nums.reduce((sum, num) => sum + num, 0n);
  if (total === 0n) return rowGross.map(() => 0n);
  let running = 0n;
  let allotted = 0n;
  return nums.map((num) => {
    running += num;
    const upToHere = floor(
      total < 0n ? { num: -partNanos * running, den: -total } : { num: partNanos * running, den: total },
    );
    const share = upToHere - allotted;
    allotted = upToHere;
    return share;
  });
}
