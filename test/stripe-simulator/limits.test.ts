import { expect, test } from "vitest";
import { newAccount, openSimulator, stripeClient } from "./stripe-client.ts";

test("above the rate that was set, requests are answered 429 and nothing is done", async () => {
  const { simulator, stripe } = await openSimulator();
  const destination = await newAccount(stripe);
  await simulator.control("POST", "/rate-limit", { per_second: 3 });
  const made = await Promise.allSettled(
    Array.from({ length: 20 }, () => stripe.transfers.create({ amount: 1, currency: "usd", destination })),
  );
  const refused = made.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
  expect(refused.length).toBeGreaterThan(0);
  for (const reason of refused)
    expect(reason).toMatchObject({ statusCode: 429, code: "rate_limit", type: "StripeRateLimitError" });
  await simulator.control("POST", "/rate-limit", { per_second: 0 });
  expect((await stripe.transfers.list({ limit: 100 })).data).toHaveLength(20 - refused.length);
});

test("the API version that is asked for is echoed, the pinned one otherwise, and nonsense is refused", async () => {
  const { simulator } = await openSimulator();
  const ask = (version?: string) =>
    fetch(`${simulator.url}/v1/balance`, {
      headers: {
        Authorization: "Bearer sk_test_any",
        ...(version === undefined ? {} : { "Stripe-Version": version }),
      },
    });
  expect((await ask("2025-03-31.basil")).headers.get("stripe-version")).toBe("2025-03-31.basil");
  expect((await ask()).headers.get("stripe-version")).toBe("2026-10-28.endive");
  expect((await ask("yesterday")).status).toBe(400);
  const { lastResponse } = await stripeClient(simulator).balance.retrieve();
  expect(lastResponse.apiVersion, "the simulator's shapes are those of the SDK").toBe("2026-10-28.endive");
});

test("the platform's balance tells what is pending apart from what is available", async () => {
  const { simulator, stripe } = await openSimulator();
  await simulator.control("POST", "/balance", { currency: "eur", available: 10, pending: 700 });
  const { available, pending } = await stripe.balance.retrieve();
  expect(available).toMatchObject([{ currency: "usd" }, { currency: "eur", amount: 10 }]);
  expect(pending).toMatchObject([
    { currency: "usd", amount: 0 },
    { currency: "eur", amount: 700 },
  ]);
});

test("an account's payouts leave its balance, a failed one comes back to it", async () => {
  const { simulator, stripe } = await openSimulator();
  const stripeAccount = await newAccount(stripe);
  await stripe.transfers.create({ amount: 900, currency: "usd", destination: stripeAccount });
  const available = async () => (await stripe.balance.retrieve({}, { stripeAccount })).available[0]?.amount;
  expect(await available()).toBe(900);
  await simulator.control("POST", "/payouts", {});
  expect(await available()).toBe(0);
  const { data } = await stripe.payouts.list({ limit: 5 }, { stripeAccount });
  expect(data).toMatchObject([{ amount: 900, status: "in_transit", automatic: true }]);
  const id = `${data[0]?.id}`;
  await simulator.control("POST", `/payouts/${id}`, { status: "paid" });
  await simulator.control("POST", `/payouts/${id}`, { status: "failed", failure_code: "no_account" });
  expect(await stripe.payouts.retrieve(id, {}, { stripeAccount })).toMatchObject({
    status: "failed",
    failure_code: "no_account",
  });
  expect(await available()).toBe(900);
});
