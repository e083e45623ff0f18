import { expect, onTestFinished, test } from "vitest";
import { openStripePayoutProvider } from "../../src/adapters/stripe/stripe-payout-provider.ts";
import { openAccount } from "../../src/payouts/index.ts";
import { createTestDatabase } from "../support/database.ts";
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
