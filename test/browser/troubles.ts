import { openStripeBillingProvider } from "../../src/adapters/stripe/stripe-billing-provider.ts";
import { pushInvoices } from "../../src/billing/index.ts";
import { stripeClient } from "../stripe-simulator/stripe-client.ts";
import type { TestApi } from "../support/api.ts";
import { monthOf } from "../support/marketplace-books.ts";
import { until } from "../support/until.ts";

const MONTH = "2023-11";
const BASE = "ada/llama-3-70b-code";
const invoiceOf = (customer: number) => `inv_${MONTH}_customer-${customer}_USD`;

/**
 * The month of a marketplace in which things went wrong, closed and paid as far as it goes: customers who have not paid, a
 * disputed payment, a refund at Stripe, a debt, a payee who is frozen, an account that lacks something, usage that came late,
 * a credit that was revoked, royalty terms in every state.
 */
export async function makeTrouble(api: TestApi): Promise<void> {
  const must = async (method: string, path: string, body?: unknown) => {
    const { status, body: answer } = await api.operator(method, `/v1${path}`, body);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer)}`);
    return answer;
  };
  const step = (name: string) => must("POST", `/settlements/${MONTH}/${name}`);
  await must("PUT", "/release-rule", { from: MONTH, rule: "on_payment", hold_days: 0 });
  await chargeable(api);
  await step("close");
  await step("invoices");
  const stripe = { secretKey: "sk_test_simulator", apiBase: api.simulator, timeoutMs: 10_000 };
  await pushInvoices(api.sql, openStripeBillingProvider(stripe), monthOf(MONTH));
  const amounts = await payInvoices(api, must);
  const disputed = { invoice: invoiceOf(1), amount: amounts.get(invoiceOf(1)) };
  await must("POST", "/disputes", { id: "dp_1", ...disputed, reason: "fraudulent" });
  await refundAtStripe(api, must);
  await must("PUT", "/payees/sam/freeze", { reason: "identity is being checked" });
  await incomplete(api, "lin");
  for (const name of ["plan", "approve", "pay", "reconcile"]) await step(name);
  await must("POST", "/corrections", {
    kind: "debit",
    payee: "eve",
    currency: "USD",
    amount: "12.34",
    reason: "paid twice by mistake in 2022",
  });
  await revoked(must);
  await late(api);
  await agreements(api, must);
  await must("POST", "/webhook-endpoints", { payee: "ada", url: "https://example.com/hook" });
  await must("POST", "/webhook-endpoints", { everybody: true, url: "https://example.com/all" });
}

type Must = (method: string, path: string, body?: unknown) => Promise<unknown>;

/** At a bank, but for two: customer 2 has not paid, customer 3 pays by card. Answers what each invoice came to. */
async function payInvoices(api: TestApi, must: Must): Promise<Map<string, string>> {
  const { data } = (await must("GET", "/invoices?limit=1000")) as {
    data: { id: string; amount: { amount: string } }[];
  };
  const amounts = new Map(data.map(({ id, amount: { amount } }) => [id, amount]));
  for (const [id, amount] of amounts)
    if (/[1-9]/.test(amount) && id !== invoiceOf(2) && id !== invoiceOf(3))
      await must("POST", `/invoices/${id}/payments`, { amount, reference: `bank-${id}` });
  const [row] = await api.sql<{ id: string }[]>`
    SELECT provider_id AS id FROM invoice_push WHERE invoice_id = ${invoiceOf(3)}`;
  await stripeClient({ port: Number(new URL(api.simulator).port) }).invoices.pay(row?.id ?? "");
  await until(
    async () => (await api.sql`SELECT FROM invoice_payment WHERE invoice_id = ${invoiceOf(3)}`).length > 0,
  );
  return amounts;
}

/** A credit note of what is not paid, and a refund of what was, which fails. */
async function refundAtStripe(api: TestApi, must: Must): Promise<void> {
  const asked = { amount: "0.02", reason: "the answers were cut off", at_provider: true };
  for (const customer of [2, 3]) await must("POST", "/refunds", { invoice: invoiceOf(customer), ...asked });
  const made = () => api.sql<{ id: string }[]>`
    SELECT provider_id AS id FROM refund_push WHERE means = 'refund' AND state = 'made'`;
  await until(async () => (await made()).length > 0);
  const [refund] = await made();
  await fetch(`${api.simulator}/_simulator/refunds/${refund?.id}/fail`, { method: "POST", body: "{}" });
}

/** Stripe still wants something of this payee. */
async function incomplete(api: TestApi, payee: string): Promise<void> {
  const [row] = await api.sql<{ account: string }[]>`
    SELECT stripe_account AS account FROM payee WHERE id = ${payee}`;
  const due = ["external_account", "individual.verification.document"];
  const says = { transfers: "inactive", currently_due: due };
  const url = `${api.simulator}/_simulator/accounts/${row?.account}`;
  const { ok } = await fetch(url, { method: "POST", body: JSON.stringify(says) });
  if (!ok) throw new Error("the simulator refuses the account's state");
}

async function revoked(must: Must): Promise<void> {
  const credit = { amount: "20.00", currency: "USD", kind: "promotional" };
  const path = "/customers/customer-1/credits";
  const { id } = (await must("POST", path, { ...credit, reason: "welcome" })) as {
    id: string;
  };
  await must("POST", "/corrections", { kind: "revocation", credit: id, reason: "granted twice" });
  await must("POST", path, { ...credit, kind: "paid", reason: "bank transfer", reference: "b1" });
}

function event(id: string, time: string, subject: string) {
  const metrics = { predict_time: 1, input_token_count: 900_000, output_token_count: 300_000 };
  const data = { model: BASE, version: "v1", status: "succeeded", metrics };
  const source = "//predictor/eu-1";
  return { specversion: "1.0", id, source, type: "prediction.completed", time, subject, data };
}

/** What is below the provider's minimum charge would be carried over there, and neither be paid nor refunded by itself. */
async function chargeable(api: TestApi): Promise<void> {
  await api.send(
    event("large-2", "2023-11-18T12:00:00Z", "customer-2"),
    event("large-3", "2023-11-18T12:00:00Z", "customer-3"),
  );
}

/** Usage of the closed month that comes now, and some of the month after it. */
async function late(api: TestApi): Promise<void> {
  await api.send(
    event("late-1", "2023-11-20T12:00:00Z", "customer-2"),
    event("december-1", "2023-12-02T10:00:00Z", "customer-1"),
    event("december-2", "2023-12-05T10:00:00Z", "customer-4"),
  );
}

/** A proposal to share, terms that were replaced, accepted, ended and withdrawn, and who accepted them. */
async function agreements(api: TestApi, must: Must): Promise<void> {
  const [ada, lin] = [
    await api.keyFor({ role: "payee", payee: "ada" }),
    await api.keyFor({ role: "payee", payee: "lin" }),
  ];
  const shares = ["ada", "sam", "eve"].map((payee) => ({ payee, weight: 1 }));
  const proposal = { effective_from: "2099-01-01T00:00:00Z", shares };
  await ada("POST", `/v1/models/${BASE}/share-proposals`, proposal);
  const offer = async (percent: string, model = BASE) => {
    const wording = "For every model made from this one.\nHowever much of it is changed.";
    const made = await ada("POST", `/v1/models/${model}/royalty-terms`, { percent, wording });
    return (made.body as { id: string }).id;
  };
  const first = await offer("5");
  await lin("POST", `/v1/royalty-terms/${first}/accept`, { model: "lin/code-for-lawyers" });
  await must("PUT", "/models/lin/code-for-lawyers", { payee: "lin", base_model: BASE });
  await ada("POST", `/v1/royalty-terms/${await offer("50")}/withdraw`);
  await offer("12.5");
}
