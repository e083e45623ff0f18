import { afterAll, beforeAll, expect, test } from "vitest";
import { type WaitingBalance, waitingBalances } from "../../src/statements/index.ts";
import { startTestApi, type TestApi } from "../support/api.ts";
import { SMALL_CATALOG, tokenPrice, usageEvent } from "../support/usage.ts";

const ACCOUNTS = { ada: "acct_ada", lin: "acct_lin" };
const payee = (id: string, more: object = {}) => ({
  ...{ id, name: id, country: "US", default_currency: "USD" },
  ...more,
});

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  await api.load({
    payees: [
      payee("ada", { stripe_account: ACCOUNTS.ada }),
      payee("lin", { stripe_account: ACCOUNTS.lin, minimum_payout: "1000000" }),
      payee("sam"),
    ],
    customers: SMALL_CATALOG.customers,
    models: ["ada", "lin", "sam"].map((id) => ({ id: `${id}/llm`, payee: id })),
    prices: ["ada", "lin", "sam"].map((id) => tokenPrice(`${id}/llm`)),
  });
  const used = ["ada", "lin", "sam"].map((id) =>
    usageEvent({ id: `p-${id}`, model: `${id}/llm`, metrics: { input_token_count: 50_000_000 } }),
  );
  await api.send(...used);
  expect((await api.operator("POST", "/v1/settlements/2023-11/close")).status).toBe(200);
});
afterAll(() => api.stop());

const codes = (rows: WaitingBalance[]) => Object.fromEntries(rows.map(({ payee: id, code }) => [id, code]));

test("everybody whose settled money waits is there with the first reason, the ledger's amount, and since when", async () => {
  expect(codes(await waitingBalances(api.sql, 10))).toEqual({
    ada: "next_plan",
    lin: "below_minimum",
    sam: "next_plan",
  });
  const freeze = { reason: "identity is being checked" };
  expect((await api.operator("PUT", "/v1/payees/lin/freeze", freeze)).status).toBe(200);
  const rows = await waitingBalances(api.sql, 10);
  expect(rows.find((row) => row.payee === "lin")).toMatchObject({ code: "frozen", detail: freeze.reason });
  for (const { payee: id, payable, since } of rows) {
    const { body } = await api.operator("GET", `/v1/payees/${id}/balances`);
    expect((body as { payable: object }[])[0]?.payable).toEqual(payable);
    expect(since).toBe("2023-11");
  }
  expect(await waitingBalances(api.sql, 1)).toHaveLength(1);
});

test("what is less than can be paid at once waits for nothing, in each currency's own steps", async () => {
  for (const [currency, amount] of [
    ["JPY", "0.99"],
    ["KRW", "1"],
  ] as const) {
    const credit = { kind: "credit", payee: "ada", currency, amount, reason: "as agreed" };
    expect((await api.operator("POST", "/v1/corrections", credit)).status).toBe(201);
  }
  const rows = await waitingBalances(api.sql, 10);
  expect(rows.filter(({ payee: id }) => id === "ada").map(({ currency }) => currency)).toEqual([
    "USD",
    "KRW",
  ]);
  const { body } = await api.operator("GET", "/v1/payees/ada/balances");
  const yen = (body as { currency: string; next_payout: object }[]).find(
    ({ currency }) => currency === "JPY",
  );
  expect(yen?.next_payout).toMatchObject({
    minimum: { amount: "1.000000000" },
    to_minimum: { amount: "1.000000000" },
    why_not: "Less than the smallest amount that can be paid in JPY; it is carried on.",
  });
});

test("what is held waits since its month though nothing of it is payable; a debt is part of the way to the minimum", async () => {
  const rule = { from: "2023-12", rule: "on_payment", hold_days: 0 };
  expect((await api.operator("PUT", "/v1/release-rule", rule)).status).toBe(200);
  await api.load({
    payees: [payee("eve", { minimum_payout: "100" })],
    models: [{ id: "eve/llm", payee: "eve" }],
    prices: [tokenPrice("eve/llm")],
  });
  await api.send(usageEvent({ id: "p-eve", model: "eve/llm", time: "2023-12-05T12:00:00Z" }));
  expect((await api.operator("POST", "/v1/settlements/2023-12/close")).status).toBe(200);
  const debit = { kind: "debit", payee: "eve", currency: "USD", amount: "12.34", reason: "paid twice" };
  expect((await api.operator("POST", "/v1/corrections", debit)).status).toBeLessThan(300);
  const rows = await waitingBalances(api.sql, 10);
  expect(rows.find((row) => row.payee === "eve")).toMatchObject({ code: "held", since: "2023-12" });
  const { body } = await api.operator("GET", "/v1/payees/eve/balances");
  expect(body).toMatchObject([
    {
      payable: { amount: "-12.340000000" },
      next_payout: { estimate: { amount: "0.000000000" }, to_minimum: { amount: "112.340000000" } },
    },
  ]);
});
