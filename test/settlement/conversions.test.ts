import { afterAll, beforeAll, expect, test } from "vitest";
import { runChecks } from "../../src/audit/index.ts";
import { parseDecimal, present } from "../../src/kernel/index.ts";
import {
  approvePlan,
  recordTaxForm,
  setPayoutTerms,
  setTaxFormRule,
  storeFxRate,
} from "../../src/settlement/index.ts";
import { balancesOf, findStatements } from "../../src/statements/index.ts";
import { expectLedgerToHold } from "../support/ledger-laws.ts";
import {
  addPayees,
  customerIn,
  type MarketplaceBooks,
  monthOf,
  openMarketplaceBooks,
} from "../support/marketplace-books.ts";

const [SEPTEMBER, OCTOBER, NOVEMBER] = [monthOf("2023-09"), monthOf("2023-10"), monthOf("2023-11")];

let books: MarketplaceBooks;
beforeAll(async () => {
  books = await openMarketplaceBooks();
  await addPayees(books.catalog, [
    { id: "ada", account: "acct_ada" },
    { id: "lin", account: "acct_lin", currency: "EUR" },
  ]);
  await addPayees(books.catalog, [{ id: "kim", account: "acct_kim", currency: "JPY" }]);
});
afterAll(() => books?.drop());

const ready = async (accounts: string[]) =>
  new Map(accounts.map((account) => [account, { transfersEnabled: true, disabledReason: null }]));
const options = { by: "maker", twoPerson: true, readiness: ready };

async function month(period: string, usage: [payee: string, currency: string, micros: number][]) {
  await books.use(
    usage.map(([payee, currency, grossMicros]) => ({
      payee,
      customer: customerIn(currency),
      time: `${period}-10T00:00:00Z`,
      grossMicros,
    })),
  );
  await books.close(monthOf(period));
}

const store = (from: string, to: string, rate: string, day: string, source = "ECB") =>
  storeFxRate(books.sql, {
    from,
    to,
    rate: present(parseDecimal(rate), "a rate"),
    effectiveFrom: `${day}T00:00:00.000000Z`,
    source,
    by: "ops",
  });

async function differences(): Promise<string[]> {
  return (await runChecks(books.sql)).flatMap((result) => result.differences);
}

test("a rate is stored once, for good", async () => {
  await store("USD", "EUR", "0.95", "2023-09-01");
  await store("USD", "EUR", "0.9137", "2023-09-30");
  await store("USD", "EUR", "0.91370", "2023-09-30");
  await expect(store("USD", "EUR", "0.92", "2023-09-30")).rejects.toMatchObject({
    code: "version_exists",
    message: expect.stringContaining("0.9137"),
  });
  // In force only after September.
  await store("USD", "EUR", "0.5", "2023-10-01");
  await expect(books.sql`UPDATE fx_rate SET rate = 1`).rejects.toThrow("append-only");
  await expect(books.sql`DELETE FROM fx_rate`).rejects.toThrow("append-only");
});

test("a payee that chose a currency is paid in it at the month's rate, floored, and both statements say so", async () => {
  const { sql } = books;
  await setPayoutTerms(sql, "ada", { payoutCurrency: "EUR" }, "ada");
  await setPayoutTerms(sql, "kim", { payoutCurrency: "EUR" }, "kim");
  await month(SEPTEMBER, [
    ["ada", "USD", 12_345_679],
    ["lin", "EUR", 1_000_000],
    ["kim", "JPY", 100_000_000],
  ]);
  const { plan, hash } = await books.plan(SEPTEMBER, options);
  // 9.8765432 × 0.9137 = 9.02419752184 → 9.024197521, of which 9.02 is paid.
  expect(plan.conversions).toMatchObject([
    { from: { amount: "9.876543200" }, to: { amount: "9.024197521" }, rate: "0.9137" },
  ]);
  expect(plan.payouts.map(({ id, amount, carried }) => [id, amount.amount, carried.amount])).toEqual([
    ["po_2023-09_ada_EUR", "9.020000000", "0.004197521"],
    ["po_2023-09_lin_EUR", "0.800000000", "0.000000000"],
  ]);
  expect(plan.carried).toMatchObject([{ payee: "kim", currency: "JPY", reason: "no_rate" }]);
  const [kim] = await balancesOf(sql, "kim");
  expect(kim?.next_payout).toMatchObject({
    paid_in: "EUR",
    why_not: expect.stringContaining("No rate from JPY to EUR"),
  });

  await approvePlan(sql, SEPTEMBER, hash, "checker");
  await approvePlan(sql, SEPTEMBER, hash, "checker");
  expect(
    await sql`SELECT path, currency, (-balance_nanos)::text AS nanos FROM account_balance JOIN ledger_account USING (account_no)
              WHERE path IN ('platform:fx', 'payee:ada:payable') ORDER BY 1, 2`,
  ).toEqual([
    { path: "payee:ada:payable", currency: "EUR", nanos: "9024197521" },
    { path: "payee:ada:payable", currency: "USD", nanos: "0" },
    { path: "platform:fx", currency: "EUR", nanos: "-9024197521" },
    { path: "platform:fx", currency: "USD", nanos: "9876543200" },
  ]);
  await expectLedgerToHold(sql);
  expect(await differences()).toEqual([]);

  await books.close(OCTOBER);
  const statements = await findStatements(sql, "ada", OCTOBER);
  expect(
    statements.map(({ currency, opening, converted, closing }) => [
      currency,
      opening.amount,
      converted.amount,
      closing.amount,
    ]),
  ).toEqual([
    ["EUR", "0.000000000", "9.024197521", "9.024197521"],
    ["USD", "9.876543200", "-9.876543200", "0.000000000"],
  ]);
  for (const { conversions } of statements)
    expect(conversions).toMatchObject([{ id: "fx_2023-09_ada_USD_EUR", rate: "0.9137", source: "ECB" }]);
  expect(await differences()).toEqual([]);
});

test("a month that is approved keeps its rates; a plan of another rate or balance than now is not approved", async () => {
  const { sql } = books;
  await expect(store("JPY", "EUR", "0.0062", "2023-09-15")).rejects.toMatchObject({
    code: "period_closed",
    message: expect.stringContaining("2023-10-01"),
  });
  await month(NOVEMBER, [["ada", "USD", 5_000_000]]);
  const first = await books.plan(NOVEMBER, options);
  expect(first.plan.conversions).toMatchObject([{ rate: "0.5", to: { amount: "2.000000000" } }]);
  await store("USD", "EUR", "0.6", "2023-11-30");
  await expect(approvePlan(sql, NOVEMBER, first.hash, "checker")).rejects.toMatchObject({
    code: "plan_outdated",
    message: expect.stringContaining("ada"),
  });

  const second = await books.plan(NOVEMBER, options);
  expect(second.plan.conversions).toMatchObject([{ rate: "0.6" }]);
  await sql`SELECT post_entry('correction', 'adjustment', 'USD', '2023-12-01', '{}', ARRAY['payee:ada:payable', 'platform:revenue'],
    ARRAY[700, -700]::numeric[])`;
  await expect(approvePlan(sql, NOVEMBER, second.hash, "checker")).rejects.toMatchObject({
    code: "plan_outdated",
  });
  await sql`SELECT reverse_entry('correction', 'it was somebody else')`;
  const third = await books.plan(NOVEMBER, options);
  await approvePlan(sql, NOVEMBER, third.hash, "checker");
  expect(await differences()).toEqual([]);
});

test("where a tax form is asked for, who has none keeps earning and is told what to do", async () => {
  const { sql } = books;
  const december = monthOf("2023-12");
  await setTaxFormRule(sql, { from: december, required: true }, "ops");
  await expect(setTaxFormRule(sql, { from: NOVEMBER, required: true }, "ops")).rejects.toMatchObject({
    code: "period_closed",
  });
  await recordTaxForm(sql, "lin", { form: "W-8", status: "received", validUntil: null }, "ops");
  await recordTaxForm(sql, "lin", { form: "W-8", status: "accepted", validUntil: "2099-12-31" }, "ops");
  await recordTaxForm(sql, "kim", { form: "W-8", status: "accepted", validUntil: "2020-12-31" }, "ops");
  await setPayoutTerms(sql, "kim", { payoutCurrency: null }, "kim");
  await month(december, [
    ["ada", "USD", 5_000_000],
    ["lin", "EUR", 1_000_000],
  ]);
  const { plan } = await books.plan(december, options);
  expect(plan.payouts.map(({ payee }) => payee)).toEqual(["lin"]);
  expect(plan.carried.map(({ payee, reason }) => [payee, reason])).toEqual(
    expect.arrayContaining([
      ["ada", "tax_form_missing"],
      ["kim", "tax_form_missing"],
    ]),
  );
  const [balance] = await balancesOf(sql, "ada");
  expect(balance?.next_payout.blocked_by).toContainEqual({
    code: "tax_form_missing",
    message: expect.stringContaining("W-9"),
  });
  expect(balance?.payable.amount).not.toBe("0.000000000");
  expect(await differences()).toEqual([]);
});
