import { afterAll, beforeAll, expect, test } from "vitest";
import { stripeClient } from "../stripe-simulator/stripe-client.ts";
import { startTestApi, type TestApi } from "../support/api.ts";
import { expectProblem } from "../support/problem.ts";
import { startStripeSimulator, type TestSimulator } from "../support/stripe-simulator.ts";
import { SMALL_CATALOG, usageEvent } from "../support/usage.ts";

let api: TestApi;
let simulator: TestSimulator;
const RECONCILE = "/v1/settlements/2023-11/reconcile";

beforeAll(async () => {
  simulator = await startStripeSimulator();
  api = await startTestApi({ STRIPE_API_BASE: simulator.url });
  await api.load(SMALL_CATALOG);
  await api.send(usageEvent({ id: "n1", metrics: { input_token_count: 100_000 } }));
  for (const step of ["close", "plan", "approve", "pay"])
    expect(await api.operator("POST", `/v1/settlements/2023-11/${step}`)).toMatchObject({ status: 200 });
});

afterAll(async () => {
  await api.stop();
  await simulator.kill("SIGKILL");
});

test("an operator is told of every difference with Stripe, with both amounts and the suspected cause", async () => {
  expect(await api.operator("POST", RECONCILE)).toMatchObject({
    status: 200,
    body: { period: "2023-11", compared: { payouts: 1, transfers: 1, movements: 1 }, differences: [] },
  });
  const stripe = stripeClient(simulator);
  const [transfer] = (await stripe.transfers.list()).data;
  const { id } = await stripe.transfers.createReversal(`${transfer?.id}`, { amount: 1 });
  const { body } = await api.operator("POST", RECONCILE);
  expect(body).toMatchObject({
    differences: [
      {
        kind: "reversed",
        payee: "ada",
        reference: id,
        difference: { currency: "USD", amount: "0.010000000" },
        cause: expect.stringContaining("decide and book the reversal"),
      },
    ],
  });

  const payout = `${transfer?.transfer_group}`;
  for (let n = 0; n < 2; n++) {
    expect(await api.operator("POST", `/v1/payouts/${payout}/reversals`, { reversal: id })).toMatchObject({
      status: 201,
      body: { payout, reversal: id, amount_nanos: "10000000" },
    });
  }
  expect((await api.operator("POST", RECONCILE)).body).toMatchObject({ differences: [] });
  const { body: balances } = await api.operator("GET", "/v1/payees/ada/balances");
  expect(balances).toMatchObject([
    { paid_out: { amount: "79.990000000" }, payable: { amount: "0.010000000" } },
  ]);
  expectProblem(
    await api.operator("POST", `/v1/payouts/${payout}/reversals`, { reversal: "trr_none" }),
    404,
    "not_found",
  );
});

test("nobody but an operator may ask", async () => {
  const ada = await api.keyFor({ role: "payee", payee: "ada" });
  expectProblem(await ada("POST", RECONCILE), 403, "role_not_allowed");
});

test("while Stripe cannot be asked, the answer says so", async () => {
  const match = { method: "GET", path: "/v1/transfers" };
  // More than it asks: the reversal's event is fetched anew meanwhile.
  await simulator.control("POST", "/faults", { fault: "error_500_before", match, times: 60 });
  expectProblem(await api.operator("POST", RECONCILE), 502, "stripe_unavailable");
});
