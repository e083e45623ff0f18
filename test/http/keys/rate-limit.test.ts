import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApi, type TestApi } from "../../support/api.ts";
import { expectProblem } from "../../support/problem.ts";
import { SMALL_CATALOG } from "../../support/usage.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ RATE_LIMIT_PER_MINUTE: "20", PROXY_HOPS: "1" });
  await api.load(SMALL_CATALOG);
});
afterAll(() => api.stop());

test("each key has its own limit, every answer says what is left, and the refusal when to come back", async () => {
  const [ada, lin] = await Promise.all([
    api.keyFor({ role: "payee", payee: "ada" }),
    api.keyFor({ role: "payee", payee: "lin" }),
  ]);
  const path = "/v1/payees/ada/payouts";
  const first = await ada("GET", path);
  expect(first.status).toBe(200);
  expect(first.headers.get("ratelimit")).toMatch(/r=19/);
  expect(first.headers.get("ratelimit-policy")).toMatch(/q=20/);
  const rest = await Promise.all(Array.from({ length: 25 }, () => ada("GET", path)));
  const refused = rest.filter(({ status }) => status === 429);
  expect(refused).toHaveLength(6);
  for (const answer of refused) {
    expectProblem(answer, 429, "too_many_requests");
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(1);
  }
  expect((await lin("GET", "/v1/payees/lin/payouts")).status).toBe(200);
});

test("behind a proxy, who comes without a key uses up his own limit and nobody else's", async () => {
  const from = (address: string) =>
    api.as(null)("GET", "/v1/login-options", undefined, { "X-Forwarded-For": `198.51.100.1, ${address}` });
  const asked = await Promise.all(Array.from({ length: 121 }, () => from("203.0.113.1")));
  expect(asked.filter(({ status }) => status === 429)).toHaveLength(1);
  expect((await from("203.0.113.2")).status).toBe(200);
});

test("answers of the API tell browsers to run and frame nothing", async () => {
  const { headers } = await api.as(null)("GET", "/v1/payees/ada/payouts");
  expect(headers.get("content-security-policy")).toBe("default-src 'none';frame-ancestors 'none'");
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("x-powered-by")).toBeNull();
});
