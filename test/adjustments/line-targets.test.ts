import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type ClosedLine,
  type LineState,
  lineTargets,
  planLineAdjustment,
  UNTOUCHED,
} from "../../src/adjustments/index.ts";
import { spread } from "../../src/adjustments/lines/spread.ts";
import {
  add,
  compare,
  multiply,
  type Rational,
  rational,
  roundToNanos,
  subtract,
  sum,
  ZERO,
} from "../../src/kernel/index.ts";
import { redirectPlan, resolveSplitPlan, splitGross } from "../../src/sharing/index.ts";
import { effectiveChain, payeesOf } from "../oracle/index.ts";
import { costQuantities, grosses, lineages, linkedPayees, PAYEES } from "../properties/waterfalls.ts";
import { oracleTargets } from "./line-oracle.ts";

type Step =
  | { do: "refund"; share: number }
  | { do: "take back"; which: number }
  | { do: "charge more"; share: number }
  | { do: "charge less"; share: number }
  | { do: "reattribute"; from: string; to: string };

const share = fc.oneof(fc.constantFrom(1, 999, 1000), fc.integer({ min: 1, max: 1000 }));
const payee = fc.constantFrom(...PAYEES);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant("refund" as const), share }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("take back" as const), which: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("charge more" as const), share }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("charge less" as const), share }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("reattribute" as const), from: payee, to: payee }) },
  ),
  { minLength: 1, maxLength: 6 },
);

/** A part of an amount, in thousandths. */
const some = (of: Rational, thousandths: number) => multiply(of, rational(BigInt(thousandths), 1000n));

/** The state after each step, beginning with that of nothing; refunds that were not taken back are in `open`. */
function* play(gross: Rational, history: readonly Step[]): Generator<{ state: LineState; gross: Rational }> {
  let state = UNTOUCHED;
  const open: Rational[] = [];
  for (const step of history) {
    const charged = add(gross, state.rerated);
    const left = subtract(charged, state.refunded);
    if (step.do === "refund") {
      const amount = some(left, step.share);
      open.push(amount);
      state = { ...state, refunded: add(state.refunded, amount) };
    } else if (step.do === "take back") {
      const [amount] = open.splice(step.which % Math.max(1, open.length), 1);
      state = { ...state, refunded: subtract(state.refunded, amount ?? ZERO) };
    } else if (step.do === "reattribute") {
      state = { ...state, reattributions: [...state.reattributions, { from: step.from, to: step.to }] };
    } else {
      const change =
        step.do === "charge more" ? some(charged, step.share) : subtract(ZERO, some(left, step.share));
      state = { ...state, rerated: add(state.rerated, change) };
    }
    yield { state, gross: add(gross, state.rerated) };
  }
}

describe("a line of a closed month", () => {
  test("gives everybody what an independent oracle says, after each step of 1,000 random histories", () => {
    fc.assert(
      fc.property(
        lineages(),
        grosses,
        costQuantities,
        linkedPayees,
        fc.boolean(),
        steps,
        (lineage, gross, cost, linked, feeKept, history) => {
          const dealing = linked !== null && payeesOf(effectiveChain(lineage)).has(linked) ? linked : null;
          const resolved = resolveSplitPlan(lineage);
          const plan = dealing === null ? resolved : redirectPlan(resolved, dealing);
          const line: ClosedLine = {
            ...{ service_month: "2023-09-01", model_no: 1, split_plan_no: 1 },
            ...{ plan, gross, costQuantity: cost, feeKept },
          };
          const booked = new Map<string, bigint>();
          const book = (key: string, nanos: bigint) => booked.set(key, (booked.get(key) ?? 0n) + nanos);
          for (const part of splitGross(plan, gross, cost).parts)
            book(`${part.payee} ${part.reason} ${part.model}`, part.amountNanos);
          let before = UNTOUCHED;
          let receivable = roundToNanos(gross);
          for (const { state, gross: charged } of play(gross, history)) {
            for (const { payee, reason, paid_by, amountNanos } of planLineAdjustment(line, before, state))
              book(`${payee} ${reason} ${paid_by}`, amountNanos);
            before = state;
            const expected = oracleTargets(lineage, cost, feeKept, dealing, {
              gross: { n: charged.num, d: charged.den },
              refunded: { n: state.refunded.num, d: state.refunded.den },
              reattributions: [...state.reattributions],
            });
            expect(nonZero(booked)).toEqual(nonZero(expected));
            // The customer's side is the creators' side but for less than a nano a part.
            receivable = roundToNanos(subtract(charged, state.refunded));
            const rounding = receivable - [...booked.values()].reduce((all, one) => all + one, 0n);
            expect(2n * rounding).toBeGreaterThanOrEqual(-1n);
            expect(2n * rounding).toBeLessThan(2n * BigInt(booked.size) + 1n);
            if (!feeKept) expect([...booked.values()].some((nanos) => nanos < 0n)).toBe(false);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  test("is as it was once all of its refunds are taken back, and gives nobody anything once all is refunded", () => {
    fc.assert(
      fc.property(lineages(), grosses, costQuantities, fc.boolean(), (lineage, gross, cost, feeKept) => {
        const line: ClosedLine = {
          ...{ service_month: "2023-09-01", model_no: 1, split_plan_no: 1, plan: resolveSplitPlan(lineage) },
          ...{ gross, costQuantity: cost, feeKept },
        };
        const whole = { ...UNTOUCHED, refunded: gross };
        const total = lineTargets(line, whole).reduce((all, { amountNanos }) => all + amountNanos, 0n);
        expect(total).toBeLessThanOrEqual(0n);
        if (!feeKept) for (const part of lineTargets(line, whole)) expect(part.amountNanos).toBe(0n);
        const there = planLineAdjustment(line, UNTOUCHED, whole);
        const back = planLineAdjustment(line, whole, UNTOUCHED);
        expect(back.map((part) => ({ ...part, amountNanos: -part.amountNanos }))).toEqual(
          expect.arrayContaining(there),
        );
        expect(back).toHaveLength(there.length);
      }),
      { numRuns: 200 },
    );
  });
});

test("an amount is spread to the last unit, nothing gets more than is left of it, and all of it takes all", () => {
  const left = fc.array(grosses, { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(left, fc.integer({ min: 0, max: 1000 }), (amounts, thousandths) => {
      const all = sum(amounts);
      const wanted = some(all, thousandths);
      const shares = spread(wanted, amounts);
      expect(compare(sum(shares), wanted)).toBe(0);
      for (const [at, one] of shares.entries()) {
        expect(compare(one, ZERO)).toBeGreaterThanOrEqual(0);
        expect(compare(one, amounts[at] ?? ZERO)).toBeLessThanOrEqual(0);
        if (thousandths === 1000) expect(compare(one, amounts[at] ?? ZERO)).toBe(0);
      }
    }),
    { numRuns: 300 },
  );
});

function nonZero(map: Map<string, bigint>): [string, bigint][] {
  return [...map].filter(([, nanos]) => nanos !== 0n).sort(([a], [b]) => (a < b ? -1 : 1));
}
