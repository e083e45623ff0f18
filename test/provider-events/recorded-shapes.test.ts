import Stripe from "stripe";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openStripeBillingProvider } from "../../src/adapters/stripe/stripe-billing-provider.ts";
import { pushInvoices } from "../../src/billing/index.ts";
import { present } from "../../src/kernel/index.ts";
import { startTestApi, type TestApi } from "../support/api.ts";
import { monthOf } from "../support/marketplace-books.ts";
import { until } from "../support/until.ts";
import { SMALL_CATALOG, usageEvent } from "../support/usage.ts";
import { recordedShapes, type Shape } from "./recorded-shapes.ts";

const SECRET = "whsec_of_the_recorded_ones";
const PATH = "/v1/webhooks/stripe";

let api: TestApi;
let shapes: Shape[];

beforeAll(async () => {
  api = await startTestApi({ STRIPE_WEBHOOK_SECRET: SECRET });
  await api.load(SMALL_CATALOG);
  await api.send(usageEvent({ id: "n1", metrics: { input_token_count: 100_000 } }));
  for (const step of ["close", "plan", "approve", "pay", "invoices"])
    expect(await api.operator("POST", `/v1/settlements/2023-11/${step}`)).toMatchObject({ status: 200 });
  const stripe = { secretKey: "sk_test_simulator", apiBase: api.simulator, timeoutMs: 10_000 };
  await pushInvoices(api.sql, openStripeBillingProvider(stripe), monthOf("2023-11"));
  const [row] = await api.sql<{ account: string; transfer: string; invoice: string }[]>`
    SELECT account, transfer_id AS transfer, (SELECT provider_id FROM invoice_push) AS invoice FROM payout`;
  const { account, transfer, invoice } = present(row, "a payout that was paid");
  const made = await fetch(`${api.simulator}/_simulator/payouts`, {
    method: "POST",
    body: JSON.stringify({ account }),
  });
  expect(made.ok).toBe(true);
  const payout = present(/po_\w+/.exec(await made.text())?.[0], "a payout to the bank");
  shapes = recordedShapes({ account, transfer, payout, invoice });
});
afterAll(() => api?.stop());

async function send({ event }: Shape, secret = SECRET): Promise<number> {
  const payload = JSON.stringify(event);
  const header = Stripe.webhooks.generateTestHeaderString({ payload, secret });
  return (await api.as(null)("POST", PATH, payload, { "Stripe-Signature": header })).status;
}

/** The same disorder each time. */
const shuffled = <T>(items: readonly T[]): T[] =>
  items
    .map((item, n) => ({ item, at: (n * 7919) % 101 }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);

async function kept(): Promise<Map<string, { state: string; outcome: string; attempts: number }>> {
  const rows = await api.sql<{ id: string; state: string; outcome: string; attempts: number }[]>`
    SELECT id, state, outcome, attempts FROM provider_event WHERE id LIKE 'evt_1Recorded%'`;
  return new Map(rows.map(({ id, ...row }) => [id, row]));
}

async function money(): Promise<unknown> {
  return api.sql`SELECT a.path, b.currency, b.balance_nanos::text FROM account_balance b JOIN ledger_account a USING (account_no) ORDER BY 1, 2`;
}

test("each type that Stripe sends, shuffled, doubled and forged, ends as it should, once, and moves no money by itself", async () => {
  const before = await money();
  expect(new Set(await Promise.all(shapes.map((shape) => send(shape, "whsec_forged"))))).toEqual(
    new Set([400]),
  );
  expect((await kept()).size).toBe(0);
  for (const shape of shuffled([...shapes, ...shapes])) expect(await send(shape), shape.event.type).toBe(200);
  await until(async () => [...(await kept()).values()].every(({ state }) => state !== "waiting"));
  const ended = await kept();
  expect(ended.size).toBe(shapes.length);
  for (const { event, state, outcome } of shapes) {
    expect(ended.get(event.id), event.type).toMatchObject({ state, attempts: 1 });
    expect(ended.get(event.id)?.outcome, event.type).toMatch(outcome);
  }
  expect(await money()).toEqual(before);
});

test("replayed, all of them end the same again", async () => {
  for (const { event } of shuffled(shapes))
    expect(await api.operator("POST", `${PATH}/events/${event.id}/replay`)).toMatchObject({ status: 202 });
  await until(async () => [...(await kept()).values()].every(({ state }) => state !== "waiting"));
  const ended = await kept();
  for (const { event, state, outcome } of shapes) {
    expect(ended.get(event.id), event.type).toMatchObject({ state });
    expect(ended.get(event.id)?.outcome, event.type).toMatch(outcome);
  }
});
