import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type Stripe from "stripe";
import { expect, onTestFinished, test } from "vitest";
import { openSimulator, stripeClient, transferCount } from "./stripe-client.ts";

const DAY_SECONDS = 86_400;

async function openWithAccount(options: { statePath?: string } = {}) {
  const opened = await openSimulator(options);
  const destination = await opened.newAccount();
  const send = (idempotencyKey: string, amount = 100, stripe: Stripe = opened.stripe) =>
    stripe.transfers.create({ amount, currency: "usd", destination }, { idempotencyKey });
  return { ...opened, destination, send };
}

test("the same request under the same key is answered again, marked as replayed, and moves money once", async () => {
  const { simulator, send } = await openWithAccount();
  const first = await send("key");
  expect(first.lastResponse.headers["idempotent-replayed"]).toBeUndefined();
  const again = await send("key");
  expect(again.lastResponse.headers["idempotent-replayed"]).toBe("true");
  expect(again.id).toBe(first.id);
  expect(await transferCount(simulator)).toBe(1);
});

test("other parameters under a used key are an idempotency error", async () => {
  const { simulator, send } = await openWithAccount();
  await send("key", 100);
  await expect(send("key", 101)).rejects.toMatchObject({
    type: "StripeIdempotencyError",
    rawType: "idempotency_error",
    statusCode: 400,
  });
  expect(await transferCount(simulator)).toBe(1);
});

test("two platforms may use the same key for requests of their own", async () => {
  const { simulator, send } = await openWithAccount();
  await send("key");
  await send("key", 200, stripeClient(simulator, { key: "sk_test_other" }));
  expect(await transferCount(simulator)).toBe(2);
});

test("the same parameters in another order are the same request", async () => {
  const { stripe, destination, send } = await openWithAccount();
  const first = await send("key");
  const again = await stripe.transfers.create(
    { destination, currency: "usd", amount: 100 },
    { idempotencyKey: "key" },
  );
  expect(again.id).toBe(first.id);
});

test("a key of 255 characters is taken, and a longer one is refused", async () => {
  const { simulator, send } = await openWithAccount();
  await send("k".repeat(255));
  await expect(send("k".repeat(256))).rejects.toMatchObject({ statusCode: 400 });
  expect(await transferCount(simulator)).toBe(1);
});

test("a refusal because of the account stays under its key after the account is ready", async () => {
  const { simulator, destination, send } = await openWithAccount();
  await simulator.control("POST", `/accounts/${destination}`, { transfers: "inactive" });
  const refusal = { code: "insufficient_capabilities_for_transfer" };
  await expect(send("first")).rejects.toMatchObject(refusal);
  await simulator.control("POST", `/accounts/${destination}`, { transfers: "active" });
  await expect(send("first")).rejects.toMatchObject(refusal);
  expect(await send("second")).toMatchObject({ destination });
});

test("a refusal for want of funds stays under its key even after funds come, and a new key succeeds", async () => {
  const { simulator, send } = await openWithAccount();
  await simulator.control("POST", "/balance", { currency: "usd", available: 0 });
  await expect(send("first")).rejects.toMatchObject({ code: "balance_insufficient" });
  await simulator.control("POST", "/balance", { currency: "usd", available: 1_000 });
  await expect(send("first")).rejects.toMatchObject({
    code: "balance_insufficient",
    headers: { "idempotent-replayed": "true" },
  });
  expect(await transferCount(simulator)).toBe(0);
  await send("second");
  expect(await transferCount(simulator)).toBe(1);
});

test("a request refused before it was executed leaves its key free", async () => {
  const { send } = await openWithAccount();
  await expect(send("key", 0)).rejects.toMatchObject({ param: "amount" });
  expect(await send("key", 100)).toMatchObject({ amount: 100 });
});

test("a key is forgotten after 24 hours, and then the same request moves money a second time", async () => {
  const { simulator, send } = await openWithAccount();
  const first = await send("key");
  await simulator.control("POST", "/clock", { advance_seconds: DAY_SECONDS - 60 });
  expect((await send("key")).id).toBe(first.id);
  await simulator.control("POST", "/clock", { advance_seconds: 61 });
  const second = await send("key");
  expect(second.id).not.toBe(first.id);
  expect(await transferCount(simulator)).toBe(2);
});

test("a request whose key is being handled right now is refused with 409 and moves no money", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tributary-simulator-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  // With a journal, since handling then takes as long as the disk.
  const { simulator, stripe, send } = await openWithAccount({ statePath: join(folder, "journal") });
  let rounds = 0;
  await expect
    .poll(async () => {
      const key = `key-${++rounds}`;
      // Open connections first, so that the requests arrive together.
      await Promise.all(Array.from({ length: 8 }, () => stripe.balance.retrieve()));
      const answers = await Promise.allSettled(Array.from({ length: 8 }, () => send(key)));
      expect(await transferCount(simulator)).toBe(rounds);
      return answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason] : []));
    })
    .toContainEqual(expect.objectContaining({ code: "idempotency_key_in_use", statusCode: 409 }));
});
