import type Stripe from "stripe";
import { expect, test } from "vitest";
import { openSimulator } from "./stripe-client.ts";

async function draft(stripe: Stripe, amounts: readonly number[] = [700, 35]) {
  const customer = await stripe.customers.create({ name: "Acme", metadata: { customer: "acme" } });
  const { id } = await stripe.invoices.create({
    customer: customer.id,
    currency: "usd",
    metadata: { invoice: "inv_1" },
  });
  for (const amount of amounts)
    await stripe.invoiceItems.create({ customer: customer.id, invoice: id, amount, currency: "usd" });
  return { id, customer: customer.id };
}

async function eventsOf(stripe: Stripe): Promise<string[]> {
  const { data } = await stripe.events.list({ limit: 100 });
  return data.reverse().map(({ type }) => type);
}

test("an invoice is a draft with its items, then open, then paid, and its money is on the balance", async () => {
  const { stripe } = await openSimulator();
  const { id, customer } = await draft(stripe);
  expect(await stripe.invoices.retrieve(id)).toMatchObject({ status: "draft", total: 735, amount_due: 735 });
  expect(await stripe.invoices.finalizeInvoice(id)).toMatchObject({
    status: "open",
    number: expect.any(String),
  });
  const before = (await stripe.balance.retrieve()).available[0]?.amount ?? 0;
  expect(await stripe.invoices.pay(id)).toMatchObject({
    status: "paid",
    amount_paid: 735,
    amount_remaining: 0,
  });
  expect((await stripe.balance.retrieve()).available[0]?.amount).toBe(before + 735);
  const lines = await stripe.invoices.listLineItems(id);
  expect(lines.data.map(({ amount }) => amount)).toEqual([700, 35]);
  expect((await stripe.invoices.list({ customer })).data.map((one) => one.id)).toEqual([id]);
  expect((await stripe.invoices.list({ status: "draft" })).data).toEqual([]);
  expect((await stripe.invoiceItems.list({ invoice: id })).data).toHaveLength(2);
  expect(await eventsOf(stripe)).toEqual([
    "customer.created",
    "invoice.created",
    "invoiceitem.created",
    "invoice.updated",
    "invoiceitem.created",
    "invoice.updated",
    "invoice.finalized",
    "invoice.paid",
    "invoice.payment_succeeded",
  ]);
});

test("what is final takes no items and is not finalised again", async () => {
  const { stripe } = await openSimulator();
  const { id, customer } = await draft(stripe);
  await stripe.invoices.finalizeInvoice(id);
  await expect(
    stripe.invoiceItems.create({ customer, invoice: id, amount: 1, currency: "usd" }),
  ).rejects.toMatchObject({ code: "invoice_not_editable" });
  await expect(stripe.invoices.finalizeInvoice(id)).rejects.toMatchObject({ statusCode: 400 });
  await stripe.invoices.pay(id, { paid_out_of_band: true });
  await expect(stripe.invoices.pay(id)).rejects.toMatchObject({ code: "invoice_already_paid" });
  await expect(stripe.invoices.voidInvoice(id)).rejects.toMatchObject({ code: "invoice_not_editable" });
});

test("an open invoice is voided or given up, and one that was given up can still be paid", async () => {
  const { stripe } = await openSimulator();
  const [voided, lost] = [await draft(stripe), await draft(stripe)];
  for (const { id } of [voided, lost]) await stripe.invoices.finalizeInvoice(id);
  expect(await stripe.invoices.voidInvoice(voided.id)).toMatchObject({ status: "void" });
  expect(await stripe.invoices.markUncollectible(lost.id)).toMatchObject({ status: "uncollectible" });
  expect(await stripe.invoices.pay(lost.id)).toMatchObject({ status: "paid" });
  expect(await eventsOf(stripe)).toEqual(
    expect.arrayContaining(["invoice.voided", "invoice.marked_uncollectible", "invoice.paid"]),
  );
});

test("a declined card leaves the invoice open, and the lever tells it as Stripe's own collection would", async () => {
  const { stripe, simulator } = await openSimulator();
  const { id, customer } = await draft(stripe);
  await stripe.customers.update(customer, { metadata: { simulator_card: "declined" } });
  await stripe.invoices.finalizeInvoice(id);
  await expect(stripe.invoices.pay(id)).rejects.toMatchObject({ code: "card_declined", statusCode: 402 });
  await simulator.control("POST", `/invoices/${id}/payment-failed`);
  expect(await stripe.invoices.retrieve(id)).toMatchObject({ status: "open", attempt_count: 1 });
  expect((await eventsOf(stripe)).at(-1)).toBe("invoice.payment_failed");
});

test("an invoice of nothing is paid when it is finalised", async () => {
  const { stripe } = await openSimulator();
  const { id } = await draft(stripe, []);
  expect(await stripe.invoices.finalizeInvoice(id)).toMatchObject({ status: "paid", total: 0 });
});

test("the same key makes an invoice once, also when the answer was lost", async () => {
  const { stripe, simulator } = await openSimulator();
  const customer = (await stripe.customers.create({ name: "Acme" })).id;
  await simulator.control("POST", "/faults", {
    fault: "error_500_after",
    match: { method: "POST", path: "/v1/invoices" },
  });
  const once = () => stripe.invoices.create({ customer, currency: "usd" }, { idempotencyKey: "once" });
  await expect(once()).rejects.toMatchObject({ statusCode: 500 });
  await expect(once()).rejects.toMatchObject({ statusCode: 500 });
  expect((await stripe.invoices.list({ customer })).data).toHaveLength(1);
});

test("an invoice below the minimum charge is paid with nothing, and the next one asks for it besides, unless it is voided", async () => {
  const { stripe } = await openSimulator();
  const { id, customer } = await draft(stripe, [49]);
  expect(await stripe.invoices.finalizeInvoice(id)).toMatchObject({
    ...{ status: "paid", total: 49, amount_due: 0, amount_paid: 0, starting_balance: 0, ending_balance: 49 },
  });
  const next = async () => {
    const { id } = await stripe.invoices.create({ customer, currency: "usd" });
    await stripe.invoiceItems.create({ customer, invoice: id, amount: 1, currency: "usd" });
    return stripe.invoices.finalizeInvoice(id);
  };
  const open = { status: "open", total: 1, amount_due: 50, starting_balance: 49, ending_balance: 0 };
  const voided = await next();
  expect(voided).toMatchObject(open);
  expect(await stripe.customers.retrieve(customer)).toMatchObject({ balance: 0 });
  await stripe.invoices.voidInvoice(voided.id);
  expect(await stripe.customers.retrieve(customer)).toMatchObject({ balance: 49 });
  const paid = await stripe.invoices.pay((await next()).id);
  expect(paid).toMatchObject({ ...open, status: "paid", amount_paid: 50, amount_remaining: 0 });
});

test("a payment record attached to an open invoice lessens what it asks for; in full it is paid, and no money is on the balance", async () => {
  const { stripe } = await openSimulator();
  const { id } = await draft(stripe);
  const record = (value: number) =>
    stripe.paymentRecords.reportPayment({
      ...{ amount_requested: { currency: "usd", value }, initiated_at: 1_700_000_000, outcome: "guaranteed" },
      ...{ guaranteed: { guaranteed_at: 1_700_000_000 }, payment_method_details: { type: "custom" } },
      metadata: { payment: "bank" },
    });
  const first = await record(300);
  await expect(stripe.invoices.attachPayment(id, { payment_record: first.id })).rejects.toMatchObject({
    code: "invoice_not_editable",
  });
  await stripe.invoices.finalizeInvoice(id);
  const before = await stripe.balance.retrieve();
  expect(await stripe.invoices.attachPayment(id, { payment_record: first.id })).toMatchObject({
    ...{ status: "open", amount_paid: 300, amount_remaining: 435, amount_paid_off_stripe: 300 },
  });
  await expect(stripe.invoices.attachPayment(id, { payment_record: first.id })).rejects.toMatchObject({
    statusCode: 400,
  });
  const rest = await record(435);
  expect(await stripe.invoices.attachPayment(id, { payment_record: rest.id })).toMatchObject({
    ...{ status: "paid", amount_paid: 735, amount_remaining: 0 },
  });
  expect((await stripe.invoicePayments.list({ invoice: id })).data.map(({ payment }) => payment)).toEqual([
    { type: "payment_record", payment_record: rest.id },
    { type: "payment_record", payment_record: first.id },
  ]);
  expect(await stripe.balance.retrieve()).toEqual(before);
  expect((await eventsOf(stripe)).slice(-3)).toEqual([
    "invoice.updated",
    "invoice.paid",
    "invoice.payment_succeeded",
  ]);
});
