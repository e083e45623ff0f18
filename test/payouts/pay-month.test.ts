import { expect, test } from "vitest";
import { accountReadiness, payMonth } from "../../src/payouts/index.ts";
import { type PayoutToSend, sendPayout } from "../../src/payouts/send-payout.ts";
import { expectLedgerToHold } from "../support/ledger-laws.ts";
import { monthOf } from "../support/marketplace-books.ts";
import { expectTransfersToMatchPlan, MONTH, openApprovedMonth, transfersAt } from "./approved-month.ts";

test("an approved month pays each planned payout once, and the transfers match the plan one to one", async () => {
  const month = await openApprovedMonth(12);
  const progress: [number, number][] = [];
  const report = await payMonth(month.sql, month.provider, MONTH, {
    onProgress: (done, total) => progress.push([done, total]),
  });
  expect(report).toMatchObject({ stopped: null, problems: [], results: { paid: 12 } });
  expect(progress).toHaveLength(12);
  expect(progress.at(-1)).toEqual([12, 12]);
  await expectTransfersToMatchPlan(month);
});

test("paying a paid month again pays nobody", async () => {
  const month = await openApprovedMonth(3);
  await month.pay();
  const report = await month.pay();
  expect(report).toEqual({
    stopped: null,
    problems: [],
    results: { paid: 0, failed: 0, carried: 0, unknown: 0, no_funds: 0, held: 0, stop: 0, none: 0 },
  });
  await expectTransfersToMatchPlan(month);
});

test("of two runs at once one pays everybody once, and the other is told that settlement is running", async () => {
  const month = await openApprovedMonth(12);
  const outcomes = await Promise.allSettled([month.pay(), month.pay()]);
  const refused = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
  expect(refused).toMatchObject([{ name: "Refusal", code: "settlement_running" }]);
  await expectTransfersToMatchPlan(month);
});

test("two tries at one payout at once, without the run's lock, make one transfer", async () => {
  const month = await openApprovedMonth(1);
  const [row] = await month.sql<[Omit<PayoutToSend, "period">]>`
    SELECT id, payee, currency, account FROM payout`;
  const payout = { ...row, period: MONTH };
  const sent = await Promise.all(
    Array.from({ length: 4 }, () => sendPayout(month.sql, month.provider, payout)),
  );
  expect(sent.map(({ result }) => result).filter((result) => result !== "none")).toContain("paid");
  await expectTransfersToMatchPlan(month);
});

test("yen are paid in whole yen, and Kuwaiti dinars to the thousandth", async () => {
  const month = await openApprovedMonth([
    { id: "yuki", currency: "JPY" },
    { id: "salem", currency: "KWD" },
  ]);
  expect(await month.pay()).toMatchObject({ results: { paid: 2 } });
  // 80 % of ¥12.345678 and of 13.345679 KWD.
  expect((await transfersAt(month.simulator)).map(({ currency, amount }) => [currency, amount])).toEqual(
    expect.arrayContaining([
      ["jpy", 9],
      ["kwd", 10_676],
    ]),
  );
  await expectTransfersToMatchPlan(month);
});

test("a failed payout whose money is in a later month's plan too is never paid out of more than was earned", async () => {
  const month = await openApprovedMonth(2);
  const [{ account }] = await month.sql<[{ account: string }]>`SELECT account FROM payout ORDER BY id`;
  await month.simulator.control("POST", `/accounts/${account}`, { transfers: "inactive" });
  expect(await month.pay()).toMatchObject({ results: { paid: 1, failed: 1 } });
  await month.simulator.control("POST", `/accounts/${account}`, { transfers: "active" });

  const next = monthOf("2023-10");
  await month.books.use([{ payee: "payee1", time: `${next}-02T00:00:00Z`, grossMicros: 50_000_000 }]);
  await month.books.close(next);
  await month.books.approve(next, (accounts) => accountReadiness(month.sql, month.provider, accounts));
  for (const period of [MONTH, next, MONTH, next]) await payMonth(month.sql, month.provider, period);
  await expectLedgerToHold(month.sql);
});

test("a month whose plan is not approved is not paid", async () => {
  const { sql, provider, simulator } = await openApprovedMonth(1);
  await expect(payMonth(sql, provider, monthOf("2023-10"))).rejects.toMatchObject({ code: "not_approved" });
  expect(await transfersAt(simulator)).toEqual([]);
});
