import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { listInvoices, makeInvoices, setReleaseRule } from "../../src/billing/index.ts";
import { add, compare, parseNanos, present } from "../../src/kernel/index.ts";
import { listNettings, type Statement, setNettingRule } from "../../src/settlement/index.ts";
import { findStatements } from "../../src/statements/index.ts";
import { close, exactly, expectBooksToHold } from "../billing/invoice-books.ts";
import { monthOf } from "../support/marketplace-books.ts";
import type { TestMetering } from "../support/metering.ts";
import {
  anySpend,
  CUSTOMERS,
  earnedIn,
  eventsOf,
  expectedNettings,
  type History,
  LINKED,
  linkOf,
  PAYEES,
  startNettingBooks,
} from "./netting-books.ts";

let books: TestMetering;
beforeAll(async () => {
  books = await startNettingBooks();
  // So that what is late is booked a month later.
  await close(books.sql, monthOf("2020-01"));
  await makeInvoices(books.sql, monthOf("2020-01"), { by: "test" });
});
afterAll(() => books?.drop());

/** One after the other: these books go on from test to test. */
let months = 0;
function nextMonth(): [month: string, before: string] {
  const text = (n: number) => new Date(Date.UTC(2020, n, 1)).toISOString().slice(0, 7);
  months++;
  return [text(months), text(months - 1)];
}

const history: History = {
  links: CUSTOMERS.map((customer) => ({ customer, from: "2000-01-01", payee: LINKED[customer] })),
  rules: [],
};

async function nettedIn(month: string): Promise<Record<string, bigint>> {
  const rows = await books.sql<{ key: string; nanos: string }[]>`
    SELECT customer || ' ' || payee AS key, amount_nanos::text AS nanos FROM netting WHERE period = ${`${month}-01`}`;
  return Object.fromEntries(rows.map(({ key, nanos }) => [key, BigInt(nanos)]));
}

const nanosOf = (amount: string) => present(parseNanos(amount), "an amount");

const anyMonth = fc.record({
  spends: fc.array(anySpend, { maxLength: 20 }),
  moves: fc.option(
    fc.record({ to: fc.constantFrom(...PAYEES, undefined), day: fc.integer({ min: 1, max: 28 }) }),
  ),
  rule: fc.option(fc.record({ customer: fc.constantFrom("ada-app", "lin-app"), nets: fc.boolean() })),
});

test("for random months, links and rules, close nets what an oracle says, and invoices ask exactly for the rest", async () => {
  const { sql, catalog } = books;
  const carried = new Map<string, string>();
  await fc.assert(
    fc.asyncProperty(anyMonth, async ({ spends, moves, rule }) => {
      const [month, before] = nextMonth();
      if (moves !== null) {
        const from = `${month}-${String(moves.day).padStart(2, "0")}`;
        history.links.push({ customer: "mover", from, payee: moves.to });
        await catalog.change({ customers: [linkOf("mover", moves.to, `${from}T00:00:00Z`)] } as never);
      }
      if (rule !== null) {
        history.rules.push({ ...rule, from: month });
        await setNettingRule(sql, rule.customer, { from: monthOf(month), nets: rule.nets }, "test");
      }
      await books.apply(0, [eventsOf(spends, month, before)]);
      await close(sql, monthOf(month));
      await makeInvoices(sql, monthOf(month), { by: "test" });

      const netted = await nettedIn(month);
      const earned = await earnedIn(sql, monthOf(month));
      expect(netted).toEqual(expectedNettings(history, spends, month, before, earned));
      for (const payee of PAYEES) {
        const [statement] = await findStatements(sql, payee, monthOf(month));
        const {
          opening,
          earned: got,
          adjustments,
          netted: off,
          paid,
          closing,
        } = present(statement, "one") as Statement;
        const own = Object.entries(netted).filter(([key]) => key.endsWith(` ${payee}`));
        expect(nanosOf(off.amount)).toBe(own.reduce((sum, [, nanos]) => sum + nanos, 0n));
        expect(nanosOf(closing.amount)).toBe(
          nanosOf(opening.amount) +
            nanosOf(got.amount) +
            nanosOf(adjustments.amount) -
            nanosOf(off.amount) -
            nanosOf(paid.amount),
        );
      }
      for (const invoice of await listInvoices(sql, { period: monthOf(month), limit: 100 })) {
        const own = Object.entries(netted).filter(([key]) => key.startsWith(`${invoice.customer} `));
        expect(nanosOf(invoice.netted.amount)).toBe(own.reduce((sum, [, nanos]) => sum + nanos, 0n));
        expect(invoice.carried_in).toBe(carried.get(invoice.customer) ?? "0");
        const asked = [invoice.netted.amount, invoice.amount.amount, invoice.carried_out]
          .map(exactly)
          .reduce(add);
        expect(compare(asked, add(exactly(invoice.gross), exactly(invoice.carried_in)))).toBe(0);
        carried.set(invoice.customer, invoice.carried_out);
      }
    }),
    { numRuns: 25, endOnFailure: true },
  );
  await expectBooksToHold(sql);
});

test("nobody's link is changed under a month that is closed", async () => {
  const change = (from: string) =>
    books.catalog.change({ customers: [linkOf("lin-app", "ada", from)] } as never);
  const [month, before] = nextMonth();
  await books.apply(0, [
    eventsOf([{ customer: "lin-app", model: 0, tokens: 5, late: false }], month, before),
  ]);
  await close(books.sql, monthOf(month));
  const [next] = nextMonth();
  await expect(change(`${month}-25T00:00:00Z`)).rejects.toMatchObject({
    code: "effective_from_in_metered_past",
    message: expect.stringContaining(`${next}-01T00:00:00Z`),
  });
  await change(`${next}-01T00:00:00Z`);
});

test("a netting rule cannot be set for a closed month", async () => {
  const rule = { from: monthOf("2020-02"), nets: false };
  await expect(setNettingRule(books.sql, "ada-app", rule, "test")).rejects.toMatchObject({
    code: "period_closed",
  });
});

test("earnings that are held until their customers pay are not netted with", async () => {
  const [month, before] = nextMonth();
  await setReleaseRule(books.sql, { from: monthOf(month), rule: "on_payment", hold_days: 0 }, "test");
  await setNettingRule(books.sql, "ada-bot", { from: monthOf(month), nets: true }, "test");
  const spends = [
    { customer: "acme", model: 0, tokens: 50_000, late: false },
    { customer: "ada-bot", model: 1, tokens: 900_000, late: false },
  ];
  await books.apply(0, [eventsOf(spends, month, before)]);
  await close(books.sql, monthOf(month));
  expect(await nettedIn(month)).toEqual({});
  await expectBooksToHold(books.sql);
});

test("a payee's nettings are listed page by page, the latest first", async () => {
  const all = await listNettings(books.sql, { payee: "ada", limit: 1000 });
  expect(all.length).toBeGreaterThan(3);
  const paged = [];
  for (let after: string | undefined; ; ) {
    const page = await listNettings(books.sql, {
      payee: "ada",
      limit: 2,
      ...(after === undefined ? {} : { after }),
    });
    paged.push(...page);
    const last = page.at(-1);
    if (last === undefined) break;
    after = `${last.period} ${last.customer} ${last.currency}`;
  }
  expect(paged).toEqual(all);
  expect(all.map(({ period }) => period)).toEqual(
    all
      .map(({ period }) => period)
      .sort()
      .reverse(),
  );
});
