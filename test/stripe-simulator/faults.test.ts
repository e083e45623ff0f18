import type Stripe from "stripe";
import { expect, test } from "vitest";
import { openSimulator, stripeClient, transferCount } from "./stripe-client.ts";

async function openWithAccount() {
  const opened = await openSimulator();
  const destination = await opened.newAccount();
  const send = (idempotencyKey: string, amount = 100, stripe: Stripe = opened.stripe) =>
    stripe.transfers.create({ amount, currency: "usd", destination }, { idempotencyKey });
  const fault = (kind: string, times = 1, more: Record<string, unknown> = {}) =>
    opened.simulator.control("POST", "/faults", {
      fault: kind,
      match: { method: "POST", path: "/v1/transfers", times },
      ...more,
    });
  return { ...opened, send, fault };
}

test("a connection dropped after the transfer leaves it made, and the same key answers with it", async () => {
  const { simulator, stripe, send, fault } = await openWithAccount();
  // Twice: the SDK itself tries a closed connection a second time.
  await fault("drop_after", 2);
  await expect(send("key")).rejects.toMatchObject({ type: "StripeConnectionError" });
  const made = (await stripe.transfers.list()).data.map(({ id }) => id);
  expect(made).toHaveLength(1);
  expect([(await send("key")).id]).toEqual(made);
  expect(await transferCount(simulator)).toBe(1);
});

test("a connection dropped before the transfer leaves nothing", async () => {
  const { simulator, send, fault } = await openWithAccount();
  await fault("drop_before", 2);
  await expect(send("key")).rejects.toMatchObject({ type: "StripeConnectionError" });
  expect(await transferCount(simulator)).toBe(0);
  await send("key");
  expect(await transferCount(simulator)).toBe(1);
});

test("the SDK's own second try of a closed connection uses the same key", async () => {
  const { simulator, send, fault } = await openWithAccount();
  await fault("drop_after", 1);
  const answer = await send("key");
  expect(answer.lastResponse.headers["idempotent-replayed"]).toBe("true");
  expect(await transferCount(simulator)).toBe(1);
});

test("a request that hangs after the transfer times out at the caller, and the same key answers with it", async () => {
  const { simulator, send, fault } = await openWithAccount();
  await fault("hang", 1, { executed: true });
  await expect(send("key", 100, stripeClient(simulator, { timeoutMs: 300 }))).rejects.toMatchObject({
    type: "StripeConnectionError",
  });
  expect(await transferCount(simulator)).toBe(1);
  await send("key");
  expect(await transferCount(simulator)).toBe(1);
});

test("a server error after the transfer is replayed for as long as the key lives", async () => {
  const { simulator, send, fault } = await openWithAccount();
  await fault("error_500_after");
  for (let time = 0; time < 3; time++) {
    await expect(send("key")).rejects.toMatchObject({
      type: "StripeAPIError",
      statusCode: 500,
      headers: { "stripe-should-retry": "false" },
    });
  }
  expect(await transferCount(simulator)).toBe(1);
});

test("a server error before the transfer leaves nothing, and the same key goes through afterwards", async () => {
  const { simulator, send, fault } = await openWithAccount();
  await fault("error_500_before");
  await expect(send("key")).rejects.toMatchObject({ statusCode: 500 });
  await send("key");
  expect(await transferCount(simulator)).toBe(1);
});

test("too many requests and a lock time-out are refused with 429 and leave the key free", async () => {
  const { simulator, send, fault } = await openWithAccount();
  await fault("rate_limit");
  await expect(send("key")).rejects.toMatchObject({ type: "StripeRateLimitError", statusCode: 429 });
  await fault("lock_timeout");
  await expect(send("key")).rejects.toMatchObject({
    code: "lock_timeout",
    statusCode: 429,
    headers: { "stripe-should-retry": "true" },
  });
  await send("key");
  expect(await transferCount(simulator)).toBe(1);
});

test("a request that hangs before anything is done leaves nothing, and the same key goes through afterwards", async () => {
  const { simulator, send, fault } = await openWithAccount();
  await fault("hang");
  await expect(send("key", 100, stripeClient(simulator, { timeoutMs: 300 }))).rejects.toMatchObject({
    type: "StripeConnectionError",
  });
  expect(await transferCount(simulator)).toBe(0);
  await send("key");
  expect(await transferCount(simulator)).toBe(1);
});

test("a fault lets requests pass that do not match and as many as it was told, strikes, and is used up", async () => {
  const { simulator, stripe, send, fault } = await openWithAccount();
  await fault("error_500_before", 1, { after: 2 });
  const failed: number[] = [];
  for (let index = 0; index < 5; index++) {
    await stripe.transfers.list();
    await send(`key-${index}`).catch(() => failed.push(index));
  }
  expect(failed).toEqual([2]);
  expect(await simulator.control("GET", "/state")).toMatchObject({ faults: 0, transfer: 4 });
});

test("faults that are cleared strike nobody", async () => {
  const { simulator, send, fault } = await openWithAccount();
  await fault("error_500_before", 10);
  await simulator.control("DELETE", "/faults");
  expect(await send("key")).toMatchObject({ amount: 100 });
});
