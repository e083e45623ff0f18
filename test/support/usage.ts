export interface EventFields {
  id: string;
  source?: string;
  time?: string;
  customer?: string;
  model?: string;
  version?: string;
  status?: string;
  metrics?: Record<string, unknown>;
  parent?: string;
  hardware?: string;
}

/** A usage event as CloudEvents JSON: 1,000 input tokens of ada/llm by acme, in November 2023, unless it says otherwise. */
export function usageEvent(fields: EventFields) {
  const { id, source = "//predictor/eu-1", time = "2023-11-16T12:00:00Z", customer = "acme" } = fields;
  const {
    model = "ada/llm",
    version,
    status = "succeeded",
    metrics = { input_token_count: 1000 },
    parent,
    hardware,
  } = fields;
  return {
    specversion: "1.0",
    id,
    source,
    type: "prediction.completed",
    time,
    subject: customer,
    data: { model, version, status, metrics, parent, hardware },
  };
}

/** $1.00 for each thousand input tokens, from the beginning of 2023. */
export function tokenPrice(model: string, fields: Record<string, unknown> = {}) {
  return {
    model,
    currency: "USD",
    effective_from: "2023-01-01T00:00:00Z",
    components: [{ meter: "input_tokens", amount: "1.00", per: "1000" }],
    ...fields,
  };
}

/** Payees ada and lin, customers acme (US) and globex (DE), model ada/llm at $1.00 per thousand input tokens. */
export const SMALL_CATALOG = {
  payees: [
    { id: "ada", name: "Ada", country: "US", default_currency: "USD" },
    { id: "lin", name: "Lin", country: "US", default_currency: "USD" },
  ],
  customers: [
    { id: "acme", name: "Acme", currency: "USD", country: "US" },
    { id: "globex", name: "Globex", currency: "USD", country: "DE" },
  ],
  models: [{ id: "ada/llm", payee: "ada" }],
  prices: [tokenPrice("ada/llm")],
};
