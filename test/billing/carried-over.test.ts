import fc from "fast-check";
import type Stripe from "stripe";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openStripeBillingProvider } from "../../src/adapters/stripe/stripe-billing-provider.ts";
import {
  type BillingProvider,
  invoiceEventHandlers,
  makeInvoices,
  pushInvoices,
  recordInvoicePaid,
  tellDuePayments,
} from "../../src/billing/index.ts";
import { type Nanos, type Period, parsePeriod, present } from "../../src/kernel/index.ts";
import type { EventHandler } from "../../src/provider-events/index.ts";
import { stripeClient } from "../stripe-simulator/stripe-client.ts";
import { startTestMetering, type TestMetering } from "../support/metering.ts";
import { startStripeSimulator, type TestSimulator } from "../support/stripe-simulator.ts";
import { SMALL_CATALOG, usageEvent } from "../support/usage.ts";
import { close, expectBooksToHold } from "./invoice-books.ts";

// Stripe charges no 30 cents: such an invoice is paid there at once, and the next one asks for it besides.

const MONTHS = ["2023-08", "2023-09", "2023-10", "2023-11"] as const;
/** What each customer uses in each month, in cents. */
const USED: Record<string, readonly number[]> = {
  small: [20, 20, 1000, 30],
  bank: [30, 0, 1000, 0],
  written: [30, 0, 1000, 0],
  voided: [30, 500, 1000, 0],
  refunded: [40, 0, 1000, 0],
  told: [30, 0, 1000, 0],
  told_some: [30, 0, 1000, 0],
};
/** Seen in whatever order Stripe tells of them. */
const SHUFFLED = Array.from({ length: 6 }, (_, n) => `shuffled${n}`);

let books: TestMetering;
let simulator: TestSimulator;
let stripe: Stripe;
let provider: BillingProvider;
let handle: EventHandler;
beforeAll(async () => {
  for (const id of SHUFFLED)
    USED[id] = MONTHS.map(() => present(fc.sample(fc.constantFrom(0, 10, 20, 49, 50, 300), 1)[0], "cents"));
  const customers = Object.keys(USED).map((id) => ({ id, name: id, currency: "USD" }));
  [simulator, books] = await Promise.all([
    startStripeSimulator(),
    startTestMetering({ ...SMALL_CATALOG, customers }),
  ]);
  const { sql } = books;
  stripe = stripeClient(simulator);
  provider = openStripeBillingProvider({
    ...{ secretKey: "sk_test_simulator", apiBase: simulator.url, timeoutMs: 10_000 },
  });
  const handlers = new Map(invoiceEventHandlers(sql, provider));
  handle = present(handlers.get("invoice.paid"), "a handler");
  for (const [n, month] of MONTHS.entries()) {
    const events = Object.entries(USED)
      .filter(([, cents]) => (cents[n] ?? 0) > 0)
      .map(([customer, cents]) =>
        usageEvent({
          ...{ id: `${customer}-${month}`, customer, time: `${month}-14T12:00:00Z` },
          metrics: { input_token_count: (cents[n] ?? 0) * 10 },
        }),
      );
    await books.apply(0, [events]);
    const period = present(parsePeriod(month), "a month") as Period;
    await close(sql, period);
    await makeInvoices(sql, period, { by: "test" });
    await pushInvoices(sql, provider, period);
    if (month === "2023-09") await stripe.invoices.voidInvoice(await pushed("voided", "2023-09"));
  }
});
afterAll(async () => {
  await Promise.all([simulator?.kill("SIGKILL"), books?.drop()]);
});

const ours = (customer: string, month: string) => `inv_${month}_${customer}_USD`;

async function pushed(customer: string, month: string): Promise<string> {
  const [row] = await books.sql<{ id: string }[]>`
    SELECT provider_id AS id FROM invoice_push WHERE invoice_id = ${ours(customer, month)} AND provider_id IS NOT NULL`;
  return present(row, "a pushed invoice").id;
}

const told = async (customer: string, month: string) => {
  const event = { about: await pushed(customer, month), id: "evt_1" } as Parameters<EventHandler>[0];
  return (await handle(event)).outcome;
};

/** In cents: what is left of each month's invoice, and the customer's credit. */
async function leftOf(customer: string) {
  const rows = await books.sql<{ left: number }[]>`
    SELECT (invoice_left(id) / 10000000)::int AS left FROM invoice WHERE customer = ${customer} ORDER BY period`;
  const [{ credit }] = await books.sql<[{ credit: number }]>`
    SELECT (-account_balance_of(${`customer:${customer}:credit`}, 'USD') / 10000000)::int AS credit`;
  return { left: rows.map(({ left }) => left), credit };
}

test("an invoice that is too small to be charged waits, and is paid with the next one, once", async () => {
  expect(await told("small", "2023-08")).toContain("paid with the customer's next invoice");
  const later = await pushed("small", "2023-10");
  expect(await stripe.invoices.retrieve(later)).toMatchObject({ amount_due: 1040, starting_balance: 40 });
  await stripe.invoices.pay(later);
  expect(await leftOf("small")).toEqual({ left: [20, 20, 1000, 30], credit: 0 });
  for (const month of ["2023-10", "2023-08", "2023-10", "2023-09", "2023-11"]) await told("small", month);
  expect(await told("small", "2023-10")).toContain("0.40 USD more for invoices that Stripe had carried over");
  expect(await leftOf("small")).toEqual({ left: [0, 0, 0, 30], credit: 0 });
  await expectBooksToHold(books.sql);
});

test("what was paid otherwise meanwhile becomes credit, as with any payment of more than is asked", async () => {
  await recordInvoicePaid(books.sql, {
    ...{ invoice: ours("bank", "2023-08"), amountNanos: 300_000_000n as Nanos, reference: "bank" },
    ...{ by: "test", paidAt: new Date() },
  });
  await stripe.invoices.pay(await pushed("bank", "2023-10"));
  await told("bank", "2023-10");
  await told("bank", "2023-10");
  expect(await leftOf("bank")).toEqual({ left: [0, 0], credit: 30 });
  await expectBooksToHold(books.sql);
});

test("of what Stripe was told, nothing pays the invoices before, nor is their part credit of the customer", async () => {
  for (const [customer, cents] of [
    ["told", 1000n],
    ["told_some", 400n],
  ] as const) {
    await recordInvoicePaid(books.sql, {
      ...{
        invoice: ours(customer, "2023-10"),
        amountNanos: (cents * 10_000_000n) as Nanos,
        reference: "by bank",
      },
      ...{ by: "test", paidAt: new Date("2023-12-04T10:00:00Z") },
    });
    await tellDuePayments(books.sql, provider, { restSeconds: 0 });
    await stripe.invoices.pay(await pushed(customer, "2023-10"));
    const paid = await stripe.invoices.retrieve(await pushed(customer, "2023-10"));
    expect(paid).toMatchObject({ status: "paid", amount_paid: 1030, amount_paid_off_stripe: Number(cents) });
    for (let times = 0; times < 2; times++)
      expect(await told(customer, "2023-10")).toContain(
        "0.30 USD more for invoices that Stripe had carried over",
      );
    expect(await leftOf(customer)).toEqual({ left: [0, 0], credit: 0 });
  }
  await expectBooksToHold(books.sql);
});

test("what somebody only wrote down as paid pays both, and gives no credit", async () => {
  await stripe.invoices.pay(await pushed("written", "2023-10"), { paid_out_of_band: true });
  await told("written", "2023-10");
  await told("written", "2023-10");
  expect(await leftOf("written")).toEqual({ left: [0, 0], credit: 0 });
});

test("an invoice that was voided hands on what it would have asked for", async () => {
  await stripe.invoices.pay(await pushed("voided", "2023-10"));
  expect(await told("voided", "2023-09")).toContain("is void");
  await told("voided", "2023-10");
  expect(await leftOf("voided")).toEqual({ left: [0, 500, 0], credit: 0 });
});

test("a balance that somebody gave the customer at Stripe is paid for no invoice of ours, and said", async () => {
  const later = await pushed("refunded", "2023-10");
  expect(await stripe.invoices.retrieve(later)).toMatchObject({ amount_due: 1040 });
  // As if the first had never been ours.
  await books.sql`UPDATE invoice_push SET provider_id = 'in_other' WHERE invoice_id = ${ours("refunded", "2023-08")}`;
  await stripe.invoices.pay(later);
  expect(await told("refunded", "2023-10")).toContain("0.40 USD more for none of our invoices");
  expect(await leftOf("refunded")).toEqual({ left: [40, 0], credit: 0 });
});

test("whatever is used and in whatever order Stripe tells, what it was paid is what our invoices are paid", async () => {
  for (const customer of SHUFFLED) {
    const months = MONTHS.filter((_, n) => (present(USED[customer], "usage")[n] ?? 0) > 0);
    let paid = 0;
    for (const month of months) {
      const { status, id } = await stripe.invoices.retrieve(await pushed(customer, month));
      if (status === "open") paid += (await stripe.invoices.pay(id)).amount_paid;
    }
    for (const month of fc.sample(
      fc.shuffledSubarray([...months, ...months], { minLength: months.length * 2 }),
      1,
    )[0] ?? [])
      await told(customer, month);
    const used = present(USED[customer], "usage").reduce((all, cents) => all + cents, 0);
    const { left, credit } = await leftOf(customer);
    expect({ customer, left: left.reduce((all, cents) => all + cents, 0), credit }).toEqual({
      ...{ customer, left: used - paid, credit: 0 },
    });
    // Nothing before the last charge is open any more.
    const last = left.lastIndexOf(0);
    expect(left.slice(0, last + 1)).toEqual(left.slice(0, last + 1).map(() => 0));
  }
  await expectBooksToHold(books.sql);
});
