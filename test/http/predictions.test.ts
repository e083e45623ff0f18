import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Call, startTestApi, type TestApi } from "../support/api.ts";
import { expectProblem, without } from "../support/problem.ts";
import { SMALL_CATALOG, usageEvent } from "../support/usage.ts";

let api: TestApi;
let acme: Call;
let globex: Call;
let ada: Call;
let lin: Call;

const usd = (amount: string) => ({ currency: "USD", amount });

beforeAll(async () => {
  api = await startTestApi();
  await api.load(SMALL_CATALOG);
  [acme, globex, ada, lin] = await Promise.all([
    api.keyFor({ role: "customer", customer: "acme" }),
    api.keyFor({ role: "customer", customer: "globex" }),
    api.keyFor({ role: "payee", payee: "ada" }),
    api.keyFor({ role: "payee", payee: "lin" }),
  ]);
  await api.send(
    usageEvent({
      id: "p1",
      metrics: { predict_time: 1.5, input_token_count: 2000 },
      version: "v1",
      parent: "p0",
    }),
    usageEvent({ id: "p2", status: "failed" }),
    usageEvent({ id: "both", source: "//predictor/eu-1" }),
    usageEvent({ id: "both", source: "//predictor/us-1", customer: "globex" }),
    usageEvent({ id: "waits", customer: "newcomer", metrics: { predict_time: 1.5 } }),
  );
});
afterAll(() => api.stop());

test("an operator sees the usage, its price, who is charged and who earned what", async () => {
  const { status, body } = await api.operator("GET", "/v1/predictions/p1");
  expect(status).toBe(200);
  expect(body).toEqual({
    id: "p1",
    refund: null,
    source: "//predictor/eu-1",
    model: "ada/llm",
    version: "v1",
    customer: "acme",
    status: "succeeded",
    occurred_at: "2023-11-16T12:00:00.000000Z",
    parent: "p0",
    state: "metered",
    waits_for: null,
    booked_period: "2023-11",
    charged: true,
    usage: [
      { meter: "predict_seconds", quantity: "1.500000", price: null, gross: null },
      {
        meter: "input_tokens",
        quantity: "2000",
        price: { amount: "1.00", per: "1000" },
        gross: usd("2.000000000"),
      },
      { meter: "runs", quantity: "1", price: null, gross: null },
    ],
    gross: usd("2.000000000"),
    earnings: [
      { payee: null, reason: "platform", paid_by: "ada/llm", earned: usd("0.400000000") },
      { payee: "ada", reason: "share", paid_by: "ada/llm", earned: usd("1.600000000") },
    ],
    payload: { state: "none", expires_at: null },
    input: null,
    output: null,
    logs: null,
    error: null,
    metrics: null,
    hardware: null,
    created_at: null,
    started_at: null,
    feedback: [],
  });
});

test("a customer sees its own prediction without who earns of it", async () => {
  const { status, body } = await acme("GET", "/v1/predictions/p1");
  expect(status).toBe(200);
  expect(body).toMatchObject({ id: "p1", customer: "acme", gross: usd("2.000000000"), earnings: [] });
});

test("a payee sees its own part, and not who the customer is", async () => {
  const { status, body } = await ada("GET", "/v1/predictions/p1");
  expect(status).toBe(200);
  expect(body).toMatchObject({ customer: null, earnings: [{ payee: "ada", earned: usd("1.600000000") }] });
  expect((body as { earnings: unknown[] }).earnings).toHaveLength(1);
});

test("a prediction that is not charged shows its usage and earns nothing", async () => {
  const { body } = await api.operator("GET", "/v1/predictions/p2");
  expect(body).toMatchObject({ status: "failed", charged: false, gross: usd("0.000000000"), earnings: [] });
});

describe("somebody else's prediction", () => {
  test("is as if it did not exist", async () => {
    for (const call of [globex, lin]) {
      const foreign = await call("GET", "/v1/predictions/p1");
      expectProblem(foreign, 404, "not_found");
      const missing = await call("GET", "/v1/predictions/p9");
      expect(without("p1", foreign)).toEqual(without("p9", missing));
    }
  });

  test("does not show through an id that is ambiguous", async () => {
    const foreign = await lin("GET", "/v1/predictions/both");
    expectProblem(foreign, 404, "not_found");
  });
});

test("an id that several sources have must be named with its source", async () => {
  expectProblem(await api.operator("GET", "/v1/predictions/both"), 409, "identity_ambiguous");
  const source = encodeURIComponent("//predictor/us-1");
  const { body } = await api.operator("GET", `/v1/predictions/both?source=${source}`);
  expect(body).toMatchObject({ customer: "globex", source: "//predictor/us-1" });
  expectProblem(await api.operator("GET", "/v1/predictions/p1?source=elsewhere"), 404, "not_found");
});

test("a parked prediction says what it waits for, with its usage in the meter's units", async () => {
  const { status, body } = await api.operator("GET", "/v1/predictions/waits");
  expect(status).toBe(200);
  expect(body).toMatchObject({ state: "parked", waits_for: "unknown_customer", gross: null, earnings: [] });
  expect((body as { usage: unknown[] }).usage).toContainEqual({
    meter: "predict_seconds",
    quantity: "1.500000",
    price: null,
    gross: null,
  });
});
