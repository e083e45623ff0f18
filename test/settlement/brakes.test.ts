import { expect, test } from "vitest";
import { firstDay } from "../../src/kernel/index.ts";
import { accountReadiness } from "../../src/payouts/index.ts";
import { openSql } from "../../src/postgres/index.ts";
import {
  approvePlan,
  freezePayee,
  resumePayouts,
  setMinimumPayout,
  stopPayouts,
  unfreezePayee,
} from "../../src/settlement/index.ts";
import { balancesOf } from "../../src/statements/index.ts";
import { openApprovedMonth, payoutStates, transfersAt } from "../payouts/approved-month.ts";
import { monthOf } from "../support/marketplace-books.ts";

const NEXT = monthOf("2023-10");

test("once payouts are stopped none begins, and when they are resumed each is paid once", async () => {
  const month = await openApprovedMonth(6);
  await stopPayouts(month.sql, "a wrong price", "ops");
  await stopPayouts(month.sql, "said twice", "ops");
  const stopped = await month.pay();
  expect(stopped).toMatchObject({ stopped: expect.stringContaining("a wrong price"), results: { paid: 0 } });
  expect(await transfersAt(month.simulator)).toEqual([]);
  expect(new Set(await payoutStates(month.sql))).toEqual(new Set(["approved"]));
  const [balance] = await balancesOf(month.sql, "payee1");
  expect(balance?.next_payout.blocked_by.map(({ code }) => code)).toContain("payouts_stopped");

  await resumePayouts(month.sql, "ops");
  expect((await month.pay()).results.paid).toBe(6);
  expect(await transfersAt(month.simulator)).toHaveLength(6);
});

test("a stop in the middle of a run stops it there, and no payout begins after it was committed", async () => {
  const month = await openApprovedMonth(12);
  let sent = 0;
  const report = await month.pay({
    ...month.provider,
    findTransfer: (request) => month.provider.findTransfer(request),
    accountStatus: (account) => month.provider.accountStatus(account),
    createAccount: (account) => month.provider.createAccount(account),
    async transfer(request) {
      if (++sent === 3) await stopPayouts(month.sql, "halfway", "ops");
      return month.provider.transfer(request);
    },
  });
  expect(report.stopped).toContain("halfway");
  const states = await payoutStates(month.sql);
  expect(states.filter((state) => state === "paid").length).toBe(report.results.paid);
  expect(states).toContain("approved");
  const [late] = await month.sql<[{ late: number }]>`
    SELECT count(*)::int AS late FROM payout_attempt a, payout_stop s WHERE a.started_at > s.stopped_at + interval '1 second'`;
  expect(late.late).toBe(0);
  await resumePayouts(month.sql, "ops");
  await month.pay();
  expect(await transfersAt(month.simulator)).toHaveLength(12);
});

test("a frozen payee is not sent what is approved, nor planned, until it is lifted, and learns why", async () => {
  const month = await openApprovedMonth(2);
  const { sql, books, provider } = month;
  await freezePayee(sql, "payee1", "we asked you for an invoice", "ops");
  const report = await month.pay();
  expect(report.results).toMatchObject({ paid: 1, held: 1 });
  expect(report.problems[0]).toMatchObject({ payee: "payee1", detail: expect.stringContaining("invoice") });
  await books.use([{ payee: "payee1", time: `${NEXT}-10T00:00:00Z`, grossMicros: 5_000_000 }]);
  await books.close(NEXT);
  const readiness = (accounts: string[]) => accountReadiness(sql, provider, accounts);
  const options = { by: "maker", twoPerson: false, readiness, dryRun: true };
  const { plan } = await books.plan(NEXT, options);
  expect(plan.carried).toMatchObject([
    { payee: "payee1", reason: "frozen", message: expect.stringContaining("invoice") },
    { payee: "payee2", reason: "nothing_payable" },
  ]);
  const [balance] = await balancesOf(sql, "payee1");
  expect(balance?.next_payout.blocked_by).toContainEqual({
    code: "frozen",
    message: expect.stringContaining("we asked you for an invoice"),
  });
  await unfreezePayee(sql, "payee1", "ops");
  expect((await month.pay()).results.paid).toBe(1);
  expect((await books.plan(NEXT, options)).plan.payouts).toMatchObject([{ payee: "payee1" }]);
  await expect(freezePayee(sql, "nobody", "x", "ops")).rejects.toMatchObject({ code: "not_found" });
});

test("a frozen payee's payout whose answer was lost is looked for, and not sent until the freeze is lifted", async () => {
  const month = await openApprovedMonth(1);
  const { sql } = month;
  await month.fault("drop_before", 2);
  expect(await month.pay()).toMatchObject({ results: { unknown: 1 } });
  await freezePayee(sql, "payee1", "fraud", "ops");
  expect(await month.pay()).toMatchObject({
    results: { unknown: 1 },
    problems: [{ detail: expect.stringContaining("the payee is frozen (fraud)") }],
  });
  // A killed run left it there, and the provider cannot be asked: nor then.
  await sql`UPDATE payout SET state = 'sending'`;
  await month.simulator.control("POST", "/faults", {
    fault: "error_500_before",
    match: { method: "GET", path: "/v1/transfers" },
    times: 1,
  });
  expect(await month.pay()).toMatchObject({ results: { unknown: 1 } });
  expect(await transfersAt(month.simulator)).toEqual([]);
  expect(await sql`SELECT missing_since FROM payout_attempt`).toEqual([{ missing_since: null }]);

  // Missing twice after a day, its money is payable again.
  await sql`UPDATE payout_attempt SET started_at = started_at - interval '25 hours'`;
  await month.pay();
  await sql`UPDATE payout_attempt SET missing_since = missing_since - interval '11 minutes'`;
  expect(await month.pay()).toMatchObject({ results: { failed: 1 } });
  await unfreezePayee(sql, "payee1", "ops");

  // One that came to the provider is found, frozen or not.
  await month.fault("drop_after", 2);
  expect(await month.pay()).toMatchObject({ results: { unknown: 1 } });
  await freezePayee(sql, "payee1", "fraud", "ops");
  expect(await month.pay()).toMatchObject({ problems: [], results: { paid: 1 } });
  expect(await transfersAt(month.simulator)).toHaveLength(1);
});

test("a minimum per payee and currency holds from the next plan on", async () => {
  const { sql, books, provider } = await openApprovedMonth(1);
  await books.use([{ payee: "payee1", time: `${NEXT}-10T00:00:00Z`, grossMicros: 20_000_000 }]);
  await books.close(NEXT);
  const readiness = (accounts: string[]) => accountReadiness(sql, provider, accounts);
  const options = { by: "maker", twoPerson: false, readiness, dryRun: true };
  const set = (currency: string, units: bigint) =>
    setMinimumPayout(sql, { payee: "payee1", currency, minimum: units * 1_000_000_000n, by: "ops" });
  await set("EUR", 1_000n);
  expect((await books.plan(NEXT, options)).plan.payouts).toHaveLength(1);
  await set("USD", 1_000n);
  expect((await books.plan(NEXT, options)).plan.carried).toMatchObject([{ reason: "below_minimum" }]);
  const [balance] = await balancesOf(sql, "payee1");
  expect(balance?.next_payout.blocked_by.map(({ code }) => code)).toContain("below_minimum");
});

test("a plan with a warning is approved only by who confirms it", async () => {
  const month = await openApprovedMonth(1);
  const { sql, books, provider } = month;
  await month.pay();
  await books.use([{ payee: "payee1", time: `${NEXT}-10T00:00:00Z`, grossMicros: 400_000_000 }]);
  await books.close(NEXT);
  const readiness = (accounts: string[]) => accountReadiness(sql, provider, accounts);
  const { plan, hash } = await books.plan(NEXT, { by: "maker", twoPerson: false, readiness });
  expect(plan.warnings).toMatchObject([
    { code: "ten_times_last", message: expect.stringContaining("payee1") },
  ]);
  for (const confirmed of [[], ["total_over_limit"]]) {
    await expect(approvePlan(sql, NEXT, hash, "checker", confirmed)).rejects.toMatchObject({
      code: "plan_needs_confirmation",
      message: expect.stringContaining("ten_times_last"),
    });
  }
  await approvePlan(sql, NEXT, hash, "checker", ["ten_times_last"]);
  expect(await sql`SELECT confirmed, approved_by FROM settlement WHERE period = ${firstDay(NEXT)}`).toEqual([
    { confirmed: ["ten_times_last"], approved_by: "checker" },
  ]);
});

test("an approval stands beside the plan that it was given for, whatever SQL is run", async () => {
  const { sql, books } = await openApprovedMonth(1);
  for (const change of [
    "UPDATE settlement SET plan = '{}'",
    "UPDATE settlement SET plan_hash = repeat('0', 64)",
    "UPDATE settlement SET approved_by = 'somebody else'",
    "UPDATE settlement SET state = 'planned'",
    "DELETE FROM settlement",
  ]) {
    await expect(sql.unsafe(change)).rejects.toThrow("is approved: it cannot be changed");
  }
  // Where nothing is approved yet, another hash than the plan's cannot be.
  await books.use([{ payee: "payee1", time: `${NEXT}-10T00:00:00Z`, grossMicros: 5_000_000 }]);
  await books.close(NEXT);
  const readiness = async () => new Map();
  await books.plan(NEXT, { by: "maker", twoPerson: true, readiness });
  const approve = (by: string, hash: string) => `
    UPDATE settlement SET state = 'approved', approved_by = '${by}', approved_at = now(), approved_hash = ${hash}
    WHERE period = '${firstDay(NEXT)}'`;
  await expect(sql.unsafe(approve("checker", "repeat('0', 64)"))).rejects.toThrow("check constraint");
  await expect(sql.unsafe(approve("checker", "NULL"))).rejects.toThrow("check constraint");
  await expect(sql.unsafe(approve("maker", "plan_hash"))).rejects.toThrow("two_persons");
});

test("a stop waits for an attempt that is just beginning, and then none begins", async () => {
  const { sql, books } = await openApprovedMonth(2);
  const session = openSql(books.url, { max: 1 });
  await session`BEGIN`;
  const [first] = await sql<[{ id: string }]>`SELECT min(id) AS id FROM payout`;
  await session`SELECT FROM begin_payout_attempt(${first.id}, 10000000)`;
  let stopped = false;
  const stopping = stopPayouts(sql, "now", "ops").then(() => {
    stopped = true;
  });
  await expect
    .poll(async () => {
      const rows = await sql`SELECT FROM pg_locks WHERE NOT granted AND locktype = 'advisory' AND objid = 7001
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
      return rows.length;
    })
    .toBe(1);
  expect(stopped).toBe(false);
  await session`COMMIT`;
  await stopping;
  await session.end();
  const [other] = await sql<[{ id: string }]>`SELECT max(id) AS id FROM payout`;
  await expect(sql`SELECT FROM begin_payout_attempt(${other.id}, 10000000)`).rejects.toThrow(
    "payouts_stopped",
  );
});
