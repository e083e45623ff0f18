import { expect, onTestFinished, test } from "vitest";
import { openStripePayoutProvider } from "../../src/adapters/stripe/stripe-payout-provider.ts";
import { startStripeProxy } from "../support/stripe-proxy.ts";
import {
  type ApprovedMonth,
  attemptKeys,
  expectTransfersToMatchPlan,
  openApprovedMonth,
  payoutStates,
  transfersAt,
} from "./approved-month.ts";

function setFunds({ simulator }: ApprovedMonth, available: number) {
  return simulator.control("POST", "/balance", { currency: "usd", available });
}

test("a storm of 429 answers is waited out under the same key", async () => {
  const month = await openApprovedMonth(3);
  await month.fault("rate_limit", 3);
  await month.fault("lock_timeout", 2);
  expect(await month.pay()).toMatchObject({ stopped: null, results: { paid: 3 } });
  expect((await attemptKeys(month.sql)).every((key) => key.endsWith(":1"))).toBe(true);
  await expectTransfersToMatchPlan(month);
});

test("a 429 storm that outlasts the patience of a run is gone on with by the next, under the same key", async () => {
  const month = await openApprovedMonth(1);
  await month.fault("rate_limit", 6);
  expect(await month.pay()).toMatchObject({ results: { unknown: 1 } });
  expect(await month.pay()).toMatchObject({ results: { paid: 1 } });
  expect(await attemptKeys(month.sql)).toHaveLength(1);
  await expectTransfersToMatchPlan(month);
});

test("without funds the payouts stay approved and wait, and are paid under new keys once funds are there", async () => {
  const month = await openApprovedMonth(3);
  await setFunds(month, 0);
  const report = await month.pay();
  expect(report.results).toMatchObject({ paid: 0, failed: 0, unknown: 0 });
  expect(report.stopped).toContain("USD");
  expect(await payoutStates(month.sql)).toEqual(["approved", "approved", "approved"]);
  const refused = await attemptKeys(month.sql);

  await setFunds(month, 1_000_000);
  expect(await month.pay()).toMatchObject({ stopped: null, results: { paid: 3 } });
  const [paidUnder] = await month.sql<[{ keys: string[] }]>`
    SELECT array_agg(idempotency_key) AS keys FROM payout_attempt WHERE outcome = 'paid'`;
  expect(paidUnder.keys.filter((key) => refused.includes(key))).toEqual([]);
  await expectTransfersToMatchPlan(month);
});

test("funds for some pay some, and the others are paid once the rest is there", async () => {
  const month = await openApprovedMonth(10);
  await setFunds(month, 4_000);
  const report = await month.pay();
  expect(report.results.paid).toBeGreaterThan(0);
  expect(report.results.paid).toBeLessThan(10);
  expect(await transfersAt(month.simulator)).toHaveLength(report.results.paid);
  await setFunds(month, 1_000_000);
  await month.pay();
  await expectTransfersToMatchPlan(month);
});

test.each([
  [
    "restricted",
    { transfers: "inactive", currently_due: ["external_account"] },
    "insufficient_capabilities_for_transfer",
  ],
  ["closed", { closed: true }, "No such destination"],
])(
  "an account that was %s since the plan fails for good, the money is payable again, and a later run pays it once",
  async (_, state, told) => {
    const month = await openApprovedMonth(3);
    const [broken] = await month.sql<[{ id: string; account: string; payee: string; amount: string }]>`
    SELECT id, account, payee, amount_nanos AS amount FROM payout ORDER BY id LIMIT 1`;
    await month.simulator.control("POST", `/accounts/${broken.account}`, state);
    const report = await month.pay();
    expect(report.results).toMatchObject({ paid: 2, failed: 1 });
    expect(report.problems).toMatchObject([{ payout: broken.id, payee: broken.payee, result: "failed" }]);
    expect(report.problems[0]?.detail).toContain(told);
    const [payable] = await month.sql`
    SELECT -account_balance_of(${`payee:${broken.payee}:payable`}, 'USD') >= ${broken.amount} AS back`;
    expect(payable).toEqual({ back: true });

    const mended = { transfers: "active", closed: false };
    await month.simulator.control("POST", `/accounts/${broken.account}`, mended);
    expect(await month.pay()).toMatchObject({ problems: [], results: { paid: 1 } });
    expect(await month.pay()).toMatchObject({ results: { paid: 0 } });
    await expectTransfersToMatchPlan(month);
  },
);

test("a refused API key stops the whole run with nothing lost, and the right key pays everybody", async () => {
  const month = await openApprovedMonth(12);
  const report = await month.pay(month.openProvider({ secretKey: "sk_live_revoked" }));
  expect(report.stopped).toContain("Invalid API Key");
  expect(report.results).toMatchObject({ paid: 0, failed: 0, unknown: 0 });
  expect(report.results.stop, "those under way at that moment, and no further ones").toBeLessThan(12);
  expect(new Set(await payoutStates(month.sql))).toEqual(new Set(["approved"]));
  expect(await month.pay()).toMatchObject({ stopped: null, results: { paid: 12 } });
  await expectTransfersToMatchPlan(month);
});

test("a refused API key says nothing of an earlier try whose answer was lost: it stays unknown", async () => {
  const month = await openApprovedMonth(1);
  await month.fault("drop_after", 2);
  await month.pay();
  const report = await month.pay(month.openProvider({ secretKey: "sk_live_revoked" }));
  expect(report.stopped).toContain("Invalid API Key");
  expect(await payoutStates(month.sql)).toEqual(["unknown"]);
  expect(await month.pay()).toMatchObject({ results: { paid: 1 } });
  await expectTransfersToMatchPlan(month);
});

test("a refusal of the SDK's own second try says nothing of the first, whose connection was lost: it stays unknown", async () => {
  const month = await openApprovedMonth(1);
  let requests = 0;
  const proxy = await startStripeProxy(month.simulator.url, async (forward) => {
    requests++;
    if (requests === 1) {
      await forward();
      return undefined;
    }
    const error = { type: "invalid_request_error", message: "Invalid API Key provided" };
    return { status: 401, headers: { "content-type": "application/json" }, body: JSON.stringify({ error }) };
  });
  onTestFinished(proxy.stop);
  await month.pay(
    openStripePayoutProvider({ secretKey: "sk_test_simulator", apiBase: proxy.url, timeoutMs: 10_000 }),
  );
  expect(await transfersAt(month.simulator)).toHaveLength(1);
  await month.pay();
  await expectTransfersToMatchPlan(month);
});
