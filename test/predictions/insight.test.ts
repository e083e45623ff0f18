import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { difference, successRate } from "../../src/predictions/insight/success-rate.ts";
import { type Call, startTestApi, type TestApi } from "../support/api.ts";
import { expectProblem } from "../support/problem.ts";
import { SMALL_CATALOG, usageEvent } from "../support/usage.ts";

let api: TestApi;
let ada: Call;
beforeAll(async () => {
  api = await startTestApi();
  await api.load(SMALL_CATALOG);
  ada = await api.keyFor({ role: "payee", payee: "ada" });
});
afterAll(() => api.stop());

test("a rate lies between its bounds, which come closer the more was tried", () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.integer({ min: 1, max: 1000 }), (some, tried) => {
      const succeeded = Math.min(some, tried);
      const { value, low, high } = successRate(succeeded, tried) ?? { value: 2, low: 2, high: 2 };
      expect(0 <= low && low <= value + 1e-12 && value - 1e-12 <= high && high <= 1).toBe(true);
      const more = successRate(succeeded * 10, tried * 10);
      expect((more?.high ?? 2) - (more?.low ?? 0)).toBeLessThan(high - low);
    }),
  );
  // E. B. Wilson's interval for 81 of 263, and Newcombe's for 56/70 - 48/80, as published (method 10).
  expect(successRate(81, 263)).toMatchObject({
    low: expect.closeTo(0.2553, 4),
    high: expect.closeTo(0.3662, 4),
  });
  expect(difference(successRate(56, 70), successRate(48, 80))).toMatchObject({
    value: expect.closeTo(0.2, 4),
    low: expect.closeTo(0.0524, 4),
    high: expect.closeTo(0.3339, 4),
  });
  expect(successRate(0, 0)).toBeNull();
});

test("versions stand day by day and beside each other", async () => {
  const metrics = { predict_time: 2, output_token_count: 100 };
  const many = (count: number, fields: Parameters<typeof usageEvent>[0]) =>
    Array.from({ length: count }, (_, n) => usageEvent({ ...fields, id: `${fields.id}-${n}`, metrics }));
  await api.send(
    ...many(8, { id: "a", version: "v1" }),
    ...many(2, { id: "b", version: "v1", status: "failed" }),
    ...many(1, { id: "c", version: "v1", status: "canceled", time: "2023-11-17T00:00:00Z" }),
    ...many(5, { id: "d", version: "v2" }),
  );
  const { status, body } = await ada("GET", "/v1/models/ada/llm/insight?from=2023-11-01&to=2023-12-01");
  expect(status).toBe(200);
  expect(body).toMatchObject({
    model: "ada/llm",
    data: [
      { version: "v1", day: "2023-11-16", predictions: 10, by_status: { succeeded: 8, failed: 2 } },
      { version: "v2", day: "2023-11-16", predictions: 5, success_rate: { value: 1 } },
      { version: "v1", day: "2023-11-17", predictions: 1, by_status: { canceled: 1 }, success_rate: null },
    ],
    versions: [
      { version: "v1", predictions: 11, success_rate: { value: 0.8 }, difference: null },
      { version: "v2", predictions: 5, difference: { value: expect.closeTo(0.2) } },
    ],
  });
  expect((body as { data: unknown[] }).data[1]).toMatchObject({
    output_tokens: 500,
    output_tokens_per_second: 50,
  });
  const lin = await api.keyFor({ role: "payee", payee: "lin" });
  expectProblem(
    await lin("GET", "/v1/models/ada/llm/insight?from=2023-11-01&to=2023-12-01"),
    404,
    "not_found",
  );
});

test("a customer sees what it used by model and day; an operator how a model did for each customer", async () => {
  const metrics = { input_token_count: 1500, output_token_count: 100, predict_time: 2 };
  await api.send(
    usageEvent({ id: "x1", time: "2023-10-01T12:00:00Z", metrics, customer: "globex", version: "v1" }),
    usageEvent({ id: "x2", time: "2023-10-01T13:00:00Z", metrics, customer: "globex", version: "v2" }),
    usageEvent({ id: "x3", time: "2023-10-02T00:00:00Z", metrics, customer: "globex", status: "failed" }),
    usageEvent({ id: "x4", time: "2023-10-01T00:00:00Z", metrics }),
    usageEvent({ id: "x5", time: "2023-09-30T23:59:59Z", metrics }),
  );
  const globex = await api.keyFor({ role: "customer", customer: "globex" });
  const october = "from=2023-10-01&to=2023-11-01";
  const own = await globex("GET", `/v1/customers/globex/insight?${october}`);
  expect(own).toMatchObject({
    status: 200,
    body: {
      data: [
        {
          ...{ model: "ada/llm", day: "2023-10-01", predictions: 2, by_status: { succeeded: 2 } },
          ...{ predict_seconds: 4, input_tokens: 3000, output_tokens_per_second: 50 },
          gross: [{ currency: "USD", amount: "3.000000000" }],
        },
        { day: "2023-10-02", by_status: { failed: 1 }, success_rate: { value: 0 }, gross: [] },
      ],
    },
  });
  const byCustomer = await api.operator("GET", `/v1/models/ada/llm/insight/customers?${october}`);
  expect(byCustomer.body).toMatchObject({
    data: [
      { customer: "acme", predictions: 1, gross: [{ amount: "1.500000000" }] },
      { customer: "globex", predictions: 3, gross: [{ amount: "3.000000000" }] },
    ],
  });
  expectProblem(await globex("GET", `/v1/customers/acme/insight?${october}`), 404, "not_found");
  expectProblem(await ada("GET", `/v1/models/ada/llm/insight/customers?${october}`), 403, "role_not_allowed");
  expectProblem(
    await globex("GET", "/v1/customers/globex/insight?from=2023-01-01&to=2023-12-01"),
    400,
    "parameter_invalid",
  );
});
