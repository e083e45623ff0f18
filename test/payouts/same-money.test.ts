import { expect, onTestFinished, test } from "vitest";
import { firstDay, parseDecimal, present } from "../../src/kernel/index.ts";
import { accountReadiness, payMonth } from "../../src/payouts/index.ts";
import { openSql } from "../../src/postgres/index.ts";
import { approvePlan, setPayoutTerms, storeFxRate } from "../../src/settlement/index.ts";
import { expectLedgerToHold } from "../support/ledger-laws.ts";
import { monthOf } from "../support/marketplace-books.ts";
import { until } from "../support/until.ts";
import { type ApprovedMonth, openApprovedMonth, payoutStates, transfersAt } from "./approved-month.ts";

// What a refused payout was for is payable again: the next plan may pay or convert it.

const NEXT = monthOf("2023-10");
const readinessOf =
  ({ sql, provider }: ApprovedMonth) =>
  (accounts: string[]) =>
    accountReadiness(sql, provider, accounts);

/** A month whose payouts were all refused, and could be made by now. */
async function openRefusedMonth(payees: number): Promise<ApprovedMonth> {
  const month = await openApprovedMonth(payees);
  const accounts = await month.sql<{ account: string }[]>`SELECT account FROM payout`;
  const set = (transfers: string) =>
    Promise.all(
      accounts.map(({ account }) => month.simulator.control("POST", `/accounts/${account}`, { transfers })),
    );
  await set("inactive");
  expect(await month.pay()).toMatchObject({ results: { failed: payees } });
  await set("active");
  return month;
}

test("once a later settlement is approved, what was refused before is not sent any more: it is the later one's", async () => {
  const month = await openRefusedMonth(1);
  const { sql, books, provider } = month;
  await books.use([{ payee: "payee1", time: `${NEXT}-10T00:00:00Z`, grossMicros: 5_000_000 }]);
  await books.close(NEXT);
  await books.approve(NEXT, readinessOf(month));
  expect(await month.pay()).toMatchObject({
    results: { paid: 0, failed: 1 },
    problems: [{ payee: "payee1", detail: expect.stringContaining("a later settlement is approved") }],
  });
  expect(await transfersAt(month.simulator)).toEqual([]);
  expect(await payMonth(sql, provider, NEXT)).toMatchObject({ problems: [], results: { paid: 1 } });
  expect(await transfersAt(month.simulator)).toMatchObject([{ transfer_group: "po_2023-10_payee1_USD" }]);
  await expectLedgerToHold(sql);
});

test("a payout that begins and a conversion of the same balance see each other, whoever is first", async () => {
  const month = await openRefusedMonth(2);
  const { sql, books } = month;
  const session = openSql(books.url, { max: 1 });
  onTestFinished(() => session.end());
  const somebodyWaits = () =>
    until(async () => {
      const rows = await sql`
        SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`;
      return rows.length > 0;
    });
  for (const payee of month.payees) await setPayoutTerms(sql, payee, { payoutCurrency: "EUR" }, payee);
  const rate = present(parseDecimal("0.9"), "a rate");
  const effectiveFrom = "2023-10-02T00:00:00.000000Z";
  await storeFxRate(sql, { from: "USD", to: "EUR", rate, effectiveFrom, source: "ECB", by: "ops" });
  await books.close(NEXT);
  const planned = async () => {
    const options = { by: "maker", twoPerson: true, readiness: readinessOf(month) };
    const { plan, hash } = await books.plan(NEXT, options);
    return { hash, plan, confirmed: plan.warnings.map(({ code }) => code) };
  };

  const first = await planned();
  expect(first.plan.conversions).toHaveLength(2);
  await session`BEGIN`;
  expect(await session`SELECT attempt FROM begin_payout_attempt('po_2023-09_payee1_USD', 10000000)`).toEqual([
    { attempt: 2 },
  ]);
  const approving = approvePlan(sql, NEXT, first.hash, "checker", first.confirmed).then(
    () => "approved",
    (error: unknown) => error,
  );
  await somebodyWaits();
  await session`COMMIT`;
  expect(await approving).toMatchObject({ code: "plan_outdated" });

  const second = await planned();
  expect(second.plan.conversions).toMatchObject([{ payee: "payee2" }]);
  await session`BEGIN`;
  await session`SELECT approve_plan(${firstDay(NEXT)}, ${second.hash}, 'checker', ${second.confirmed}::text[])`;
  const beginning =
    sql`SELECT attempt FROM begin_payout_attempt('po_2023-09_payee2_USD', 10000000)`.execute();
  await somebodyWaits();
  await session`COMMIT`;
  expect(await beginning).toEqual([]);
  expect(await payoutStates(sql)).toContain("failed");
  await expectLedgerToHold(sql);
});
