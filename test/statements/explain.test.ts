import fc from "fast-check";
import { expect, test } from "vitest";
import type { CatalogDocument } from "../../src/catalog/index.ts";
import {
  add,
  parseDecimal,
  parsePeriod,
  present,
  type Rational,
  rational,
  ZERO,
} from "../../src/kernel/index.ts";
import { earningsOf, explainEarnings } from "../../src/statements/index.ts";
import { PAYEES } from "../properties/waterfalls.ts";
import { startTestMetering } from "../support/metering.ts";
import { usageEvent } from "../support/usage.ts";
import { documentOf, marketplaces, modelId } from "./marketplaces.ts";

const NOVEMBER = present(parsePeriod("2023-11"), "a month");

function parseFraction(text: string): Rational {
  const [num = "", den = ""] = text.split("/");
  return rational(BigInt(num), BigInt(den));
}

const nanosOf = (amount: string) => BigInt(amount.replace(".", ""));

test("an explanation comes to what earnings say, whatever the policies, lineages and prices", async () => {
  await fc.assert(
    fc.asyncProperty(marketplaces, async (drawn) => {
      const metering = await startTestMetering(documentOf(drawn) as unknown as Partial<CatalogDocument>);
      try {
        await metering.apply(
          0,
          drawn.events.map(({ level: depth, customer, day, ...event }, n) =>
            usageEvent({
              id: `${n}`,
              model: modelId(depth % drawn.levels.length),
              customer,
              time: `${day}T12:00:00Z`,
              ...event,
            }),
          ),
        );
        for (const payee of PAYEES) {
          const query = { from: "2023-11-01", to: "2023-12-01", currency: "USD" };
          const earned = await earningsOf(metering.sql, payee, { ...query, groupBy: ["model"] });
          for (const [depth] of drawn.levels.entries()) {
            const model = modelId(depth);
            const explained = await explainEarnings(metering.sql, payee, {
              model,
              period: NOVEMBER,
              currency: "USD",
            });
            const rows = earned.data.filter((row) => row.model === model);
            expect(nanosOf(explained.total.amount)).toBe(
              rows.reduce((sum, row) => sum + nanosOf(row.earned.amount), 0n),
            );
            for (const line of explained.lines) {
              for (const part of line.parts) {
                // exact = floored + rest, to the last digit of the fraction.
                const rest = parseFraction(part.floored_off_nanos);
                const floored = rational(nanosOf(part.earned.amount));
                const exact = parseFraction(part.exact.fraction);
                expect(add(floored, rest)).toEqual(rational(exact.num * 1_000_000_000n, exact.den));
                expect(rest.num >= 0n && rest.num < rest.den).toBe(true);
              }
              // Each step takes of what remained, and nothing remains after the last one.
              let remaining = parseFraction(line.waterfall.gross.fraction);
              expect(remaining).toEqual(present(parseDecimal(line.gross), "a decimal"));
              for (const step of line.waterfall.steps) {
                expect(
                  add(parseFraction(step.taken.fraction), parseFraction(step.remaining.fraction)),
                ).toEqual(remaining);
                remaining = parseFraction(step.remaining.fraction);
              }
              expect(remaining).toEqual(ZERO);
              const grosses = line.usage.map((row) => present(parseDecimal(row.gross), "a decimal"));
              expect(grosses.reduce(add, ZERO)).toEqual(parseFraction(line.waterfall.gross.fraction));
              const others = JSON.stringify(line).matchAll(/"payee":"(\w+)"/g);
              for (const [, named] of others) expect(named).toBe(payee);
            }
          }
        }
      } finally {
        await metering.drop();
      }
    }),
    { numRuns: 12 },
  );
});
