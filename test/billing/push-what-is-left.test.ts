import { expect, test } from "vitest";
import { openStripeBillingProvider } from "../../src/adapters/stripe/stripe-billing-provider.ts";
import { openStripeRefundMaker } from "../../src/adapters/stripe/stripe-refund-maker.ts";
import { refund, sendDueRefunds } from "../../src/adjustments/index.ts";
import { invoiceEventHandlers, recordInvoicePaid } from "../../src/billing/index.ts";
import { present } from "../../src/kernel/index.ts";
import { stripeClient } from "../stripe-simulator/stripe-client.ts";
import { expectBooksToHold } from "./invoice-books.ts";
import { type MadeMonth, openMadeMonth } from "./made-month.ts";

// What was paid elsewhere or refunded before the push: Stripe charges cards by itself, so it is asked for what is left only.

const CENT = 10_000_000n;
const ours = (customer: string) => `inv_2023-09_${customer}_USD`;
const why = { reason: "it was wrong", by: "test" };

async function openMonth() {
  // Of $24.69, $24.70 (with 0.4 cents carried on) and $24.71.
  const month = await openMadeMonth(3);
  const stripe = stripeClient(month.simulator);
  return {
    ...month,
    stripe,
    paid: (customer: string, cents: bigint, reference = "bank") =>
      recordInvoicePaid(month.sql, {
        ...{ invoice: ours(customer), amountNanos: cents * CENT, reference, by: "test", paidAt: new Date() },
      }),
    refunded: (customer: string, amount: string, atProvider = false) =>
      refund(month.sql, {
        asked: { invoice: ours(customer), amount },
        reference: `of ${customer}`,
        atProvider,
        ...why,
      }),
    async atStripe() {
      const there = await stripe.invoices.list({ limit: 100 });
      return Object.fromEntries(there.data.map(({ metadata, total }) => [metadata?.invoice, total]));
    },
  };
}

const idAtStripe = async ({ sql }: MadeMonth, customer: string) => {
  const [row] = await sql<
    { id: string }[]
  >`SELECT provider_id AS id FROM invoice_push WHERE invoice_id = ${ours(customer)}`;
  return present(row, "a pushed invoice").id;
};

test("nobody is asked at Stripe for what is paid elsewhere, or was refunded, before the push", async () => {
  const month = await openMonth();
  await month.paid("customer1", 2469n);
  await month.refunded("customer2", "24.70");
  expect(await month.push()).toMatchObject({ results: { pushed: 1 }, problems: [] });
  expect(await month.atStripe()).toEqual({ [ours("customer3")]: 2471 });
  expect(await month.push()).toMatchObject({ results: { pushed: 0 }, problems: [] });
  await expectBooksToHold(month.sql);
});

test("Stripe is asked for what is left, and its payment settles the invoice", async () => {
  const month = await openMonth();
  await month.paid("customer1", 1000n);
  await month.refunded("customer1", "4.695");
  expect(await month.push()).toMatchObject({ results: { pushed: 3 }, problems: [] });
  // 9.995 are left; whole cents can be asked for, and nobody gets back more than was refunded.
  expect(await month.atStripe()).toMatchObject({ [ours("customer1")]: 1000, [ours("customer3")]: 2471 });
  const id = await idAtStripe(month, "customer1");
  const items = await month.stripe.invoices.listLineItems(id);
  expect(items.data.at(-1)).toMatchObject({ description: "Paid or credited already", amount: -1469 });
  await month.stripe.invoices.pay(id);
  const provider = openStripeBillingProvider({
    ...{ secretKey: "sk_test_simulator", apiBase: month.simulator.url, timeoutMs: 10_000 },
  });
  const paid = present(new Map(invoiceEventHandlers(month.sql, provider)).get("invoice.paid"), "a handler");
  await paid({
    ...{ id: "evt_1", type: "invoice.paid", about: id, account: null },
    ...{ livemode: false, occurredAt: new Date(), body: "{}" },
  });
  expect(await month.sql`SELECT invoice_left(${ours("customer1")})::text AS left`).toEqual([{ left: "0" }]);
  await expectBooksToHold(month.sql);
});

test("a refund that Stripe is to make before the push becomes a credit note of the whole invoice", async () => {
  const month = await openMonth();
  await month.refunded("customer1", "24.69", true);
  expect(await month.push()).toMatchObject({ results: { pushed: 3 } });
  expect(await month.atStripe()).toMatchObject({ [ours("customer1")]: 2469 });
  const maker = openStripeRefundMaker({
    ...{ secretKey: "sk_test_simulator", apiBase: month.simulator.url, timeoutMs: 10_000 },
  });
  expect(await sendDueRefunds(month.sql, maker)).toMatchObject({ results: { made: 1 }, problems: [] });
  const { amount_due } = await month.stripe.invoices.retrieve(await idAtStripe(month, "customer1"));
  expect(amount_due).toBe(0);
  await expectBooksToHold(month.sql);
});

test("an attempt whose answer was lost is gone on with as it began, whatever was paid since", async () => {
  const month = await openMonth();
  await month.fault("drop_after", 2, "/v1/invoices");
  await month.fault("drop_before", 1, "/v1/invoiceitems");
  await month.push();
  const begun = await month.sql<
    { id: string }[]
  >`SELECT invoice_id AS id FROM invoice_push WHERE state = 'unknown' ORDER BY 1`;
  expect(begun.length).toBeGreaterThan(0);
  for (const { id } of begun)
    await recordInvoicePaid(month.sql, {
      ...{ invoice: id, amountNanos: 1000n * CENT, reference: "bank", by: "test", paidAt: new Date() },
    });
  expect(await month.push()).toMatchObject({ problems: [] });
  expect(Object.values(await month.atStripe()).sort()).toEqual([2469, 2470, 2471]);
  await expectBooksToHold(month.sql);
});
