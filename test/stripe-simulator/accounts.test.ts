import { expect, test } from "vitest";
import { openSimulator, transferCount } from "./stripe-client.ts";

test("an account that asks for transfers can receive them at once, and keeps its metadata", async () => {
  const { stripe } = await openSimulator();
  const created = await stripe.accounts.create({
    country: "DE",
    email: "ada@example.org",
    capabilities: { transfers: { requested: true } },
    metadata: { payee: "ada" },
  });
  expect(created).toMatchObject({ country: "DE", details_submitted: true, payouts_enabled: true });
  expect(created.requirements).toMatchObject({ currently_due: [], past_due: [], disabled_reason: null });
  await stripe.accounts.update(created.id, { metadata: { plan: "pro" } });
  const { metadata, capabilities } = await stripe.accounts.retrieve(created.id);
  expect({ metadata, capabilities }).toEqual({
    metadata: { payee: "ada", plan: "pro" },
    capabilities: { transfers: "active" },
  });
  expect((await stripe.accounts.list()).data.map(({ id }) => id)).toEqual([created.id]);
});

test("an account receives transfers only while its capability is active", async () => {
  const { simulator, stripe } = await openSimulator();
  const account = await stripe.accounts.create({
    country: "US",
    capabilities: { transfers: { requested: true } },
    metadata: { simulator_onboarding: "pending" },
  });
  expect(account.capabilities).toEqual({ transfers: "inactive" });
  expect(account).toMatchObject({ payouts_enabled: false, details_submitted: false });
  expect(account.requirements?.currently_due).toContain("external_account");
  expect(account.requirements?.disabled_reason).toBe("requirements.past_due");
  const send = () => stripe.transfers.create({ amount: 1, currency: "usd", destination: account.id });
  await expect(send()).rejects.toMatchObject({
    type: "StripeInvalidRequestError",
    code: "insufficient_capabilities_for_transfer",
  });

  await simulator.control("POST", `/accounts/${account.id}`, { transfers: "active" });
  const ready = await stripe.accounts.retrieve(account.id);
  expect(ready).toMatchObject({ capabilities: { transfers: "active" }, payouts_enabled: true });
  expect(ready.requirements).toMatchObject({ currently_due: [], disabled_reason: null });
  expect(await send()).toMatchObject({ destination: account.id });

  await simulator.control("POST", `/accounts/${account.id}`, { transfers: "active", closed: true });
  await expect(send()).rejects.toMatchObject({ code: "resource_missing", param: "destination" });
  await expect(stripe.accounts.retrieve(account.id)).rejects.toMatchObject({
    type: "StripePermissionError",
    code: "account_invalid",
  });
  expect((await stripe.accounts.list()).data).toEqual([]);
});

test("an account without the transfers capability, and one that does not exist, receive nothing", async () => {
  const { simulator, stripe } = await openSimulator();
  const { id } = await stripe.accounts.create({ country: "US" });
  await expect(
    stripe.transfers.create({ amount: 1, currency: "usd", destination: id }),
  ).rejects.toMatchObject({
    code: "insufficient_capabilities_for_transfer",
  });
  await expect(
    stripe.transfers.create({ amount: 1, currency: "usd", destination: "acct_nobody" }),
  ).rejects.toMatchObject({ code: "resource_missing" });
  expect(await transferCount(simulator)).toBe(0);
});

test("an account in review is not ready, and a lever that names one thing leaves the others", async () => {
  const { simulator, stripe, newAccount } = await openSimulator();
  const account = await newAccount();
  await simulator.control("POST", `/accounts/${account}`, { transfers: "pending" });
  await simulator.control("POST", `/accounts/${account}`, { closed: true });
  await simulator.control("POST", `/accounts/${account}`, { closed: false });
  const { capabilities, requirements } = await stripe.accounts.retrieve(account);
  expect(capabilities).toEqual({ transfers: "pending" });
  expect(requirements?.disabled_reason).toBe("requirements.pending_verification");
});

test("an onboarding link names its account, expires, and is another one each time", async () => {
  const { stripe, newAccount } = await openSimulator();
  const account = await newAccount();
  const mint = () =>
    stripe.accountLinks.create({
      account,
      type: "account_onboarding",
      refresh_url: "http://127.0.0.1/again",
      return_url: "http://127.0.0.1/done",
    });
  const link = await mint();
  expect(link.url).toContain(account);
  expect(link.expires_at).toBeGreaterThan(link.created);
  expect((await mint()).url, "single use").not.toBe(link.url);
});
