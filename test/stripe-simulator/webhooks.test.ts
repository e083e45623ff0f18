import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type Stripe from "stripe";
import { expect, onTestFinished, test } from "vitest";
import { present } from "../../src/kernel/index.ts";
import { until } from "../support/until.ts";
import { openSimulator } from "./stripe-client.ts";

interface Received {
  raw: string;
  signature: string;
  event: Stripe.Event;
}

/** An endpoint of ours that notes what comes and answers as it is told. */
async function openReceiver() {
  const received: Received[] = [];
  const answer = { status: 200 };
  const server = createServer(async (request, response) => {
    let raw = "";
    for await (const chunk of request) raw += chunk;
    received.push({ raw, signature: `${request.headers["stripe-signature"]}`, event: JSON.parse(raw) });
    response.writeHead(answer.status).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { received, answer, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` };
}

async function openWithReceiver(
  events: Stripe.WebhookEndpointCreateParams.EnabledEvent[] = ["*"],
  connect = false,
) {
  const opened = await openSimulator();
  const receiver = await openReceiver();
  const endpoint = await opened.stripe.webhookEndpoints.create({
    url: receiver.url,
    enabled_events: events,
    connect,
  });
  const pay = async () =>
    opened.stripe.transfers.create({ amount: 5, currency: "usd", destination: await opened.newAccount() });
  return { ...opened, ...receiver, secret: present(endpoint.secret, "a secret"), endpoint, pay };
}

test("an event of every transfer reaches the endpoint, and the official SDK accepts its signature", async () => {
  const { stripe, received, secret, pay } = await openWithReceiver();
  const transfer = await pay();
  await until(() => received.length === 1);
  const [{ raw, signature }] = received as [Received];
  const event = stripe.webhooks.constructEvent(raw, signature, secret);
  expect(event).toMatchObject({
    type: "transfer.created",
    livemode: false,
    data: { object: { id: transfer.id, amount: 5 } },
    request: { idempotency_key: expect.any(String) },
  });
  expect(() => stripe.webhooks.constructEvent(`${raw} `, signature, secret)).toThrow("signature");
  expect(await stripe.events.retrieve(event.id)).toMatchObject({ type: "transfer.created" });
});

test("several endpoints each get what they asked for, signed with their own secret", async () => {
  const { stripe, received, pay, secret } = await openWithReceiver(["transfer.reversed"]);
  const other = await openReceiver();
  const second = await stripe.webhookEndpoints.create({
    url: other.url,
    enabled_events: ["transfer.created"],
  });
  const { id } = await pay();
  await stripe.transfers.createReversal(id);
  await until(() => received.length === 1 && other.received.length === 1);
  expect(received[0]?.event.type).toBe("transfer.reversed");
  const [first] = other.received as [Received];
  expect(stripe.webhooks.constructEvent(first.raw, first.signature, `${second.secret}`).type).toBe(
    "transfer.created",
  );
  expect(() => stripe.webhooks.constructEvent(first.raw, first.signature, secret)).toThrow();
  await stripe.webhookEndpoints.del(second.id);
  expect((await stripe.webhookEndpoints.list()).data).toHaveLength(1);
});

test("events of connected accounts go to the endpoints for those: a payout that is paid and then fails", async () => {
  const { simulator, received, pay } = await openWithReceiver(["*"], true);
  const { destination } = await pay();
  const { payouts } = await simulator.control("POST", "/payouts", { account: destination });
  const [{ id }] = payouts as [{ id: string }];
  await simulator.control("POST", `/payouts/${id}`, { status: "paid" });
  await simulator.control("POST", `/payouts/${id}`, { status: "failed" });
  await until(() => received.length === 3);
  expect(received.map(({ event }) => [event.type, event.account]).sort()).toEqual([
    ["payout.created", destination],
    ["payout.failed", destination],
    ["payout.paid", destination],
  ]);
});

test("what an endpoint does not take is sent again with growing pauses on the simulator's clock, and given up after three days", async () => {
  const { simulator, stripe, received, answer, pay } = await openWithReceiver();
  answer.status = 500;
  await pay();
  await until(() => received.length === 1);
  const advance = (seconds: number) => simulator.control("POST", "/clock", { advance_seconds: seconds });
  await advance(59);
  await advance(2);
  await until(() => received.length === 2);
  await advance(5 * 60 + 1);
  await until(() => received.length === 3);
  expect(new Set(received.map(({ event }) => event.id)).size).toBe(1);
  const pending = async () => (await stripe.events.list()).data[0]?.pending_webhooks;
  expect(await pending()).toBe(1);
  answer.status = 204;
  await advance(3 * 86_400);
  await until(async () => (await pending()) === 0);
});

test("the lever sends an event again, forged, too old, for another account, or as if it were live", async () => {
  const { simulator, stripe, received, secret, pay } = await openWithReceiver();
  await pay();
  await until(() => received.length === 1);
  const event = `${received[0]?.event.id}`;
  const send = async (tampering: object) => {
    const { statuses } = await simulator.control("POST", "/webhooks/send", { event, ...tampering });
    expect(statuses).toEqual([200]);
    return present(received.at(-1), "a delivery");
  };
  const open = ({ raw, signature }: Received) => stripe.webhooks.constructEvent(raw, signature, secret);
  expect(open(await send({})).id, "doubled").toBe(event);
  expect(open(await send({ account: "acct_other" })).account).toBe("acct_other");
  expect(open(await send({ livemode: true })).livemode).toBe(true);
  const forged = await send({ forged: true });
  expect(() => open(forged)).toThrow("No signatures found matching");
  const old = await send({ age_seconds: 3_600 });
  expect(() => open(old)).toThrow("tolerance");
});

test("held back, events wait, and may be let go the newest first", async () => {
  const { simulator, received, pay } = await openWithReceiver();
  await simulator.control("POST", "/webhooks", { held: true });
  const made = [await pay(), await pay(), await pay()].map(({ id }) => id);
  expect(received).toEqual([]);
  await simulator.control("POST", "/webhooks", { held: false, newest_first: true });
  await until(() => received.length === 3);
  expect(received.map(({ event }) => (event.data.object as Stripe.Transfer).id)).toEqual(made.reverse());
});

test("events are listed by type, newest first, and those of a connected account under that account", async () => {
  const { stripe, newAccount } = await openSimulator();
  const destination = await newAccount();
  const { id } = await stripe.transfers.create({ amount: 5, currency: "usd", destination });
  await stripe.transfers.createReversal(id, { amount: 2 });
  await stripe.accounts.update(destination, { metadata: { a: "b" } });
  const types = (await stripe.events.list()).data.map(({ type }) => type);
  expect(types).toEqual(["transfer.reversed", "transfer.created"]);
  expect((await stripe.events.list({ types: ["transfer.created"] })).data).toHaveLength(1);
  const own = await stripe.events.list({}, { stripeAccount: destination });
  expect(own.data).toMatchObject([{ type: "account.updated", account: destination }]);
});
