import { expect, onTestFinished, test } from "vitest";
import { openStripePayoutProvider } from "../../src/adapters/stripe/stripe-payout-provider.ts";
import { contentHash } from "../../src/kernel/index.ts";
import { accountReadiness, payMonth, provisionAccounts } from "../../src/payouts/index.ts";
import type { Sql } from "../../src/postgres/index.ts";
import type { Statement } from "../../src/settlement/index.ts";
import { findStatements, storedStatements, toStatement } from "../../src/statements/index.ts";
import { addPayees, monthOf, openMarketplaceBooks } from "../support/marketplace-books.ts";
import { startStripeSimulator } from "../support/stripe-simulator.ts";

const SEPTEMBER = monthOf("2023-09");
const OCTOBER = monthOf("2023-10");
const NOVEMBER = monthOf("2023-11");

async function openBooks() {
  const books = await openMarketplaceBooks();
  onTestFinished(() => books.drop());
  await addPayees(books.catalog, [{ id: "ada" }, { id: "lin" }]);
  const use = (time: string, payee = "ada", grossMicros = 12_345_678) =>
    books.use([{ payee, time, grossMicros }]);
  return { ...books, use };
}

function amounts({ opening, earned, adjustments, paid, closing }: Statement) {
  return [opening, earned, adjustments, paid, closing].map(({ amount }) => amount);
}

async function payableOf(sql: Sql, payee: string): Promise<string> {
  const [row] = await sql<[{ payable: string }]>`
    SELECT (-account_balance_of(${`payee:${payee}:payable`}, 'USD') * 0.000000001)::numeric(38, 9)::text AS payable`;
  return row.payable;
}

test("a statement says what was earned with which model, and its hash is that of its content", async () => {
  const { sql, use, close } = await openBooks();
  await use("2023-09-10T00:00:00Z");
  await use("2023-09-20T00:00:00Z");
  await close(SEPTEMBER);
  const [statement, ...others] = await findStatements(sql, "ada", SEPTEMBER);
  expect(others).toEqual([]);
  const { hash, ...content } = statement as Statement;
  expect(content).toEqual({
    period: "2023-09",
    payee: "ada",
    currency: "USD",
    opening: { currency: "USD", amount: "0.000000000" },
    earned: { currency: "USD", amount: "19.753084800" },
    adjustments: { currency: "USD", amount: "0.000000000" },
    held: { currency: "USD", amount: "0.000000000" },
    released: { currency: "USD", amount: "0.000000000" },
    converted: { currency: "USD", amount: "0.000000000" },
    netted: { currency: "USD", amount: "0.000000000" },
    paid: { currency: "USD", amount: "0.000000000" },
    closing: { currency: "USD", amount: "19.753084800" },
    lines: [
      expect.objectContaining({
        model: "ada/model",
        service_month: "2023-09",
        events: "2",
        gross: { currency: "USD", amount: "24.691356000" },
        share: "0.800000",
        earned: { currency: "USD", amount: "19.753084800" },
      }),
    ],
    conversions: [],
  });
  expect(contentHash(content)).toBe(hash);
  expect(contentHash({ ...content, payee: "lin" })).not.toBe(hash);
});

test("a statement's closing is what the ledger holds as payable", async () => {
  const { sql, use, close } = await openBooks();
  await use("2023-09-10T00:00:00Z", "ada", 7_777_777);
  await use("2023-09-10T00:00:00Z", "lin", 1);
  await close(SEPTEMBER);
  for (const payee of ["ada", "lin"]) {
    const [statement] = await findStatements(sql, payee, SEPTEMBER);
    expect(statement?.closing.amount).toBe(await payableOf(sql, payee));
  }
});

test("late usage appears in the next statement as a line of its own month, and the earlier statement stays", async () => {
  const { sql, use, close } = await openBooks();
  await use("2023-09-10T00:00:00Z");
  await close(SEPTEMBER);
  const before = await findStatements(sql, "ada", SEPTEMBER);
  await use("2023-09-29T00:00:00Z", "ada", 1_000_000);
  await use("2023-10-02T00:00:00Z", "ada", 2_000_000);
  await close(OCTOBER);
  expect(await findStatements(sql, "ada", SEPTEMBER)).toEqual(before);
  const [october] = await findStatements(sql, "ada", OCTOBER);
  expect(october?.earned.amount).toBe("2.400000000");
  expect(october?.lines.map(({ service_month, earned }) => [service_month, earned.amount])).toEqual([
    ["2023-09", "0.800000000"],
    ["2023-10", "1.600000000"],
  ]);
});

test("a statement opens with the closing of the one before, also when nothing happened or a month was left out", async () => {
  const { sql, use, close } = await openBooks();
  await use("2023-09-10T00:00:00Z");
  await close(SEPTEMBER);
  await close(NOVEMBER);
  const [november, september] = (await storedStatements(sql, "ada", { limit: 10 })).map(toStatement);
  expect(amounts(september as Statement)).toEqual([
    "0.000000000",
    "9.876542400",
    "0.000000000",
    "0.000000000",
    "9.876542400",
  ]);
  expect(amounts(november as Statement)).toEqual([
    "9.876542400",
    "0.000000000",
    "0.000000000",
    "0.000000000",
    "9.876542400",
  ]);
  expect(november?.lines).toEqual([]);
});

test("a payee without usage gets an empty statement, and one who came after the close gets none", async () => {
  const { sql, use, close, catalog } = await openBooks();
  await use("2023-09-10T00:00:00Z");
  await close(SEPTEMBER);
  await addPayees(catalog, [{ id: "kim" }]);
  await close(SEPTEMBER);
  const [statement] = await findStatements(sql, "lin", SEPTEMBER);
  expect(new Set(amounts(statement as Statement))).toEqual(new Set(["0.000000000"]));
  expect(statement?.lines).toEqual([]);
  expect(await findStatements(sql, "kim", SEPTEMBER)).toEqual([]);
});

test("payouts appear as paid in the next statement, which still closes with the ledger's payable", async () => {
  const { sql, use, close, approve, catalog } = await openBooks();
  const simulator = await startStripeSimulator();
  onTestFinished(() => simulator.kill("SIGKILL"));
  const provider = openStripePayoutProvider({
    secretKey: "sk_test_simulator",
    apiBase: simulator.url,
    timeoutMs: 10_000,
  });
  await use("2023-09-10T00:00:00Z");
  await provisionAccounts(sql, catalog, provider);
  await close(SEPTEMBER);
  await approve(SEPTEMBER, (accounts) => accountReadiness(sql, provider, accounts));
  await payMonth(sql, provider, SEPTEMBER);
  await use("2023-10-10T00:00:00Z", "ada", 5_000_000);
  await close(OCTOBER);
  const [october, september] = (await storedStatements(sql, "ada", { limit: 10 })).map(toStatement);
  expect(september?.paid.amount).toBe("0.000000000");
  expect(amounts(october as Statement)).toEqual([
    "9.876542400",
    "4.000000000",
    "0.000000000",
    "9.870000000",
    "4.006542400",
  ]);
  expect(october?.closing.amount).toBe(await payableOf(sql, "ada"));
});

test("a statement cannot be changed or removed, not even in the database", async () => {
  const { sql, use, close } = await openBooks();
  await use("2023-09-10T00:00:00Z");
  await close(SEPTEMBER);
  await expect(sql`UPDATE statement SET closing_nanos = closing_nanos + 1`).rejects.toThrow("append-only");
  await expect(sql`DELETE FROM statement`).rejects.toThrow("append-only");
});
