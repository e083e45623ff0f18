import fc from "fast-check";
import { type Rational, rational } from "../../src/kernel/index.ts";
import { type LineageLevel, PolicySteps } from "../../src/sharing/index.ts";

export const PAYEES = ["ada", "bob", "cy", "dee", "eve", "fay"];

const of = fc.constantFrom("gross" as const, "remaining" as const);
const amount = fc.oneof(
  fc.constantFrom("0", "0.000000000001", "0.000975", "12", "999999999999.999999999999"),
  fc.integer({ min: 0, max: 999_999 }).map((digits) => `0.${String(digits).padStart(6, "0")}`),
);
const per = fc.constantFrom("1", "1000", "1000000", "1000000000000000000");

/** Millionths of a per cent as the catalogue takes them: "12.5". */
function percentText(millionths: number): string {
  const digits = String(millionths % 1_000_000).padStart(6, "0");
  return `${Math.floor(millionths / 1_000_000)}.${digits}`.replace(/\.?0+$/, "") || "0";
}

/** Three percentages of gross that are 100 together at most, quite often exactly. */
const percents = fc.tuple(fc.nat(100_000_000), fc.nat(100_000_000), fc.boolean()).map(([a, b, whole]) => {
  const [low, high] = a < b ? [a, b] : [b, a];
  return [low, high - low, whole ? 100_000_000 - high : 0].map(percentText);
});

const shares = fc
  .uniqueArray(fc.constantFrom(...PAYEES, "$owner"), { minLength: 1, maxLength: 5 })
  .chain((payees) =>
    fc.tuple(
      ...payees.map((payee) =>
        fc.oneof(fc.nat(5), fc.nat(1_000_000_000)).map((weight) => ({ payee, weight })),
      ),
    ),
  )
  .filter((list) => list.some(({ weight }) => weight > 0));

/** Any waterfall that the catalogue takes; without a cost step when `cost` is false. */
export function waterfalls(cost: boolean): fc.Arbitrary<PolicySteps> {
  const before = fc
    .record({ percents, of: fc.array(of, { minLength: 3, maxLength: 3 }), amount, per })
    .chain((drawn) => {
      const [first = "0", second = "0", third = "0"] = drawn.percents;
      const [a = "gross", b = "gross", c = "gross"] = drawn.of;
      return fc.shuffledSubarray([
        { take: "platform" as const, percent: first, of: a },
        { take: "royalty" as const, percent: second, of: b },
        { take: "royalty" as const, percent: second, of: b },
        { take: "platform" as const, percent: third, of: c },
        ...(cost
          ? [{ take: "cost" as const, meter: "predict_seconds", amount: drawn.amount, per: drawn.per }]
          : []),
      ]);
    });
  return fc.tuple(before, shares).map(([steps, list]) => {
    const secondRoyalty = steps.findLastIndex((step) => step.take === "royalty");
    const once = steps.filter((step, index) => step.take !== "royalty" || index === secondRoyalty);
    return PolicySteps.parse([...once, { take: "shares", shares: list }]);
  });
}

/** A model and up to three levels of what it was made from. */
export function lineages(cost = true): fc.Arbitrary<LineageLevel[]> {
  return fc
    .array(fc.record({ owner: fc.constantFrom(...PAYEES), steps: waterfalls(cost) }), {
      minLength: 1,
      maxLength: 4,
    })
    .map((levels) => levels.map((level, index) => ({ ...level, model: `maker/m${index}` })));
}

/** Exact decimals from nothing to 10^30, with up to 36 digits after the point. */
export const grosses: fc.Arbitrary<Rational> = fc
  .tuple(fc.oneof(fc.bigInt(0n, 1000n), fc.bigInt(0n, 10n ** 30n)), fc.integer({ min: 0, max: 36 }))
  .map(([units, decimals]) => rational(units, 10n ** BigInt(decimals)));

export const costQuantities = fc.oneof(fc.bigInt(0n, 1000n), fc.bigInt(0n, 10n ** 15n));

export const linkedPayees = fc.option(fc.constantFrom(...PAYEES), { nil: null });
