import { expect, onTestFinished, test } from "vitest";
import { openStripeBillingProvider } from "../../src/adapters/stripe/stripe-billing-provider.ts";
import { pushInvoices } from "../../src/billing/index.ts";
import { present } from "../../src/kernel/index.ts";
import { expectBooksToHold } from "../billing/invoice-books.ts";
import { stripeClient } from "../stripe-simulator/stripe-client.ts";
import { startTestApi } from "../support/api.ts";
import { monthOf } from "../support/marketplace-books.ts";
import { until } from "../support/until.ts";
import { SMALL_CATALOG, usageEvent } from "../support/usage.ts";

test("what Stripe told of an invoice before we knew that it is there is heard once it is found: that it was paid, and what went back", async () => {
  const api = await startTestApi();
  onTestFinished(() => api.stop());
  await api.load(SMALL_CATALOG);
  await api.operator("PUT", "/v1/release-rule", { from: "2023-11", rule: "on_payment" });
  await api.send(usageEvent({ id: "one", customer: "acme", metrics: { input_token_count: 10_000 } }));
  await api.operator("POST", "/v1/settlements/2023-11/close");
  await api.operator("POST", "/v1/settlements/2023-11/invoices");
  const options = { secretKey: "sk_test_simulator", apiBase: api.simulator, timeoutMs: 10_000 };
  const push = () => pushInvoices(api.sql, openStripeBillingProvider(options), monthOf("2023-11"));

  const faults = `${api.simulator}/_simulator/faults`;
  const match = { method: "POST", path: "/v1/invoices/in_" };
  await fetch(faults, {
    method: "POST",
    body: JSON.stringify({ fault: "drop_after", times: 9, match }),
  });
  expect(await push()).toMatchObject({ results: { unknown: 1 } });
  await fetch(faults, { method: "DELETE" });

  const stripe = stripeClient({ port: Number(new URL(api.simulator).port) });
  const { id } = present((await stripe.invoices.list()).data[0], "an invoice at Stripe");
  await stripe.invoices.pay(id);
  const { payment } = present((await stripe.invoicePayments.list({ invoice: id })).data[0], "a payment");
  const refund = await stripe.refunds.create({
    payment_intent: String(payment.payment_intent),
    amount: 250,
  });
  const told = (about: string, type: string) => api.sql`
    SELECT FROM provider_event WHERE about = ${about} AND type = ${type} AND state = 'ignored'`;
  await until(async () => (await told(id, "invoice.paid")).length === 1);
  await until(async () => (await told(refund.id, "refund.created")).length === 1);

  expect(await push()).toMatchObject({ results: { pushed: 1 } });
  await until(
    async () => (await api.sql`SELECT FROM adjustment WHERE reference = ${refund.id}`).length === 1,
  );
  const { body } = await api.operator("GET", "/v1/invoices/inv_2023-11_acme_USD");
  expect(body).toMatchObject({
    paid: { amount: "10.000000000" },
    returned: { amount: "2.500000000" },
    left: { amount: "0.000000000" },
  });
  const [ada] = (await api.operator("GET", "/v1/payees/ada/balances")).body as [object];
  expect(ada).toMatchObject({ payable: { amount: "6.000000000" }, held: { amount: "0.000000000" } });
  await expectBooksToHold(api.sql);
});
