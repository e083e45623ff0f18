import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { findInvoice, listInvoices, makeInvoices } from "../../src/billing/index.ts";
import {
  add,
  amountInWords,
  compare,
  minorDigits,
  money,
  NANOS_PER_UNIT,
  present,
} from "../../src/kernel/index.ts";
import { monthOf } from "../support/marketplace-books.ts";
import {
  bothSides,
  CURRENCIES,
  CUSTOMERS,
  close,
  exactly,
  expectBooksToHold,
  startInvoiceBooks,
  sumOf,
  type Use,
  use,
} from "./invoice-books.ts";

const MONTHS = ["2023-08", "2023-09", "2023-10"].map(monthOf);
const BY = { by: "test" };

const anyUse: fc.Arbitrary<Use> = fc.record({
  customer: fc.nat(CUSTOMERS.length - 1),
  currency: fc.nat(CURRENCIES.length - 1),
  model: fc.nat(2),
  tokens: fc.integer({ min: 0, max: 10_000_000 }),
  micros: fc.nat(100_000_000),
  day: fc.integer({ min: 1, max: 28 }),
  late: fc.integer({ min: 0, max: 1 }),
});

async function openBooks() {
  const books = await startInvoiceBooks();
  onTestFinished(() => books.drop());
  return books;
}

/** The usage of August, whatever it is, closed. */
async function closedAugust(uses: readonly Partial<Use>[]) {
  const books = await openBooks();
  const whole = uses.map((one) => ({
    ...{ customer: 0, currency: 0, model: 0, tokens: 0, micros: 0, day: 3, late: 0 },
    ...one,
  }));
  await use(books, "2023-08", "2023-07", whole, "august");
  await close(books.sql, monthOf("2023-08"));
  return books;
}

test("for random months of usage, what customers are asked for and what is carried is the creators' gross, exactly", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(anyUse, { maxLength: 25 }), { minLength: 3, maxLength: 3 }),
      async (usage) => {
        const books = await startInvoiceBooks();
        try {
          for (const [n, month] of MONTHS.entries()) {
            const before = n === 0 ? month : present(MONTHS[n - 1], "a month");
            await use(books, month, before, usage[n] ?? [], month);
            await close(books.sql, month);
            await makeInvoices(books.sql, month, BY);
            const { creators, customers } = await bothSides(books.sql, month);
            expect(customers).toEqual(creators);
          }
          for (const { id } of await listInvoices(books.sql, { limit: 1000 })) {
            const invoice = present(await findInvoice(books.sql, id), "an invoice");
            const asked = add(sumOf(invoice.lines.map(({ gross }) => gross)), exactly(invoice.carried_in));
            const given = add(exactly(invoice.amount.amount), exactly(invoice.carried_out));
            expect(compare(asked, given)).toBe(0);
            expect(invoice.amount.amount).toMatch(/^\d+\.\d{2}0{7}$/);
          }
          await expectBooksToHold(books.sql);
        } finally {
          await books.drop();
        }
      },
    ),
    { numRuns: 8 },
  );
});

test("an invoice is floored to the currency's step, and the rest waits for the next one", async () => {
  const books = await closedAugust([
    { currency: 0, micros: 10_256_411 },
    { currency: 1, micros: 1_999_999_000 },
    { currency: 2, micros: 25_000_000 },
    { currency: 3, micros: 1_100_000_000 },
  ]);
  await makeInvoices(books.sql, monthOf("2023-08"), BY);
  const invoices = await listInvoices(books.sql, { limit: 10 });
  expect(
    invoices.map(({ currency, gross, amount, carried_out }) => [currency, gross, amount.amount, carried_out]),
  ).toEqual([
    ["ISK", "1.0725", "1.000000000", "0.0725"],
    ["JPY", "1.949999025", "1.000000000", "0.949999025"],
    ["KWD", "0.024375", "0.020000000", "0.004375"],
    ["USD", "0.010000000725", "0.010000000", "0.000000000725"],
  ]);

  await use(
    books,
    "2023-09",
    "2023-08",
    [{ customer: 0, currency: 1, model: 0, tokens: 0, micros: 51_284_000, day: 2, late: 1 }],
    "september",
  );
  await close(books.sql, monthOf("2023-09"));
  await makeInvoices(books.sql, monthOf("2023-09"), BY);
  const [next] = await listInvoices(books.sql, { period: monthOf("2023-09"), limit: 10 });
  expect(next).toMatchObject({
    gross: "0.0500019",
    carried_in: "0.949999025",
    amount: { amount: "1.000000000" },
  });
  expect(next?.carried_out).toBe("0.000000925");
  const whole = await findInvoice(books.sql, "inv_2023-09_acme-JPY_JPY");
  expect(whole?.lines.map(({ service_month }) => service_month)).toContain("2023-08");
});

test("every currency's step is a whole number of its minor units", async () => {
  const { sql } = await openBooks();
  for (const currency of Intl.supportedValuesOf("currency")) {
    const [row] = await sql<[{ step: string }]>`SELECT invoice_step(${currency})::text AS step`;
    const minor = NANOS_PER_UNIT / 10n ** BigInt(minorDigits(currency));
    expect(BigInt(row.step) % minor, currency).toBe(0n);
  }
});

test("the database says amounts as the kernel does, in every currency", async () => {
  const { sql } = await openBooks();
  const amounts = fc.tuple(
    fc.constantFrom(...Intl.supportedValuesOf("currency")),
    fc.bigInt(-(10n ** 15n), 10n ** 15n),
  );
  for (const [currency, nanos] of [
    ...fc.sample(amounts, 300),
    ...Intl.supportedValuesOf("currency").map((currency) => [currency, 1_500_000_000n] as const),
  ]) {
    const [row] = await sql<
      [{ said: string }]
    >`SELECT amount_in_words(${`${nanos}`}::numeric, ${currency}) AS said`;
    expect(row.said).toBe(amountInWords(money(currency, nanos)));
  }
});

test("made twice, at once too, the invoices are the same ones", async () => {
  const { sql } = await closedAugust([{ tokens: 5_000_000 }, { customer: 1, tokens: 7 }]);
  const made = await Promise.all([1, 2, 3].map(() => makeInvoices(sql, monthOf("2023-08"), BY)));
  expect(new Set(made.map((totals) => JSON.stringify(totals))).size).toBe(1);
  expect(await listInvoices(sql, { limit: 10 })).toHaveLength(2);
});

test("a dry run says what the invoices would be and makes none", async () => {
  const { sql } = await closedAugust([{ tokens: 5_000_000 }, { customer: 1, micros: 77 }]);
  const drafted = await makeInvoices(sql, monthOf("2023-08"), { ...BY, dryRun: true });
  expect(await listInvoices(sql, { limit: 10 })).toEqual([]);
  expect(await makeInvoices(sql, monthOf("2023-08"), BY)).toEqual(drafted);
  expect(await makeInvoices(sql, monthOf("2023-08"), { ...BY, dryRun: true })).toEqual(drafted);
});

test("a month that is not closed, or with an earlier one missing, has no invoices", async () => {
  const books = await closedAugust([{ tokens: 5 }]);
  await expect(makeInvoices(books.sql, monthOf("2023-09"), BY)).rejects.toMatchObject({
    code: "period_not_closed",
  });
  await close(books.sql, monthOf("2023-09"));
  await expect(makeInvoices(books.sql, monthOf("2023-09"), BY)).rejects.toMatchObject({
    code: "earlier_invoices_missing",
    message: expect.stringContaining("2023-08"),
  });
});

test.each([
  ["changed", "UPDATE invoice SET gross = gross + 1"],
  ["deleted", "DELETE FROM invoice_line"],
  ["emptied", "TRUNCATE invoice CASCADE"],
  [
    "given a line that costs nothing",
    "INSERT INTO invoice_line SELECT id, '2001-01-01', 1, 1, 1, 0, 0, 0 FROM invoice",
  ],
  [
    "made by hand without its lines",
    "INSERT INTO invoice VALUES ('inv_2024-01_x_USD', '2024-01-01', 'x', 'USD', 1, 1, 0, 0, 1000000000, 0)",
  ],
  [
    "made with more than its lines",
    "INSERT INTO invoice VALUES ('inv_2024-01_x_USD', '2024-01-01', 'x', 'USD', 0, 1, 0, 0, 2000000000, 0)",
  ],
])("an invoice cannot be %s", async (_, statement) => {
  const { sql } = await closedAugust([{ tokens: 5_000_000 }]);
  await makeInvoices(sql, monthOf("2023-08"), BY);
  await expect(sql.unsafe(statement)).rejects.toThrow(/append-only|add up|their invoice|check constraint/);
});
