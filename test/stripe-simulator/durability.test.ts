import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { startStripeSimulator } from "../support/stripe-simulator.ts";
import { openSimulator, transferCount } from "./stripe-client.ts";

async function journalPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "tributary-simulator-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, "journal");
}

test("what was answered before kill -9 is there afterwards: transfers, keys, balance and clock", async () => {
  const statePath = await journalPath();
  const before = await openSimulator({ statePath });
  await before.simulator.control("POST", "/clock", { advance_seconds: 3_600 });
  await before.simulator.control("POST", "/balance", { currency: "usd", available: 10_000 });
  const destination = await before.newAccount();
  const request = { amount: 100, currency: "usd", destination };
  const made = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      before.stripe.transfers.create(request, { idempotencyKey: `key-${index}` }),
    ),
  );
  await before.simulator.kill("SIGKILL");

  const after = await openSimulator({ statePath });
  expect(await transferCount(after.simulator)).toBe(20);
  expect((await after.stripe.balance.retrieve()).available).toMatchObject([{ amount: 8_000 }]);
  const again = await after.stripe.transfers.create(request, { idempotencyKey: "key-7" });
  expect(again.id).toBe(made[7]?.id);
  const fresh = await after.stripe.transfers.create(request, { idempotencyKey: "key-20" });
  expect(made.map(({ id }) => id)).not.toContain(fresh.id);
  expect(fresh.created).toBeGreaterThan(Date.now() / 1000 + 3_000);
});

test("killed while transfers are under way, it has every transfer that was answered, and each key moves money once", async () => {
  const statePath = await journalPath();
  const before = await openSimulator({ statePath });
  const destination = await before.newAccount();
  const request = { amount: 100, currency: "usd", destination };
  const keys = Array.from({ length: 100 }, (_, index) => `key-${index}`);
  const tries = keys.map((idempotencyKey) => before.stripe.transfers.create(request, { idempotencyKey }));
  await Promise.race(tries);
  await before.simulator.kill("SIGKILL");
  const answered = (await Promise.allSettled(tries)).flatMap((answer) =>
    answer.status === "fulfilled" ? [answer.value.id] : [],
  );

  const { simulator, stripe } = await openSimulator({ statePath });
  const again = await Promise.all(
    keys.map((idempotencyKey) => stripe.transfers.create(request, { idempotencyKey })),
  );
  expect(again.map(({ id }) => id)).toEqual(expect.arrayContaining(answered));
  expect(await transferCount(simulator)).toBe(keys.length);
});

test("a line that was cut off in the middle of its write is left out", async () => {
  const statePath = await journalPath();
  const before = await openSimulator({ statePath });
  const account = await before.newAccount();
  await before.simulator.kill("SIGKILL");
  await appendFile(statePath, '{"put":[{"kind":"account","obj');

  const after = await openSimulator({ statePath });
  expect(await after.stripe.accounts.retrieve(account)).toMatchObject({ id: account });
  const another = await after.newAccount();
  await after.simulator.kill("SIGKILL");
  const last = await openSimulator({ statePath });
  expect(await last.stripe.accounts.retrieve(another)).toMatchObject({ id: another });
});

test("wherever a kill cuts the journal, there is a key for everything made, and something made for every key", async () => {
  const statePath = await journalPath();
  const before = await openSimulator({ statePath });
  const destination = await before.newAccount();
  for (const idempotencyKey of ["one", "two"])
    await before.stripe.transfers.create({ amount: 1, currency: "usd", destination }, { idempotencyKey });
  await before.simulator.kill("SIGKILL");
  const lines = (await readFile(statePath, "utf8")).split("\n");
  expect(lines.pop()).toBe("");
  for (const [index, cut] of lines.entries()) {
    const whole = lines.slice(0, index).map((line) => `${line}\n`);
    await writeFile(statePath, whole.join("") + cut.slice(0, -1));
    const { simulator } = await openSimulator({ statePath });
    const { account, transfer, idempotency_key } = await simulator.control("GET", "/state");
    expect(idempotency_key).toBe(index);
    expect(Number(account) + Number(transfer)).toBe(index);
    await simulator.kill("SIGKILL");
  }
});

test("a journal that is damaged before its end is not read on: the simulator does not start", async () => {
  const statePath = await journalPath();
  await appendFile(statePath, '{"clockOffset":1}\nnot json\n{"clockOffset":2}\n');
  await expect(startStripeSimulator({ statePath })).rejects.toThrow("ended at its start");
});

test("a refusal, a pruned key, reversals, a closed account and what was due are the same after kill -9", async () => {
  const statePath = await journalPath();
  const before = await openSimulator({ statePath });
  const [destination, closed] = [await before.newAccount(), await before.newAccount()];
  const make = (stripe: typeof before.stripe, idempotencyKey: string) =>
    stripe.transfers.create({ amount: 100, currency: "usd", destination }, { idempotencyKey });
  const old = await make(before.stripe, "old");
  await before.stripe.transfers.createReversal(old.id, { amount: 40 });
  await before.simulator.control("POST", "/clock", { advance_seconds: 86_400 });
  await before.simulator.control("POST", "/balance", { currency: "usd", available: 0 });
  await expect(make(before.stripe, "refused")).rejects.toMatchObject({ code: "balance_insufficient" });
  await before.simulator.control("POST", "/balance", { currency: "usd", available: 500 });
  await before.simulator.control("POST", `/accounts/${closed}`, { closed: true });
  const { pid: _, now: __, ...counts } = await before.simulator.control("GET", "/state");
  await before.simulator.kill("SIGKILL");

  const { simulator, stripe } = await openSimulator({ statePath });
  expect(await simulator.control("GET", "/state")).toMatchObject(counts);
  expect(await stripe.transfers.retrieve(old.id)).toMatchObject({ amount_reversed: 40 });
  expect((await stripe.accounts.list()).data.map(({ id }) => id)).toEqual([destination]);
  await expect(make(stripe, "refused")).rejects.toMatchObject({ code: "balance_insufficient" });
  expect((await make(stripe, "old")).id).not.toBe(old.id);
});

test("the journal is its owner's to read, and the secret key is not in it", async () => {
  const statePath = await journalPath();
  const { stripe, newAccount } = await openSimulator({ statePath });
  const destination = await newAccount();
  await stripe.transfers.create({ amount: 1, currency: "usd", destination }, { idempotencyKey: "key" });
  expect((await stat(statePath)).mode & 0o777).toBe(0o600);
  expect(await readFile(statePath, "utf8")).not.toContain("sk_test_");
});
