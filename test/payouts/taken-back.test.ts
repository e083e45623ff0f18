import { expect, test } from "vitest";
import { correct, openDispute, winDispute } from "../../src/adjustments/index.ts";
import { runChecks } from "../../src/audit/index.ts";
import { makeInvoices, recordInvoicePaid } from "../../src/billing/index.ts";
import { accountReadiness, payMonth } from "../../src/payouts/index.ts";
import { setMinimumPayout } from "../../src/settlement/index.ts";
import { balancesOf, listPayouts, shortenedPayouts } from "../../src/statements/index.ts";
import { monthOf } from "../support/marketplace-books.ts";
import { type ApprovedMonth, MONTH, openApprovedMonth, transfersAt } from "./approved-month.ts";

// payee1 earned 9.8765424 and payee2 10.6765432: 9.87 and 10.67 are approved.

const NEXT = monthOf("2023-10");

function takeBack({ sql }: ApprovedMonth, payee: string, amount: string, kind: "debit" | "credit" = "debit") {
  const asked = { kind, payee, currency: "USD", amount };
  return correct(sql, { asked, reference: `${kind} ${payee} ${amount}`, reason: "a refund", by: "ops" });
}

const cents = async (month: ApprovedMonth) =>
  (await transfersAt(month.simulator)).map(({ amount }) => amount).sort((a, b) => a - b);

const dollars = (amount: string) => ({ currency: "USD", amount });

test("what was taken back between approval and payment is not paid, and the rest is", async () => {
  const month = await openApprovedMonth(2);
  await takeBack(month, "payee1", "3.5");
  expect(await month.pay()).toMatchObject({ results: { paid: 2 }, problems: [], stopped: null });
  // 6.3765424 was left.
  expect(await cents(month)).toEqual([637, 1067]);
  expect(await shortenedPayouts(month.sql, MONTH)).toMatchObject([
    { payee: "payee1", state: "paid", approved: dollars("9.870000000"), amount: dollars("6.370000000") },
  ]);
  expect((await runChecks(month.sql)).flatMap(({ differences }) => differences)).toEqual([]);

  await takeBack(month, "payee1", "3.5", "credit");
  await month.books.close(NEXT);
  await month.books.approve(NEXT, (accounts) => accountReadiness(month.sql, month.provider, accounts));
  await payMonth(month.sql, month.provider, NEXT);
  expect(await cents(month)).toEqual([350, 637, 1067]);
});

test("what is left below the minimum is carried on, everybody is told why, and the next plan takes it up by itself", async () => {
  const month = await openApprovedMonth(2);
  const { sql } = month;
  await setMinimumPayout(sql, { payee: "payee1", currency: "USD", minimum: 9_000_000_000n, by: "ops" });
  await takeBack(month, "payee1", "1");
  expect(await month.pay()).toMatchObject({
    results: { paid: 1, carried: 1 },
    problems: [
      {
        payee: "payee1",
        result: "carried",
        detail: expect.stringContaining("the minimum payout of 9.00 USD"),
      },
    ],
  });
  const [told] = await listPayouts(sql, { payee: "payee1", limit: 1 });
  expect(told).toMatchObject({
    state: "carried",
    approved: dollars("9.870000000"),
    reason:
      "what was refunded, disputed or corrected since it was approved left 8.8765424 USD of 9.87 USD, less than the minimum payout of 9.00 USD: that is carried on, and the next plan pays it",
  });
  expect(await balancesOf(sql, "payee1")).toMatchObject([
    {
      payable: dollars("8.876542400"),
      next_payout: { why_not: expect.stringContaining("short of the minimum") },
    },
  ]);

  await month.books.use([{ payee: "payee1", time: `${NEXT}-10T00:00:00Z`, grossMicros: 5_000_000 }]);
  await month.books.close(NEXT);
  await month.books.approve(NEXT, (accounts) => accountReadiness(sql, month.provider, accounts));
  await payMonth(sql, month.provider, NEXT);
  expect(await cents(month)).toEqual([1067, 1287]);
  expect(await month.pay()).toMatchObject({ results: { carried: 1 } });
  expect(await cents(month)).toEqual([1067, 1287]);
  expect((await runChecks(sql)).flatMap(({ differences }) => differences)).toEqual([]);
});

test("who owes more than it had is told of a debt, and not that the next plan pays it", async () => {
  const month = await openApprovedMonth(2);
  await takeBack(month, "payee1", "10");
  expect(await month.pay()).toMatchObject({ results: { paid: 1, carried: 1 } });
  expect(await listPayouts(month.sql, { payee: "payee1", limit: 1 })).toMatchObject([
    {
      state: "carried",
      reason:
        "what was refunded, disputed or corrected since 9.87 USD were approved took 0.1234576 USD more than there was: that comes off later earnings",
    },
  ]);
});

test("a payment disputed since the approval holds its payees' payouts; won before the next plan, paying the month again pays them whole", async () => {
  const month = await openApprovedMonth(2);
  const { sql } = month;
  await makeInvoices(sql, MONTH, { by: "test" });
  const invoice = `inv_${MONTH}_alice_USD`;
  const paid = { invoice, amountNanos: 25_690_000_000n, reference: "bank", by: "test" };
  await recordInvoicePaid(sql, { ...paid, paidAt: new Date() });
  await openDispute(sql, {
    id: "du",
    invoice,
    amountNanos: paid.amountNanos,
    reason: "fraudulent",
    by: "test",
  });
  expect(await month.pay()).toMatchObject({ results: { paid: 0, carried: 2 } });
  expect(await cents(month)).toEqual([]);
  expect(await month.pay()).toMatchObject({ results: { carried: 2 } });
  await winDispute(sql, "du", "test");
  expect(await month.pay()).toMatchObject({ results: { paid: 2 }, problems: [] });
  expect(await cents(month)).toEqual([987, 1067]);
  expect(await shortenedPayouts(sql, MONTH)).toEqual([]);
});

test("an attempt that failed for less is made again for what is payable by then, never for more than was approved", async () => {
  const month = await openApprovedMonth(1);
  const { sql, simulator } = month;
  const [{ account }] = await sql<[{ account: string }]>`SELECT account FROM payout`;
  const transfers = (state: string) =>
    simulator.control("POST", `/accounts/${account}`, { transfers: state });
  await transfers("inactive");
  await takeBack(month, "payee1", "2");
  expect(await month.pay()).toMatchObject({ results: { failed: 1 } });
  await takeBack(month, "payee1", "7", "credit");
  await transfers("active");
  expect(await month.pay()).toMatchObject({ results: { paid: 1 } });
  expect(await cents(month)).toEqual([987]);
  expect(await sql`SELECT amount_nanos FROM payout_attempt ORDER BY attempt`).toEqual([
    { amount_nanos: "7870000000" },
    { amount_nanos: "9870000000" },
  ]);
  expect((await runChecks(sql)).flatMap(({ differences }) => differences)).toEqual([]);
});
