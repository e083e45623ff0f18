/** What fields and parameters stand for in the examples: one small story of a creator, her customer and her model. */
export const NAMED: Record<string, string> = {
  account: "acct_1Ada",
  amount: "12.500000000",
  base_model: "meta/llama-3-70b",
  country: "US",
  currency: "USD",
  customer: "acme",
  default_currency: "USD",
  email: "ada@example.com",
  effective_from: "2026-01-01T00:00:00Z",
  from_currency: "EUR",
  invoice: "inv_2026-01_acme_USD",
  meter: "predict_seconds",
  model: "ada/llm",
  offered_by: "ada",
  name: "llm",
  owner: "ada",
  partition: "0",
  payee: "ada",
  per: "1",
  percent: "10",
  period: "2026-01",
  rate: "1.08",
  reason: "as agreed with the payee",
  share: "1",
  source: "//gateway/eu-1",
  stripe_account: "acct_1Ada",
  terms: "rt_1",
  to_currency: "USD",
  token: "M3zqk0v8o1Jt4nXw2Rr9Yb7Ld5Fs6GhA",
  url: "https://example.com/tributary",
  version: "1.0",
  wording: "For every model made from this one, however much of it is changed.",
  year: "2026",
};

/** By what stands before {id} in the path. */
const IDS: Record<string, string> = {
  corrections: "adj_1",
  customers: "acme",
  disputes: "dp_1",
  invoices: "inv_2026-01_acme_USD",
  keys: "key_1",
  payees: "ada",
  payouts: "po_2026-01_ada_USD",
  predictions: "prediction-42",
  refunds: "adj_1",
  reservations: "res_1",
  "royalty-terms": "rt_1",
  sessions: "ses_1",
  "share-proposals": "prop_1",
  users: "ada-owner",
  "webhook-endpoints": "we_1",
};

/** What an id in this path looks like. */
export function idExample(path: string): string | undefined {
  const [, collection = ""] = /\/([\w-]+)(?:\/\{id\}|$)/.exec(path) ?? [];
  return IDS[collection];
}

const STEPS = [
  { take: "platform", percent: "10" },
  { take: "shares", shares: [{ payee: "$owner", weight: 1 }] },
];

/** Bodies of which no schema alone tells what belongs together. By "method path". */
export const BODIES: Record<string, unknown> = {
  "post /v1/models/{owner}/{name}/policies": { effective_from: "2026-01-01T00:00:00Z", steps: STEPS },
  "post /v1/policies/preview": { model: "ada/llm", period: "2026-01", policy: { steps: STEPS } },
  "post /v1/customers/{id}/credits": {
    amount: "100.00",
    currency: "USD",
    kind: "paid",
    reason: "bank transfer of January 5",
    reference: "transfer-2026-01-05",
  },
  "post /v1/refunds": {
    prediction: { id: "prediction-42" },
    reason: "the answer was cut off",
    at_provider: true,
  },
  "put /v1/users/{id}": { email: "ada@example.com", role: "payee", payee: "ada", duties: ["owner"] },
  "post /v1/webhook-endpoints/{id}/replay": { since: "2026-01-01T00:00:00Z" },
};

const usd = (amount: string) => ({ currency: "USD", amount });
/** Half of what it asks for is paid, and a tenth of a dollar of its usage was refunded. */
const INVOICE = {
  id: "inv_2026-01_acme_USD",
  period: "2026-01",
  customer: "acme",
  currency: "USD",
  line_count: 1,
  gross: "12.34948",
  carried_in: "0",
  netted: usd("0.000000000"),
  amount: usd("12.340000000"),
  carried_out: "0.00948",
  paid_from_credits: usd("0.000000000"),
  paid: usd("6.170000000"),
  credited: usd("0.100000000"),
  refunded: "0.1",
  returned: usd("0.000000000"),
  disputed: usd("0.000000000"),
  left: usd("6.070000000"),
  push: { state: "pushed", attempt: 1, reason: null, provider_id: "in_1" },
};

/** Answers of the same kind. */
export const ANSWERS: Record<string, unknown> = {
  "post /v1/models/{owner}/{name}/policies": {
    model: "ada/llm",
    effective_from: "2026-01-01T00:00:00Z",
    steps: STEPS,
  },
  "get /v1/models/{owner}/{name}": {
    id: "ada/llm",
    payee: "ada",
    base_model: "meta/llama-3-70b",
    currencies: ["USD"],
    lineage: [],
    prices: [],
    policies: [{ effective_from: null, steps: STEPS }],
  },
  "get /v1/invoices": { data: [INVOICE], next_cursor: null },
  "get /v1/invoices/{id}": {
    ...INVOICE,
    lines: [
      {
        service_month: "2026-01",
        model: "ada/llm",
        meter: "input_tokens",
        unit_amount: "0.65",
        per: "1000000",
        quantity: "18999200",
        events: "4000",
        gross: "12.34948",
      },
    ],
  },
};
