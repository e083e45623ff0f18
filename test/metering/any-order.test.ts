import fc from "fast-check";
import { expect, test } from "vitest";
import { foldCustomerWindows, mergeWindows } from "../../src/metering/index.ts";
import { refusedByDatabase } from "../../src/postgres/index.ts";
import { startTestMetering, type TestMetering } from "../support/metering.ts";
import { tokenPrice, usageEvent } from "../support/usage.ts";

const CATALOG = {
  payees: [{ id: "ada", name: "Ada", country: "US", default_currency: "USD" }],
  customers: [
    { id: "acme", name: "Acme", currency: "USD", country: "US" },
    { id: "globex", name: "Globex", currency: "USD", country: "DE" },
  ],
  models: [
    { id: "ada/llm", payee: "ada" },
    { id: "ada/img", payee: "ada" },
  ],
  prices: [
    tokenPrice("ada/llm"),
    tokenPrice("ada/llm", {
      effective_from: "2023-11-16T00:00:00Z",
      components: [{ meter: "input_tokens", amount: "0.7", per: "1000", max_per_event: "500" }],
    }),
    tokenPrice("ada/img"),
  ],
};

const event = fc.record({
  customer: fc.constantFrom("acme", "globex", "unknown"),
  model: fc.constantFrom("ada/llm", "ada/img", "no/model"),
  version: fc.constantFrom("v1", "v2"),
  status: fc.constantFrom("succeeded", "failed", "canceled"),
  time: fc.constantFrom("2023-11-15T23:59:59.999999Z", "2023-11-16T00:00:00Z", "2023-12-31T23:59:59Z"),
  metrics: fc.record({
    input_token_count: fc.nat(2000),
    predict_time: fc.double({ min: 0, max: 1e6, noNaN: true }),
  }),
});

/** Events as they happened, and how they came: each at least once, in any order, on any partition, in batches. */
const delivery = fc.array(event, { minLength: 1, maxLength: 25 }).chain((events) => {
  const values = events.map((fields, n) => usageEvent({ ...fields, id: `e${n}` }));
  const once = fc.shuffledSubarray(values, { minLength: values.length, maxLength: values.length });
  const again = fc.array(fc.constantFrom(...values), { maxLength: 25 });
  const came = fc.tuple(once, again).chain(([all, more]) => {
    const both = [...all, ...more];
    return fc.shuffledSubarray(both, { minLength: both.length, maxLength: both.length });
  });
  const cuts = fc.array(
    fc.record({ size: fc.integer({ min: 1, max: 9 }), partition: fc.nat(2), merged: fc.boolean() }),
    {
      minLength: 60,
      maxLength: 60,
    },
  );
  return fc.record({
    values: fc.constant(values),
    came,
    cuts,
    crashes: fc.array(fc.boolean(), { maxLength: 10 }),
  });
});

async function outcome(metering: TestMetering) {
  const { sql } = metering;
  await foldCustomerWindows(sql);
  const windows = await sql`
    SELECT w.booked_period::text, w.service_day::text, m.id AS model, v.version, w.country, t.name AS meter,
      p.effective_from::text AS price, sum(w.quantity)::text AS quantity, sum(w.events)::text AS events
    FROM usage_window w JOIN model m USING (model_no) JOIN model_version v USING (model_version_no)
      JOIN meter t USING (meter_no) JOIN price_version p USING (price_no)
    GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1, 2, 3, 4, 5, 6, 7`;
  const lines = await sql`
    SELECT u.booked_period::text, u.service_month::text, m.id AS model, u.currency, sum(u.gross)::text AS gross,
      sum(u.events)::text AS events
    FROM usage_line u JOIN model m USING (model_no) GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`;
  const customers = await sql`
    SELECT c.id, w.service_month::text, m.id AS model, t.name AS meter, sum(w.quantity)::text AS quantity
    FROM customer_window w JOIN customer c USING (customer_no) JOIN model m USING (model_no)
      JOIN meter t USING (meter_no) GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`;
  const uncharged = await sql`
    SELECT m.id AS model, w.service_day::text, v.version, w.status, sum(w.events)::text AS events
    FROM uncharged_window w JOIN model m USING (model_no) JOIN model_version v USING (model_version_no)
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`;
  const parked = await sql`SELECT event->>'e' AS id, reason FROM parked_event ORDER BY 1`;
  const { applied, parked: waiting } = await metering.counters();
  return { windows, lines, customers, uncharged, parked, applied, waiting };
}

test("events in any order, on any partitions, cut into any batches and sent again and merged at any time come to the same windows", async () => {
  await fc.assert(
    fc.asyncProperty(delivery, async ({ values, came, cuts, crashes }) => {
      const [straight, tangled] = await Promise.all([startTestMetering(CATALOG), startTestMetering(CATALOG)]);
      try {
        await straight.apply(0, values);
        const rest = [...came];
        for (const [n, { size, partition, merged }] of cuts.entries()) {
          const batch = rest.splice(0, size);
          if (batch.length === 0) break;
          const claim = await tangled.claim(partition);
          await tangled.applyAt(partition, claim, batch);
          // A worker that did not hear the answer tries the same batch once more: it is fenced.
          if (crashes[n] === true) {
            const code = await tangled
              .applyAt(partition, claim, batch)
              .catch((error) => refusedByDatabase(error)?.code);
            expect(code).toBe("fenced");
          }
          if (merged) await mergeWindows(tangled.sql);
        }
        expect(await outcome(tangled)).toEqual(await outcome(straight));
        const { consumed, applied = 0, duplicate = 0, parked = 0 } = await tangled.counters();
        expect(consumed).toBe(came.length);
        expect(applied + duplicate + parked).toBe(came.length);
      } finally {
        await Promise.all([straight.drop(), tangled.drop()]);
      }
    }),
    { numRuns: 20 },
  );
});
