import type Stripe from "stripe";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openStripeBillingProvider } from "../../src/adapters/stripe/stripe-billing-provider.ts";
import { correct, refund, returnRefund } from "../../src/adjustments/index.ts";
import {
  type BillingProvider,
  invoiceEventHandlers,
  listCredits,
  makeInvoices,
  owedCustomers,
  paymentsOf,
  pushInvoices,
  recordInvoicePaid,
  tellDuePayments,
} from "../../src/billing/index.ts";
import { present } from "../../src/kernel/index.ts";
import { stripeClient } from "../stripe-simulator/stripe-client.ts";
import { monthOf } from "../support/marketplace-books.ts";
import { startTestMetering, type TestMetering } from "../support/metering.ts";
import { runUntilDone } from "../support/stripe-proxy.ts";
import { startStripeSimulator, type TestSimulator } from "../support/stripe-simulator.ts";
import { SMALL_CATALOG, usageEvent } from "../support/usage.ts";
import { close, expectBooksToHold } from "./invoice-books.ts";

// Each is asked for 10.00 at Stripe, and pays by bank.

const MONTH = monthOf("2023-11");
const FAULTS = ["drop_before", "drop_after", "error_500_before", "error_500_after", "rate_limit"];
const PATHS = ["/v1/payment_records/report_payment", "attach_payment"];
const FAULTY = FAULTS.flatMap((fault) => PATHS.map((path) => ({ fault, path })));
const KILLED = ["killed1", "killed2", "killed3", "killed4"];
const CUSTOMERS = [
  ...["whole", "parts", "mixed", "twice", "again", "early", "credited", "refused"],
  ...FAULTY.map((_, n) => `fault${n}`),
  ...KILLED,
];
const SCRIPT = new URL("./tell-payments-process.ts", import.meta.url).pathname;

let books: TestMetering;
let simulator: TestSimulator;
let stripe: Stripe;
let provider: BillingProvider;
beforeAll(async () => {
  const customers = CUSTOMERS.map((id) => ({ id, name: id, currency: "USD" }));
  [simulator, books] = await Promise.all([
    startStripeSimulator(),
    startTestMetering({ ...SMALL_CATALOG, customers }),
  ]);
  stripe = stripeClient(simulator);
  provider = openStripeBillingProvider({
    ...{ secretKey: "sk_test_simulator", apiBase: simulator.url, timeoutMs: 10_000 },
  });
  await books.apply(0, [
    CUSTOMERS.map((customer) =>
      usageEvent({ id: customer, customer, metrics: { input_token_count: 10_000 } }),
    ),
  ]);
  await close(books.sql, MONTH);
  await makeInvoices(books.sql, MONTH, { by: "test" });
  await byBank("early", "3");
  await pushInvoices(books.sql, provider, MONTH);
});
afterAll(async () => {
  await Promise.all([simulator?.kill("SIGKILL"), books?.drop()]);
});

const ours = (customer: string) => `inv_2023-11_${customer}_USD`;
const tell = () => tellDuePayments(books.sql, provider, { restSeconds: 0 });
const mills = (amount: string) => BigInt(Math.round(Number(amount) * 1000)) * 1_000_000n;

function byBank(customer: string, amount: string, reference = "bank") {
  const paidAt = new Date("2023-12-04T10:00:00Z");
  const payment = { invoice: ours(customer), amountNanos: mills(amount), reference, by: "ops", paidAt };
  return recordInvoicePaid(books.sql, payment);
}

async function theirs(customer: string) {
  const [row] = await books.sql<{ id: string }[]>`
    SELECT provider_id AS id FROM invoice_push WHERE invoice_id = ${ours(customer)}`;
  return stripe.invoices.retrieve(present(row, "a pushed invoice").id);
}

/** Stripe's webhook of the invoice: what it did to the books. */
async function told(customer: string) {
  const { id: about } = await theirs(customer);
  const handle = present(new Map(invoiceEventHandlers(books.sql, provider)).get("invoice.paid"), "a handler");
  await handle({ about, id: `evt_${customer}`, type: "invoice.paid" } as Parameters<typeof handle>[0]);
  const [row] = await books.sql<[{ paid: string; credit: string }]>`
    SELECT (SELECT sum(amount_nanos) FROM invoice_payment WHERE invoice_id = ${ours(customer)})::text AS paid,
      (-account_balance_of(${`customer:${customer}:credit`}, 'USD'))::text AS credit`;
  return [row.paid, row.credit];
}

const states = async (customer: string) =>
  (await paymentsOf(books.sql, ours(customer))).map(({ reference, at_provider }) => [
    reference,
    at_provider?.state ?? null,
  ]);

test("Stripe is told of a payment in full: it asks for nothing more, and its webhook counts nothing twice", async () => {
  await byBank("whole", "10");
  await tell();
  expect(await theirs("whole")).toMatchObject({
    ...{ status: "paid", amount_remaining: 0, amount_paid: 1000, amount_paid_off_stripe: 1000 },
  });
  expect(await told("whole")).toEqual(["10000000000", "0"]);
  const [payment] = await paymentsOf(books.sql, ours("whole"));
  expect(payment).toMatchObject({
    at_provider: { state: "told", provider_id: expect.stringMatching(/^pr_/) },
  });
  const record = await stripe.paymentRecords.retrieve(String(payment?.at_provider?.provider_id));
  expect(record).toMatchObject({
    amount_guaranteed: { value: 1000, currency: "usd" },
    metadata: { invoice: ours("whole"), payment: "bank" },
  });
});

test("of a part, it asks for the rest; what is below a cent is told with the next payment", async () => {
  await byBank("parts", "4.005", "one");
  await byBank("parts", "0.004", "two");
  await tell();
  expect(await theirs("parts")).toMatchObject({ status: "open", amount_remaining: 600 });
  expect(await states("parts")).toEqual([
    ["one", "told"],
    ["two", "none"],
  ]);
  await byBank("parts", "5.991", "three");
  await tell();
  expect(await theirs("parts")).toMatchObject({ status: "paid", amount_paid: 1000 });
  expect(await told("parts")).toEqual(["10000000000", "0"]);
});

test("the rest paid by card pays the rest, once", async () => {
  await byBank("mixed", "4");
  await tell();
  await stripe.invoices.pay((await theirs("mixed")).id);
  expect(await told("mixed")).toEqual(["10000000000", "0"]);
  expect(await told("mixed")).toEqual(["10000000000", "0"]);
});

test("who was charged before Stripe was told has paid twice: the rest is its credit, and the telling says why it failed", async () => {
  await byBank("twice", "4");
  await stripe.invoices.pay((await theirs("twice")).id);
  await tell();
  expect(await states("twice")).toEqual([["bank", "failed"]]);
  expect(await told("twice")).toEqual(["10000000000", "4000000000"]);
  const overpaid = async () => {
    const owed = await owedCustomers(books.sql, { limit: 10 });
    return owed.map(({ customer, on_account, repayable, overpaid }) => [
      customer,
      ...[on_account, repayable, overpaid].map(({ amount }) => amount),
    ]);
  };
  expect(await overpaid()).toEqual([["twice", "0.000000000", "0.000000000", "4.000000000"]]);
  const [credit] = await listCredits(books.sql, "twice", { limit: 1 });
  const asked = { kind: "revocation" as const, credit: present(credit, "a credit").id };
  await correct(books.sql, { asked, reference: "back", reason: "paid back by bank", by: "ops" });
  expect(await overpaid()).toEqual([]);
});

test("what came before Stripe was asked is not told: it is not asked for", async () => {
  expect(await theirs("early")).toMatchObject({ total: 700 });
  expect(await states("early")).toEqual([["bank", null]]);
  await byBank("early", "7", "rest");
  await tell();
  expect(await theirs("early")).toMatchObject({ status: "paid" });
});

test("what Stripe was told of is not paid once more, should its webhook be heard again when more is asked for", async () => {
  await stripe.creditNotes.create({ invoice: (await theirs("credited")).id, amount: 400 });
  const said = { reason: "it was wrong", by: "ops" };
  const asked = { invoice: ours("credited"), amount: "4" };
  const id = await refund(books.sql, { ...said, asked, reference: "wrong" });
  await byBank("credited", "6");
  await tell();
  expect(await theirs("credited")).toMatchObject({ status: "paid", amount_paid: 600 });
  expect(await told("credited")).toEqual(["6000000000", "0"]);
  await returnRefund(books.sql, { ...said, id, reference: "right" });
  expect(await told("credited")).toEqual(["6000000000", "0"]);
});

test("of an invoice that is not at Stripe after all, and is paid, nothing waits to be told", async () => {
  const { sql } = books;
  await byBank("refused", "10");
  await sql`UPDATE invoice_push SET state = 'unknown', provider_id = NULL WHERE invoice_id = ${ours("refused")}`;
  await sql`UPDATE invoice_push_attempt SET outcome = 'unknown', ended_at = NULL WHERE invoice_id = ${ours("refused")}`;
  expect(await states("refused")).toEqual([["bank", "waiting"]]);
  await sql`SELECT finish_invoice_push(${ours("refused")}, 1, 'failed', NULL, 'it said no')`;
  expect(await states("refused")).toEqual([["bank", null]]);
});

test("what Stripe refused is told again when the same payment is recorded again", async () => {
  await byBank("again", "4");
  await books.sql`UPDATE payment_push SET state = 'failed', reason = 'it said no' WHERE invoice_id = ${ours("again")}`;
  await tell();
  expect(await states("again")).toEqual([["bank", "failed"]]);
  await byBank("again", "4");
  await tell();
  expect(await states("again")).toEqual([["bank", "told"]]);
  expect(await theirs("again")).toMatchObject({ amount_remaining: 600 });
});

test("whatever becomes of an answer, a payment is told once", async () => {
  for (const [n, { fault, path }] of FAULTY.entries()) {
    const customer = `fault${n}`;
    await byBank(customer, "4");
    const at = path.startsWith("/") ? path : `/v1/invoices/${(await theirs(customer)).id}/${path}`;
    await simulator.control("POST", "/faults", { fault, times: 1, match: { method: "POST", path: at } });
    await tell();
    // An error of Stripe's own is kept under its key as long as that lives.
    await books.sql`UPDATE payment_push SET started_at = started_at - interval '25 hours' WHERE state = 'unknown'`;
    await simulator.control("POST", "/clock", { advance_seconds: 25 * 3_600 });
    await tell();
    await tell();
    expect([fault, path, ...(await states(customer))]).toEqual([fault, path, ["bank", "told"]]);
    expect(await theirs(customer)).toMatchObject({ amount_remaining: 600, amount_paid: 400 });
  }
});

test("killed with kill -9 at each of its calls, each payment is told once when it is run until done", async () => {
  for (const customer of KILLED) await byBank(customer, "4");
  const kills: ["report" | "attach", "before" | "after"][] = [
    ["report", "before"],
    ["report", "after"],
    ["attach", "before"],
    ["attach", "after"],
  ];
  const killed = await runUntilDone(simulator.url, [SCRIPT, books.url], (path) => {
    const [step, when] = kills[0] ?? [];
    const deadly = step !== undefined && path.includes(`${step}_payment`) ? when : undefined;
    if (deadly !== undefined) kills.shift();
    return deadly;
  });
  expect(killed).toBe(4);
  for (const customer of KILLED) {
    expect(await states(customer)).toEqual([["bank", "told"]]);
    expect(await theirs(customer)).toMatchObject({ amount_remaining: 600, amount_paid: 400 });
  }
});

test("verify proves it, and the books hold", async () => {
  await expectBooksToHold(books.sql);
});
