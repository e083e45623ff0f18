import { setRefundPolicy } from "../../src/adjustments/index.ts";
import { makeInvoices, setReleaseRule } from "../../src/billing/index.ts";
import { closeMonth } from "../../src/settlement/index.ts";
import { PolicySteps } from "../../src/sharing/index.ts";
import { monthOf } from "../support/marketplace-books.ts";
import { startTestMetering, type TestMetering } from "../support/metering.ts";
import { usageEvent } from "../support/usage.ts";

export const [AUGUST, SEPTEMBER] = [monthOf("2023-08"), monthOf("2023-09")];
export const PAYEES = ["ada", "lin", "mia"];

const shares = (...weights: [payee: string, weight: number][]) => ({
  take: "shares" as const,
  shares: weights.map(([payee, weight]) => ({ payee, weight })),
});
const BASE = {
  model: "ada/base",
  owner: "ada",
  steps: PolicySteps.parse([{ take: "platform", percent: "20" }, shares(["$owner", 1])]),
};
const fine = (percent: string, ...weights: [string, number][]) => ({
  model: "lin/fine",
  owner: "lin",
  steps: PolicySteps.parse([
    { take: "cost", meter: "predict_seconds", amount: "0.0013", per: "1", currency: "USD" },
    { take: "platform", percent },
    { take: "royalty", percent: "7.77" },
    shares(...weights),
  ]),
});

/** By model: what held for usage of August, and from September on. */
export const LINEAGES = {
  "ada/base": { august: [BASE], september: [BASE] },
  "lin/fine": {
    august: [fine("20", ["lin", 2], ["mia", 1]), BASE],
    september: [fine("12.5", ["lin", 7], ["mia", 3]), BASE],
  },
};

const policy = (effective_from: string, { model, steps }: { model: string; steps: PolicySteps }) => ({
  model,
  effective_from,
  steps,
});
/** Of a thousand tokens, and of a second. */
export const PRICES = {
  "ada/base": { input_tokens: "0.3333", predict_seconds: "0.000975" },
  "lin/fine": { input_tokens: "1.70000000123", predict_seconds: "0.0109" },
};
const price = (model: keyof typeof PRICES) => ({
  model,
  currency: "USD",
  effective_from: "2020-01-01T00:00:00Z",
  components: [
    { meter: "input_tokens", amount: PRICES[model].input_tokens, per: "1000" },
    { meter: "predict_seconds", amount: PRICES[model].predict_seconds, per: "1" },
  ],
});

/**
 * Two closed months with their invoices: each customer used both models in both, and some of August came late. August is
 * payable at close and its fees are returned; September waits for payment and its fees are kept.
 */
export async function openRefundBooks(customers: readonly string[]): Promise<TestMetering> {
  const books = await startTestMetering({
    payees: PAYEES.map((id) => ({ id, name: id, country: "US", default_currency: "USD" })),
    customers: customers.map((id) => ({ id, name: id, currency: "USD" })),
    models: [
      { id: "ada/base", payee: "ada" },
      { id: "lin/fine", payee: "lin", base_model: "ada/base" },
    ],
    policies: [
      policy("2020-01-01T00:00:00Z", LINEAGES["lin/fine"].august[0] ?? BASE),
      policy("2023-09-01T00:00:00Z", LINEAGES["lin/fine"].september[0] ?? BASE),
    ],
    prices: [price("ada/base"), price("lin/fine")],
  });
  const { sql } = books;
  const use = (month: string, name: string) =>
    customers.flatMap((customer, n) =>
      ["ada/base", "lin/fine"].map((model, m) =>
        usageEvent({
          id: `${name} ${model} ${customer}`,
          customer,
          model,
          time: `${month}-${String(1 + (n % 28)).padStart(2, "0")}T12:00:00Z`,
          metrics: {
            input_token_count: 1_000 + 7_919 * (n % 13) + m,
            predict_time: 0.5 + (n % 7) * 3.123456,
          },
        }),
      ),
    );
  const close = async (month: typeof AUGUST) => {
    await closeMonth(sql, month, { graceSeconds: 0, catchUp: async () => {} });
    await makeInvoices(sql, month, { by: "test" });
  };
  await setRefundPolicy(sql, { from: SEPTEMBER, fee: "kept", provider_fee: "payees" }, "test");
  await setReleaseRule(sql, { from: SEPTEMBER, rule: "on_payment", hold_days: 0 }, "test");
  await books.apply(0, [use("2023-08", "august")]);
  await close(AUGUST);
  await books.apply(0, [use("2023-09", "september"), use("2023-08", "late").slice(0, customers.length)]);
  await close(SEPTEMBER);
  return books;
}
