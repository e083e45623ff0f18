import { expect, test } from "vitest";
import { openStripeRefundMaker } from "../../src/adapters/stripe/stripe-refund-maker.ts";
import {
  draftRefund,
  pushedRefunds,
  type RefundAsked,
  refund,
  refundPushDue,
  resendRefund,
  returnRefund,
  sendDueRefunds,
} from "../../src/adjustments/index.ts";
import { recordInvoicePaid } from "../../src/billing/index.ts";
import { present } from "../../src/kernel/index.ts";
import { expectBooksToHold } from "../billing/invoice-books.ts";
import { type MadeMonth, openMadeMonth } from "../billing/made-month.ts";
import { stripeClient } from "../stripe-simulator/stripe-client.ts";
import { runUntilDone } from "../support/stripe-proxy.ts";

// Refunds that are made at Stripe, by the official SDK, against the simulator's process. No webhooks: nobody else tells.

const SCRIPT = new URL("./send-refunds-process.ts", import.meta.url).pathname;
const CENT = 10_000_000n;
/** customer1 used $24.69 in all, the next one 1.4 cents more, and so on. */
const ours = (customer: string) => `inv_2023-09_${customer}_USD`;
const common = { reason: "it was wrong", by: "test", atProvider: true };

async function openPushedMonth(customers: number) {
  const month = await openMadeMonth(customers);
  expect(await month.push()).toMatchObject({ results: { pushed: customers } });
  const stripe = stripeClient(month.simulator);
  const names = Array.from({ length: customers }, (_, n) => `customer${n + 1}`);
  const invoiceAt = async (customer: string) => {
    const [row] = await month.sql<{ id: string; nanos: string }[]>`
      SELECT p.provider_id AS id, i.amount_nanos::text AS nanos FROM invoice_push p JOIN invoice i ON i.id = p.invoice_id
      WHERE i.id = ${ours(customer)}`;
    return present(row, "a pushed invoice");
  };
  return {
    ...month,
    stripe,
    names,
    /** By card; the webhook that would tell is left out. */
    async pay(customer: string) {
      const { id, nanos } = await invoiceAt(customer);
      await stripe.invoices.pay(id);
      const paid = { invoice: ours(customer), amountNanos: BigInt(nanos), by: "test", paidAt: new Date() };
      await recordInvoicePaid(month.sql, { ...paid, reference: id });
    },
    invoiceAt,
    send: ({ timeoutMs = 10_000, secretKey = "sk_test_simulator" } = {}) =>
      sendDueRefunds(
        month.sql,
        openStripeRefundMaker({ secretKey, apiBase: month.simulator.url, timeoutMs }),
        { restSeconds: 0 },
      ),
  };
}
type PushedMonth = Awaited<ReturnType<typeof openPushedMonth>>;

/** What Stripe gave back of a customer's payment, refund by refund, and what the books have of it. */
async function givenBack({ sql, stripe, invoiceAt }: PushedMonth, customer: string) {
  const { id } = await invoiceAt(customer);
  const [payment] = (await stripe.invoicePayments.list({ invoice: id })).data;
  const payment_intent = String(present(payment, "a payment").payment.payment_intent);
  const refunds = await stripe.refunds.list({ payment_intent, limit: 100 });
  const booked = await sql<{ reference: string; minor: string }[]>`
    SELECT reference, (returned_nanos / ${CENT.toString()})::bigint::text AS minor FROM adjustment
    WHERE invoice_id = ${ours(customer)} AND returned_nanos <> 0 ORDER BY adjustment_no`;
  return {
    stripe: refunds.data.map((one) => [one.id, one.amount]).reverse(),
    books: booked.map(({ reference, minor }) => [reference, Number(minor)]),
  };
}

async function expectGivenBackOnce(month: PushedMonth, customer: string, minor: number): Promise<void> {
  const { stripe, books } = await givenBack(month, customer);
  expect(stripe).toEqual([[expect.stringMatching(/^re_/), minor]]);
  expect(books).toEqual(stripe);
}

test("whatever becomes of the answers, each refund is made once, and booked once, under the same key", async () => {
  const faults: [fault: string, times: number][] = [
    ["drop_before", 1],
    ["drop_after", 1],
    ["error_500_after", 1],
    ["hang_after", 1],
    ["rate_limit", 3],
  ];
  const month = await openPushedMonth(faults.length);
  for (const [n, [fault, times]] of faults.entries()) {
    const customer = present(month.names[n], "a customer");
    await month.pay(customer);
    await refund(month.sql, { ...common, asked: { invoice: ours(customer), amount: "5" }, reference: fault });
    await month.fault(fault, times, "/v1/refunds");
    await month.send({ timeoutMs: fault === "hang_after" ? 300 : 10_000 });
    await month.send();
    await month.send();
    await expectGivenBackOnce(month, customer, 500);
  }
  const attempts = await month.sql`SELECT attempt FROM refund_push_attempt WHERE outcome = 'made'`;
  expect(attempts).toEqual(faults.map(() => ({ attempt: 1 })));
  await expectBooksToHold(month.sql);
});

test("killed with kill -9 between intent and answer, again and again, each refund is made once when it is run until done", async () => {
  const month = await openPushedMonth(4);
  for (const customer of month.names) {
    await month.pay(customer);
    await refund(month.sql, {
      ...common,
      asked: { invoice: ours(customer), amount: "7.5" },
      reference: customer,
    });
  }
  const kills: ("before" | "after")[] = ["before", "after", "after"];
  const killed = await runUntilDone(month.simulator.url, [SCRIPT, month.url], (path) =>
    path === "/v1/refunds" ? kills.shift() : undefined,
  );
  expect(killed).toBe(3);
  for (const customer of month.names) await expectGivenBackOnce(month, customer, 750);
  await expectBooksToHold(month.sql);
});

test.each([
  ["which Stripe never had", "drop_before"],
  ["which Stripe made", "drop_after"],
  ["which Stripe answers with the same error for ever", "error_500_before"],
])(
  "one %s is not sent blindly once its key is old; when it was never made, an operator has it made anew",
  async (_, fault) => {
    const month = await openPushedMonth(1);
    const customer = "customer1";
    await month.pay(customer);
    const id = await refund(month.sql, { ...common, asked: { invoice: ours(customer) }, reference: "r" });
    await month.fault(fault, 1, "/v1/refunds");
    expect(await month.send()).toMatchObject({ results: { unknown: 1 } });
    for (let day = 0; day < 3; day++) {
      await month.simulator.control("POST", "/clock", { advance_seconds: 25 * 3_600 });
      await month.sql`UPDATE refund_push_attempt SET started_at = started_at - interval '25 hours',
      missing_since = missing_since - interval '25 hours'`;
      await month.send();
    }
    const [before] = await pushedRefunds(month.sql, id);
    expect(before?.state).toBe(fault === "drop_after" ? "made" : "failed");
    await resendRefund(month.sql, id);
    await month.send();
    await expectGivenBackOnce(month, customer, 2469);
    expect(await pushedRefunds(month.sql, id)).toMatchObject([
      { means: "refund", state: "made", reason: null },
    ]);
    await expectBooksToHold(month.sql);
  },
);

test("an open invoice asks for less by a credit note; what is paid goes back to the cent, and nothing below a cent is lost between refunds", async () => {
  const month = await openPushedMonth(2);
  const { sql, stripe } = month;
  /** Refunds; what is asked of Stripe is what a dry run said. */
  const refundAsForeseen = async (asked: RefundAsked, reference: string) => {
    const foreseen = await refundPushDue(sql, await draftRefund(sql, asked));
    const id = await refund(sql, { ...common, asked, reference });
    expect(await pushedRefunds(sql, id)).toEqual(foreseen);
    return id;
  };
  const half = await refundAsForeseen({ invoice: ours("customer1"), amount: "4.005" }, "a");
  expect(await pushedRefunds(sql, half)).toMatchObject([
    { means: "credit_note", amount: { amount: "4.000000000" }, state: "waiting", provider_id: null },
  ]);
  await month.fault("drop_after", 1, "/v1/credit_notes");
  await month.send();
  expect(await month.send()).toMatchObject({ results: { made: 1 } });
  const { id } = await month.invoiceAt("customer1");
  expect(await stripe.invoices.retrieve(id)).toMatchObject({ status: "open", amount_remaining: 2069 });
  expect((await stripe.creditNotes.list({ invoice: id })).data).toMatchObject([{ total: 400 }]);

  await month.pay("customer2");
  for (const amount of ["3.335", "0.005", "0.004"])
    await refundAsForeseen({ invoice: ours("customer2"), amount }, amount);
  await refundAsForeseen({ invoice: ours("customer2") }, "all");
  await month.send();
  const back = await givenBack(month, "customer2");
  expect(back.stripe.map(([, minor]) => minor)).toEqual([333, 1, 2136]);
  expect(back.books).toEqual(back.stripe);
  expect(await stripe.refunds.list({ limit: 100 })).toMatchObject({ data: { length: 3 } });
  await expectBooksToHold(sql);
});

test("no more goes back than was paid there and is not on its way already, and what is under way cannot be taken back", async () => {
  const month = await openPushedMonth(1);
  const { sql } = month;
  const invoice = ours("customer1");
  const { id: providerId } = await month.invoiceAt("customer1");
  await month.stripe.invoices.pay(providerId);
  const paid = { invoice, by: "test", paidAt: new Date() };
  await recordInvoicePaid(sql, { ...paid, amountNanos: 1_000n * CENT, reference: providerId });
  await recordInvoicePaid(sql, { ...paid, amountNanos: 1_469n * CENT, reference: "bank" });
  const first = await refund(sql, { ...common, asked: { invoice, amount: "6" }, reference: "first" });
  const second = await refund(sql, { ...common, asked: { invoice, amount: "18" }, reference: "second" });
  expect(await pushedRefunds(sql, second)).toMatchObject([{ amount: { amount: "4.000000000" } }]);
  // By bank, what is neither back nor on its way: 24.69 - 6 - 4.
  const byBank = { asked: { invoice, amount: "0.6" }, reason: "by bank", by: "test" };
  await expect(
    refund(sql, { ...byBank, reference: "too much", returnedNanos: 1_470n * CENT }),
  ).rejects.toMatchObject({ code: "refund_too_large" });

  await month.fault("hang_before", 1, "/v1/refunds");
  await month.send({ timeoutMs: 300 });
  const takenBack = { reason: "a mistake", by: "test", reference: "back" };
  await expect(returnRefund(sql, { ...takenBack, id: first })).rejects.toMatchObject({
    code: "refund_under_way",
  });
  await month.send();
  expect((await givenBack(month, "customer1")).stripe.map(([, minor]) => minor)).toEqual([400, 600]);
  const third = await refund(sql, { ...common, asked: { invoice, amount: "0.2" }, reference: "third" });
  expect(await pushedRefunds(sql, third)).toEqual([]);
  await returnRefund(sql, { ...takenBack, id: first });
  await expectBooksToHold(sql);
});

test("a key that Stripe refuses sends nothing, and the next run goes on", async () => {
  const month = await openPushedMonth(1);
  await month.pay("customer1");
  const asked = { invoice: ours("customer1"), amount: "1" };
  const id = await refund(month.sql, { ...common, asked, reference: "r" });
  expect(await month.send({ secretKey: "sk_live_x" })).toMatchObject({ results: { stop: 1 } });
  expect(await pushedRefunds(month.sql, id)).toMatchObject([{ state: "waiting" }]);
  expect(await month.send()).toMatchObject({ results: { made: 1 } });
  await expectGivenBackOnce(month, "customer1", 100);
  await expectBooksToHold(month.sql);
});

test("a refund of an invoice that is not at Stripe yet waits for it; taken back before, it is never made", async () => {
  const month: MadeMonth = await openMadeMonth(1);
  const { sql } = month;
  const asked = { invoice: ours("customer1"), amount: "1" };
  const kept = await refund(sql, { ...common, asked, reference: "kept" });
  const dropped = await refund(sql, { ...common, asked, reference: "dropped" });
  const maker = openStripeRefundMaker({
    secretKey: "sk_test_simulator",
    apiBase: month.simulator.url,
    timeoutMs: 10_000,
  });
  expect(await sendDueRefunds(sql, maker, { restSeconds: 0 })).toMatchObject({ results: { made: 0 } });
  await returnRefund(sql, { id: dropped, reason: "a mistake", by: "test", reference: "back" });
  await month.push();
  expect(await sendDueRefunds(sql, maker, { restSeconds: 0 })).toMatchObject({ results: { made: 1 } });
  expect(await pushedRefunds(sql, kept)).toMatchObject([{ state: "made" }]);
  expect(await pushedRefunds(sql, dropped)).toMatchObject([{ state: "failed" }]);
  const notes = await stripeClient(month.simulator).creditNotes.list({ limit: 10 });
  expect(notes.data.map(({ total }) => total)).toEqual([100]);
  await expectBooksToHold(sql);
});
