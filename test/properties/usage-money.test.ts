import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { add, floor, multiply, type Rational, rational, ZERO } from "../../src/kernel/index.ts";
import { rate } from "../../src/pricing/index.ts";
import { allot, resolveSplitPlan, splitGross } from "../../src/sharing/index.ts";
import { grosses, lineages } from "./waterfalls.ts";

const METERS = ["predict_seconds", "input_tokens", "output_tokens", "runs"];
const component = (meter: string) =>
  fc.record({
    meter: fc.constant(meter),
    amount: fc.constantFrom("0.65", "0.000000000001", "0.333333", "2.75", "0"),
    per: fc.constantFrom("1", "1000", "1000000", "1000000000000000000"),
  });
const prices = fc.tuple(...METERS.map(component)).map((components) => ({ components }));
const quantities = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...METERS), fc.bigInt(0n, 10n ** 15n)), {
    selector: ([meter]) => meter,
  })
  .map((list) => new Map(list));
/** Events, each with the window it falls into. */
const usage = fc.array(fc.record({ quantities, window: fc.nat(4) }), { maxLength: 30 });

function sumQuantities(list: readonly ReadonlyMap<string, bigint>[]): Map<string, bigint> {
  const sum = new Map<string, bigint>();
  for (const map of list) for (const [meter, q] of map) sum.set(meter, (sum.get(meter) ?? 0n) + q);
  return sum;
}

describe("the gross of usage", () => {
  test("and its split are the same for any windows and any order", () => {
    const shuffled = usage.chain((events) =>
      fc.shuffledSubarray(events, { minLength: events.length }).map((other) => ({ events, other })),
    );
    fc.assert(
      fc.property(prices, shuffled, lineages(), (price, { events, other }, lineage) => {
        const oneByOne = events.map((event) => rate(price, event.quantities)).reduce(add, ZERO);
        const windows = [4, 2, 0, 1, 3].map((window) => other.filter((event) => event.window === window));
        const byWindow = windows
          .map((window) => rate(price, sumQuantities(window.map((event) => event.quantities))))
          .reduce(add, ZERO);
        const total = sumQuantities(other.map((event) => event.quantities));
        expect(byWindow).toEqual(oneByOne);
        expect(rate(price, total)).toEqual(oneByOne);
        const cost = total.get("predict_seconds") ?? 0n;
        const plan = resolveSplitPlan(lineage);
        expect(splitGross(plan, byWindow, cost)).toEqual(splitGross(plan, oneByOne, cost));
      }),
      { numRuns: 300 },
    );
  });

  test("is an exact decimal with at most 36 digits after the point", () => {
    fc.assert(
      fc.property(prices, quantities, (price, map) => {
        expect(10n ** 36n % rate(price, map).den).toBe(0n);
      }),
    );
  });
});

describe("an allotment", () => {
  const parts = fc.oneof(fc.bigInt(0n, 50n), fc.bigInt(0n, 10n ** 21n));
  const rows = fc.array(fc.record({ day: fc.nat(4), gross: fc.oneof(grosses, fc.constant(ZERO)) }), {
    maxLength: 20,
  });

  test("adds up to the part exactly, never below zero, and nothing for a row without gross", () => {
    fc.assert(
      fc.property(parts, rows, (part, list) => {
        const allotted = allot(
          part,
          list.map((row) => row.gross),
        );
        const hasGross = list.some((row) => row.gross.num > 0n);
        expect(allotted).toHaveLength(list.length);
        expect(allotted.reduce((sum, nanos) => sum + nanos, 0n)).toBe(hasGross ? part : 0n);
        for (const [index, nanos] of allotted.entries()) {
          expect(nanos).toBeGreaterThanOrEqual(0n);
          if (list[index]?.gross.num === 0n) expect(nanos).toBe(0n);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("up to each row is the floor of the running part", () => {
    fc.assert(
      fc.property(parts, rows, (part, list) => {
        const total = list.map((row) => row.gross).reduce(add, ZERO);
        fc.pre(total.num > 0n);
        let running: Rational = ZERO;
        let sum = 0n;
        for (const [index, nanos] of allot(
          part,
          list.map((row) => row.gross),
        ).entries()) {
          running = add(running, list[index]?.gross ?? ZERO);
          sum += nanos;
          expect(sum).toBe(
            floor(multiply(rational(part), multiply(running, rational(total.den, total.num)))),
          );
        }
      }),
    );
  });

  test("to finer rows, summed by day, is the allotment to days", () => {
    fc.assert(
      fc.property(parts, rows, (part, list) => {
        const sorted = [...list].sort((a, b) => a.day - b.day);
        const fine = allot(
          part,
          sorted.map((row) => row.gross),
        );
        const days = [...new Set(sorted.map((row) => row.day))];
        const ofDay = (day: number) => sorted.flatMap((row, index) => (row.day === day ? [index] : []));
        const coarse = allot(
          part,
          days.map((day) => ofDay(day).reduce((sum, at) => add(sum, sorted[at]?.gross ?? ZERO), ZERO)),
        );
        expect(days.map((day) => ofDay(day).reduce((sum, at) => sum + (fine[at] ?? 0n), 0n))).toEqual(coarse);
      }),
      { numRuns: 300 },
    );
  });
});
