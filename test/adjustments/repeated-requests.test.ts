import { afterAll, beforeAll, expect, test } from "vitest";
import { type Call, startTestApi, type TestApi } from "../support/api.ts";
import { expectProblem } from "../support/problem.ts";
import { SMALL_CATALOG, usageEvent } from "../support/usage.ts";

const ACME = "inv_2023-11_acme_USD";

let api: TestApi;
let ada: Call;
beforeAll(async () => {
  api = await startTestApi();
  await api.load(SMALL_CATALOG);
  await api.send(usageEvent({ id: "p1", metrics: { input_token_count: 12_345 } }));
  await api.operator("POST", "/v1/settlements/2023-11/close");
  await api.operator("POST", "/v1/settlements/2023-11/invoices");
  ada = await api.keyFor({ role: "payee", payee: "ada" });
});
afterAll(() => api?.stop());

async function payable(): Promise<string> {
  const { body } = await ada("GET", "/v1/payees/ada/balances");
  return (body as { payable: { amount: string } }[])[0]?.payable.amount ?? "";
}

test.each([
  ["/v1/refunds", { invoice: ACME, amount: "0.25", reason: "late" }],
  ["/v1/corrections", { kind: "credit", payee: "ada", currency: "USD", amount: "0.25", reason: "late" }],
])(
  "POST %s, killed between its booking and its answer, is booked once under its Idempotency-Key",
  async (path, asked) => {
    const key = { "Idempotency-Key": `killed-${path}` };
    const first = await api.operator("POST", path, asked, key);
    expect(first.status).toBe(201);
    const then = await payable();
    const forgotten = await api.sql`
    UPDATE idempotent_request SET status = NULL, response = NULL, created_at = now() - interval '2 minutes'
    WHERE key = ${key["Idempotency-Key"]} RETURNING 1`;
    expect(forgotten).toHaveLength(1);
    expect(await api.operator("POST", path, asked, key)).toMatchObject({ status: 201, body: first.body });
    expect(await payable()).toBe(then);

    // Thrown after its booking, the key is free again: still the same thing, and no other one under it.
    await api.sql`DELETE FROM idempotent_request WHERE key = ${key["Idempotency-Key"]}`;
    expect(await api.operator("POST", path, asked, key)).toMatchObject({ status: 201, body: first.body });
    expect(await payable()).toBe(then);
    await api.sql`DELETE FROM idempotent_request WHERE key = ${key["Idempotency-Key"]}`;
    expectProblem(
      await api.operator("POST", path, { ...asked, amount: "0.5" }, key),
      409,
      "adjustment_differs",
    );
    expect(await payable()).toBe(then);

    // Another key is another request.
    expect((await api.operator("POST", path, asked, { "Idempotency-Key": `other-${path}` })).status).toBe(
      201,
    );
    expect(await payable()).not.toBe(then);
  },
);
