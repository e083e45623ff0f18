import fc from "fast-check";
import { expect, test } from "vitest";
import type { CatalogDocument } from "../../src/catalog/index.ts";
import { applyBatch } from "../../src/metering/apply-batch.ts";
import { CustomerKinds } from "../../src/metering/memory/customer-kinds.ts";
import { LOG_ID, recordsOf, startTestMetering, type TestMetering } from "../support/metering.ts";
import { SMALL_CATALOG, tokenPrice, usageEvent } from "../support/usage.ts";

const PHASES = 3;
const CUSTOMERS = ["a", "b", "c", "d"];
const MODELS = ["ada/llm", "lin/m"];
/** Named in no version, and named from the second phase on. */
const UNKNOWN = "nobody";
const LATER = "later";

interface Version {
  customer: string;
  /** 0 from the beginning, otherwise from the beginning of the phase's day on. */
  phase: number;
  country: string;
  payee: string | null;
}
interface Use {
  customer: string;
  model: string;
  /** Of which day it is; metered in this phase or a later one. */
  day: number;
  meteredIn: number;
}

const versions = fc.record({
  customer: fc.constantFrom(...CUSTOMERS),
  phase: fc.integer({ min: 1, max: PHASES }),
  country: fc.constantFrom("US", "DE"),
  payee: fc.constantFrom(null, null, "lin"),
});
const uses = fc
  .record({
    customer: fc.constantFrom(...CUSTOMERS, ...CUSTOMERS, UNKNOWN, LATER),
    model: fc.constantFrom(...MODELS),
    day: fc.integer({ min: 0, max: PHASES }),
    after: fc.integer({ min: 0, max: 1 }),
  })
  .map(({ after, day, ...use }) => ({ ...use, day, meteredIn: Math.min(PHASES, day + after) }));

const dayText = (day: number) => `2023-11-1${day}T00:00:00Z`;

function inForce(all: readonly Version[], { customer, day }: Use): Version | undefined {
  return all.findLast((version) => version.customer === customer && version.phase <= day);
}

async function changeCustomers(metering: TestMetering, some: readonly Version[]): Promise<void> {
  const customers = some.map(({ customer, phase, country, payee }) => ({
    id: customer,
    name: customer,
    currency: "USD",
    country,
    ...(payee === null ? {} : { payee }),
    ...(phase === 0 ? {} : { effective_from: dayText(phase) }),
  }));
  if (customers.length > 0) await metering.catalog.change({ customers } as Partial<CatalogDocument>);
}

test("a worker that remembers which customers are alike books every event by its customer's version of its own time", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(versions, { maxLength: 6 }),
      fc.array(uses, { minLength: 1, maxLength: 60 }),
      async (drawn, used) => {
        const once = new Map(drawn.map((version) => [`${version.customer} ${version.phase}`, version]));
        const all: Version[] = [
          ...CUSTOMERS.map((customer) => ({ customer, phase: 0, country: "US", payee: null })),
          ...[...once.values()].sort((x, y) => x.phase - y.phase),
          { customer: LATER, phase: 1, country: "US", payee: null },
        ];
        const metering = await startTestMetering({
          ...SMALL_CATALOG,
          models: [...SMALL_CATALOG.models, { id: "lin/m", payee: "lin" }],
          prices: [...SMALL_CATALOG.prices, tokenPrice("lin/m")],
        });
        try {
          const kinds = new CustomerKinds();
          for (let phase = 0; phase <= PHASES; phase++) {
            await changeCustomers(
              metering,
              all.filter((version) => version.phase === phase),
            );
            const events = [...used.entries()].flatMap(([n, { customer, model, day, meteredIn }]) =>
              meteredIn === phase ? [usageEvent({ id: `${n}`, customer, model, time: dayText(day) })] : [],
            );
            if (events.length === 0) continue;
            const held = await metering.claim(0);
            const position = { logId: LOG_ID, partition: 0, ...held, to: held.nextOffset + 1n };
            await applyBatch(metering.sql, position, recordsOf([events], held.nextOffset), { kinds });
          }
          const expected = [...used.entries()].flatMap(([n, use]) => {
            const version = inForce(all, use);
            if (version === undefined) return [];
            const own = version.payee === "lin" && use.model === "lin/m";
            return [`${n} ${version.country} ${own ? "redirected" : "earned"}`];
          });
          const booked = await metering.sql<{ event: string }[]>`
            SELECT concat_ws(' ', e.id, e.country,
              CASE WHEN e.split_plan_no IN (SELECT redirected_plan_no FROM self_dealing_plan) THEN 'redirected' ELSE 'earned' END) AS event
            FROM usage_event e`;
          expect(booked.map(({ event }) => event).sort()).toEqual(expected.sort());
          const [sums] = await metering.sql`
            SELECT (SELECT coalesce(jsonb_object_agg(country, n), '{}') FROM (
                SELECT country, count(*) AS n FROM usage_event GROUP BY 1) e)
              = (SELECT coalesce(jsonb_object_agg(country, n), '{}') FROM (
                SELECT country, sum(quantity) AS n FROM usage_window JOIN meter USING (meter_no) WHERE name = 'runs' GROUP BY 1) w) AS same,
              (SELECT count(*)::int FROM parked_event) AS parked`;
          expect(sums).toEqual({ same: true, parked: used.length - expected.length });
        } finally {
          await metering.drop();
        }
      },
    ),
    { numRuns: 15 },
  );
});
