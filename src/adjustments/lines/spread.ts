import { assert, compare, overCommonDenominator, type Rational, rational, ZERO } from "../../kernel/index.ts";

/**
 * Spreads an amount over what is left of usage, in its order: each gets the difference of floor(amount × left up to it ÷
 * all that is left), in a unit in which all of them are whole. So the shares come to the amount exactly, none is more than
 * what is left of its usage, and the whole of what is left takes all of each. An amount above it is a caller's mistake.
 */
export function spread(amount: Rational, left: readonly Rational[]): Rational[] {
  const { nums, den } = overCommonDenominator([amount, ...left]);
  const [wanted = 0n, ...units] = nums;
  const total = units.reduce((all, one) => all + one, 0n);
  assert(wanted >= 0n && wanted <= total, "no more is spread than there is left");
  assert(
    left.every((one) => compare(one, ZERO) >= 0),
    "nothing is left less than nothing",
  );
  if (total === 0n) return left.map(() => ZERO);
  let running = 0n;
  let given = 0n;
  return units.map((one) => {
    running += one;
    const upto = (wanted * running) / total;
    const share = upto - given;
    given = upto;
    return rational(share, den);
  });
}
