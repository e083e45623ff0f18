import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openPostgresUsageLog } from "../../src/adapters/postgres-log/postgres-usage-log.ts";
import { openStripePayoutProvider } from "../../src/adapters/stripe/stripe-payout-provider.ts";
import { correct } from "../../src/adjustments/index.ts";
import { firstDay } from "../../src/kernel/index.ts";
import { provisionAccounts } from "../../src/payouts/index.ts";
import { readConfig } from "../../src/processes/config.ts";
import { dueAt, settleWhatIsDue } from "../../src/processes/schedule/settle-schedule.ts";
import { settleOperations } from "../../src/processes/settle.ts";
import {
  approvePlan,
  findSettlement,
  freezePayee,
  resumePayouts,
  runAlone,
  stopPayouts,
  withdrawPlan,
} from "../../src/settlement/index.ts";
import { settlementPlanHash } from "../../src/settlement/plan/plan-settlement.ts";
import { transfersAt } from "../payouts/approved-month.ts";
import { expectLedgerToHold } from "../support/ledger-laws.ts";
import {
  addPayees,
  type MarketplaceBooks,
  monthOf,
  openMarketplaceBooks,
} from "../support/marketplace-books.ts";
import { startStripeSimulator, type TestSimulator } from "../support/stripe-simulator.ts";

const SCHEDULE = { day: 2, minuteOfDay: 390 };
const [SEPTEMBER, OCTOBER, NOVEMBER] = [monthOf("2023-09"), monthOf("2023-10"), monthOf("2023-11")];

let books: MarketplaceBooks;
let simulator: TestSimulator;
let parts: Parameters<typeof settleWhatIsDue>[0];
beforeAll(async () => {
  [simulator, books] = await Promise.all([startStripeSimulator(), openMarketplaceBooks()]);
  const { sql, catalog } = books;
  const logger = pino({ level: "silent" });
  const provider = openStripePayoutProvider({
    secretKey: "sk_test_simulator",
    apiBase: simulator.url,
    timeoutMs: 10_000,
  });
  const log = await openPostgresUsageLog({ sql, log: logger, partitions: 1 });
  const config = readConfig({ SETTLE_SCHEDULE: "2 06:30" });
  expect(config.SETTLE_SCHEDULE).toEqual(SCHEDULE);
  const settle = settleOperations({ sql, log, catalog, provider, logger, config, simulated: true });
  parts = { sql, settle, logger, schedule: SCHEDULE, twoPerson: false };
  await addPayees(catalog, [{ id: "ada" }, { id: "lin" }]);
  await provisionAccounts(sql, catalog, provider);
});
afterAll(() => Promise.all([books?.drop(), simulator?.kill("SIGKILL")]));

const use = (month: string, grossMicros: number) =>
  books.use(["ada", "lin"].map((payee) => ({ payee, time: `${month}-10T00:00:00Z`, grossMicros })));
const states = async () =>
  (
    await books.sql<
      { period: string; state: string }[]
    >`SELECT to_char(period, 'YYYY-MM') AS period, state FROM settlement ORDER BY 1`
  ).map(({ period, state }) => `${period} ${state}`);

test("a month is due on its day and minute after its end", () => {
  expect(dueAt(SEPTEMBER, SCHEDULE).toISOString()).toBe("2023-10-02T06:30:00.000Z");
  expect(() => readConfig({ SETTLE_SCHEDULE: "31 06:30" })).toThrow("a day of the month from 1 to 28");
});

test("nothing happens before; then the month is closed, planned, approved, paid and reconciled once, whoever else runs", async () => {
  await use(SEPTEMBER, 3_000_000);
  await settleWhatIsDue(parts, new Date("2023-10-02T06:29:59Z"));
  expect(await states()).toEqual([]);
  const due = new Date("2023-10-02T06:30:00Z");
  // Somebody else runs the month: nothing is done beside them.
  await runAlone(books.sql, () => settleWhatIsDue(parts, due));
  expect(await states()).toEqual([]);
  await Promise.all([settleWhatIsDue(parts, due), settleWhatIsDue(parts, due), settleWhatIsDue(parts, due)]);
  await settleWhatIsDue(parts, due);
  expect(await states()).toEqual(["2023-09 approved"]);
  expect(await transfersAt(simulator)).toHaveLength(2);
  expect(await books.sql`SELECT ran_by, differences FROM reconciliation`).toEqual([
    { ran_by: "scheduler", differences: 0 },
  ]);
  const noted = await books.sql<{ step: string }[]>`
    SELECT principal || ' ' || replace(route, 'POST /settlements/{period}/', '') AS step FROM audit_entry ORDER BY entry_no`;
  const steps = ["close", "plan", "approve", "pay", "reconcile"].map((step) => `scheduler ${step}`);
  expect(noted.map(({ step }) => step)).toEqual(steps);
  await expectLedgerToHold(books.sql);
});

test("a warning stops it until somebody confirms; then it goes on, through a stop of payouts too", async () => {
  const { sql } = books;
  await use(OCTOBER, 300_000_000);
  const due = new Date("2023-11-02T07:00:00Z");
  await settleWhatIsDue(parts, due);
  const planned = await findSettlement(sql, OCTOBER);
  expect(planned).toMatchObject({ state: "planned", plannedBy: "scheduler" });
  // The plan that a person looks at stays the same, and November waits for October.
  await settleWhatIsDue(parts, new Date("2023-12-05T00:00:00Z"));
  expect(await states()).toEqual(["2023-09 approved", "2023-10 planned"]);
  await approvePlan(sql, OCTOBER, planned?.planHash ?? "", "a person", ["ten_times_last"]);

  await stopPayouts(sql, "wait", "ops");
  await settleWhatIsDue(parts, due);
  expect(await transfersAt(simulator)).toHaveLength(2);
  await resumePayouts(sql, "ops");
  await settleWhatIsDue(parts, due);
  expect(await transfersAt(simulator)).toHaveLength(4);
  expect(await sql`SELECT state FROM payout WHERE period = ${firstDay(OCTOBER)}`).toEqual([
    { state: "paid" },
    { state: "paid" },
  ]);
});

test("what the provider refused is not tried every few minutes, while the month waits for another payout", async () => {
  const { sql } = books;
  await use(NOVEMBER, 300_000_000);
  const due = new Date("2023-12-02T07:00:00Z");
  await stopPayouts(sql, "wait", "ops");
  await settleWhatIsDue(parts, due);
  expect(await states()).toContain("2023-11 approved");
  await freezePayee(sql, "lin", "look at it", "ops");
  const [ada] = await sql<[{ account: string }]>`
    SELECT account FROM payout WHERE period = ${firstDay(NOVEMBER)} AND payee = 'ada'`;
  await simulator.control("POST", `/accounts/${ada.account}`, { transfers: "inactive" });
  await resumePayouts(sql, "ops");
  const attempts = () => sql`
    SELECT o.payee, o.state, o.attempt FROM payout o WHERE o.period = ${firstDay(NOVEMBER)} ORDER BY 1`;
  const refusedOnce = [
    { payee: "ada", state: "failed", attempt: 1 },
    { payee: "lin", state: "approved", attempt: 0 },
  ];
  await settleWhatIsDue(parts, due);
  expect(await attempts()).toEqual(refusedOnce);
  await settleWhatIsDue(parts, due);
  expect(await attempts()).toEqual(refusedOnce);

  // Somebody who has mended it and pays the month again does try.
  await simulator.control("POST", `/accounts/${ada.account}`, { transfers: "active" });
  expect(await parts.settle.pay(NOVEMBER)).toMatchObject({ results: { paid: 1, held: 1 } });
});

test("a plan that a refund made out of date is planned anew, and one that somebody withdrew waits for a person", async () => {
  const { sql } = books;
  const december = monthOf("2023-12");
  const due = new Date("2024-01-02T07:00:00Z");
  await use(december, 300_000_000);
  await parts.settle.close(december, { dryRun: false });
  const { plan } = await parts.settle.plan(december, { by: "scheduler", dryRun: false });
  expect(plan.payouts).toMatchObject([{ payee: "ada" }]);
  const asked = { kind: "debit", payee: "ada", currency: "USD", amount: "1" } as const;
  await correct(sql, { asked, reference: "d", reason: "a refund", by: "ops" });
  await settleWhatIsDue(parts, due);
  const planned = await findSettlement(sql, december);
  expect(planned).toMatchObject({ state: "planned" });
  expect(planned?.planHash).not.toBe(settlementPlanHash(plan));
  const hash = planned?.planHash ?? "";
  await withdrawPlan(sql, december, { hash, by: "mia", isApprover: true, reason: "not yet" });
  await settleWhatIsDue(parts, due);
  expect(await findSettlement(sql, december)).toMatchObject({ state: "closed", planHash: null });
  await parts.settle.plan(december, { by: "mia", dryRun: false });
  await settleWhatIsDue(parts, due);
  expect(await states()).toContain("2023-12 approved");
});
