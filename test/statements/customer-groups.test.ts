import fc from "fast-check";
import { expect, test } from "vitest";
import { foldCustomerWindows } from "../../src/metering/index.ts";
import { earningsOf } from "../../src/statements/index.ts";
import { startTestMetering } from "../support/metering.ts";
import { SMALL_CATALOG, usageEvent } from "../support/usage.ts";

const COUNTRIES = ["US", "DE", "FR", "JP", ""];
const crowd = fc.array(fc.nat(9), { minLength: COUNTRIES.length, maxLength: COUNTRIES.length });

test("no group of customers has fewer than five, unless everybody together are fewer; groups add up", async () => {
  await fc.assert(
    fc.asyncProperty(crowd, async (sizes) => {
      const customers = COUNTRIES.flatMap((country, n) =>
        Array.from({ length: sizes[n] ?? 0 }, (_, at) => ({
          id: `c-${country}-${at}`,
          name: "c",
          currency: "USD",
          ...(country === "" ? {} : { country }),
        })),
      );
      const metering = await startTestMetering({ ...SMALL_CATALOG, customers });
      try {
        await metering.apply(
          0,
          customers.map(({ id }) => usageEvent({ id, customer: id })),
        );
        await foldCustomerWindows(metering.sql);
        const query = { currency: "USD", groupBy: ["customer_group"] } as const;
        const { data, total } = await earningsOf(metering.sql, "ada", query);
        // One event each: a group's events are its customers.
        const sizesShown = data.map(({ events }) => Number(events));
        if (customers.length >= 5) expect(Math.min(...sizesShown)).toBeGreaterThanOrEqual(5);
        else expect(data.length).toBeLessThanOrEqual(1);
        expect(sizesShown.reduce((sum, size) => sum + size, 0)).toBe(customers.length);
        const earned = data.reduce((sum, row) => sum + BigInt(row.earned.amount.replace(".", "")), 0n);
        expect(earned).toBe(BigInt(total.amount.replace(".", "")));
        const large = COUNTRIES.filter((country, n) => country !== "" && (sizes[n] ?? 0) >= 5);
        const known = new Set([...large, "", "other", "all"]);
        expect(data.filter(({ customer_group }) => !known.has(customer_group ?? "?"))).toEqual([]);
      } finally {
        await metering.drop();
      }
    }),
    { numRuns: 8 },
  );
});
