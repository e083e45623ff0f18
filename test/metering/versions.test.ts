import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CatalogDocument } from "../../src/catalog/index.ts";
import { periodTotals } from "../../src/earnings/index.ts";
import { periodOfDay } from "../../src/kernel/index.ts";
import { releaseParked } from "../../src/metering/index.ts";
import { earningsOf } from "../../src/statements/index.ts";
import { startTestMetering, type TestMetering } from "../support/metering.ts";
import { tokenPrice, usageEvent } from "../support/usage.ts";

let metering: TestMetering;
beforeEach(async () => {
  metering = await startTestMetering();
});
afterEach(() => metering.drop());

const november = periodOfDay("2023-11-01");
const change = (document: unknown) => metering.catalog.change(document as Partial<CatalogDocument>);
const perThousand = (amount: string) => [{ meter: "input_tokens", amount, per: "1000" }];

async function gross(currency = "USD"): Promise<string | undefined> {
  return (await periodTotals(metering.sql, november)).find((total) => total.currency === currency)?.gross;
}

async function earned(payee: string): Promise<string> {
  return (await earningsOf(metering.sql, payee, { currency: "USD", groupBy: [] })).total.amount;
}

describe("an event at the edge of a version", () => {
  const EDGE = "2023-11-16T12:00:00.000001Z";
  const BEFORE = "2023-11-16T12:00:00.000000Z";

  test("gets the price of its own microsecond", async () => {
    await change({ prices: [tokenPrice("ada/llm", { effective_from: EDGE, components: perThousand("5") })] });
    await metering.apply(0, [
      usageEvent({ id: "before", time: BEFORE }),
      usageEvent({ id: "cut off, not rounded", time: "2023-11-16T12:00:00.0000009Z" }),
      usageEvent({ id: "at", time: EDGE }),
    ]);
    expect(await gross()).toBe("7");
  });

  test("gets the policy of its own microsecond", async () => {
    const steps = [{ take: "shares", shares: [{ payee: "lin", weight: 1 }] }];
    await change({ policies: [{ model: "ada/llm", effective_from: EDGE, steps }] });
    await metering.apply(0, [
      usageEvent({ id: "before", time: BEFORE }),
      usageEvent({ id: "at", time: EDGE }),
    ]);
    expect([await earned("ada"), await earned("lin")]).toEqual(["0.800000000", "1.000000000"]);
  });

  test("gets the owner of its own microsecond", async () => {
    await change({ models: [{ id: "ada/llm", payee: "lin", effective_from: EDGE }] });
    await metering.apply(0, [
      usageEvent({ id: "before", time: BEFORE }),
      usageEvent({ id: "at", time: EDGE }),
    ]);
    expect([await earned("ada"), await earned("lin")]).toEqual(["0.800000000", "0.800000000"]);
  });

  test("gets the royalty of its own microsecond, when its base's policy changes", async () => {
    await change({
      models: [{ id: "lin/tuned", payee: "lin", base_model: "ada/llm" }],
      policies: [
        {
          model: "lin/tuned",
          effective_from: "2023-01-01T00:00:00Z",
          steps: [
            { take: "royalty", percent: "10" },
            { take: "shares", shares: [{ payee: "lin", weight: 1 }] },
          ],
        },
        {
          model: "ada/llm",
          effective_from: EDGE,
          steps: [{ take: "shares", shares: [{ payee: "lin", weight: 1 }] }],
        },
      ],
      prices: [tokenPrice("lin/tuned")],
    });
    const model = "lin/tuned";
    await metering.apply(0, [
      usageEvent({ id: "before", model, time: BEFORE }),
      usageEvent({ id: "at", model, time: EDGE }),
    ]);
    expect([await earned("ada"), await earned("lin")]).toEqual(["0.100000000", "1.900000000"]);
  });

  test("gets the customer's terms of its own microsecond", async () => {
    await change({
      customers: [{ id: "acme", name: "Acme", currency: "EUR", effective_from: EDGE }],
      prices: [tokenPrice("ada/llm", { currency: "EUR" })],
    });
    await metering.apply(0, [
      usageEvent({ id: "before", time: BEFORE }),
      usageEvent({ id: "at", time: EDGE }),
    ]);
    expect([await gross("USD"), await gross("EUR")]).toEqual(["1", "1"]);
  });

  test("at the end of a month belongs to the month of its own microsecond", async () => {
    await metering.apply(0, [
      usageEvent({ id: "last", time: "2023-11-30T23:59:59.9999999Z" }),
      usageEvent({ id: "first", time: "2023-12-01T00:00:00Z" }),
      usageEvent({ id: "in another zone", time: "2023-12-01T01:59:59+02:00" }),
    ]);
    expect(await gross()).toBe("2");
  });
});

describe("parked events", () => {
  const parkedReasons = async () =>
    (await metering.sql<{ reason: string }[]>`SELECT reason FROM parked_event ORDER BY parked_no`).map(
      (row) => row.reason,
    );

  test("wait with their reason and are metered once what they wait for is there", async () => {
    await change({ models: [{ id: "lin/unpriced", payee: "lin" }] });
    await metering.apply(0, [
      usageEvent({ id: "a", customer: "newcomer" }),
      usageEvent({ id: "b", model: "lin/new" }),
      usageEvent({ id: "c", model: "lin/unpriced" }),
      usageEvent({ id: "d", time: "2022-12-31T23:59:59.999999Z" }),
    ]);
    expect((await parkedReasons()).sort()).toEqual([
      "no_price",
      "no_price",
      "unknown_customer",
      "unknown_model",
    ]);
    expect(await releaseParked(metering.sql)).toBe(0);
    expect(await metering.counters()).toMatchObject({ consumed: 4, parked: 4, applied: 0 });

    await change({ customers: [{ id: "newcomer", name: "N", currency: "USD" }] });
    expect(await releaseParked(metering.sql)).toBe(1);
    await change({ models: [{ id: "lin/new", payee: "lin" }], prices: [tokenPrice("lin/new")] });
    expect(await releaseParked(metering.sql)).toBe(1);
    await change({ prices: [tokenPrice("lin/unpriced")] });
    expect(await releaseParked(metering.sql)).toBe(1);
    expect(await parkedReasons()).toEqual(["no_price"]);
    expect(await gross()).toBe("3");
    expect(await metering.counters()).toMatchObject({ consumed: 4, parked: 4, applied: 0 });
  });

  test("get the price of their own time, not of the time of release", async () => {
    await metering.apply(0, [
      usageEvent({ id: "cheap", model: "lin/new", time: "2023-11-10T00:00:00Z" }),
      usageEvent({ id: "dear", model: "lin/new", time: "2023-11-20T00:00:00Z" }),
    ]);
    await change({
      models: [{ id: "lin/new", payee: "lin" }],
      prices: [
        tokenPrice("lin/new"),
        tokenPrice("lin/new", { effective_from: "2023-11-15T00:00:00Z", components: perThousand("10") }),
      ],
    });
    expect(await releaseParked(metering.sql)).toBe(2);
    expect(await gross()).toBe("11");
  });

  test("of a customer in another currency wait for a price in that currency", async () => {
    await change({ customers: [{ id: "euro", name: "E", currency: "EUR" }] });
    await metering.apply(0, [usageEvent({ id: "a", customer: "euro" })]);
    expect(await parkedReasons()).toEqual(["no_price"]);
    await change({ prices: [tokenPrice("ada/llm", { currency: "EUR", components: perThousand("2") })] });
    expect(await releaseParked(metering.sql)).toBe(1);
    expect(await gross("EUR")).toBe("2");
  });

  test("are released once by many sweeps at the same moment", async () => {
    const events = Array.from({ length: 300 }, (_, n) => usageEvent({ id: `e${n}`, customer: "newcomer" }));
    await Promise.all([metering.apply(0, events.slice(0, 150)), metering.apply(1, events.slice(150))]);
    await change({ customers: [{ id: "newcomer", name: "N", currency: "USD" }] });
    const released = await Promise.all(Array.from({ length: 4 }, () => releaseParked(metering.sql)));
    expect(released.reduce((sum, count) => sum + count, 0)).toBe(300);
    expect(await releaseParked(metering.sql)).toBe(0);
    expect(await gross()).toBe("300");
  });
});

describe("what is charged", () => {
  test("failed and aborted predictions are counted apart, canceled ones are charged", async () => {
    const statuses = ["succeeded", "failed", "canceled", "aborted", "failed"];
    await metering.apply(
      0,
      statuses.map((status, n) => usageEvent({ id: `${n}`, status })),
    );
    expect(await metering.quantities()).toEqual({ "ada/llm input_tokens": "2000", "ada/llm runs": "2" });
    const uncharged = await metering.sql`
      SELECT status, sum(events)::int AS events FROM uncharged_window GROUP BY 1 ORDER BY 1`;
    expect([...uncharged]).toEqual([
      { status: "aborted", events: 1 },
      { status: "failed", events: 2 },
    ]);
    expect(await metering.counters()).toMatchObject({ applied: 5 });
  });

  test("a price may charge other statuses", async () => {
    await change({
      models: [{ id: "lin/m", payee: "lin" }],
      prices: [tokenPrice("lin/m", { charge_statuses: ["failed"] })],
    });
    await metering.apply(0, [
      usageEvent({ id: "a", model: "lin/m", status: "failed" }),
      usageEvent({ id: "b", model: "lin/m" }),
    ]);
    expect(await metering.quantities()).toEqual({ "lin/m input_tokens": "1000", "lin/m runs": "1" });
  });

  test("of one event no more than max_per_event is charged, and the event keeps what was reported", async () => {
    await change({
      models: [{ id: "lin/m", payee: "lin" }],
      prices: [
        tokenPrice("lin/m", {
          components: [
            { meter: "input_tokens", amount: "1.00", per: "1000", max_per_event: "1500" },
            { meter: "frames", amount: "1", per: "1", max_per_event: "2" },
            // Far above the one run of each event: it limits nothing.
            { meter: "runs", amount: "0", per: "1", max_per_event: "700" },
          ],
        }),
      ],
    });
    await metering.apply(0, [
      usageEvent({ id: "a", model: "lin/m", metrics: { input_token_count: 1499, frames: 1 } }),
      usageEvent({ id: "b", model: "lin/m", metrics: { input_token_count: 1_000_000, frames: 7, heat: 9 } }),
    ]);
    expect(await metering.quantities()).toEqual({
      "lin/m input_tokens": "2999",
      "lin/m frames": "3",
      "lin/m runs": "2",
    });
    expect(await gross()).toBe("5.999");
    const reported = await metering.sql`
      SELECT t.name, q.quantity::text FROM usage_event e JOIN usage_event_meter q USING (block_no, place)
      JOIN meter t USING (meter_no) WHERE e.id = 'b' ORDER BY 1`;
    expect(reported).toEqual([
      { name: "frames", quantity: "7" },
      { name: "input_tokens", quantity: "1000000" },
      { name: "runs", quantity: "1" },
    ]);
  });

  test("a metric that is missing adds nothing, and is no zero", async () => {
    await metering.apply(0, [usageEvent({ id: "a", metrics: { input_token_count: null } })]);
    expect(await metering.quantities()).toEqual({ "ada/llm runs": "1" });
  });
});

describe("self-dealing", () => {
  test("a payee's own parts of its own usage go to the platform, from the moment of the link", async () => {
    await change({
      models: [{ id: "lin/tuned", payee: "lin", base_model: "ada/llm" }],
      policies: [
        {
          model: "lin/tuned",
          effective_from: "2023-01-01T00:00:00Z",
          steps: [
            { take: "platform", percent: "20" },
            { take: "royalty", percent: "10" },
            { take: "shares", shares: [{ payee: "lin", weight: 1 }] },
          ],
        },
      ],
      prices: [tokenPrice("lin/tuned")],
      customers: [
        { id: "lins-shop", name: "Lin's shop", currency: "USD" },
        {
          id: "lins-shop",
          name: "Lin's shop",
          currency: "USD",
          payee: "lin",
          effective_from: "2023-11-16T12:00:00.000001Z",
        },
      ],
    });
    const event = (id: string, time: string) =>
      usageEvent({
        id,
        time,
        customer: "lins-shop",
        model: "lin/tuned",
        metrics: { input_token_count: 10_000 },
      });
    await metering.apply(0, [event("unlinked", "2023-11-16T12:00:00Z")]);
    expect([await earned("lin"), await earned("ada")]).toEqual(["7.000000000", "1.000000000"]);
    await metering.apply(0, [event("linked", "2023-11-16T12:00:00.000001Z")]);
    expect([await earned("lin"), await earned("ada")]).toEqual(["7.000000000", "2.000000000"]);
    expect(await gross()).toBe("20");
  });
});
