import fc from "fast-check";
import { PAYEES, waterfalls } from "../properties/waterfalls.ts";

export const level = fc.record({ owner: fc.constantFrom(...PAYEES), steps: waterfalls(true) });
const price = fc.record({
  amount: fc.constantFrom("0.333333333337", "1", "0.000000000001", "12.5"),
  per: fc.constantFrom("1", "1000", "1000000"),
});
const usage = fc.record({
  level: fc.nat(2),
  customer: fc.constantFrom("acme", "linked"),
  day: fc.constantFrom("2023-11-01", "2023-11-16", "2023-11-30", "2023-12-01"),
  status: fc.constantFrom("succeeded", "failed"),
  metrics: fc.record({ input_token_count: fc.nat(5_000), predict_time: fc.constantFrom(0, 0.5, 400) }),
});

/** A lineage of up to three models with usage; every model has two policies and two prices, from the 16th on. */
export const marketplaces = fc.record({
  levels: fc.array(fc.tuple(level, level), { minLength: 1, maxLength: 3 }),
  prices: fc.tuple(price, price),
  linked: fc.constantFrom(...PAYEES),
  events: fc.array(usage, { minLength: 1, maxLength: 12 }),
});
export type Marketplace = typeof marketplaces extends fc.Arbitrary<infer M> ? M : never;

export const modelId = (depth: number) => `maker/m${depth}`;

export function documentOf({ levels, prices, linked }: Marketplace) {
  const dates = ["2023-01-01T00:00:00Z", "2023-11-16T00:00:00Z"];
  return {
    payees: PAYEES.map((id) => ({ id, name: id, country: "US", default_currency: "USD" })),
    customers: [
      { id: "acme", name: "acme", currency: "USD" },
      { id: "linked", name: "linked", currency: "USD", payee: linked },
    ],
    models: levels.map(([{ owner }], depth) => ({
      id: modelId(depth),
      payee: owner,
      base_model: depth + 1 < levels.length ? modelId(depth + 1) : null,
    })),
    policies: levels.flatMap((pair, depth) =>
      pair.map(({ steps }, n) => ({ model: modelId(depth), effective_from: dates[n] ?? "", steps })),
    ),
    prices: levels.flatMap((_, depth) =>
      prices.map((terms, n) => ({
        model: modelId(depth),
        currency: "USD",
        effective_from: dates[n] ?? "",
        components: [{ meter: "input_tokens", ...terms }],
      })),
    ),
  };
}
