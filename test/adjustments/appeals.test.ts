import fc from "fast-check";
import type Stripe from "stripe";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openStripeBillingProvider } from "../../src/adapters/stripe/stripe-billing-provider.ts";
import { openStripeRefundRecord } from "../../src/adapters/stripe/stripe-refund-record.ts";
import { disputeEventHandlers, loseDispute, openDispute, refund } from "../../src/adjustments/index.ts";
import { invoiceEventHandlers, pushInvoices } from "../../src/billing/index.ts";
import { formatNanos, type Nanos, type Period, present } from "../../src/kernel/index.ts";
import type { EventHandler } from "../../src/provider-events/index.ts";
import { expectBooksToHold } from "../billing/invoice-books.ts";
import { stripeClient } from "../stripe-simulator/stripe-client.ts";
import type { TestMetering } from "../support/metering.ts";
import { startStripeSimulator, type TestSimulator } from "../support/stripe-simulator.ts";
import { AUGUST, openRefundBooks, PAYEES, SEPTEMBER } from "./refund-books.ts";

// A dispute at Stripe that is lost, and won after all on appeal. The provider's fee is the platform's for August, the payees' for
// September.

const CUSTOMERS = Array.from({ length: 8 }, (_, n) => `customer${n}`);
const CENT = 10_000_000n;
const FEE = 1_500n * CENT;

let books: TestMetering;
let simulator: TestSimulator;
let stripe: Stripe;
let dispute: EventHandler;
let paid: EventHandler;
beforeAll(async () => {
  [simulator, books] = await Promise.all([startStripeSimulator(), openRefundBooks(CUSTOMERS)]);
  stripe = stripeClient(simulator);
  const options = { secretKey: "sk_test_simulator", apiBase: simulator.url, timeoutMs: 10_000 };
  const provider = openStripeBillingProvider(options);
  for (const month of [AUGUST, SEPTEMBER]) await pushInvoices(books.sql, provider, month);
  paid = present(new Map(invoiceEventHandlers(books.sql, provider)).get("invoice.paid"), "a handler");
  const ofDisputes = new Map(disputeEventHandlers(books.sql, openStripeRefundRecord(options)));
  dispute = present(ofDisputes.get("charge.dispute.updated"), "a handler");
});
afterAll(async () => {
  await Promise.all([simulator?.kill("SIGKILL"), books?.drop()]);
});

const tell = async (handler: EventHandler, about: string) =>
  (await handler({ about, id: "evt_1" } as Parameters<EventHandler>[0])).outcome;
/** As Stripe does: more than once. */
const tellOf = async (about: string) => {
  const outcome = await tell(dispute, about);
  await tell(dispute, about);
  return outcome;
};

/** Pays an invoice by card; answers its charge. */
async function charged(invoice: string): Promise<string> {
  const [row] = await books.sql<{ id: string }[]>`
    SELECT provider_id AS id FROM invoice_push WHERE invoice_id = ${invoice}`;
  const { id } = present(row, "a pushed invoice");
  await stripe.invoices.pay(id);
  await tell(paid, id);
  const { data } = await stripe.balanceTransactions.list({ type: "charge", limit: 1 });
  return String(present(data[0], "a charge").source);
}

async function balances(): Promise<Record<string, bigint>> {
  const rows = await books.sql<{ path: string; nanos: string }[]>`
    SELECT a.path, b.balance_nanos::text AS nanos FROM ledger_account a JOIN account_balance b USING (account_no)
    WHERE b.currency = 'USD' ORDER BY 1`;
  return Object.fromEntries(rows.map(({ path, nanos }) => [path, BigInt(nanos)]));
}

/** By how much each account's balance differs from then, in nanos, debits positive; those that do not are left out. */
async function moved(before: Record<string, bigint>): Promise<Record<string, bigint>> {
  const changes = Object.entries(await balances()).map(
    ([path, nanos]) => [path, nanos - (before[path] ?? 0n)] as const,
  );
  return Object.fromEntries(changes.filter(([, nanos]) => nanos !== 0n));
}

const sumOf = (amounts: Record<string, bigint>, pattern: RegExp) =>
  Object.entries(amounts).reduce((all, [path, nanos]) => (pattern.test(path) ? all + nanos : all), 0n);

test.each(
  CUSTOMERS.flatMap((customer, n) =>
    ([AUGUST, SEPTEMBER] as Period[]).map((month) => ({ customer, month, feeReturned: n % 2 === 0, n })),
  ),
)(
  "$customer's dispute of $month, won on appeal, leaves nothing but the fee (returned: $feeReturned)",
  async (one) => {
    const { customer, month, feeReturned, n } = one;
    const { sql } = books;
    const invoice = `inv_${month}_${customer}_USD`;
    const charge = await charged(invoice);
    const [{ cents }] = await sql<[{ cents: number }]>`
    SELECT (amount_nanos / ${CENT.toString()}::numeric)::int AS cents FROM invoice WHERE id = ${invoice}`;
    const [before, asked] = present(
      fc.sample(fc.tuple(fc.integer({ min: 0, max: cents - 1 }), fc.integer({ min: 1, max: cents })), 1)[0],
      "amounts",
    );
    // Part of it may have been refunded before: that is not taken again.
    if (n % 3 === 1 && before > 0)
      await refund(sql, {
        asked: { invoice, amount: formatNanos((BigInt(before) * CENT) as Nanos) },
        ...{ reference: `before ${invoice}`, reason: "it was wrong", by: "test" },
        returnedNanos: (BigInt(before) * CENT) as Nanos,
      });
    const start = await balances();

    const { id } = await simulator.control("POST", "/disputes", { charge, amount: asked });
    expect(await tellOf(String(id))).toContain("is held until it is decided");
    const held = await moved(start);
    expect(sumOf(held, /^payee:\w+:(held|payable)$/)).toBe(0n);

    await simulator.control("POST", `/disputes/${id}`, { status: "lost" });
    expect(await tellOf(String(id))).toContain("is lost: adj_");
    const lost = await moved(start);
    expect(sumOf(lost, /./)).toBe(0n);
    expect(sumOf(lost, /^payee:\w+:held$/)).toBe(0n);
    // What went back to the customer, and the fee: the platform has less, and August's fee is its loss.
    expect(lost["platform:received"]).toBe(-BigInt(asked) * CENT - FEE);
    expect(lost["platform:fees"] ?? 0n).toBe(month === AUGUST ? FEE : 0n);

    await simulator.control("POST", `/disputes/${id}`, { status: "won", fee_returned: feeReturned });
    expect(await tellOf(String(id))).toContain("is won after all");
    const after = await moved(start);
    if (feeReturned) expect(after).toEqual({});
    else if (month === AUGUST) expect(after).toEqual({ "platform:fees": FEE, "platform:received": -FEE });
    else {
      expect(after["platform:received"]).toBe(-FEE);
      expect(sumOf(after, new RegExp(`^payee:(${PAYEES.join("|")}):payable$`))).toBe(FEE);
      expect(sumOf(after, /./)).toBe(0n);
    }
  },
);

test("a dispute that is named as another one's end is lost all the same", async () => {
  const { sql } = books;
  const [row] = await sql<{ id: string }[]>`
    SELECT split_part(reference, ':', 2) AS id FROM adjustment WHERE kind = 'dispute_lost' AND invoice_id LIKE '%customer0%'`;
  const id = `${present(row, "a dispute").id}:won`;
  const [left] = await sql<{ invoice: string }[]>`
    SELECT i.id AS invoice FROM invoice i WHERE undisputed_money(i.id, NULL) > 0 AND NOT EXISTS (
      SELECT FROM adjustment a WHERE a.invoice_id = i.id AND a.kind = 'refund') LIMIT 1`;
  const { invoice } = present(left, "a paid invoice");
  await openDispute(sql, { id, invoice, amountNanos: CENT as Nanos, reason: "fraudulent", by: "test" });
  await loseDispute(sql, { id, by: "test" });
  expect(await sql`SELECT state FROM dispute WHERE id = ${id}`).toMatchObject([{ state: "lost" }]);
});

test("all laws hold after that", () => expectBooksToHold(books.sql));

test("a dispute that we hear of only when it is won on appeal moves nothing", async () => {
  const [row] = await books.sql<{ id: string }[]>`
    SELECT reference AS id FROM adjustment WHERE kind = 'dispute_lost' LIMIT 1`;
  const known = present(row, "a dispute").id.replace("dispute:", "");
  const { charge } = await stripe.disputes.retrieve(known);
  const start = await balances();
  const { id } = await simulator.control("POST", "/disputes", { charge, amount: 1 });
  await simulator.control("POST", `/disputes/${id}`, { status: "lost" });
  await simulator.control("POST", `/disputes/${id}`, { status: "won" });
  expect(await tellOf(String(id))).toContain("nothing was held");
  expect(await moved(start)).toEqual({});
});
