import type Stripe from "stripe";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openStripeBillingProvider } from "../../src/adapters/stripe/stripe-billing-provider.ts";
import { pushInvoices, recordPaidAtProvider } from "../../src/billing/index.ts";
import { present } from "../../src/kernel/index.ts";
import { expectBooksToHold } from "../billing/invoice-books.ts";
import { stripeClient } from "../stripe-simulator/stripe-client.ts";
import { startTestApi, type TestApi } from "../support/api.ts";
import { monthOf } from "../support/marketplace-books.ts";
import { expectProblem } from "../support/problem.ts";
import { until } from "../support/until.ts";
import { SMALL_CATALOG, usageEvent } from "../support/usage.ts";

// Invoices that were paid at Stripe; then money goes back there, in every way it can. ada earns 80 %.

const CUSTOMERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
let api: TestApi;
let stripe: Stripe;
beforeAll(async () => {
  api = await startTestApi();
  await api.load(SMALL_CATALOG);
  await api.load({ customers: CUSTOMERS.map((id) => ({ id, name: id, currency: "USD" })) });
  await api.send(
    ...CUSTOMERS.map((customer) =>
      usageEvent({ id: customer, customer, metrics: { input_token_count: 10_000 } }),
    ),
  );
  await api.operator("POST", "/v1/settlements/2023-11/close");
  await api.operator("POST", "/v1/settlements/2023-11/invoices");
  const options = { secretKey: "sk_test_simulator", apiBase: api.simulator, timeoutMs: 10_000 };
  await pushInvoices(api.sql, openStripeBillingProvider(options), monthOf("2023-11"));
  stripe = stripeClient({ port: Number(new URL(api.simulator).port) });
});
afterAll(() => api?.stop());

const ours = (customer: string) => `inv_2023-11_${customer}_USD`;

/** Pays a customer's invoice by card; answers Stripe's invoice and its payment. */
async function pay(customer: string) {
  const [row] = await api.sql<
    { id: string }[]
  >`SELECT provider_id AS id FROM invoice_push WHERE invoice_id = ${ours(customer)}`;
  const { id } = present(row, "a pushed invoice");
  await stripe.invoices.pay(id);
  await until(
    async () => (await api.sql`SELECT FROM invoice_payment WHERE invoice_id = ${ours(customer)}`).length > 0,
  );
  const payment = present((await stripe.invoicePayments.list({ invoice: id })).data[0], "a payment");
  return { id, payment_intent: String(payment.payment.payment_intent) };
}

/** What was given back of an invoice, all refunds together, and how much money went with it. */
async function givenBack(customer: string) {
  const [row] = await api.sql<[{ gross: string; returned: string; ada: string; kinds: string[] | null }]>`
    SELECT coalesce(sum(a.gross), 0)::float8::text AS gross, coalesce(sum(a.returned_nanos) / 1000000000, 0)::float8::text AS returned,
      coalesce(sum((SELECT sum(amount_nanos) FROM adjustment_part p WHERE p.adjustment_no = a.adjustment_no AND p.payee = 'ada')) / 1000000000, 0)::float8::text AS ada,
      array_agg(a.kind ORDER BY a.adjustment_no) AS kinds
    FROM adjustment a WHERE a.invoice_id = ${ours(customer)}`;
  return row;
}

const settled = (customer: string, kinds: string[]) =>
  until(async () => JSON.stringify((await givenBack(customer)).kinds) === JSON.stringify(kinds));

/** The ids of those of a state. */
async function disputes(state: string): Promise<string[]> {
  const { body } = await api.operator("GET", `/v1/disputes?state=${state}`);
  return (body as { data: { id: string }[] }).data.map(({ id }) => id);
}

/** Takes the latest of a customer's refunds back by hand. */
async function takeBackLatest(customer: string) {
  const { body } = await api.operator("GET", `/v1/refunds?invoice=${ours(customer)}&limit=1`);
  const { id } = present((body as { data: { id: string }[] }).data[0], "a refund");
  return api.operator("POST", `/v1/refunds/${id}/return`, { reason: "a mistake" });
}

async function lever(path: string, body: object): Promise<Record<string, unknown>> {
  const response = await fetch(`${api.simulator}/_simulator${path}`, {
    method: "POST",
    body: JSON.stringify(body),
  });
  expect(response.ok).toBe(true);
  return (await response.json()) as Record<string, unknown>;
}

test("a refund at Stripe is refunded once, whichever of its events come, and gives back when it fails", async () => {
  const { payment_intent } = await pay("one");
  const refund = await stripe.refunds.create({ payment_intent, amount: 250 });
  await settled("one", ["refund"]);
  expect(await givenBack("one")).toMatchObject({ gross: "-2.5", returned: "2.5", ada: "-2" });
  await stripe.refunds.create({ payment_intent });
  await settled("one", ["refund", "refund"]);
  expect(await givenBack("one")).toMatchObject({ gross: "-10", returned: "10", ada: "-8" });
  expectProblem(await takeBackLatest("one"), 409, "refund_made");
  await lever(`/refunds/${refund.id}/fail`, {});
  await settled("one", ["refund", "refund", "refund_returned"]);
  expect(await givenBack("one")).toMatchObject({ gross: "-7.5", returned: "7.5", ada: "-6" });
});

test("a refund and then a dispute of the same payment deduct once; its fee is the platform's", async () => {
  const { payment_intent } = await pay("two");
  const { charge } = await stripe.refunds.create({ payment_intent, amount: 400 });
  await settled("two", ["refund"]);
  const dispute = await lever("/disputes", { charge });
  await until(async () => (await api.sql`SELECT FROM dispute WHERE state = 'open'`).length === 1);
  await lever(`/disputes/${dispute.id}`, { status: "lost" });
  await settled("two", ["refund", "dispute_lost"]);
  expect(await givenBack("two")).toMatchObject({ gross: "-10", ada: "-8" });
  const [row] = await api.sql`SELECT account_balance_of('platform:fees', 'USD')::text AS fees`;
  expect(row).toEqual({ fees: "15000000000" });

  const id = String(dispute.id);
  const states = async (state: string) => (await disputes(state)).includes(id);
  expect([await states("lost"), await states("won")]).toEqual([true, false]);
  await lever(`/disputes/${id}`, { status: "won", fee_returned: true });
  await settled("two", ["refund", "dispute_lost", "refund_returned"]);
  expect([await states("lost"), await states("won")]).toEqual([false, true]);
  expect((await api.operator("GET", `/v1/disputes/${id}`)).body).toMatchObject({
    state: "won",
    lost_as: expect.stringMatching(/^adj_/),
    given_back_by: expect.stringMatching(/^adj_/),
  });
  const decide = (outcome: string) => api.operator("POST", `/v1/disputes/${id}/decide`, { outcome });
  expect(await decide("won")).toMatchObject({ status: 200, body: { state: "won" } });
  expectProblem(await decide("lost"), 409, "dispute_decided");
});

test("a dispute that is won gives back what was held, and a question of the bank's holds nothing", async () => {
  await pay("three");
  const { data } = await stripe.balanceTransactions.list({ type: "charge", limit: 1 });
  const dispute = await lever("/disputes", { charge: data[0]?.source, amount: 500 });
  await until(
    async () =>
      (
        await api.sql`SELECT FROM dispute_hold WHERE dispute_id = ${String(dispute.id)} AND amount_nanos = 4000000000`
      ).length === 1,
  );
  await lever(`/disputes/${dispute.id}`, { status: "won" });
  await until(
    async () =>
      (await api.sql`SELECT FROM dispute WHERE id = ${String(dispute.id)} AND state = 'won'`).length === 1,
  );
  expect(await api.sql`SELECT account_balance_of('payee:ada:held', 'USD')::text AS held`).toEqual([
    { held: "0" },
  ]);
  expect(await givenBack("three")).toMatchObject({ kinds: null });
});

test("a refund of what an open dispute may take is not made at Stripe, says why, and is paid back once the dispute is won", async () => {
  const { data: before } = await stripe.balanceTransactions.list({ type: "charge", limit: 1 });
  await pay("ten");
  const { data } = await stripe.balanceTransactions.list({ type: "charge", limit: 1 });
  expect(data[0]?.source).not.toBe(before[0]?.source);
  const id = String((await lever("/disputes", { charge: data[0]?.source })).id);
  await until(async () => (await disputes("open")).includes(id));
  const asked = { invoice: ours("ten"), reason: "it was wrong", at_provider: true, reference: "ten" };
  const noteIn = (body: unknown) => (body as { at_provider_note: string | null }).at_provider_note;
  const notes: (string | null)[] = [];
  let refund = "";
  for (const path of ["/v1/refunds?dry_run=true", "/v1/refunds"]) {
    const { status, body } = await api.operator("POST", path, asked);
    expect([status, body]).toMatchObject([201, { at_provider: [] }]);
    notes.push(noteIn(body));
    refund = (body as { id: string }).id;
  }
  const listed = async () => {
    const { body } = await api.operator("GET", `/v1/refunds?invoice=${ours("ten")}`);
    return noteIn((body as { data: unknown[] }).data[0]);
  };
  notes.push(noteIn((await api.operator("GET", `/v1/refunds/${refund}`)).body), await listed());
  expect(notes).toHaveLength(4);
  expect(new Set(notes).size).toBe(1);
  expect(notes[0]).toContain("10.00 USD of it is not made at the payment provider");
  expect(notes[0]).toContain(`no open dispute may take (${id})`);
  const repayment = {
    ...{ kind: "repayment", customer: "ten", currency: "USD", amount: "10", reason: "refunded by bank" },
    ...{ reference: "bank-ten", paid_at: new Date().toISOString() },
  };
  expect((await api.operator("POST", "/v1/corrections", repayment)).status).toBe(409);
  await lever(`/disputes/${id}`, { status: "won" });
  await until(async () => (await disputes("won")).includes(id));
  expect(await listed()).toContain("GET /v1/owed-customers says");
  expect(await api.operator("POST", "/v1/corrections", repayment)).toMatchObject({ status: 201 });
});

test("a credit note lessens an open invoice, and what is left of it can be paid", async () => {
  const [row] = await api.sql<
    { id: string }[]
  >`SELECT provider_id AS id FROM invoice_push WHERE invoice_id = ${ours("four")}`;
  const invoice = present(row, "a pushed invoice").id;
  await stripe.creditNotes.create({ invoice, amount: 300 });
  await settled("four", ["refund"]);
  expect(await givenBack("four")).toMatchObject({ gross: "-3", returned: "0", ada: "-2.4" });
  await stripe.invoices.pay(invoice);
  await until(
    async () => (await api.sql`SELECT FROM invoice_payment WHERE invoice_id = ${ours("four")}`).length === 1,
  );
  expect(await api.sql`SELECT invoice_left(${ours("four")})::text AS left`).toEqual([{ left: "0" }]);
});

/** What of a customer's invoice was paid through Stripe, and its credits. */
async function paidAndCredited(customer: string) {
  const [row] = await api.sql<[{ paid: string; credit: string; left: string }]>`
    SELECT coalesce(sum(p.amount_nanos) FILTER (WHERE p.reference LIKE 'in_%') / 1000000000, 0)::float8::text AS paid,
      invoice_left(${ours(customer)})::float8::text AS left,
      (-account_balance_of(${`customer:${customer}:credit`}, 'USD') / 1000000000)::float8::text AS credit
    FROM invoice_payment p WHERE p.invoice_id = ${ours(customer)}`;
  return row;
}

async function pushed(customer: string) {
  const [row] = await api.sql<
    { id: string }[]
  >`SELECT provider_id AS id FROM invoice_push WHERE invoice_id = ${ours(customer)}`;
  return present(row, "a pushed invoice").id;
}

/** The outcomes of what Stripe told of an invoice that it calls paid, once it was looked at. */
async function toldOf(id: string) {
  const rows = () => api.sql<{ outcome: string; state: string }[]>`
    SELECT outcome, state FROM provider_event WHERE about = ${id} AND type IN ('invoice.paid', 'invoice.payment_succeeded')`;
  await until(async () => (await rows()).some(({ state }) => state === "handled"));
  return (await rows()).map(({ outcome }) => outcome).join();
}

describe("a payment at Stripe that is not what our books ask for", () => {
  const refundHere = (customer: string, amount: string) =>
    api.operator("POST", "/v1/refunds", { invoice: ours(customer), amount, reason: "it was wrong" });
  /** Stripe cannot be told of it at once: it goes on asking. */
  const paidByBank = async (customer: string) => {
    const match = { method: "POST", path: "/v1/payment_records/report_payment" };
    await lever("/faults", { fault: "drop_before", times: 1, match });
    const body = { amount: "10", reference: "bank" };
    const answer = await api.operator("POST", `/v1/invoices/${ours(customer)}/payments`, body);
    const told = async () => {
      const { body } = await api.operator("GET", `/v1/invoices/${ours(customer)}/payments`);
      return (body as { data: { at_provider: { state: string } | null }[] }).data[0]?.at_provider?.state;
    };
    await until(async () => (await told()) === "unknown");
    return answer;
  };

  test("pays what is left, and the rest is the customer's credit, once", async () => {
    await refundHere("seven", "4");
    const id = await pushed("seven");
    await stripe.invoices.pay(id);
    expect(await toldOf(id)).toContain("4.00 USD more than it asked for");
    expect(await paidAndCredited("seven")).toEqual({ paid: "6", credit: "4", left: "0" });
    await paidAtProvider("seven", id, 10_000_000_000n);
    expect(await paidAndCredited("seven")).toEqual({ paid: "6", credit: "4", left: "0" });
    await expect(paidAtProvider("seven", id, 11_000_000_000n)).rejects.toThrow("use another reference");
  });

  test("of an invoice that was paid otherwise already is credit as a whole", async () => {
    expect(await paidByBank("eight")).toMatchObject({ status: 201 });
    const id = await pushed("eight");
    await stripe.invoices.pay(id);
    await toldOf(id);
    expect(await paidAndCredited("eight")).toEqual({ paid: "0", credit: "10", left: "0" });
    await expectBooksToHold(api.sql);
  });

  test("that somebody only wrote down there gives no credit", async () => {
    expect(await paidByBank("nine")).toMatchObject({ status: 201 });
    const id = await pushed("nine");
    await stripe.invoices.pay(id, { paid_out_of_band: true });
    await toldOf(id);
    expect(await paidAndCredited("nine")).toEqual({ paid: "0", credit: "0", left: "0" });
  });

  const paidAtProvider = (customer: string, reference: string, nanos: bigint) =>
    recordPaidAtProvider(api.sql, {
      ...{ invoice: ours(customer), amountNanos: nanos, receivedNanos: nanos },
      ...{ reference, by: "test", paidAt: new Date() },
    });
});

describe("a refund that we make at Stripe", () => {
  /** Everything that Stripe told of it so far was handled. */
  const allHandled = () =>
    until(
      async () =>
        (await api.sql`SELECT FROM provider_event WHERE state NOT IN ('handled', 'ignored')`).length === 0,
    );
  const make = async (customer: string, amount: string) => {
    const asked = { invoice: ours(customer), amount, reason: "it was wrong", at_provider: true };
    const made = await api.operator("POST", "/v1/refunds", asked);
    expect(made).toMatchObject({
      status: 201,
      body: { at_provider: [{ state: expect.any(String) }], at_provider_note: null },
    });
    return (made.body as { id: string }).id;
  };
  const state = (id: string, wanted: string) =>
    until(async () => {
      const { body } = await api.operator("GET", `/v1/refunds/${id}`);
      return (body as { at_provider: { state: string }[] }).at_provider[0]?.state === wanted;
    });

  test("of money that was paid is known as ours when its events come; failed, it is made again on request", async () => {
    const { payment_intent } = await pay("five");
    const id = await make("five", "2.5");
    await state(id, "made");
    const [first] = (await stripe.refunds.list({ payment_intent })).data;
    expect(first).toMatchObject({ amount: 250, metadata: { refund: id } });
    await until(async () => {
      const events = await api.sql`SELECT FROM provider_event WHERE about = ${present(first, "a refund").id}`;
      return events.length > 0;
    });
    await allHandled();
    expect(await givenBack("five")).toEqual({
      gross: "-2.5",
      returned: "2.5",
      ada: "-2",
      kinds: ["refund", "money_returned"],
    });
    expectProblem(await takeBackLatest("five"), 409, "refund_made");
    expect(await givenBack("five")).toMatchObject({ returned: "2.5" });

    await lever(`/refunds/${present(first, "a refund").id}/fail`, {});
    await state(id, "failed");
    await allHandled();
    expect(await givenBack("five")).toMatchObject({ gross: "-2.5", returned: "0", ada: "-2" });
    expect((await api.operator("POST", `/v1/refunds/${id}/send`)).status).toBe(200);
    await state(id, "made");
    await allHandled();
    expect(await givenBack("five")).toMatchObject({ gross: "-2.5", returned: "2.5", ada: "-2" });
    const refunds = await stripe.refunds.list({ payment_intent });
    expect(refunds.data.map(({ status }) => status)).toEqual(["succeeded", "failed"]);
  });

  test("of what is not paid yet is a credit note, which moves nothing when its event comes", async () => {
    const id = await make("six", "3");
    await state(id, "made");
    await until(
      async () => (await api.sql`SELECT FROM provider_event WHERE type = 'credit_note.created'`).length > 1,
    );
    await allHandled();
    expect(await givenBack("six")).toEqual({ gross: "-3", returned: "0", ada: "-2.4", kinds: ["refund"] });
    await pay("six");
    expect(await api.sql`SELECT invoice_left(${ours("six")})::text AS left`).toEqual([{ left: "0" }]);
  });

  test("is refused when somebody says that it went back already", async () => {
    const asked = { invoice: ours("six"), amount: "1", reason: "r", at_provider: true, returned: "1" };
    expectProblem(await api.operator("POST", "/v1/refunds", asked), 400, "body_invalid");
    expectProblem(await api.operator("POST", "/v1/refunds/adj_none/send"), 404, "not_found");
  });
});
