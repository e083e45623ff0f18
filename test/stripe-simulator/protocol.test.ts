import { connect } from "node:net";
import Stripe from "stripe";
import { expect, test } from "vitest";
import { openSimulator, stripeClient, transferCount } from "./stripe-client.ts";

test("a missing, a malformed and a live key are all refused with 401 and change nothing", async () => {
  const { simulator, newAccount } = await openSimulator();
  const destination = await newAccount();
  for (const key of ["nonsense", "sk_live_123"]) {
    const stripe = stripeClient(simulator, { key });
    await expect(stripe.transfers.create({ amount: 1, currency: "usd", destination })).rejects.toMatchObject({
      type: "StripeAuthenticationError",
      statusCode: 401,
    });
  }
  const bare = await fetch(`${simulator.url}/v1/transfers`, { method: "POST" });
  expect(bare.status).toBe(401);
  expect(await transferCount(simulator)).toBe(0);
});

test("parameters that Stripe does not know, or that are missing or wrong, are refused by name", async () => {
  const { stripe, newAccount } = await openSimulator();
  const destination = await newAccount();
  const good = { amount: 1, currency: "usd", destination };
  await expect(stripe.transfers.create({ ...good, amount: 0 })).rejects.toMatchObject({
    code: "parameter_invalid_integer",
    param: "amount",
  });
  await expect(stripe.transfers.create({ ...good, currency: "dollars" })).rejects.toMatchObject({
    param: "currency",
  });
  const fraction = { ...good, amount: 1.5 };
  await expect(stripe.transfers.create(fraction)).rejects.toMatchObject({
    code: "parameter_invalid_integer",
    param: "amount",
  });
  const nobody = { amount: 1, currency: "usd" } as Stripe.TransferCreateParams;
  await expect(stripe.transfers.create(nobody)).rejects.toMatchObject({
    code: "parameter_missing",
    param: "destination",
  });
  const unknown = { ...good, colour: "red" };
  await expect(stripe.transfers.create(unknown)).rejects.toMatchObject({
    code: "parameter_unknown",
    param: "colour",
  });
});

test("an answer names its request and the version asked for, and an error says what, where and why", async () => {
  const { stripe } = await openSimulator();
  const { lastResponse } = await stripe.balance.retrieve();
  expect(lastResponse.requestId).toMatch(/^req_/);
  expect(lastResponse.headers["stripe-version"]).toBe(Stripe.API_VERSION);
  const error = await stripe.transfers.retrieve("tr_none").catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    type: "StripeInvalidRequestError",
    rawType: "invalid_request_error",
    statusCode: 404,
    code: "resource_missing",
    param: "id",
    message: "No such transfer: 'tr_none'",
    doc_url: expect.stringContaining("resource-missing"),
    request_log_url: expect.stringContaining("req_"),
  });
});

test("a secret key is also taken as the name of Basic authentication, as curl -u sends it", async () => {
  const { simulator } = await openSimulator();
  const ask = (user: string) =>
    fetch(`${simulator.url}/v1/balance`, { headers: { Authorization: `Basic ${btoa(`${user}:`)}` } });
  expect((await ask("sk_test_any")).status).toBe(200);
  expect((await ask("sk_live_any")).status).toBe(401);
});

test("nothing is changed on behalf of a connected account; its balance, payouts and events can be read", async () => {
  const { stripe, newAccount } = await openSimulator();
  const stripeAccount = await newAccount();
  expect(await stripe.balance.retrieve({}, { stripeAccount })).toMatchObject({ available: [] });
  expect((await stripe.payouts.list({}, { stripeAccount })).data).toEqual([]);
  const transfer = { amount: 1, currency: "usd", destination: stripeAccount };
  await expect(stripe.transfers.create(transfer, { stripeAccount })).rejects.toMatchObject({
    statusCode: 400,
  });
  await expect(stripe.balance.retrieve({}, { stripeAccount: "acct_other" })).rejects.toMatchObject({
    statusCode: 403,
    code: "account_invalid",
  });
});

test("whatever is sent is answered with an error of Stripe's shape, and the simulator lives on", async () => {
  const { simulator, stripe } = await openSimulator();
  const post = (path: string, body: string | Uint8Array) =>
    fetch(simulator.url + path, { method: "POST", body, headers: { Authorization: "Bearer sk_test_any" } });
  const hostile: [path: string, body: string | Uint8Array, status: number][] = [
    ["/v1/transfers", "x".repeat(3_000_000), 413],
    ["/v1/transfers", new Uint8Array([0xff, 0xfe]), 400],
    ["/v1/transfers", '{"amount":1}', 400],
    ["/v1/transfers", "a[b=1", 400],
    ["/v1/transfers", "__proto__[x]=1", 400],
    ["/v1/transfers", `a${"[b]".repeat(1_000)}=1`, 400],
    ["/v1/transfers", "amount[x]=1&currency=usd&destination=acct_1", 400],
    ["/v1/transfers", "amount=99999999999999999999&currency=usd&destination=acct_1", 400],
    ["/v1/accounts", "metadata=x", 400],
    ["/v1/accounts", `metadata[a]=${"x".repeat(501)}`, 400],
    ["/v1/nowhere", "", 404],
    ["/_simulator/nowhere", "{}", 404],
    ["/_simulator/clock", "", 400],
    ["/_simulator/clock", '{"advance_seconds":-1}', 400],
    ["/_simulator/balance", '{"currency":5,"available":"all"}', 400],
    ["/_simulator/faults", '{"fault":"earthquake"}', 400],
    ["/_simulator/faults", '{"fault":"hang","match":{"path":7}}', 400],
    ["/_simulator/faults", "null", 400],
    ["/_simulator/accounts/acct_none", "{}", 404],
  ];
  for (const [path, body, status] of hostile) {
    const answer = await post(path, body);
    const { error } = (await answer.json()) as { error: { type: string; message: string } };
    expect([path, answer.status, error.type]).toEqual([path, status, "invalid_request_error"]);
    expect(error.message).not.toBe("");
  }
  await new Promise<void>((resolve) => {
    const socket = connect(simulator.port, "127.0.0.1", () => {
      socket.end("POST /v1/transfers HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\namount=1");
    });
    socket
      .on("close", () => resolve())
      .on("error", () => resolve())
      .resume();
  });
  expect((await stripe.balance.retrieve()).object).toBe("balance");
  expect(await transferCount(simulator)).toBe(0);
});
