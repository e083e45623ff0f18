import { expect, onTestFinished, test } from "vitest";
import {
  loseDispute,
  openDispute,
  recordMoneyReturned,
  refund,
  returnRefund,
  setRefundPolicy,
} from "../../src/adjustments/index.ts";
import { grantCredit, makeInvoices, recordInvoicePaid } from "../../src/billing/index.ts";
import type { Sql } from "../../src/postgres/index.ts";
import { close, expectBooksToHold } from "../billing/invoice-books.ts";
import { monthOf } from "../support/marketplace-books.ts";
import { startTestMetering } from "../support/metering.ts";
import { tokenPrice, usageEvent } from "../support/usage.ts";

const MONTH = monthOf("2023-09");
const CENT = 10_000_000n;
const ACME = "inv_2023-09_acme_USD";
const APP = "inv_2023-09_app_USD";

/** One dollar for a thousand tokens: acme uses lin's app for $10, which uses ada's model for $3; lin owns the app. */
async function openBooks() {
  const models = ["ada/llm", "lin/app"];
  const books = await startTestMetering({
    payees: ["ada", "lin"].map((id) => ({ id, name: id, country: "US", default_currency: "USD" })),
    customers: [
      { id: "acme", name: "acme", currency: "USD" },
      { id: "app", name: "app", currency: "USD", payee: "lin" },
    ],
    models: models.map((id) => ({ id, payee: id.split("/")[0] })),
    prices: models.map((model) => tokenPrice(model)),
  });
  onTestFinished(() => books.drop());
  const use = (customer: string, model: string, tokens: number) =>
    usageEvent({
      id: `${customer} ${model}`,
      customer,
      model,
      time: "2023-09-14T12:00:00Z",
      metrics: { input_token_count: tokens },
    });
  await books.apply(0, [[use("acme", "lin/app", 10_000), use("app", "ada/llm", 3_000)]]);
  return books.sql;
}

async function balance(sql: Sql, path: string): Promise<bigint> {
  const [row] = await sql<[{ nanos: string }]>`SELECT account_balance_of(${path}, 'USD')::text AS nanos`;
  return BigInt(row.nanos);
}

const said = (reference: string) => ({ reference, reason: "it was wrong", by: "test" });

test("what promotional credits paid never goes back as money, what paid ones did may; the rest stays on the customer's account", async () => {
  const sql = await openBooks();
  const grant = {
    customer: "acme",
    currency: "USD",
    priority: 1,
    expiresAt: null,
    reason: "test",
    by: "test",
  };
  await grantCredit(sql, {
    ...grant,
    amountNanos: 400n * CENT,
    kind: "promotional",
    reference: null,
    requestKey: undefined,
  });
  await grantCredit(sql, {
    ...grant,
    amountNanos: 250n * CENT,
    kind: "paid",
    reference: "bank-1",
    requestKey: undefined,
  });
  await close(sql, MONTH);
  await makeInvoices(sql, MONTH, { by: "test" });
  await recordInvoicePaid(sql, {
    invoice: ACME,
    reference: "bank-2",
    amountNanos: 350n * CENT,
    by: "test",
    paidAt: new Date(),
  });
  expect(await balance(sql, "customer:acme:receivable")).toBe(0n);

  const whole = { asked: { invoice: ACME }, ...said("whole") };
  await expect(refund(sql, { ...whole, returnedNanos: 601n * CENT })).rejects.toMatchObject({
    code: "refund_too_large",
  });
  const id = await refund(sql, { ...whole, returnedNanos: 500n * CENT });
  expect(await balance(sql, "customer:acme:receivable")).toBe(-500n * CENT);
  const more = (cents: bigint) =>
    recordMoneyReturned(sql, { invoice: ACME, amountNanos: cents * CENT, ...said(`more-${cents}`) });
  await expect(more(101n)).rejects.toMatchObject({ code: "refund_too_large" });
  await more(100n);
  expect(await balance(sql, "customer:acme:receivable")).toBe(-400n * CENT);
  expect(await balance(sql, "customer:acme:credit")).toBe(0n);
  await expectBooksToHold(sql);
  await returnRefund(sql, { id, ...said("back") });
  await expectBooksToHold(sql);
});

test("a refund of usage that was netted takes its parts back, and what it frees is on the customer's account, not paid out", async () => {
  const sql = await openBooks();
  await close(sql, MONTH);
  await makeInvoices(sql, MONTH, { by: "test" });
  // lin earned $8 and owed $3 for what its app used; ada earned 80 % of that.
  expect(await balance(sql, "payee:lin:payable")).toBe(-500n * CENT);
  expect(await balance(sql, "payee:ada:payable")).toBe(-240n * CENT);
  expect(await balance(sql, "customer:app:receivable")).toBe(0n);

  const half = { asked: { invoice: APP, amount: "1.5" }, ...said("half") };
  await expect(refund(sql, { ...half, returnedNanos: 1n })).rejects.toMatchObject({
    code: "refund_too_large",
  });
  const id = await refund(sql, half);
  expect(await balance(sql, "payee:ada:payable")).toBe(-120n * CENT);
  expect(await balance(sql, "payee:lin:payable")).toBe(-500n * CENT);
  expect(await balance(sql, "customer:app:receivable")).toBe(-150n * CENT);
  await expectBooksToHold(sql);

  await returnRefund(sql, { id, ...said("back") });
  expect(await balance(sql, "payee:ada:payable")).toBe(-240n * CENT);
  expect(await balance(sql, "customer:app:receivable")).toBe(0n);
  await expectBooksToHold(sql);
});

test("of the provider's fee, what came back goes to those who bore it", async () => {
  const sql = await openBooks();
  await setRefundPolicy(sql, { from: MONTH, fee: "returned", provider_fee: "payees" }, "test");
  await close(sql, MONTH);
  await makeInvoices(sql, MONTH, { by: "test" });
  const paid = {
    invoice: ACME,
    amountNanos: 1_000n * CENT,
    reference: "bank",
    by: "test",
    paidAt: new Date(),
  };
  await recordInvoicePaid(sql, paid);
  const standing = async () => [
    await balance(sql, "payee:lin:payable"),
    await balance(sql, "platform:received"),
  ];
  const [lin = 0n] = await standing();
  await openDispute(sql, {
    id: "d",
    invoice: ACME,
    amountNanos: 1_000n * CENT,
    reason: "fraudulent",
    by: "test",
  });
  const lost = await loseDispute(sql, { id: "d", by: "test", feeNanos: 1_500n * CENT });
  expect(await standing()).toEqual([lin + 2_300n * CENT, -1_500n * CENT]);
  await returnRefund(sql, { id: lost, ...said("won on appeal"), feeBackNanos: 500n * CENT });
  expect(await standing()).toEqual([lin + 1_000n * CENT, 0n]);

  const wrong = { ...said("wrong"), asked: { invoice: ACME }, providerFeeNanos: 300n * CENT };
  const id = await refund(sql, wrong);
  expect(await standing()).toEqual([lin + 2_100n * CENT, -300n * CENT]);
  await returnRefund(sql, { id, ...said("it was right") });
  expect(await standing()).toEqual([lin + 1_000n * CENT, 0n]);
  await expectBooksToHold(sql);
});

test("what went back or is disputed is not disputed or returned once more, but for what the provider did already", async () => {
  const sql = await openBooks();
  await close(sql, MONTH);
  await makeInvoices(sql, MONTH, { by: "test" });
  const paid = { invoice: ACME, amountNanos: 1_000n * CENT, reference: "bank", by: "test" };
  await recordInvoicePaid(sql, { ...paid, paidAt: new Date() });
  const giveBack = (reference: string, cents: bigint, by = "test") =>
    recordMoneyReturned(sql, {
      ...{ ...said(reference), by },
      invoice: ACME,
      amountNanos: cents * CENT,
    });
  const dispute = (id: string, cents: bigint, by = "test") =>
    openDispute(sql, { id, invoice: ACME, amountNanos: cents * CENT, reason: "fraudulent", by });
  const tooMuch = { code: "refund_too_large" };

  await giveBack("first", 300n);
  await expect(dispute("typed", 701n)).rejects.toMatchObject(tooMuch);
  await dispute("typed", 600n);
  await expect(giveBack("second", 101n)).rejects.toMatchObject(tooMuch);
  const asked = { invoice: ACME, amount: "1.01" };
  const refunded = { asked, ...said("refund"), returnedNanos: 101n * CENT };
  await expect(refund(sql, refunded)).rejects.toMatchObject(tooMuch);
  await expect(dispute("typed too", 101n)).rejects.toMatchObject(tooMuch);
  await giveBack("second", 100n);
  await loseDispute(sql, { id: "typed", by: "test" });
  await expect(giveBack("third", 1n)).rejects.toMatchObject(tooMuch);
  await expect(dispute("typed too", 1n)).rejects.toMatchObject(tooMuch);

  // Banks do take back what was refunded: it happened.
  await dispute("du_1", 400n, "stripe");
  await refund(sql, { asked: { invoice: ACME, amount: "1" }, ...said("on account") });
  await loseDispute(sql, { id: "du_1", by: "stripe" });
  await expectBooksToHold(sql);
});

test("a dispute that only people told of takes, when it is lost, no more than what Stripe did not refund of the same payment meanwhile", async () => {
  const sql = await openBooks();
  await close(sql, MONTH);
  await makeInvoices(sql, MONTH, { by: "test" });
  const paid = { invoice: ACME, amountNanos: 1_000n * CENT, reference: "bank", by: "test" };
  await recordInvoicePaid(sql, { ...paid, paidAt: new Date() });
  const dispute = (id: string, cents: bigint) =>
    openDispute(sql, { id, invoice: ACME, amountNanos: cents * CENT, reason: "fraudulent", by: "test" });
  const refundedAtStripe = (reference: string, amount: string, cents: bigint) =>
    refund(sql, {
      ...{ ...said(reference), by: "stripe" },
      asked: { invoice: ACME, amount },
      returnedNanos: cents * CENT,
      atMost: true,
    });
  const returned = async (id: string) => {
    const [row] = await sql<[{ cents: string }]>`
      SELECT (returned_nanos * 0.0000001)::int::text AS cents FROM adjustment WHERE reference = ${`dispute:${id}`}`;
    return row.cents;
  };
  await dispute("typed", 600n);
  await refundedAtStripe("re_1", "7", 700n);
  await loseDispute(sql, { id: "typed", by: "test" });
  expect(await returned("typed")).toBe("300");
  expect(await balance(sql, "customer:acme:receivable")).toBe(0n);
  expect(await balance(sql, "platform:received")).toBe(0n);
  expect(await balance(sql, "payee:lin:payable")).toBe(300n * CENT);
  await expectBooksToHold(sql);
});

test("when all of it went back meanwhile, the dispute is lost and takes nothing", async () => {
  const sql = await openBooks();
  await close(sql, MONTH);
  await makeInvoices(sql, MONTH, { by: "test" });
  const paid = { invoice: ACME, amountNanos: 1_000n * CENT, reference: "bank", by: "test" };
  await recordInvoicePaid(sql, { ...paid, paidAt: new Date() });
  const typed = { id: "typed", invoice: ACME, amountNanos: 1_000n * CENT, reason: "fraudulent", by: "test" };
  await openDispute(sql, typed);
  await refund(sql, {
    ...{ ...said("re_1"), by: "stripe" },
    asked: { invoice: ACME },
    returnedNanos: 1_000n * CENT,
    atMost: true,
  });
  const lost = await loseDispute(sql, { id: "typed", by: "test" });
  expect(await loseDispute(sql, { id: "typed", by: "test" })).toBe(lost);
  expect(await sql`SELECT returned_nanos, gross FROM adjustment WHERE id = ${lost}`).toEqual([
    { returned_nanos: "0", gross: "0" },
  ]);
  expect(await balance(sql, "customer:acme:receivable")).toBe(0n);
  await expectBooksToHold(sql);
});
