import { expect, onTestFinished, test } from "vitest";
import { type CorrectionAsked, correct, refund } from "../../src/adjustments/index.ts";
import { makeInvoices } from "../../src/billing/index.ts";
import type { Sql } from "../../src/postgres/index.ts";
import { close, expectBooksToHold } from "../billing/invoice-books.ts";
import { monthOf } from "../support/marketplace-books.ts";
import { startTestMetering } from "../support/metering.ts";
import { tokenPrice, usageEvent } from "../support/usage.ts";

const MONTH = monthOf("2023-09");

/** acme used ada's model for $10, and maison for €10. */
async function openBooks(): Promise<Sql> {
  const books = await startTestMetering({
    payees: ["ada", "lin"].map((id) => ({ id, name: id, country: "US", default_currency: "USD" })),
    customers: [
      { id: "acme", name: "acme", currency: "USD" },
      { id: "maison", name: "maison", currency: "EUR" },
    ],
    models: [{ id: "ada/llm", payee: "ada" }],
    prices: [tokenPrice("ada/llm"), { ...tokenPrice("ada/llm"), currency: "EUR" }],
  });
  onTestFinished(() => books.drop());
  const used = (customer: string) =>
    usageEvent({
      id: customer,
      customer,
      time: "2023-09-14T12:00:00Z",
      metrics: { input_token_count: 10_000 },
    });
  await books.apply(0, [["acme", "maison"].map(used)]);
  await close(books.sql, MONTH);
  await makeInvoices(books.sql, MONTH, { by: "test" });
  return books.sql;
}

const said = (reference: string) => ({ reference, reason: "it was wrong", by: "test" });
const sold = (currency: string): CorrectionAsked => ({
  ...{ kind: "reattribution", model: "ada/llm", period: MONTH, currency, from: "ada", to: "lin" },
});

async function payable(sql: Sql, payee: string, currency: string): Promise<number> {
  const [row] = await sql<[{ nanos: string }]>`
    SELECT (-account_balance_of(${`payee:${payee}:payable`}, ${currency}))::text AS nanos`;
  return Number(row.nanos) / 1e9;
}

test("what was reattributed in one currency leaves the other's with who earned it, also when that is refunded", async () => {
  const sql = await openBooks();
  await correct(sql, { ...said("sold"), asked: sold("EUR") });
  await refund(sql, { ...said("refund"), asked: { invoice: "inv_2023-09_acme_USD", amount: "5" } });
  expect([await payable(sql, "ada", "USD"), await payable(sql, "lin", "USD")]).toEqual([4, 0]);
  expect([await payable(sql, "ada", "EUR"), await payable(sql, "lin", "EUR")]).toEqual([0, 8]);
  await expectBooksToHold(sql);
});

test("a model's month is reattributed in one currency after the other", async () => {
  const sql = await openBooks();
  await correct(sql, { ...said("sold"), asked: sold("EUR") });
  await correct(sql, { ...said("sold, too"), asked: sold("USD") });
  expect([await payable(sql, "ada", "USD"), await payable(sql, "lin", "USD")]).toEqual([0, 8]);
  await expectBooksToHold(sql);
});
