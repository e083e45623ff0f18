import { expect, inject, onTestFinished } from "vitest";
import { openStripeBillingProvider } from "../../src/adapters/stripe/stripe-billing-provider.ts";
import { listInvoices, makeInvoices, type PushReport, pushInvoices } from "../../src/billing/index.ts";
import { parseNanos, present, toMinor } from "../../src/kernel/index.ts";
import type { Sql } from "../../src/postgres/index.ts";
import { closeMonth } from "../../src/settlement/index.ts";
import { stripeClient } from "../stripe-simulator/stripe-client.ts";
import { monthOf } from "../support/marketplace-books.ts";
import { startTestMetering } from "../support/metering.ts";
import { startStripeSimulator, type TestSimulator } from "../support/stripe-simulator.ts";
import { tokenPrice, usageEvent } from "../support/usage.ts";

export const MONTH = monthOf("2023-09");
const MODELS = ["ada/llm", "ada/other"];

export interface MadeMonth {
  sql: Sql;
  url: string;
  simulator: TestSimulator;
  push(options?: { timeoutMs?: number; secretKey?: string }): Promise<PushReport>;
  fault(fault: string, times: number, path: string, after?: number): Promise<unknown>;
}

/** A closed month in which so many customers used two models each, its invoices made, and a simulator to push them to. */
export async function openMadeMonth(customers: number): Promise<MadeMonth> {
  const ids = Array.from({ length: customers }, (_, n) => `customer${n + 1}`);
  const [simulator, books] = await Promise.all([
    startStripeSimulator(),
    startTestMetering({
      payees: [{ id: "ada", name: "Ada", country: "US", default_currency: "USD" }],
      customers: ids.map((id) => ({ id, name: id, currency: "USD" })),
      models: MODELS.map((id) => ({ id, payee: "ada" })),
      prices: MODELS.map((model) => tokenPrice(model)),
    }),
  ]);
  const { sql } = books;
  onTestFinished(async () => {
    await Promise.all([simulator.kill("SIGKILL"), books.drop()]);
  });
  const events = ids.flatMap((customer, n) =>
    MODELS.map((model) =>
      usageEvent({
        id: `${customer} ${model}`,
        customer,
        model,
        time: "2023-09-14T12:00:00Z",
        metrics: { input_token_count: 12_345 + 7 * n },
      }),
    ),
  );
  await books.apply(0, [events]);
  await closeMonth(sql, MONTH, { graceSeconds: 0, catchUp: async () => {} });
  await makeInvoices(sql, MONTH, { by: "test" });
  const [{ name }] = await sql<[{ name: string }]>`SELECT current_database() AS name`;
  return {
    sql,
    url: Object.assign(new URL(inject("postgresUrl")), { pathname: `/${name}` }).href,
    simulator,
    push: ({ timeoutMs = 10_000, secretKey = "sk_test_simulator" } = {}) =>
      pushInvoices(sql, openStripeBillingProvider({ secretKey, apiBase: simulator.url, timeoutMs }), MONTH),
    fault: (fault, times, path, after = 0) =>
      simulator.control("POST", "/faults", { fault, times, after, match: { method: "POST", path } }),
  };
}

/** One invoice at Stripe for each of ours, finalised, with its amount and items, and nobody asked twice. */
export async function expectAskedOnce({ sql, simulator }: MadeMonth): Promise<void> {
  const stripe = stripeClient(simulator);
  const there = await stripe.invoices.list({ limit: 100 }).autoPagingToArray({ limit: 10_000 });
  const ours = await listInvoices(sql, { limit: 1000 });
  const asked = there
    .filter(({ status }) => status !== "draft")
    .map(({ id, total, currency, metadata, status }) => ({
      id,
      total,
      currency,
      invoice: metadata?.invoice,
      status,
    }));
  const expected = ours.map(({ id, currency, amount, push }) => ({
    id: push.provider_id,
    total: Number(toMinor(currency, present(parseNanos(amount.amount), "an amount"))),
    currency: currency.toLowerCase(),
    invoice: id,
    status: "open",
  }));
  const byInvoice = (a: { invoice?: string | undefined }, b: { invoice?: string | undefined }) =>
    (a.invoice ?? "") < (b.invoice ?? "") ? -1 : 1;
  expect(asked.sort(byInvoice)).toEqual(expected.sort(byInvoice));
  expect(new Set(ours.map(({ push }) => push.state))).toEqual(new Set(["pushed"]));
}
