import { expect, onTestFinished, test } from "vitest";
import {
  approveCorrection,
  correct,
  openDispute,
  pushedRefunds,
  refund,
  resendRefund,
  returnRefund,
  winDispute,
  withdrawCorrection,
} from "../../src/adjustments/index.ts";
import { runChecks } from "../../src/audit/index.ts";
import { makeInvoices, owedCustomers, recordInvoicePaid } from "../../src/billing/index.ts";
import { formatNanos } from "../../src/kernel/index.ts";
import type { Sql } from "../../src/postgres/index.ts";
import { close, expectBooksToHold } from "../billing/invoice-books.ts";
import { monthOf } from "../support/marketplace-books.ts";
import { startTestMetering } from "../support/metering.ts";
import { tokenPrice, usageEvent } from "../support/usage.ts";

// Money that passes between customers and the marketplace elsewhere, for what stands on their accounts.

const MONTH = monthOf("2023-09");
const CENT = 10_000_000n;
const ACME = "inv_2023-09_acme_USD";

/** One dollar for a thousand tokens: acme used $10.005, which are invoiced as $10 and paid by a bank. */
async function openBooks() {
  const books = await startTestMetering({
    payees: [{ id: "ada", name: "ada", country: "US", default_currency: "USD" }],
    customers: ["acme", "globex"].map((id) => ({ id, name: id, currency: "USD" })),
    models: [{ id: "ada/llm", payee: "ada" }],
    prices: [tokenPrice("ada/llm")],
  });
  onTestFinished(() => books.drop());
  const use = (time: string, input_token_count: number) =>
    books.apply(0, [[usageEvent({ id: time, model: "ada/llm", time, metrics: { input_token_count } })]]);
  await use("2023-09-14T12:00:00Z", 10_005);
  await close(books.sql, MONTH);
  await makeInvoices(books.sql, MONTH, { by: "test" });
  await recordInvoicePaid(books.sql, {
    ...{ invoice: ACME, amountNanos: 1_000n * CENT, reference: "card" },
    ...{ by: "test", paidAt: new Date() },
  });
  return { sql: books.sql, use };
}

const said = (reference: string) => ({ reference, reason: "as agreed", by: "test" });
const money = (kind: "repayment" | "payment", cents: bigint, reference: string, customer = "acme") => ({
  ...said(`of ${reference}`),
  asked: {
    ...{ kind, customer, currency: "USD", amount: formatNanos(cents * CENT) },
    ...{ paid_at: "2023-10-05T10:00:00Z", reference },
  },
});
const refundOf = (cents: bigint, reference: string) => ({
  ...said(reference),
  asked: { invoice: ACME, amount: formatNanos(cents * CENT) },
});

async function balances(sql: Sql) {
  const rows = await sql<{ path: string; nanos: string }[]>`
    SELECT a.path, b.balance_nanos::text AS nanos FROM account_balance b JOIN ledger_account a USING (account_no)
    WHERE a.path IN ('customer:acme:receivable', 'platform:received', 'platform:loss') AND b.currency = 'USD'`;
  return Object.fromEntries(
    rows.map(({ path, nanos }) => [path.split(":")[1], Number(nanos) / Number(CENT)]),
  );
}
const owed = (sql: Sql) =>
  owedCustomers(sql, { limit: 10 }).then((all) =>
    all.map(({ on_account, repayable }) => [on_account.amount, repayable.amount]),
  );

test("what a customer is owed is paid back once, never more than that, and nobody loses by it", async () => {
  const { sql } = await openBooks();
  await refund(sql, refundOf(400n, "r1"));
  expect(await owed(sql), "half a cent is for the next invoice to ask").toEqual([
    ["3.995000000", "4.000000000"],
  ]);
  await expect(correct(sql, money("repayment", 401n, "bank-1"))).rejects.toMatchObject({
    code: "refund_too_large",
    message: expect.stringContaining("4.00 USD"),
  });
  await expect(correct(sql, money("repayment", 1n, "bank-1", "globex"))).rejects.toMatchObject({
    code: "refund_too_large",
  });
  const booked = { state: "booked" };
  const first = await correct(sql, money("repayment", 150n, "bank-1"));
  expect(first).toMatchObject(booked);
  expect(await correct(sql, money("repayment", 150n, "bank-1"))).toEqual(first);
  await expect(correct(sql, money("repayment", 160n, "bank-1"))).rejects.toMatchObject({
    code: "adjustment_differs",
  });
  expect(await owed(sql)).toEqual([["2.495000000", "2.500000000"]]);
  expect(await balances(sql)).toEqual({ acme: -249.5, received: 850 });
  expect(await correct(sql, money("repayment", 250n, "bank-2"))).toMatchObject(booked);
  expect(await owed(sql)).toEqual([]);
  await expect(correct(sql, money("repayment", 1n, "bank-3"))).rejects.toMatchObject({
    code: "refund_too_large",
  });
  await expectBooksToHold(sql);

  const future = money("repayment", 1n, "bank-4");
  const paid_at = new Date(Date.now() + 172_800_000).toISOString();
  await expect(correct(sql, { ...future, asked: { ...future.asked, paid_at } })).rejects.toMatchObject({
    code: "body_invalid",
  });
});

test("of many repayments at once, no more are booked than what is owed", async () => {
  const { sql } = await openBooks();
  await refund(sql, refundOf(400n, "r1"));
  const outcomes = await Promise.allSettled(
    Array.from({ length: 6 }, (_, n) => correct(sql, money("repayment", 150n, `bank-${n}`))),
  );
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(2);
  expect(await balances(sql)).toEqual({ acme: -99.5, received: 700 });
  await expectBooksToHold(sql);
});

test("above the limit somebody else approves it, when that is still owed; withdrawn, it is never booked", async () => {
  const { sql } = await openBooks();
  await refund(sql, refundOf(400n, "r1"));
  const limits = new Map([["USD", 100n * CENT]]);
  const propose = (cents: bigint, reference: string) =>
    correct(sql, { ...money("repayment", cents, reference), limits });
  const [one, two, three] = [await propose(300n, "a"), await propose(200n, "b"), await propose(150n, "c")];
  expect([one, two, three]).toMatchObject(Array(3).fill({ state: "needs_approval" }));
  await withdrawCorrection(sql, { id: three.id, by: "test", isApprover: false, reason: "typed twice" });
  await expect(approveCorrection(sql, one.id, "test")).rejects.toMatchObject({ code: "approver_made_plan" });
  expect(await approveCorrection(sql, one.id, "checker")).toMatchObject({ state: "booked" });
  await expect(approveCorrection(sql, two.id, "checker")).rejects.toMatchObject({ code: "refund_too_large" });
  await expect(approveCorrection(sql, three.id, "checker")).rejects.toMatchObject({
    code: "proposal_closed",
  });
  expect(await balances(sql)).toEqual({ acme: -99.5, received: 700 });
  await expectBooksToHold(sql);
});

test("what waits at the provider, or a bank may take, is not paid back elsewhere; and what was is not made at the provider again", async () => {
  const { sql } = await openBooks();
  await sql`INSERT INTO invoice_push (invoice_id, state, attempt, off_nanos, provider_id) VALUES (${ACME}, 'pushed', 1, 0, 'card')`;
  const id = await refund(sql, { ...refundOf(400n, "r1"), atProvider: true });
  expect(await pushedRefunds(sql, id)).toMatchObject([
    { means: "refund", amount: { amount: "4.000000000" } },
  ]);
  expect(await owed(sql)).toEqual([["3.995000000", "0.000000000"]]);
  await expect(correct(sql, money("repayment", 1n, "a"))).rejects.toMatchObject({ code: "refund_too_large" });
  await sql`UPDATE refund_push SET state = 'failed', reason = 'the card is gone'`;
  await openDispute(sql, {
    id: "dp",
    invoice: ACME,
    amountNanos: 300n * CENT,
    reason: "not mine",
    by: "test",
  });
  expect(await owed(sql)).toEqual([["3.995000000", "1.000000000"]]);
  await winDispute(sql, "dp", "test");
  const { id: repaid } = await correct(sql, money("repayment", 200n, "b"));
  await expect(resendRefund(sql, id)).rejects.toMatchObject({ code: "refund_too_large" });

  // It never arrived: taken back, once, it is owed again, and may be made at the provider.
  const [row] = await sql<
    [{ id: string }]
  >`SELECT a.id FROM adjustment a JOIN correction c USING (adjustment_no) WHERE c.id = ${repaid}`;
  const back = { id: row.id, ...said("returned") };
  const taken = await returnRefund(sql, back);
  expect(await returnRefund(sql, back)).toBe(taken);
  await expect(returnRefund(sql, { ...back, reference: "again" })).rejects.toMatchObject({
    code: "already_returned",
  });
  expect(await balances(sql)).toEqual({ acme: -399.5, received: 1000 });
  await resendRefund(sql, id);
  expect(await pushedRefunds(sql, id)).toMatchObject([{ state: "waiting" }]);
});

test("what a customer owes and no invoice asks for is paid by it, and not what the next invoice asks for", async () => {
  const { sql, use } = await openBooks();
  const payment = (cents: bigint, reference: string) => correct(sql, money("payment", cents, reference));
  await expect(payment(1n, "a"), "half a cent is carried on").rejects.toMatchObject({
    code: "payment_too_large",
  });
  await correct(sql, {
    ...said("d"),
    asked: { kind: "debit", customer: "acme", currency: "USD", amount: "5" },
  });
  // Closed, and not invoiced yet: that is asked for by its invoice.
  await use("2023-10-14T12:00:00Z", 7_000);
  await close(sql, monthOf("2023-10"));
  await expect(payment(501n, "a")).rejects.toMatchObject({ code: "payment_too_large" });
  const { id } = await payment(300n, "a");
  await payment(200n, "b");
  await expect(payment(1n, "c")).rejects.toMatchObject({ code: "payment_too_large" });
  expect(await balances(sql)).toEqual({ acme: 700.5, received: 1500, loss: -500 });
  const [row] = await sql<
    [{ id: string }]
  >`SELECT a.id FROM adjustment a JOIN correction c USING (adjustment_no) WHERE c.id = ${id}`;
  await returnRefund(sql, { id: row.id, ...said("bounced") });
  expect(await balances(sql)).toEqual({ acme: 1000.5, received: 1200, loss: -500 });
  await expectBooksToHold(sql);
});

test("verify finds money that was not owed, or went elsewhere than asked, though it was booked with an entry and an approval", async () => {
  const { sql } = await openBooks();
  await refund(sql, refundOf(400n, "r1"));
  await sql`ALTER TABLE adjustment_movement DISABLE TRIGGER money_was_owed`;
  const forge = async (
    reference: string,
    { asked }: ReturnType<typeof money>,
    account: string,
    cents: bigint,
  ) => {
    const nanos = (cents * CENT).toString();
    await sql`INSERT INTO correction (id, kind, currency, amount_nanos, draft_hash, asked, reason, proposed_by)
      VALUES (${reference}, ${asked.kind}, 'USD', ${nanos}, 'h', ${JSON.stringify(asked)}::text::jsonb, 'forged', 'test')`;
    const movements = [
      { account, amount: `-${nanos}` },
      { account: "platform:received", amount: nanos },
    ];
    const body = { kind: asked.kind, reference, correction: reference, currency: "USD", asked, movements };
    await sql`SELECT post_adjustment(${JSON.stringify({ ...body, reason: "forged", by: "test" })}::text::jsonb)`;
  };
  const found = async () => (await runChecks(sql)).flatMap(({ differences }) => differences).join("\n");
  await forge("much", money("repayment", 401n, "a"), "customer:acme:receivable", 401n);
  expect(await found()).toMatch(
    /a repayment of 4\.010000000, after which .* leave -10000000 on account of acme in USD/,
  );
  await forge("elsewhere", money("repayment", 1n, "b"), "customer:globex:receivable", 1n);
  const all = await found();
  expect(all).toMatch(/on customer:globex:receivable: moved -10000000, its repayment of .* says $/m);
  expect(all).toMatch(/leave -10000000 on account of globex/);
});
