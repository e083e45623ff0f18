import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import {
  type CorrectionAsked,
  correct,
  openDispute,
  refund,
  returnRefund,
} from "../../src/adjustments/index.ts";
import {
  type Invoice,
  listInvoices,
  makeInvoices,
  recordInvoicePaid,
  releaseHeld,
  setReleaseRule,
} from "../../src/billing/index.ts";
import { formatNanos, parseNanos, payableFloor, present } from "../../src/kernel/index.ts";
import type { Sql } from "../../src/postgres/index.ts";
import { setReserveRule } from "../../src/settlement/index.ts";
import { balancesOf } from "../../src/statements/index.ts";
import { monthOf } from "../support/marketplace-books.ts";
import { CUSTOMERS, close, expectBooksToHold, startInvoiceBooks, type Use, use } from "./invoice-books.ts";

const MONTH = monthOf("2023-08");
const BY = { by: "test" };

const anyUse: fc.Arbitrary<Use> = fc.record({
  customer: fc.nat(CUSTOMERS.length - 1),
  currency: fc.nat(1),
  model: fc.nat(2),
  tokens: fc.integer({ min: 0, max: 10_000_000 }),
  micros: fc.nat(100_000_000),
  day: fc.integer({ min: 1, max: 28 }),
  late: fc.constant(0),
});

const nanosOf = (invoice: Invoice) => present(parseNanos(invoice.amount.amount), "an amount");

const pay = (sql: Sql, invoice: Invoice, amountNanos = nanosOf(invoice), reference = "bank") =>
  recordInvoicePaid(sql, { invoice: invoice.id, amountNanos, reference, by: "test", paidAt: new Date() });

/** By payee and currency: what was earned in the books, what is held, and what is payable. */
async function standing(sql: Sql) {
  const rows = await sql<{ who: string; earned: string; held: string; payable: string }[]>`
    SELECT split_part(p.account, ':', 2) || ' ' || p.currency AS who, sum(p.amount_nanos)::text AS earned,
      (-account_balance_of('payee:' || split_part(p.account, ':', 2) || ':held', p.currency))::text AS held,
      (-account_balance_of('payee:' || split_part(p.account, ':', 2) || ':payable', p.currency))::text AS payable
    FROM accrual_part p WHERE p.account LIKE 'payee:%' GROUP BY p.account, p.currency ORDER BY 1`;
  return rows.map(({ who, earned, held, payable }) => ({
    who,
    earned: BigInt(earned),
    held: BigInt(held),
    payable: BigInt(payable),
  }));
}

async function closedOnPayment(uses: readonly Partial<Use>[], holdDays = 0) {
  const books = await startInvoiceBooks();
  onTestFinished(() => books.drop());
  const none = { customer: 0, currency: 0, model: 0, tokens: 0, micros: 0, day: 3, late: 0 };
  await setReleaseRule(books.sql, { from: MONTH, rule: "on_payment", hold_days: holdDays }, "test");
  await use(
    books,
    MONTH,
    MONTH,
    uses.map((one) => ({ ...none, ...one })),
    "usage",
  );
  await close(books.sql, MONTH);
  return books;
}

test("the next payout is estimated as what is payable once the month is closed: not what will be held until customers pay, or in reserve", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyUse, { minLength: 1, maxLength: 10 }),
      fc.boolean(),
      fc.constantFrom(0, 3_333, 10_000),
      async (uses, waits, basisPoints) => {
        const books = await startInvoiceBooks();
        const { sql } = books;
        try {
          if (waits) await setReleaseRule(sql, { from: MONTH, rule: "on_payment", hold_days: 0 }, "test");
          await setReserveRule(sql, { from: MONTH, payee: null, basisPoints, days: 90 }, "test");
          await use(books, MONTH, MONTH, uses, "usage");
          const payees = await sql<{ id: string }[]>`SELECT id FROM payee ORDER BY id`;
          const all = async () => (await Promise.all(payees.map(({ id }) => balancesOf(sql, id)))).flat();
          const open = await all();
          for (const { accruing, next_payout } of open.filter(() => waits)) {
            expect(Number(next_payout.estimate.amount)).toBe(0);
            if (Number(accruing.amount) > 0)
              expect(next_payout.blocked_by.map(({ message }) => message).join()).toContain(
                "is held at close",
              );
          }
          await close(sql, MONTH);
          const floored = ({ currency, payable }: { currency: string; payable: { amount: string } }) =>
            formatNanos(payableFloor(currency, present(parseNanos(payable.amount), "an amount")));
          expect(open.map(({ next_payout }) => next_payout.estimate.amount)).toEqual(
            (await all()).map(floored),
          );
        } finally {
          await books.drop();
        }
      },
    ),
    { numRuns: 6 },
  );
});

test("whoever pays first, each payment frees its exact share, and in the end all that was earned", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyUse, { minLength: 1, maxLength: 20 }), fc.nat(), async (uses, order) => {
      const books = await startInvoiceBooks();
      const { sql } = books;
      try {
        await setReleaseRule(sql, { from: MONTH, rule: "on_payment", hold_days: 0 }, "test");
        await use(books, MONTH, MONTH, uses, "usage");
        await close(sql, MONTH);
        for (const { earned, held, payable } of await standing(sql))
          expect([held, payable]).toEqual([earned, 0n]);
        await makeInvoices(sql, MONTH, BY);
        const owed = (await listInvoices(sql, { limit: 100 })).filter((invoice) => nanosOf(invoice) > 0n);
        owed.sort((a, b) => ((a.id.length * 31 + order) % 7) - ((b.id.length * 31 + order) % 7));
        for (const [n, invoice] of owed.entries()) {
          const part = nanosOf(invoice) / 3n;
          const before = await standing(sql);
          if (part > 0n) await pay(sql, invoice, part, "part");
          if (part > 0n) expect(await standing(sql)).toEqual(before);
          await pay(sql, invoice, nanosOf(invoice) - part, "rest");
          for (const { earned, held, payable } of await standing(sql)) expect(held + payable).toBe(earned);
          if (n === 0) await expectBooksToHold(sql);
        }
        for (const { earned, held, payable } of await standing(sql))
          expect([held, payable]).toEqual([0n, earned]);
        await expectBooksToHold(sql);
      } finally {
        await books.drop();
      }
    }),
    { numRuns: 6 },
  );
});

test("a payee sees what is held, for how many customers, and why", async () => {
  const { sql } = await closedOnPayment(
    [{ micros: 100_000_000 }, { customer: 1, micros: 90_000_000 }, { customer: 2, micros: 1_000 }],
    14,
  );
  const codes = async () =>
    (await balancesOf(sql, "ada")).flatMap(({ held_for }) =>
      held_for.map(({ code, customers, until }) => ({ code, customers, until })),
    );
  expect(await codes()).toEqual([{ code: "invoice_not_made", customers: 3, until: null }]);
  await makeInvoices(sql, MONTH, BY);
  const owed = (await listInvoices(sql, { limit: 100 })).filter((invoice) => nanosOf(invoice) > 0n);
  await pay(sql, present(owed[0], "an invoice"));
  // The third customer's invoice asks for nothing: it counts as paid.
  expect(await codes()).toEqual([
    { code: "hold_days", customers: 2, until: expect.stringMatching(/^\d{4}-\d\d-\d\d$/) },
    { code: "invoice_unpaid", customers: 1, until: null },
  ]);
  const [first] = owed.map((invoice) => ({ invoice: invoice.id, amountNanos: nanosOf(invoice) }));
  const disputed = { ...present(first, "an invoice"), by: "test" };
  await openDispute(sql, { id: "d", reason: "fraudulent", ...disputed });
  expect(await codes()).toContainEqual({ code: "dispute", customers: 1, until: null });
  await expectBooksToHold(sql);
});

test("with a hold of days, what was paid for is freed when they are over, once", async () => {
  const { sql } = await closedOnPayment([{ currency: 0, micros: 100_000_000 }], 14);
  await makeInvoices(sql, MONTH, BY);
  const invoice = present((await listInvoices(sql, { limit: 1 }))[0], "an invoice");
  const paidAt = new Date(Date.now() - 13 * 86_400_000);
  await recordInvoicePaid(sql, {
    invoice: invoice.id,
    amountNanos: nanosOf(invoice),
    reference: "bank",
    by: "test",
    paidAt,
  });
  expect(await releaseHeld(sql)).toBe(0);
  await sql`UPDATE invoice_release SET due_at = due_at - interval '2 days'`;
  expect(await Promise.all([releaseHeld(sql), releaseHeld(sql)])).toContain(1);
  expect(await releaseHeld(sql)).toBe(0);
  for (const { earned, payable } of await standing(sql)) expect(payable).toBe(earned);
});

/** Refunds an invoice whole, or an amount of it. Answers how to take that back. */
async function refunded(sql: Sql, invoice: Invoice, reference: string, amount?: string) {
  const common = { reason: "test", by: "test" };
  const id = await refund(sql, { ...common, asked: { invoice: invoice.id, amount }, reference });
  return () => returnRefund(sql, { ...common, id, reference: `${reference}:returned` });
}

test("a refund of an unpaid invoice that is taken back leaves everything held, until it is paid after all", async () => {
  const { sql } = await closedOnPayment([{ micros: 100_000_000 }, { model: 2, tokens: 9_000 }]);
  await makeInvoices(sql, MONTH, BY);
  const invoice = present((await listInvoices(sql, { limit: 1 }))[0], "an invoice");
  const nobodyPaid = await standing(sql);
  await (await refunded(sql, invoice, "whole"))();
  expect(await standing(sql)).toEqual(nobodyPaid);
  await expectBooksToHold(sql);
  expect((await balancesOf(sql, "ada"))[0]?.held_for).toMatchObject([
    { code: "invoice_unpaid", customers: 1 },
  ]);

  await pay(sql, invoice);
  const allPaid = nobodyPaid.map((one) => ({ ...one, held: 0n, payable: one.earned }));
  expect(await standing(sql)).toEqual(allPaid);
  await expectBooksToHold(sql);
  // What was paid for stays payable, whatever is refunded and taken back.
  await (await refunded(sql, invoice, "paid"))();
  expect(await standing(sql)).toEqual(allPaid);
  await expectBooksToHold(sql);
});

test("what was paid for stays payable, and what a refund gives back of the rest waits for the rest, again and again", async () => {
  const { sql } = await closedOnPayment([{ micros: 100_000_000 }]);
  await makeInvoices(sql, MONTH, BY);
  const invoice = present((await listInvoices(sql, { limit: 1 }))[0], "an invoice");
  const [half, rest] = [50_000_000n, nanosOf(invoice) - 50_000_000n];
  await pay(sql, invoice, half, "half");
  const takeBack = await refunded(sql, invoice, "rest", formatNanos(rest));
  const [ada] = await standing(sql);
  expect(ada?.held).toBe(0n);
  await takeBack();
  expect(await standing(sql)).toMatchObject([{ payable: ada?.payable }]);
  await (await refunded(sql, invoice, "once more", formatNanos(rest)))();
  const { earned, held, payable } = present((await standing(sql))[0], "a payee");
  expect([held + payable, payable]).toEqual([earned, ada?.payable]);
  await expectBooksToHold(sql);
  await pay(sql, invoice, rest, "rest");
  expect(await standing(sql)).toMatchObject([{ held: 0n, payable: earned }]);
  await expectBooksToHold(sql);
});

test("a release that only a refund planned is not planned any more when the refund is taken back", async () => {
  const { sql } = await closedOnPayment([{ micros: 100_000_000 }], 14);
  await makeInvoices(sql, MONTH, BY);
  const invoice = present((await listInvoices(sql, { limit: 1 }))[0], "an invoice");
  const nobodyPaid = await standing(sql);
  await (await refunded(sql, invoice, "whole"))();
  expect(await sql`SELECT FROM invoice_release`).toEqual([]);
  expect(await standing(sql)).toEqual(nobodyPaid);
  await expectBooksToHold(sql);
  await pay(sql, invoice);
  await sql`UPDATE invoice_release SET due_at = due_at - interval '15 days'`;
  expect(await releaseHeld(sql)).toBe(1);
  expect(await standing(sql)).toEqual(nobodyPaid.map((one) => ({ ...one, held: 0n, payable: one.earned })));
});

test("a month's usage is not corrected while its earnings wait for a payment", async () => {
  const { sql } = await closedOnPayment([{ micros: 100_000_000 }, { customer: 1, model: 2, tokens: 9_000 }]);
  await makeInvoices(sql, MONTH, BY);
  const invoices = (await listInvoices(sql, { limit: 9 })).filter((invoice) => nanosOf(invoice) > 0n);
  const nobodyPaid = await standing(sql);
  const model = "ada/llm";
  const give: CorrectionAsked = {
    kind: "reattribution",
    model,
    period: MONTH,
    currency: "USD",
    from: "ada",
    to: "lin",
  };
  const components = [{ meter: "predict_seconds", amount: "0.5", per: "1" }];
  const rate: CorrectionAsked = { kind: "rerate", model, period: MONTH, currency: "USD", components };
  const corrected = (asked: CorrectionAsked) =>
    correct(sql, { asked, reference: asked.kind, reason: "test", by: "test" });
  for (const asked of [give, rate])
    await expect(corrected(asked)).rejects.toMatchObject({ code: "earnings_held" });
  expect(await standing(sql)).toEqual(nobodyPaid);
  expect(await sql`SELECT FROM correction`).toEqual([]);

  for (const invoice of invoices.filter(({ id }) => id.includes("acme"))) await pay(sql, invoice);
  for (const asked of [give, rate]) expect(await corrected(asked)).toMatchObject({ state: "booked" });
  await expectBooksToHold(sql);
});

test("without a rule, everything is payable at close and nothing is held", async () => {
  const books = await startInvoiceBooks();
  onTestFinished(() => books.drop());
  await use(
    books,
    MONTH,
    MONTH,
    [{ customer: 0, currency: 0, model: 1, tokens: 5_000_000, micros: 0, day: 3, late: 0 }],
    "usage",
  );
  await close(books.sql, MONTH);
  for (const { earned, held, payable } of await standing(books.sql))
    expect([held, payable]).toEqual([0n, earned]);
});
