import { expect, onTestFinished, test } from "vitest";
import { accruePeriod } from "../../src/earnings/index.ts";
import { firstDay, type Period, Refusal } from "../../src/kernel/index.ts";
import { foldCustomerWindows } from "../../src/metering/index.ts";
import type { Sql } from "../../src/postgres/index.ts";
import { closeMonth } from "../../src/settlement/index.ts";
import { expectLedgerToHold } from "../support/ledger-laws.ts";
import { addPayees, monthOf, openMarketplaceBooks } from "../support/marketplace-books.ts";

const SEPTEMBER = monthOf("2023-09");
const OCTOBER = monthOf("2023-10");
const NOVEMBER = monthOf("2023-11");
const OPTIONS = { graceSeconds: 3_600, catchUp: async () => {} };

async function openBooks() {
  const books = await openMarketplaceBooks();
  onTestFinished(() => books.drop());
  await addPayees(books.catalog, [{ id: "ada" }, { id: "lin" }]);
  const use = (time: string, payee = "ada", grossMicros = 12_345_678) =>
    books.use([{ payee, time, grossMicros }]);
  return { ...books, use };
}

/** Everything that closing writes. */
async function written(sql: Sql) {
  return {
    settlements: await sql`SELECT * FROM settlement ORDER BY period`,
    statements: await sql`SELECT * FROM statement ORDER BY period, payee, currency`,
    entries: await sql`SELECT * FROM journal_entry ORDER BY entry_no`,
    postings: await sql`SELECT * FROM posting ORDER BY entry_no, position`,
    books: await sql`SELECT * FROM books_state`,
  };
}

async function booked(sql: Sql): Promise<{ booked: string; used: string }[]> {
  return [
    ...(await sql<{ booked: string; used: string }[]>`
      SELECT DISTINCT booked_period::text AS booked, service_day::text AS used FROM usage_window ORDER BY 1, 2`),
  ];
}

test("closing moves what was earned to payable and what customers owe to their receivables", async () => {
  const { sql, use, close } = await openBooks();
  await use("2023-09-01T00:00:00Z");
  await use("2023-09-30T23:59:59.999999Z", "lin", 5_000_000);
  await close(SEPTEMBER);
  const balances = await sql`
    SELECT a.path, b.balance_nanos AS nanos FROM account_balance b JOIN ledger_account a USING (account_no)
    WHERE b.balance_nanos <> 0 ORDER BY 1`;
  expect(balances).toEqual([
    { path: "customer:alice:receivable", nanos: "17345678000" },
    { path: "payee:ada:payable", nanos: "-9876542400" },
    { path: "payee:lin:payable", nanos: "-4000000000" },
    { path: "platform:revenue", nanos: "-3469135600" },
  ]);
  await expectLedgerToHold(sql);
});

test("a customer may be called anything: what is left of rounding is booked all the same", async () => {
  const { sql, catalog, close, use, drop } = await openMarketplaceBooks();
  onTestFinished(() => drop());
  await addPayees(catalog, [{ id: "ada" }]);
  await catalog.change({
    customers: ["rounding", "lines"].map((id) => ({ id, name: id, currency: "USD" })),
    prices: [
      {
        model: "ada/model",
        currency: "USD",
        effective_from: "2023-01-01T00:00:00Z",
        charge_statuses: ["succeeded"],
        components: [{ meter: "output_tokens", amount: "0.0000000014", per: "1" }],
      },
    ],
  });
  // 1.4 nanos each: one that each customer owes, and 2.8 for the line, rounded to three.
  const usage = { payee: "ada", time: "2023-09-10T00:00:00Z", grossMicros: 1 };
  await use(["rounding", "lines"].map((customer) => ({ ...usage, customer })));
  await close(SEPTEMBER);
  const [row] = await sql`SELECT account_balance_of('platform:unbilled', 'USD')::text AS unbilled`;
  expect(row).toEqual({ unbilled: "0" });
  await expectLedgerToHold(sql);
});

test("a second close of the same month changes nothing", async () => {
  const { sql, use, close } = await openBooks();
  await use("2023-09-10T00:00:00Z");
  await close(SEPTEMBER);
  const before = await written(sql);
  await close(SEPTEMBER);
  expect(await written(sql)).toEqual(before);
});

test("closing a month again after usage came late for it changes nothing", async () => {
  const { sql, use, close } = await openBooks();
  await use("2023-09-10T00:00:00Z");
  await close(SEPTEMBER);
  const before = await written(sql);
  await use("2023-09-11T00:00:00Z");
  await close(SEPTEMBER);
  expect(await written(sql)).toEqual(before);
});

test("two closings at once leave what one leaves", async () => {
  const { sql, use, close } = await openBooks();
  await use("2023-09-10T00:00:00Z");
  await use("2023-09-10T00:00:00Z", "lin");
  await Promise.all([close(SEPTEMBER), close(SEPTEMBER), close(SEPTEMBER)]);
  const { statements, settlements } = await written(sql);
  expect(settlements).toMatchObject([{ state: "closed" }]);
  expect(statements).toMatchObject([
    { payee: "ada", earned_nanos: "9876542400", closing_nanos: "9876542400" },
    { payee: "lin", earned_nanos: "9876542400", closing_nanos: "9876542400" },
  ]);
  await expectLedgerToHold(sql);
});

test.each<[string, (sql: Sql) => Promise<unknown>]>([
  ["the cut", (sql) => sql`SELECT cut_period(${firstDay(SEPTEMBER)}, '1 hour')`],
  [
    "the final accrual",
    async (sql) => {
      await sql`SELECT cut_period(${firstDay(SEPTEMBER)}, '1 hour')`;
      await accruePeriod(sql, SEPTEMBER);
    },
  ],
  [
    "the release",
    async (sql) => {
      await sql`SELECT cut_period(${firstDay(SEPTEMBER)}, '1 hour')`;
      await accruePeriod(sql, SEPTEMBER);
      await foldCustomerWindows(sql);
      await sql`SELECT release_period(${firstDay(SEPTEMBER)})`;
    },
  ],
])("a close that died after %s is finished by closing again", async (_, beginning) => {
  const { sql, use, close } = await openBooks();
  await use("2023-09-10T00:00:00Z");
  await beginning(sql);
  await use("2023-09-11T00:00:00Z");
  await close(SEPTEMBER);
  expect((await written(sql)).statements).toMatchObject([
    { payee: "ada", closing_nanos: "9876542400" },
    { payee: "lin", closing_nanos: "0" },
  ]);
  expect((await written(sql)).settlements).toMatchObject([{ state: "closed" }]);
  await expectLedgerToHold(sql);
});

async function expectRefusal(sql: Sql, close: () => Promise<void>, code: string): Promise<void> {
  const before = await written(sql);
  await expect(close()).rejects.toMatchObject({ name: "Refusal", code });
  expect(await written(sql)).toEqual(before);
}

test("a month is not closed before it is over", async () => {
  const { sql, close } = await openBooks();
  const thisMonth = monthOf(new Date().toISOString().slice(0, 7));
  await expectRefusal(sql, () => close(thisMonth), "period_not_over");
});

test("a month that is over is not closed before its grace time has passed", async () => {
  const { sql } = await openBooks();
  const untilFarAhead = { ...OPTIONS, graceSeconds: Math.ceil(Date.now() / 1000) };
  await expectRefusal(sql, () => closeMonth(sql, SEPTEMBER, untilFarAhead), "period_not_over");
});

test("a month is not closed while an earlier one with usage is open", async () => {
  const { sql, use, close } = await openBooks();
  await use("2023-09-10T00:00:00Z");
  await use("2023-10-10T00:00:00Z");
  await expectRefusal(sql, () => close(OCTOBER), "earlier_period_open");
  await close(SEPTEMBER);
  await close(OCTOBER);
});

test("a month is not closed while the closing of an earlier one is half done", async () => {
  const { sql, use, close } = await openBooks();
  await use("2023-09-10T00:00:00Z");
  await sql`SELECT cut_period(${firstDay(SEPTEMBER)}, '1 hour')`;
  await expectRefusal(sql, () => close(OCTOBER), "earlier_period_open");
});

test("months without usage may be left out, but not closed afterwards", async () => {
  const { sql, use, close } = await openBooks();
  await use("2023-09-10T00:00:00Z");
  await close(SEPTEMBER);
  await close(NOVEMBER);
  await expectRefusal(sql, () => close(OCTOBER), "period_closed");
});

test("a month is not closed while metering is behind", async () => {
  const { sql, use } = await openBooks();
  await use("2023-09-10T00:00:00Z");
  const catchUp = async () => {
    throw new Refusal("metering_behind", "behind");
  };
  await expectRefusal(sql, () => closeMonth(sql, SEPTEMBER, { ...OPTIONS, catchUp }), "metering_behind");
});

test("late usage is booked in the next open month, with its own service date", async () => {
  const { sql, use, close } = await openBooks();
  await use("2023-09-10T00:00:00Z");
  await close(SEPTEMBER);
  await use("2023-09-11T00:00:00Z");
  await use("2023-10-05T00:00:00Z");
  expect(await booked(sql)).toEqual([
    { booked: "2023-09-01", used: "2023-09-10" },
    { booked: "2023-10-01", used: "2023-09-11" },
    { booked: "2023-10-01", used: "2023-10-05" },
  ]);
});

test("late usage of a month that lies two closed months back is booked in the first open one", async () => {
  const { sql, use, close } = await openBooks();
  await use("2023-09-10T00:00:00Z");
  await use("2023-10-10T00:00:00Z");
  const closed: Period[] = [SEPTEMBER, OCTOBER];
  for (const period of closed) await close(period);
  await use("2023-09-12T00:00:00Z");
  expect(await booked(sql)).toContainEqual({ booked: "2023-11-01", used: "2023-09-12" });
});
