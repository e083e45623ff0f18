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

const OURS = "inv_2023-11_acme_USD";

/** acme used ada's model for $10, globex too, and acme paid by card. ada earns 80 %. */
async function openPaidBooks() {
  const api = await startTestApi();
  onTestFinished(() => api.stop());
  await api.load(SMALL_CATALOG);
  const metrics = { input_token_count: 10_000 };
  await api.send(...["acme", "globex"].map((customer) => usageEvent({ id: customer, customer, metrics })));
  await api.operator("POST", "/v1/settlements/2023-11/close");
  await api.operator("POST", "/v1/settlements/2023-11/invoices");
  const options = { secretKey: "sk_test_simulator", apiBase: api.simulator, timeoutMs: 10_000 };
  await pushInvoices(api.sql, openStripeBillingProvider(options), monthOf("2023-11"));
  const stripe = stripeClient({ port: Number(new URL(api.simulator).port) });
  const [row] = await api.sql<[{ id: string }]>`
    SELECT provider_id AS id FROM invoice_push WHERE invoice_id = ${OURS}`;
  await stripe.invoices.pay(row.id);
  await until(async () => (await api.sql`SELECT FROM invoice_payment WHERE invoice_id = ${OURS}`).length > 0);
  const { payment } = present((await stripe.invoicePayments.list({ invoice: row.id })).data[0], "a payment");
  /** As people do at Stripe's dashboard, naming what it pays back; answers what our books made of it. */
  const refundAtStripe = async (amount: number, refund: string) => {
    const payment_intent = String(payment.payment_intent);
    const { id } = await stripe.refunds.create({ payment_intent, amount, metadata: { refund } });
    const booked = () => api.sql<{ kind: string }[]>`SELECT kind FROM adjustment WHERE reference = ${id}`;
    await until(async () => (await booked()).length === 1);
    return (await booked())[0]?.kind;
  };
  const owed = async () => {
    const { body } = await api.operator("GET", "/v1/owed-customers");
    return (body as { data: { on_account: { amount: string } }[] }).data.map(
      ({ on_account }) => on_account.amount,
    );
  };
  const payable = async () => {
    const { body } = await api.operator("GET", "/v1/payees/ada/balances");
    return present((body as { payable: { amount: string } }[])[0], "a balance").payable.amount;
  };
  return { api, refundAtStripe, owed, payable };
}

test("what a re-rating left in a customer's favour goes back through Stripe as money alone, when the refund there names it", async () => {
  const { api, refundAtStripe, owed, payable } = await openPaidBooks();
  const { body } = await api.operator("POST", "/v1/corrections", {
    ...{ kind: "rerate", model: "ada/llm", period: "2023-11", currency: "USD", reason: "half the price" },
    components: [{ meter: "input_tokens", amount: "0.50", per: "1000" }],
  });
  const { adjustment } = (body as { correction: { adjustment: string } }).correction;
  expect([await owed(), await payable()]).toEqual([["5.000000000", "5.000000000"], "8.000000000"]);
  expect(await refundAtStripe(500, adjustment)).toBe("money_returned");
  expect([await owed(), await payable()]).toEqual([["5.000000000"], "8.000000000"]);
  await expectBooksToHold(api.sql);
});

test("a credit on a customer's account goes back so too; another customer's is none of this one's", async () => {
  const { api, refundAtStripe, owed, payable } = await openPaidBooks();
  const credit = async (customer: string) => {
    const asked = { kind: "credit", customer, currency: "USD", amount: "2", reason: "sorry" };
    const { body } = await api.operator("POST", "/v1/corrections", asked);
    return (body as { correction: { adjustment: string } }).correction.adjustment;
  };
  expect(await refundAtStripe(200, await credit("acme"))).toBe("money_returned");
  expect([await owed(), await payable()]).toEqual([[], "16.000000000"]);
  expect(await refundAtStripe(100, await credit("globex"))).toBe("refund");
  expect([await owed(), await payable()]).toEqual([["2.000000000"], "15.200000000"]);
  await expectBooksToHold(api.sql);
});
