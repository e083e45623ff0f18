import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planAccrual } from "../../src/earnings/plan-accrual.ts";
import { add, compare, formatDecimal, roundToNanos, ZERO } from "../../src/kernel/index.ts";
import {
  type LineageLevel,
  type Part,
  redirectPlan,
  resolveSplitPlan,
  type SplitPlan,
  splitGross,
} from "../../src/sharing/index.ts";
import { effectiveChain, payeesOf, splitExactly } from "../oracle/index.ts";
import { costQuantities, grosses, lineages, linkedPayees } from "./waterfalls.ts";

const RUNS = { numRuns: 500 };

function planOf(lineage: LineageLevel[], linked: string | null): SplitPlan {
  const plan = resolveSplitPlan(lineage);
  return linked === null ? plan : redirectPlan(plan, linked);
}

function byKey(parts: readonly Part[]): Map<string, Part> {
  const found = new Map(parts.map((part) => [`${part.payee} ${part.reason} ${part.model}`, part]));
  expect(found.size, "each (payee, reason, model) comes once").toBe(parts.length);
  return found;
}

describe("a split", () => {
  test("gives away exactly the gross, and in nanos the receivable less a bounded rounding", () => {
    fc.assert(
      fc.property(lineages(), grosses, costQuantities, linkedPayees, (lineage, gross, cost, linked) => {
        const { parts, receivableNanos, roundingNanos } = splitGross(planOf(lineage, linked), gross, cost);
        expect(parts.map((part) => part.exact).reduce(add, ZERO)).toEqual(gross);
        expect(receivableNanos).toBe(roundToNanos(gross));
        expect(parts.reduce((sum, part) => sum + part.amountNanos, roundingNanos)).toBe(receivableNanos);
        expect(2n * roundingNanos).toBeGreaterThanOrEqual(-1n);
        expect(2n * roundingNanos).toBeLessThan(2n * BigInt(parts.length) + 1n);
      }),
      RUNS,
    );
  });

  test("never gives anybody less than nothing", () => {
    fc.assert(
      fc.property(lineages(), grosses, costQuantities, linkedPayees, (lineage, gross, cost, linked) => {
        for (const part of splitGross(planOf(lineage, linked), gross, cost).parts) {
          expect(part.exact.num).toBeGreaterThan(0n);
          expect(part.amountNanos).toBeGreaterThanOrEqual(0n);
        }
      }),
      RUNS,
    );
  });

  test("pays everybody the floor of the oracle's exact fraction", () => {
    fc.assert(
      fc.property(lineages(), grosses, costQuantities, linkedPayees, (lineage, gross, cost, linked) => {
        const chain = effectiveChain(lineage);
        const dealing = linked !== null && payeesOf(chain).has(linked) ? linked : null;
        const expected = splitExactly(chain, { n: gross.num, d: gross.den }, cost, dealing).map((part) => [
          `${part.payee} ${part.reason} ${part.paidBy}`,
          [part.amount.n, part.amount.d, (part.amount.n * 1_000_000_000n) / part.amount.d],
        ]);
        const actual = byKey(splitGross(planOf(lineage, dealing), gross, cost).parts);
        const shown = [...actual].map(([key, { exact, amountNanos }]) => [
          key,
          [exact.num, exact.den, amountNanos],
        ]);
        expect(shown.sort()).toEqual(expected.sort());
      }),
      { numRuns: 2000 },
    );
  });

  test("does not depend on the order of the shares", () => {
    const shuffled = lineages().chain((lineage) =>
      fc
        .tuple(
          ...lineage.map((level) =>
            fc
              .tuple(
                ...level.steps.map((step) =>
                  step.take === "shares"
                    ? fc
                        .shuffledSubarray(step.shares, { minLength: step.shares.length })
                        .map((shares) => ({ ...step, shares }))
                    : fc.constant(step),
                ),
              )
              .map((steps) => ({ ...level, steps })),
          ),
        )
        .map((other) => ({ lineage, other })),
    );
    fc.assert(
      fc.property(shuffled, grosses, costQuantities, ({ lineage, other }, gross, cost) => {
        const [one, two] = [lineage, other].map((l) => splitGross(planOf(l, null), gross, cost));
        expect(byKey(two?.parts ?? [])).toEqual(byKey(one?.parts ?? []));
        expect(two?.roundingNanos).toBe(one?.roundingNanos);
      }),
      RUNS,
    );
  });

  test("gives a weight of zero nothing, and such a weight changes nothing", () => {
    const withIdle = (level: LineageLevel): LineageLevel => ({
      ...level,
      steps: level.steps.map((step) =>
        step.take === "shares" ? { ...step, shares: [{ payee: "idle", weight: 0 }, ...step.shares] } : step,
      ),
    });
    fc.assert(
      fc.property(lineages(), grosses, costQuantities, (lineage, gross, cost) => {
        const plan = planOf(lineage.map(withIdle), null);
        expect(splitGross(plan, gross, cost)).toEqual(splitGross(planOf(lineage, null), gross, cost));
      }),
      RUNS,
    );
  });

  test("pays no part less for more gross when there is no cost step", () => {
    fc.assert(
      fc.property(lineages(false), grosses, grosses, linkedPayees, (lineage, gross, more, linked) => {
        const plan = planOf(lineage, linked);
        const after = byKey(splitGross(plan, add(gross, more), 0n).parts);
        for (const [key, part] of byKey(splitGross(plan, gross, 0n).parts)) {
          expect(after.get(key)?.amountNanos ?? -1n).toBeGreaterThanOrEqual(part.amountNanos);
        }
      }),
      RUNS,
    );
  });

  test("takes a linked payee's own parts for the platform and leaves all others as they are", () => {
    fc.assert(
      fc.property(lineages(), grosses, costQuantities, (lineage, gross, cost) => {
        const plain = splitGross(planOf(lineage, null), gross, cost);
        for (const linked of payeesOf(effectiveChain(lineage))) {
          const { parts } = splitGross(planOf(lineage, linked), gross, cost);
          const sum = (list: Part[]) => list.map((part) => part.exact).reduce(add, ZERO);
          const others = plain.parts.filter((part) => part.payee !== linked);
          expect(byKey(parts.filter((part) => part.reason !== "self_dealing"))).toEqual(byKey(others));
          const own = plain.parts.filter((part) => part.payee === linked);
          expect(sum(parts.filter((part) => part.reason === "self_dealing"))).toEqual(sum(own));
        }
      }),
      RUNS,
    );
  });

  test("never takes more cost than the gross of the line", () => {
    fc.assert(
      fc.property(lineages(), grosses, costQuantities, (lineage, gross, cost) => {
        for (const part of splitGross(planOf(lineage, null), gross, cost).parts) {
          expect(compare(part.exact, gross)).toBeLessThanOrEqual(0);
          if (part.reason === "cost") expect(part.model).toBe("maker/m0");
        }
      }),
      RUNS,
    );
  });
});

describe("an accrual", () => {
  test("books each party's nanos of the line, and no more than is receivable", () => {
    fc.assert(
      fc.property(lineages(), grosses, costQuantities, linkedPayees, (lineage, gross, cost, linked) => {
        const plan = planOf(lineage, linked);
        const split = splitGross(plan, gross, cost);
        const line = planAccrual({ ...LINE, gross: formatDecimal(gross), cost_quantity: `${cost}`, plan });
        expect(line.receivable).toBe(`${split.receivableNanos}`);
        const total = (list: string[]) => list.reduce((sum, text) => sum + BigInt(text), 0n);
        expect(total(line.parts.map((part) => part.amount))).toBe(
          split.receivableNanos - split.roundingNanos,
        );
        for (const [index, part] of split.parts.entries()) {
          const account =
            part.payee === null
              ? `platform:${part.reason === "cost" ? "cost_recovery" : "revenue"}`
              : `payee:${part.payee}:accruing`;
          expect(line.parts[index]).toEqual({
            account,
            reason: part.reason,
            paid_by: part.model,
            amount: `${part.amountNanos}`,
          });
        }
      }),
      { numRuns: 200 },
    );
  });
});

const LINE = {
  booked_period: "2023-11-01",
  service_month: "2023-11-01",
  model_no: 1,
  model: "maker/m0",
  split_plan_no: 1,
  currency: "USD",
  events: "1",
};
