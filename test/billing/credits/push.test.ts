import { expect, onTestFinished, test } from "vitest";
import { openStripeBillingProvider } from "../../../src/adapters/stripe/stripe-billing-provider.ts";
import {
  exportInvoices,
  grantCredit,
  listInvoices,
  makeInvoices,
  pushInvoices,
  recordInvoicePaid,
} from "../../../src/billing/index.ts";
import { stripeClient } from "../../stripe-simulator/stripe-client.ts";
import { monthOf } from "../../support/marketplace-books.ts";
import { startTestMetering } from "../../support/metering.ts";
import { startStripeSimulator } from "../../support/stripe-simulator.ts";
import { SMALL_CATALOG, usageEvent } from "../../support/usage.ts";
import { close, expectBooksToHold } from "../invoice-books.ts";

const MONTH = monthOf("2023-09");

test("the provider is asked for what credits leave, with the credit as an item, and not at all for nothing", async () => {
  const [simulator, books] = await Promise.all([startStripeSimulator(), startTestMetering(SMALL_CATALOG)]);
  onTestFinished(async () => {
    await Promise.all([simulator.kill("SIGKILL"), books.drop()]);
  });
  const { sql } = books;
  const event = (customer: string, tokens: number) =>
    usageEvent({
      id: customer,
      customer,
      time: "2023-09-14T12:00:00Z",
      metrics: { input_token_count: tokens },
    });
  await books.apply(0, [[event("acme", 12_345), event("globex", 2_000)]]);
  for (const [customer, amountNanos] of [
    ["acme", 5_001_234_567n],
    ["globex", 7_000_000_000n],
  ] as const)
    await grantCredit(sql, {
      customer,
      currency: "USD",
      amountNanos,
      kind: "paid",
      priority: 1,
      expiresAt: null,
      reason: "prepaid",
      reference: `bank-${customer}`,
      by: "test",
      requestKey: undefined,
    });
  await close(sql, MONTH);
  await makeInvoices(sql, MONTH, { by: "test" });
  const provider = openStripeBillingProvider({
    secretKey: "sk_test_simulator",
    apiBase: simulator.url,
    timeoutMs: 10_000,
  });
  expect((await pushInvoices(sql, provider, MONTH)).results).toMatchObject({ pushed: 1 });
  const stripe = stripeClient(simulator);
  const [one, ...others] = (await stripe.invoices.list({ limit: 10 })).data;
  expect(others).toEqual([]);
  // 12.345 is floored to 12.34; of 5.001234567 whole cents are used.
  expect(one).toMatchObject({ total: 734, status: "open" });
  const items = await stripe.invoiceItems.list({ invoice: one?.id ?? "", limit: 10 });
  expect(items.data.map(({ amount }) => amount).sort((a, b) => a - b)).toEqual([-500, 1234]);
  expect(
    (await listInvoices(sql, { limit: 10 })).map(({ customer, paid_from_credits, push }) => [
      customer,
      paid_from_credits.amount,
      push.state,
    ]),
  ).toEqual([
    ["acme", "5.000000000", "pushed"],
    ["globex", "2.000000000", "not_pushed"],
  ]);
  await recordInvoicePaid(sql, {
    ...{ invoice: "inv_2023-09_acme_USD", amountNanos: 1_000_000_000n, reference: "bank" },
    ...{ by: "test", paidAt: new Date() },
  });
  // Who bills elsewhere asks for what is left, too.
  let csv = "";
  const left: unknown[] = [];
  for await (const { invoicesCsv, jsonLines } of exportInvoices(sql, MONTH)) {
    csv += invoicesCsv;
    for (const line of jsonLines.split("\n").filter((text) => text !== ""))
      left.push(JSON.parse(line).left.amount);
  }
  expect(csv.split("\r\n").map((row) => row.split(",").slice(-2))).toMatchObject([
    ["paid_from_credits", "left"],
    ["5.000000000", "6.340000000"],
    ["2.000000000", "0.000000000"],
    [""],
  ]);
  expect(left).toEqual(["6.340000000", "0.000000000"]);
  await expectBooksToHold(sql);
});
