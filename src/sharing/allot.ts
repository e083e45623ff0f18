import { add, floor, multiply, type Nanos, type Rational, rational, ZERO } from "../kernel/index.ts";

/**
 * Spreads a part over the rows that made its gross, in their order: each row gets the difference of
 * floor(part × running gross ÷ total gross). So any coarser group of rows adds up to the part exactly.
 * A line without gross allots nothing.
 */
export function allot(partNanos: Nanos, rowGross: readonly Rational[]): Nanos[] {
  const total = rowGross.reduce(add, ZERO);
  if (total.num === 0n) return rowGross.map(() => 0n);
  let running = ZERO;
  let allotted = 0n;
  return rowGross.map((gross) => {
    running = add(running, gross);
    const upToHere = floor(
      multiply(rational(partNanos * running.num, running.den), rational(total.den, total.num)),
    );
    const share = upToHere - allotted;
    allotted = upToHere;
    return share;
  });
}
