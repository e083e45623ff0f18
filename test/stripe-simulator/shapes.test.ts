import { type ChildProcess, spawn } from "node:child_process";
import Stripe from "stripe";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../../scripts/kafka-broker/free-port.ts";
import { startStripeSimulator, type TestSimulator } from "../support/stripe-simulator.ts";
import { until } from "../support/until.ts";
import { newAccount, stripeClient } from "./stripe-client.ts";
import { stripeMock } from "./stripe-mock.ts";

// The official stripe-mock answers from Stripe's own OpenAPI description and refuses requests that are not in it.

const MOCK = await stripeMock();
if ("missing" in MOCK)
  console.log(`The simulator's shapes were NOT compared with stripe-mock: ${MOCK.missing}.`);

/** A value's form: null fits everything, since most of Stripe's fields may be null; texts of metadata are anybody's. */
function differences(ours: unknown, theirs: unknown, path: string): string[] {
  if (ours === null || theirs === null || path.endsWith(".metadata")) return [];
  if (Array.isArray(ours) && Array.isArray(theirs))
    return ours.length === 0 || theirs.length === 0 ? [] : differences(ours[0], theirs[0], `${path}[]`);
  if (typeof ours !== "object" || typeof theirs !== "object")
    return typeof ours === typeof theirs ? [] : [`${path}: ${typeof ours}, Stripe: ${typeof theirs}`];
  const [left, right] = [ours as Record<string, unknown>, theirs as Record<string, unknown>];
  const names = [...new Set([...Object.keys(left), ...Object.keys(right)])].filter(
    (name) => name !== "lastResponse",
  );
  return names.flatMap((name) => {
    if (!(name in right)) return [`${path}.${name}: not at Stripe`];
    if (!(name in left)) return [`${path}.${name}: missing`];
    return differences(left[name], right[name], `${path}.${name}`);
  });
}

describe.skipIf("missing" in MOCK)("as stripe-mock has it from Stripe's OpenAPI description", () => {
  let mock: ChildProcess;
  let simulator: TestSimulator;
  let theirs: Stripe;
  let ours: Stripe;
  let account: string;
  let transfer: string;
  let payout: string;
  let customer: string;
  let invoice: string;

  beforeAll(async () => {
    const port = await freePort();
    mock = spawn("program" in MOCK ? MOCK.program : "", ["-http-addr", `127.0.0.1:${port}`], {
      stdio: "ignore",
    });
    theirs = new Stripe("sk_test_123", { host: "127.0.0.1", port, protocol: "http", maxNetworkRetries: 0 });
    simulator = await startStripeSimulator();
    ours = stripeClient(simulator);
    account = await newAccount(ours);
    transfer = (await ours.transfers.create({ amount: 900, currency: "usd", destination: account })).id;
    await ours.transfers.createReversal(transfer, { amount: 1 });
    const { payouts } = await simulator.control("POST", "/payouts", { account });
    payout = (payouts as [{ id: string }])[0].id;
    customer = (await ours.customers.create({ name: "Acme" })).id;
    invoice = (await ours.invoices.create({ customer, currency: "usd" })).id;
    await ours.invoiceItems.create({ customer, invoice, amount: 700, currency: "usd" });
    await ours.webhookEndpoints.create({ url: "http://127.0.0.1:9/", enabled_events: ["charge.failed"] });
    await until(() =>
      theirs.balance.retrieve().then(
        () => true,
        () => false,
      ),
    );
  });

  afterAll(async () => {
    mock.kill("SIGKILL");
    await simulator.kill("SIGKILL");
  });

  const ACCOUNT = {
    country: "US",
    controller: {
      fees: { payer: "application" },
      losses: { payments: "application" },
      stripe_dashboard: { type: "express" },
    },
    capabilities: { transfers: { requested: true } },
  } as const;
  const LINK = {
    return_url: "https://a.example/",
    refresh_url: "https://a.example/",
    type: "account_onboarding",
  } as const;

  /** What our objects leave out on purpose, or say more plainly. */
  const KNOWN: Record<string, RegExp> = {
    // Optional parts of no concern here; and the controller's fields, which are in the description but not in the example.
    accounts:
      /\.(business_profile|settings|tos_acceptance|capabilities\.card_payments): missing$|\.controller\./,
    // Told in the answer to the creation alone, which the example is not.
    webhookEndpoints: /\.create\.secret: not at Stripe$/,
    // The example's object is a plan, ours a transfer, which is compared on its own.
    events: /\.data\.object\./,
  };

  test.each<[string, (stripe: Stripe) => Promise<unknown>]>([
    ["accounts.create", (stripe) => stripe.accounts.create(ACCOUNT)],
    ["accounts.retrieve", (stripe) => stripe.accounts.retrieve(account)],
    ["accounts.list", (stripe) => stripe.accounts.list({ limit: 1 })],
    ["accountLinks.create", (stripe) => stripe.accountLinks.create({ account, ...LINK })],
    ["balance.retrieve", (stripe) => stripe.balance.retrieve()],
    [
      "balanceTransactions.list",
      (stripe) => stripe.balanceTransactions.list({ type: "transfer", created: { gte: 1 } }),
    ],
    [
      "transfers.create",
      (stripe) =>
        stripe.transfers.create({
          amount: 1,
          currency: "usd",
          destination: account,
          transfer_group: "g",
          metadata: { a: "b" },
        }),
    ],
    ["transfers.retrieve", (stripe) => stripe.transfers.retrieve(transfer)],
    ["transfers.list", (stripe) => stripe.transfers.list({ limit: 100, created: { gte: 1 } })],
    ["transfers.createReversal", (stripe) => stripe.transfers.createReversal(transfer, { amount: 1 })],
    ["transfers.listReversals", (stripe) => stripe.transfers.listReversals(transfer)],
    [
      "payouts.list",
      (stripe) => stripe.payouts.list({ limit: 100, created: { gte: 1 } }, { stripeAccount: account }),
    ],
    ["payouts.retrieve", (stripe) => stripe.payouts.retrieve(payout, {}, { stripeAccount: account })],
    ["customers.create", (stripe) => stripe.customers.create({ name: "Acme", metadata: { a: "b" } })],
    ["customers.list", (stripe) => stripe.customers.list({ limit: 1, created: { gte: 1 } })],
    [
      "invoiceItems.create",
      (stripe) => stripe.invoiceItems.create({ customer, invoice, amount: 1, currency: "usd" }),
    ],
    ["invoiceItems.list", (stripe) => stripe.invoiceItems.list({ invoice, limit: 1 })],
    [
      "invoices.create",
      (stripe) => stripe.invoices.create({ customer, currency: "usd", auto_advance: false }),
    ],
    ["invoices.list", (stripe) => stripe.invoices.list({ customer, limit: 1 })],
    ["invoices.listLineItems", (stripe) => stripe.invoices.listLineItems(invoice)],
    [
      "invoices.finalizeInvoice",
      (stripe) => stripe.invoices.finalizeInvoice(invoice, { auto_advance: true }),
    ],
    ["invoices.pay", (stripe) => stripe.invoices.pay(invoice)],
    ["events.list", (stripe) => stripe.events.list({ limit: 1 })],
    [
      "webhookEndpoints.create",
      (stripe) =>
        stripe.webhookEndpoints.create({ url: "http://127.0.0.1:9/", enabled_events: ["charge.failed"] }),
    ],
    ["webhookEndpoints.list", (stripe) => stripe.webhookEndpoints.list()],
  ])("%s", async (name, call) => {
    const found = differences(await call(ours), await call(theirs), name);
    const known = KNOWN[name.split(".")[0] ?? ""];
    expect(found.filter((line) => known === undefined || !known.test(line))).toEqual([]);
  });
});
