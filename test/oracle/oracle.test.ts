import { describe, expect, test } from "vitest";
import { computeOracle, type OracleCatalog, type OracleEvent } from "./index.ts";

const effective_from = "2023-01-01T00:00:00Z";
const components = [{ meter: "input_tokens", amount: "1.00", per: "1000" }];
const CATALOG: OracleCatalog = {
  models: [
    { id: "ada/base", payee: "ada" },
    { id: "lin/tuned", payee: "lin", base_model: "ada/base" },
  ],
  customers: [
    { id: "acme", currency: "USD", country: "US" },
    { id: "linco", currency: "USD", payee: "lin" },
  ],
  policies: [
    {
      model: "lin/tuned",
      effective_from,
      steps: [
        { take: "cost", meter: "predict_seconds", amount: "0.001", per: "1" },
        { take: "platform", percent: "20" },
        { take: "royalty", percent: "5" },
        {
          take: "shares",
          shares: [
            { payee: "lin", weight: 2 },
            { payee: "bob", weight: 1 },
          ],
        },
      ],
    },
  ],
  prices: [
    { model: "ada/base", currency: "USD", effective_from, components },
    { model: "lin/tuned", currency: "USD", effective_from, components },
  ],
};

function event(id: string, fields: Partial<OracleEvent> = {}): OracleEvent {
  const metrics = { predict_time: 10, input_token_count: 1000 };
  const data = { model: "lin/tuned", status: "succeeded", metrics };
  return { source: "s", id, time: "2023-11-16T12:00:00Z", subject: "acme", data, ...fields };
}

// Every figure below was worked out by hand.
describe("the oracle", () => {
  test("splits one dollar as the waterfall says", () => {
    const { earned, platform, rounding, lines } = computeOracle(CATALOG, [event("a")]);
    expect(Object.fromEntries(earned)).toEqual({
      "lin USD": 493_333_333n,
      "bob USD": 246_666_666n,
      "ada USD": 50_000_000n,
    });
    expect(Object.fromEntries(platform)).toEqual({ "USD cost": 10_000_000n, "USD platform": 200_000_000n });
    expect(rounding.get("USD")).toBe(1n);
    expect(lines).toMatchObject([
      { bookedPeriod: "2023-11", events: 1, gross: "1", receivableNanos: 1_000_000_000n },
    ]);
  });

  test("counts an identity once, the first, and names what it leaves out", () => {
    const { earned, counts } = computeOracle(CATALOG, [
      event("refused", { data: { model: "lin/tuned", status: "succeeded", metrics: { predict_time: -1 } } }),
      event("a", { data: { model: "ada/base", status: "succeeded", metrics: { input_token_count: 10 } } }),
      event("a"),
      event("failed", { data: { model: "ada/base", status: "failed", metrics: { input_token_count: 10 } } }),
      event("early", { time: "2022-12-31T23:59:59.999999Z" }),
    ]);
    expect(Object.fromEntries(earned)).toEqual({ "ada USD": 8_000_000n });
    expect(counts).toEqual({ charged: 1, uncharged: 1, repeated: 1, refused: 1, waiting: 1 });
  });

  test("gives a linked payee's own part to the platform, and only that", () => {
    const { earned, platform, customers } = computeOracle(CATALOG, [event("a", { subject: "linco" })]);
    expect(Object.fromEntries(earned)).toEqual({ "bob USD": 246_666_666n, "ada USD": 50_000_000n });
    expect(platform.get("USD self_dealing")).toBe(493_333_333n);
    expect(Object.fromEntries(customers)).toEqual({ "linco USD": "1" });
  });

  test("books usage of a closed month in the first open one, as a line of its own", () => {
    const closed = (index: number) => new Set(index === 0 ? [] : ["2023-11", "2023-12"]);
    const { earnedByPeriod, lines } = computeOracle(CATALOG, [event("a"), event("b")], { closed });
    expect(lines.map((line) => [line.serviceMonth, line.bookedPeriod])).toEqual([
      ["2023-11", "2023-11"],
      ["2023-11", "2024-01"],
    ]);
    expect(earnedByPeriod.get("lin USD 2024-01")).toBe(493_333_333n);
  });

  test("allots a part to days by differences of the running floor", () => {
    const days = ["2023-11-03", "2023-11-01", "2023-11-02"];
    const { earned, earnedByDay } = computeOracle(
      CATALOG,
      days.map((day) => event(day, { time: `${day}T00:00:00Z` })),
    );
    expect(earned.get("lin USD")).toBe(1_480_000_000n);
    expect(days.sort().map((day) => earnedByDay.get(`lin USD ${day}`))).toEqual([
      493_333_333n,
      493_333_333n,
      493_333_334n,
    ]);
  });
});
