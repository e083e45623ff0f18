import fc from "fast-check";
import { expect, test } from "vitest";
import type { Draft } from "../../src/catalog/index.ts";
import { parsePeriod, present } from "../../src/kernel/index.ts";
import { PriceTerms } from "../../src/pricing/index.ts";
import { earningsOf, previewDraft } from "../../src/statements/index.ts";
import { PAYEES, waterfalls } from "../properties/waterfalls.ts";
import { startTestMetering, type TestMetering } from "../support/metering.ts";
import { usageEvent } from "../support/usage.ts";
import { documentOf, type Marketplace, marketplaces, modelId } from "./marketplaces.ts";

const NOVEMBER = present(parsePeriod("2023-11"), "a month");

const component = fc.record(
  {
    meter: fc.constantFrom("input_tokens", "predict_seconds", "runs", "frames"),
    amount: fc.constantFrom("0.333333333337", "2", "0"),
    per: fc.constantFrom("1", "1000"),
    max_per_event: fc.constantFrom("0", "1", "700"),
  },
  { requiredKeys: ["meter", "amount", "per"] },
);
const terms = fc
  .record({
    charge_statuses: fc.constantFrom(["succeeded"], ["failed"], ["succeeded", "failed"]),
    components: fc.uniqueArray(component, { minLength: 1, maxLength: 3, selector: ({ meter }) => meter }),
  })
  .map((drawn) => PriceTerms.parse({ currency: "USD", ...drawn }));
const drafts = fc
  .record({ level: fc.nat(2), policy: fc.option(waterfalls(true)), price: fc.option(terms) })
  .filter(({ policy, price }) => policy !== null || price !== null);

/** One policy and price all along, so that a draft for a whole month can be one of them. */
const steady = marketplaces.map((drawn) => ({
  ...drawn,
  levels: drawn.levels.map(([first]): [typeof first, typeof first] => [first, first]),
  prices: [drawn.prices[0], drawn.prices[0]] as Marketplace["prices"],
}));

/** The usage of November again, in a month that says which. */
async function use(metering: TestMetering, drawn: Marketplace, month: string): Promise<void> {
  await metering.apply(
    0,
    drawn.events
      .filter(({ day }) => day.startsWith("2023-11"))
      .map(({ level, customer, day, status, metrics }, n) =>
        usageEvent({
          id: `${month}-${n}`,
          model: modelId(level % drawn.levels.length),
          customer,
          time: `${month}${day.slice(7)}T12:00:00Z`,
          status,
          metrics: { ...metrics, frames: 3 * n },
        }),
      ),
  );
}

const nanosOf = (amount: string) => BigInt(amount.replace(".", ""));

async function earned(
  metering: TestMetering,
  payee: string,
  from: string,
  to: string,
  models: readonly string[],
) {
  const { data } = await earningsOf(metering.sql, payee, { from, to, currency: "USD", groupBy: ["model"] });
  return data
    .filter(({ model }) => models.includes(model ?? ""))
    .reduce((sum, row) => sum + nanosOf(row.earned.amount), 0n);
}

async function inMarketplace(
  drawn: Marketplace,
  work: (metering: TestMetering) => Promise<void>,
): Promise<void> {
  const metering = await startTestMetering(documentOf(drawn));
  try {
    await use(metering, drawn, "2023-11");
    await work(metering);
  } finally {
    await metering.drop();
  }
}

test("a preview of what holds already changes nothing", async () => {
  await fc.assert(
    fc.asyncProperty(steady, fc.nat(2), async (drawn, at) => {
      await inMarketplace(drawn, async (metering) => {
        const catalog = await metering.catalog.current();
        const model = modelId(at % drawn.levels.length);
        const policy = drawn.levels[at % drawn.levels.length]?.[0].steps;
        const price = catalog.models.get(model)?.pricesByCurrency.get("USD")?.[0]?.terms;
        const before = await metering.everything();
        const preview = await previewDraft(metering.sql, catalog, { model, policy, price }, NOVEMBER);
        expect(preview).toMatchObject({ exact: true, notes: [] });
        for (const { now, drafted } of [...preview.gross, ...preview.payees, ...preview.platform])
          expect(drafted).toEqual(now);
        for (const payee of PAYEES) {
          const shown = preview.payees.find((row) => row.payee === payee)?.now.amount ?? "0.000000000";
          expect(nanosOf(shown)).toBe(
            await earned(metering, payee, "2023-11-01", "2023-12-01", preview.models),
          );
        }
        expect(await metering.everything()).toBe(before);
      });
    }),
    { numRuns: 5, endOnFailure: true },
  );
});

test("what a preview says is what posting the draft and metering the same usage gives", async () => {
  let exact = 0;
  await fc.assert(
    fc.asyncProperty(steady, drafts, async (drawn, { level, policy, price }) => {
      await inMarketplace(drawn, async (metering) => {
        const { sql, catalog } = metering;
        const model = modelId(level % drawn.levels.length);
        const draft: Draft = { model, policy: policy ?? undefined, price: price ?? undefined };
        const preview = await previewDraft(sql, await catalog.current(), draft, NOVEMBER);
        if (!preview.exact) return;
        exact += 1;
        const dated = { model, effective_from: "2023-12-01T00:00:00Z" };
        await catalog.change({
          policies: policy === null ? [] : [{ ...dated, steps: policy }],
          prices: price === null ? [] : [{ ...dated, ...price }],
        });
        await use(metering, drawn, "2023-12");
        for (const payee of PAYEES) {
          const said = preview.payees.find((row) => row.payee === payee)?.drafted.amount ?? "0.000000000";
          expect(nanosOf(said)).toBe(
            await earned(metering, payee, "2023-12-01", "2024-01-01", preview.models),
          );
        }
      });
    }),
    { numRuns: 8, endOnFailure: true },
  );
  expect(exact).toBeGreaterThan(0);
});

test("a preview of a month in which policies and prices changed is what the draft would have made of all of it", async () => {
  let exact = 0;
  await fc.assert(
    fc.asyncProperty(marketplaces, drafts, async (drawn, { level, policy, price }) => {
      const model = modelId(level % drawn.levels.length);
      await inMarketplace(drawn, async ({ sql, catalog }) => {
        const draft: Draft = { model, policy: policy ?? undefined, price: price ?? undefined };
        const preview = await previewDraft(sql, await catalog.current(), draft, NOVEMBER);
        if (!preview.exact) return;
        exact += 1;
        const always = { model, effective_from: "2023-01-01T00:00:00Z" };
        const { policies, prices, ...document } = documentOf(drawn);
        const others = <R extends { model: string }>(rows: R[]) => rows.filter((row) => row.model !== model);
        const drafted = await startTestMetering({
          ...document,
          policies: policy === null ? policies : [...others(policies), { ...always, steps: policy }],
          prices: price === null ? prices : [...others(prices), { ...always, ...price }],
        });
        try {
          await use(drafted, drawn, "2023-11");
          for (const payee of PAYEES) {
            const said = preview.payees.find((row) => row.payee === payee)?.drafted.amount ?? "0.000000000";
            expect(nanosOf(said)).toBe(
              await earned(drafted, payee, "2023-11-01", "2023-12-01", preview.models),
            );
          }
        } finally {
          await drafted.drop();
        }
      });
    }),
    { numRuns: 6, endOnFailure: true },
  );
  expect(exact).toBeGreaterThan(0);
});
