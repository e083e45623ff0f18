import { expect, onTestFinished, test } from "vitest";
import { openStripePayoutProvider } from "../../src/adapters/stripe/stripe-payout-provider.ts";
import { openAccount, ProviderUnavailable } from "../../src/payouts/index.ts";
import { createTestDatabase } from "../support/database.ts";
import { startStripeProxy } from "../support/stripe-proxy.ts";
import { startStripeSimulator } from "../support/stripe-simulator.ts";

const options = { secretKey: "sk_test_simulator", timeoutMs: 10_000 };

async function openSimulator() {
  const simulator = await startStripeSimulator();
  onTestFinished(() => simulator.kill("SIGKILL"));
  return { simulator, provider: openStripePayoutProvider({ ...options, apiBase: simulator.url }) };
}

test("two installations at one provider have an account each for payees of the same name, each made once", async () => {
  const [{ simulator, provider }, ours, theirs] = await Promise.all([
    openSimulator(),
    createTestDatabase(),
    createTestDatabase(),
  ]);
  onTestFinished(async () => {
    await Promise.all([ours.drop(), theirs.drop()]);
  });
  await theirs.sql`UPDATE books_state SET installation = gen_random_uuid()`;
  const first = await openAccount(ours.sql, provider, "ada", "US");
  expect((await openAccount(ours.sql, provider, "ada", "US")).account).toBe(first.account);
  expect((await openAccount(theirs.sql, provider, "ada", "US")).account).not.toBe(first.account);
  const answer = await fetch(`${simulator.url}/v1/accounts/${first.account}`, {
    headers: { Authorization: "Bearer sk_test_simulator" },
  });
  const [{ installation }] = await ours.sql<[{ installation: string }]>`SELECT installation FROM books_state`;
  expect(await answer.json()).toMatchObject({ metadata: { payee: "ada", installation } });
});

test("an account is closed only when a key that works is told so", async () => {
  const { simulator, provider } = await openSimulator();
  const key = { payee: "ada", country: "US", installation: "one", idempotencyKey: "account:one:ada" };
  const { account } = await provider.createAccount(key);
  const broken = new Map<string, { code: string; message: string }>();
  const proxy = await startStripeProxy(simulator.url, async (forward, path) => {
    const error = [...broken].find(([prefix]) => path.startsWith(prefix))?.[1];
    if (error === undefined) return forward();
    const body = JSON.stringify({ error: { type: "invalid_request_error", ...error } });
    return { status: 403, headers: { "content-type": "application/json" }, body };
  });
  onTestFinished(proxy.stop);
  const asked = () => openStripePayoutProvider({ ...options, apiBase: proxy.url }).accountStatus(account);

  const few = { code: "more_permissions_required", message: "The provided key lacks permissions" };
  const gone = { code: "account_invalid", message: "The provided key does not have access to the account" };
  const mode = { code: "resource_missing", message: "a similar object exists in live mode, but a test key" };
  for (const [accounts, balance] of [[few], [gone, few], [mode]]) {
    broken.clear();
    if (accounts !== undefined) broken.set("/v1/accounts/", accounts);
    if (balance !== undefined) broken.set("/v1/balance", balance);
    await expect(asked()).rejects.toBeInstanceOf(ProviderUnavailable);
  }
  broken.clear();
  expect(await asked()).toMatchObject({ closed: false, transfersEnabled: true });
  await simulator.control("POST", `/accounts/${account}`, { closed: true });
  expect(await asked()).toMatchObject({ closed: true, transfersEnabled: false });
});

test("an account that is only begun is said to be unfinished, not late", async () => {
  const { simulator, provider } = await openSimulator();
  const answer = await fetch(`${simulator.url}/v1/accounts`, {
    method: "POST",
    headers: { Authorization: "Bearer sk_test_simulator" },
    body: new URLSearchParams({
      country: "US",
      "capabilities[transfers][requested]": "true",
      "metadata[simulator_onboarding]": "pending",
    }),
  });
  const { id, requirements } = (await answer.json()) as { id: string; requirements: object };
  // Stripe's own word for it, from the first minute on.
  expect(requirements).toMatchObject({ disabled_reason: "requirements.past_due" });
  expect(await provider.accountStatus(id)).toMatchObject({
    transfersEnabled: false,
    disabledReason: "its set-up at Stripe is not finished",
  });
});
