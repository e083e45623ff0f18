import fc from "fast-check";
import { expect, test } from "vitest";
import type { InvoiceLine, InvoiceWithLines } from "../../src/billing/index.ts";
import { planItems } from "../../src/billing/push/plan-items.ts";
import {
  add,
  floor,
  formatDecimal,
  money,
  multiply,
  parseDecimal,
  present,
  type Rational,
  rational,
  subtract,
} from "../../src/kernel/index.ts";
import { monthOf } from "../support/marketplace-books.ts";

const exact = (text: string): Rational => present(parseDecimal(text), "a decimal");

const anyLine: fc.Arbitrary<InvoiceLine> = fc
  .record({ model: fc.nat(400), units: fc.bigInt(0n, 10n ** 16n), scale: fc.constantFrom(0n, 2n, 9n, 15n) })
  .map(({ model, units, scale }) => ({
    service_month: monthOf("2023-09"),
    model: `ada/${model}`,
    meter: "runs",
    unit_amount: "1",
    per: "1",
    quantity: "1",
    events: "1",
    gross: formatDecimal(rational(units, 10n ** scale)),
  }));

const anyStep = fc.constantFrom(
  { minor: 1n, perUnit: 100n },
  { minor: 1n, perUnit: 1n },
  { minor: 10n, perUnit: 100n },
  { minor: 100n, perUnit: 1n },
);

test("an invoice's items are few, whole and none negative, and come to its amount to the smallest step", () => {
  fc.assert(
    fc.property(
      fc.array(anyLine, { minLength: 1, maxLength: 600 }),
      anyStep,
      fc.bigInt(0n, 999_999n),
      (lines, step, millionths) => {
        // Less than a step, as carried rests are.
        const carried = rational(millionths, 1_000_000n * step.perUnit);
        const total = lines.map(({ gross }) => exact(gross)).reduce(add, carried);
        const items = planItems(
          { ...INVOICE, lines, line_count: lines.length, carried_in: formatDecimal(carried) },
          step,
        );
        const steps = floor(multiply(total, rational(step.perUnit)));
        expect(items.reduce((sum, item) => sum + item.amountMinor, 0n)).toBe(steps * step.minor);
        expect(items.length).toBeLessThanOrEqual(200);
        expect(items.every(({ amountMinor }) => amountMinor > 0n && amountMinor % step.minor === 0n)).toBe(
          true,
        );
      },
    ),
  );
});

test("each item is within a step of what its line comes to", () => {
  fc.assert(
    fc.property(anyLine, anyLine, (a, b) => {
      const lines = [
        { ...a, model: "ada/a" },
        { ...b, model: "ada/b" },
      ];
      const items = planItems({ ...INVOICE, lines }, { minor: 1n, perUnit: 100n });
      for (const { model, gross } of lines) {
        const shown = items.find(({ description }) => description.startsWith(model))?.amountMinor ?? 0n;
        const apart = subtract(multiply(exact(gross), rational(100n)), rational(shown));
        expect(apart.num < apart.den && apart.num > -apart.den).toBe(true);
      }
    }),
  );
});

const INVOICE: InvoiceWithLines = {
  id: "inv_2023-09_acme_USD",
  period: monthOf("2023-09"),
  customer: "acme",
  currency: "USD",
  line_count: 0,
  gross: "0",
  carried_in: "0",
  netted: money("USD", 0n),
  amount: money("USD", 0n),
  carried_out: "0",
  paid_from_credits: money("USD", 0n),
  paid: money("USD", 0n),
  credited: money("USD", 0n),
  refunded: "0",
  returned: money("USD", 0n),
  disputed: money("USD", 0n),
  left: money("USD", 0n),
  push: { state: "not_pushed", attempt: 0, reason: null, provider_id: null },
  lines: [],
};
