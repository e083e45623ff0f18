import type Stripe from "stripe";
import { expect, test } from "vitest";
import { openSimulator } from "./stripe-client.ts";

test("a transfer moves money from the platform's balance to a connected account", async () => {
  const { simulator, stripe, newAccount } = await openSimulator();
  await simulator.control("POST", "/balance", { currency: "usd", available: 5_000 });
  const destination = await newAccount();
  const made = await stripe.transfers.create({
    amount: 1_234,
    currency: "usd",
    destination,
    transfer_group: "po_1",
    metadata: { payee: "ada", payout: "po_1" },
  });
  expect(made).toMatchObject({
    object: "transfer",
    amount: 1_234,
    currency: "usd",
    destination,
    transfer_group: "po_1",
    metadata: { payee: "ada", payout: "po_1" },
    reversed: false,
  });
  expect(await stripe.transfers.retrieve(made.id)).toMatchObject({ id: made.id, amount: 1_234 });
  const balance = await stripe.balance.retrieve();
  expect(balance.available).toMatchObject([{ currency: "usd", amount: 3_766 }]);
  const movements = await stripe.balanceTransactions.list({ source: made.id });
  expect(movements.data).toMatchObject([{ id: made.balance_transaction, amount: -1_234, type: "transfer" }]);
});

test("a list by transfer group finds all of that group over several pages, newest first, and no other", async () => {
  const { stripe, newAccount } = await openSimulator();
  const destination = await newAccount();
  const made: string[] = [];
  for (let index = 0; index < 12; index++) {
    const transfer_group = index % 4 === 3 ? "other" : "wanted";
    const { id } = await stripe.transfers.create({
      amount: 100,
      currency: "usd",
      destination,
      transfer_group,
    });
    if (transfer_group === "wanted") made.unshift(id);
  }
  const first = await stripe.transfers.list({ transfer_group: "wanted", limit: 4 });
  expect(first.has_more).toBe(true);
  expect(first.data.map(({ id }) => id)).toEqual(made.slice(0, 4));

  const all: string[] = [];
  for await (const { id } of stripe.transfers.list({ transfer_group: "wanted", limit: 4 })) all.push(id);
  expect(all).toEqual(made);
});

test("a reversal brings money back, up to what is left of the transfer", async () => {
  const { simulator, stripe, newAccount } = await openSimulator();
  await simulator.control("POST", "/balance", { currency: "usd", available: 1_000 });
  const { id } = await stripe.transfers.create({
    amount: 1_000,
    currency: "usd",
    destination: await newAccount(),
  });
  await stripe.transfers.createReversal(id, { amount: 300 });
  expect(await stripe.transfers.retrieve(id)).toMatchObject({ amount_reversed: 300, reversed: false });
  await expect(stripe.transfers.createReversal(id, { amount: 701 })).rejects.toMatchObject({
    type: "StripeInvalidRequestError",
  });
  await stripe.transfers.createReversal(id);
  expect(await stripe.transfers.retrieve(id)).toMatchObject({ amount_reversed: 1_000, reversed: true });
  expect((await stripe.transfers.listReversals(id)).data.map(({ amount }) => amount)).toEqual([700, 300]);
  expect((await stripe.balance.retrieve()).available).toMatchObject([{ currency: "usd", amount: 1_000 }]);
});

test("a list holds what was made within the bounds of created, and a page before a cursor is the one next to it", async () => {
  const { simulator, stripe, newAccount } = await openSimulator();
  const destination = await newAccount();
  const made: { id: string; created: number }[] = [];
  for (let index = 0; index < 5; index++) {
    made.unshift(await stripe.transfers.create({ amount: 1, currency: "usd", destination }));
    await simulator.control("POST", "/clock", { advance_seconds: 100 });
  }
  const [, second, third, fourth, oldest] = made.map(({ id }) => id);
  const ids = async (params: Stripe.TransferListParams) =>
    (await stripe.transfers.list(params)).data.map(({ id }) => id);
  const middle = made[2]?.created ?? 0;
  expect(await ids({ created: { gt: middle } })).toEqual(made.slice(0, 2).map(({ id }) => id));
  expect(await ids({ created: { gte: middle, lt: middle + 1 } })).toEqual([third]);
  expect(await ids({ created: { lte: middle } })).toEqual([third, fourth, oldest]);
  expect(await ids({ created: middle })).toEqual([third]);
  expect(await ids({ starting_after: `${third}`, limit: 1 })).toEqual([fourth]);
  expect(await ids({ ending_before: `${third}`, limit: 1 })).toEqual([second]);
  await expect(stripe.transfers.list({ starting_after: "tr_none" })).rejects.toMatchObject({
    code: "resource_missing",
    param: "starting_after",
  });
});

test("an update changes metadata key by key and the description, and nothing else of a transfer", async () => {
  const { stripe, newAccount } = await openSimulator();
  const metadata = { payee: "ada", payout: "po_1" };
  const made = await stripe.transfers.create({
    amount: 5,
    currency: "usd",
    destination: await newAccount(),
    metadata,
  });
  await stripe.transfers.update(made.id, {
    description: "September",
    metadata: { payee: "", period: "2026-09" },
  });
  const after = await stripe.transfers.retrieve(made.id);
  expect(after).toMatchObject({ amount: 5, description: "September" });
  expect(after.metadata).toEqual({ payout: "po_1", period: "2026-09" });
  const amount = { amount: 6 } as Stripe.TransferUpdateParams;
  await expect(stripe.transfers.update(made.id, amount)).rejects.toMatchObject({ code: "parameter_unknown" });
});

test("every transfer and reversal is a movement of the balance, and the movements explain the balance", async () => {
  const { simulator, stripe, newAccount } = await openSimulator();
  await simulator.control("POST", "/balance", { currency: "eur", available: 1_000 });
  const destination = await newAccount();
  const { id } = await stripe.transfers.create({ amount: 700, currency: "eur", destination });
  const { id: reversal } = await stripe.transfers.createReversal(id, { amount: 200 });
  const { data } = await stripe.balanceTransactions.list({ currency: "eur" });
  expect(data).toMatchObject([
    {
      amount: 200,
      net: 200,
      type: "transfer_refund",
      reporting_category: "transfer_reversal",
      source: reversal,
    },
    { amount: -700, net: -700, type: "transfer", reporting_category: "transfer", source: id },
  ]);
  const { available } = await stripe.balance.retrieve();
  expect(available).toMatchObject([
    { currency: "usd", amount: 10 ** 12 },
    { currency: "eur", amount: 500 },
  ]);
  expect(await stripe.balanceTransactions.retrieve(`${data[0]?.id}`)).toMatchObject({ source: reversal });
});
