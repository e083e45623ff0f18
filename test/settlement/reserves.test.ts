import { afterAll, beforeAll, expect, test } from "vitest";
import { runChecks } from "../../src/audit/index.ts";
import { firstDay, present } from "../../src/kernel/index.ts";
import {
  approvePlan,
  findSettlement,
  releaseReserves,
  setPayoutTerms,
  setReserveRule,
} from "../../src/settlement/index.ts";
import { balancesOf, findStatements } from "../../src/statements/index.ts";
import { expectLedgerToHold } from "../support/ledger-laws.ts";
import {
  addPayees,
  type MarketplaceBooks,
  monthOf,
  openMarketplaceBooks,
} from "../support/marketplace-books.ts";

const [SEPTEMBER, OCTOBER] = [monthOf("2023-09"), monthOf("2023-10")];

let books: MarketplaceBooks;
beforeAll(async () => {
  books = await openMarketplaceBooks();
  await addPayees(books.catalog, [
    { id: "ada", account: "acct_ada" },
    { id: "lin", account: "acct_lin" },
    { id: "kim", account: "acct_kim" },
  ]);
});
afterAll(() => books?.drop());

const ready = async (accounts: string[]) =>
  new Map(accounts.map((account) => [account, { transfersEnabled: true, disabledReason: null }]));
const options = { by: "maker", twoPerson: true, readiness: ready };
const usage = (payee: string, month: string, grossMicros: number) => ({
  payee,
  time: `${month}-10T00:00:00Z`,
  grossMicros,
});

async function differences(): Promise<string[]> {
  await expectLedgerToHold(books.sql);
  const found = (await runChecks(books.sql)).flatMap((result) => result.differences);
  return found.filter((one) => !EARLIER.test(one));
}

/** What letDaysPass() makes of the cut: usage is metered after it. */
const EARLIER = /^settlement .* was booked in it at/;

/** Days go by for what is held back, as if it had been closed earlier. */
async function letDaysPass(days: number): Promise<void> {
  await books.sql.begin(async (sql) => {
    await sql`SET LOCAL session_replication_role = replica`;
    await sql`UPDATE reserve SET due_at = due_at - make_interval(days => ${days}), released_at = released_at - make_interval(days => ${days})`;
    await sql`UPDATE settlement SET cut_at = cut_at - make_interval(days => ${days}), closed_at = closed_at - make_interval(days => ${days})`;
  });
}

test("a reserve is held back at close, to the nano, and shown with its reason and its day", async () => {
  const { sql } = books;
  const everybody = { from: SEPTEMBER, payee: null, basisPoints: 1_000, days: 90 };
  await setReserveRule(sql, everybody, "ops");
  await setReserveRule(sql, { from: SEPTEMBER, payee: "lin", basisPoints: 333, days: 30 }, "ops");
  await setReserveRule(sql, { from: SEPTEMBER, payee: "kim", basisPoints: 0, days: 0 }, "ops");
  await books.use([
    usage("ada", SEPTEMBER, 1_000_001),
    usage("lin", SEPTEMBER, 1_000_001),
    usage("kim", SEPTEMBER, 500_000),
  ]);
  await books.close(SEPTEMBER);

  expect(
    await sql`SELECT payee, base_nanos::text AS base, amount_nanos::text AS amount FROM reserve ORDER BY payee`,
  ).toEqual([
    { payee: "ada", base: "800000800", amount: "80000080" },
    // 26640026.64
    { payee: "lin", base: "800000800", amount: "26640026" },
  ]);
  const [balance] = await balancesOf(sql, "ada");
  expect(balance).toMatchObject({ payable: { amount: "0.720000720" }, held: { amount: "0.080000080" } });
  expect(balance?.held_for).toMatchObject([
    {
      code: "reserve",
      period: SEPTEMBER,
      amount: { amount: "0.080000080" },
      until: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
    },
  ]);
  const [statement] = await findStatements(sql, "ada", SEPTEMBER);
  expect(statement).toMatchObject({
    earned: { amount: "0.800000800" },
    held: { amount: "0.080000080" },
    adjustments: { amount: "0.000000000" },
    closing: { amount: "0.720000720" },
  });
  expect(await differences()).toEqual([]);
  await expect(setReserveRule(sql, everybody, "ops")).rejects.toMatchObject({
    code: "period_closed",
    message: expect.stringContaining("2023-10"),
  });
  await expect(setReserveRule(sql, { ...everybody, payee: "nobody" }, "ops")).rejects.toMatchObject({
    code: "not_found",
  });
});

test("a reserve is not let go before it is due, whatever SQL is run, and by itself once it is", async () => {
  const { sql } = books;
  expect(await releaseReserves(sql)).toBe(0);
  await expect(sql`UPDATE reserve SET released_at = now()`).rejects.toThrow("check constraint");
  await expect(sql`UPDATE reserve SET due_at = now() - interval '1 day'`).rejects.toThrow("append-only");
  await expect(sql`DELETE FROM reserve`).rejects.toThrow("append-only");

  await letDaysPass(31);
  expect(await Promise.all([releaseReserves(sql), releaseReserves(sql)]).then(([a, b]) => a + b)).toBe(1);
  expect(await balancesOf(sql, "lin")).toMatchObject([
    { payable: { amount: "0.800000800" }, held: { amount: "0.000000000" }, held_for: [] },
  ]);
  expect(await differences()).toEqual([]);

  await letDaysPass(60);
  // The plan lets go what is due by itself.
  const { plan } = await books.plan(SEPTEMBER, options);
  expect(plan.payouts.map(({ payee, amount }) => [payee, amount.amount])).toEqual([
    ["ada", "0.800000000"],
    ["kim", "0.400000000"],
    ["lin", "0.800000000"],
  ]);
  const reserves = await sql`SELECT FROM reserve WHERE released_at IS NULL`;
  expect(reserves).toHaveLength(0);
  await expect(sql`UPDATE reserve SET released_at = NULL`).rejects.toThrow("append-only");
  expect(await differences()).toEqual([]);
});

test("money on hold waits its days, and is said to", async () => {
  const { sql } = books;
  await setReserveRule(sql, { from: OCTOBER, payee: null, basisPoints: null, days: null }, "ops");
  await setPayoutTerms(sql, null, { holdDays: 14 }, "ops");
  await setPayoutTerms(sql, "kim", { holdDays: 0 }, "ops");
  await setPayoutTerms(sql, "lin", { schedule: "quarterly" }, "ops");
  await books.use(["ada", "lin", "kim"].map((payee) => usage(payee, OCTOBER, 2_000_000)));
  await books.close(OCTOBER);
  const { plan } = await books.plan(OCTOBER, options);
  // September's is not on hold any more, October's is.
  expect(plan.payouts.map(({ payee, amount, carried }) => [payee, amount.amount, carried.amount])).toEqual([
    ["ada", "0.800000000", "1.600000800"],
    ["kim", "2.000000000", "0.000000000"],
  ]);
  expect(plan.carried).toMatchObject([
    { payee: "lin", reason: "not_this_month", message: expect.stringContaining("2023-12") },
  ]);
  const [ada] = await balancesOf(sql, "ada");
  expect(ada?.on_hold).toMatchObject({ amount: { amount: "1.600000000" }, until: expect.any(String) });
  const [lin] = await balancesOf(sql, "lin");
  expect(lin?.next_payout.blocked_by.map(({ code }) => code)).toContain("not_this_month");
  expect(lin?.next_payout.why_not).toContain("quarterly");

  await letDaysPass(15);
  const later = await books.plan(OCTOBER, options);
  expect(later.plan.payouts.find(({ payee }) => payee === "ada")?.amount.amount).toBe("2.400000000");
  const hash = present((await findSettlement(sql, OCTOBER))?.planHash, "the plan");
  await approvePlan(sql, OCTOBER, hash, "checker");
  expect(await differences()).toEqual([]);
  expect(await sql`SELECT count(*)::int AS n FROM payout WHERE period = ${firstDay(OCTOBER)}`).toEqual([
    { n: 2 },
  ]);
});
