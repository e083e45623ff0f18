import fc from "fast-check";
import { expect, test } from "vitest";
import { earningsChanges, earningsOf, earningsSeries, SERIES_STEPS } from "../../src/statements/index.ts";
import { PAYEES } from "../properties/waterfalls.ts";
import { startTestMetering } from "../support/metering.ts";
import { usageEvent } from "../support/usage.ts";
import { documentOf, marketplaces, modelId } from "./marketplaces.ts";

// The second price and policy hold from its first day on: the range before it had others.
const RANGE = { from: "2023-11-16", to: "2023-12-02", currency: "USD" };

const nanos = ({ amount }: { amount: string }) => BigInt(amount.replace(".", ""));
const sum = (amounts: bigint[]) => amounts.reduce((total, amount) => total + amount, 0n);
const all = ({ usage, price, share }: Record<"usage" | "price" | "share", { amount: string }>) =>
  sum([usage, price, share].map(nanos));

test("causes add up to the difference, and the steps of a series to what was earned, whatever changed", async () => {
  await fc.assert(
    fc.asyncProperty(marketplaces, async (drawn) => {
      const metering = await startTestMetering(documentOf(drawn));
      try {
        const events = drawn.events.map(({ level, customer, day, ...event }, n) => {
          const model = modelId(level % drawn.levels.length);
          return usageEvent({ id: `${n}`, model, customer, time: `${day}T12:00:00Z`, ...event });
        });
        await metering.apply(0, events);
        for (const payee of PAYEES) {
          await expectChanges(metering.sql, payee);
          await expectSeries(metering.sql, payee);
        }
      } finally {
        await metering.drop();
      }
    }),
    { numRuns: 6 },
  );
});

type Sql = Parameters<typeof earningsOf>[0];

async function expectChanges(sql: Sql, payee: string): Promise<void> {
  const changes = await earningsChanges(sql, payee, RANGE);
  const now = await earningsOf(sql, payee, { ...RANGE, groupBy: ["model"] });
  const before = await earningsOf(sql, payee, { ...changes.previous, currency: "USD", groupBy: ["model"] });
  expect(changes.previous.to).toBe(RANGE.from);
  expect(nanos(changes.difference)).toBe(nanos(now.total) - nanos(before.total));
  expect(all(changes.because)).toBe(nanos(changes.difference));
  for (const row of changes.data) {
    expect(nanos(row.difference)).toBe(nanos(row.now) - nanos(row.before));
    expect(all(row.because)).toBe(nanos(row.difference));
  }
  expect(sum(changes.data.map(({ difference }) => nanos(difference)))).toBe(nanos(changes.difference));
}

async function expectSeries(sql: Sql, payee: string): Promise<void> {
  for (const step of SERIES_STEPS) {
    const series = await earningsSeries(sql, payee, { ...RANGE, step });
    const { total, data } = await earningsOf(sql, payee, { ...RANGE, groupBy: ["model", step] });
    const amounts = (earned: string[]) => earned.map((amount) => nanos({ amount }));
    expect(series.total).toEqual(total);
    expect(sum(amounts(series.earned))).toBe(nanos(total));
    expect(sum(series.models.map((model) => nanos(model.total)))).toBe(nanos(total));
    for (const { model, total: whole, earned } of series.models) {
      expect(sum(amounts(earned))).toBe(nanos(whole));
      const rows = data.filter((row) => row.model === model);
      for (const [place, name] of series.steps.entries()) {
        const own = rows.filter((row) => row[step] === name).map((row) => nanos(row.earned));
        expect(amounts(earned)[place]).toBe(sum(own));
      }
    }
  }
}
