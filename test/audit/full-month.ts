import { startTestApi, type TestApi } from "../support/api.ts";
import { usageEvent } from "../support/usage.ts";

const FROM = "2023-01-01T00:00:00Z";

const price = (model: string, ...more: object[]) => ({
  model,
  currency: "USD",
  effective_from: FROM,
  components: [
    { meter: "input_tokens", amount: "1.00", per: "1000" },
    { meter: "predict_seconds", amount: "0.01", per: "1" },
    ...more,
  ],
});

/** Something of everything: lineage with royalties, a cost step, shares, a limit per event, a meter of a model's own. */
const CATALOG = {
  payees: ["ada", "lin", "eve"].map((id) => ({ id, name: id, country: "US", default_currency: "USD" })),
  customers: [
    { id: "acme", name: "Acme", currency: "USD", country: "US" },
    { id: "lins", name: "Lin's own", currency: "USD", country: "DE", payee: "lin" },
  ],
  models: [
    { id: "ada/base", payee: "ada" },
    { id: "lin/fine", payee: "lin", base_model: "ada/base" },
  ],
  policies: [
    {
      model: "lin/fine",
      effective_from: FROM,
      steps: [
        { take: "cost", meter: "predict_seconds", amount: "0.001", per: "1", currency: "USD" },
        { take: "platform", percent: "20" },
        { take: "royalty", percent: "5" },
        {
          take: "shares",
          shares: [
            { payee: "lin", weight: 70 },
            { payee: "eve", weight: 30 },
          ],
        },
      ],
    },
  ],
  prices: [
    price("ada/base", { meter: "image_steps", amount: "0.001", per: "1", max_per_event: "50" }),
    { ...price("ada/base"), effective_from: "2023-11-20T00:00:00Z" },
    price("lin/fine"),
  ],
};

function usage(): object[] {
  const at = (day: number) => ({ time: `2023-11-${10 + day}T12:00:00Z` });
  return Array.from({ length: 12 }, (_, n) => [
    usageEvent({
      id: `base-${n}`,
      model: "ada/base",
      version: `v${n % 2}`,
      metrics: { input_token_count: 1_001 + n, predict_time: 1.5, image_steps: 40 + n },
      ...at(n),
    }),
    usageEvent({
      id: `fine-${n}`,
      model: "lin/fine",
      customer: n % 3 === 0 ? "lins" : "acme",
      status: n === 7 ? "failed" : "succeeded",
      metrics: { input_token_count: 777 + n, predict_time: 2.25 },
      ...at(n),
    }),
  ]).flat();
}

/** A month from its events to the reconciled payouts, with a dead letter, a conflict and an event that waits. */
export async function playFullMonth(): Promise<TestApi> {
  const api = await startTestApi();
  await api.load(CATALOG);
  await api.send(...usage());
  await api.send(
    usageEvent({ id: "base-0", model: "ada/base", metrics: { input_token_count: 5 } }),
    usageEvent({ id: "waits", model: "nobody/knows" }),
  );
  for (const step of ["close", "plan", "approve", "pay", "reconcile"]) {
    const { status, body } = await api.operator("POST", `/v1/settlements/2023-11/${step}`);
    if (status >= 300) throw new Error(`${step}: ${status} ${JSON.stringify(body)}`);
  }
  return api;
}
