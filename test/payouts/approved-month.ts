import Stripe from "stripe";
import { expect, onTestFinished } from "vitest";
import { openStripePayoutProvider } from "../../src/adapters/stripe/stripe-payout-provider.ts";
import { firstDay, toMinor } from "../../src/kernel/index.ts";
import {
  accountReadiness,
  type PayoutProvider,
  type PayReport,
  type ProviderRecord,
  payMonth,
  provisionAccounts,
} from "../../src/payouts/index.ts";
import type { Sql } from "../../src/postgres/index.ts";
import type { SettlementPlan } from "../../src/settlement/index.ts";
import { expectLedgerToHold } from "../support/ledger-laws.ts";
import {
  addPayees,
  customerIn,
  type MarketplaceBooks,
  monthOf,
  openMarketplaceBooks,
  type PayeeToAdd,
} from "../support/marketplace-books.ts";
import { startStripeSimulator, type TestSimulator } from "../support/stripe-simulator.ts";

export const MONTH = monthOf("2023-09");

export interface ApprovedMonth {
  sql: Sql;
  books: MarketplaceBooks;
  simulator: TestSimulator;
  provider: PayoutProvider & ProviderRecord;
  payees: string[];
  pay(provider?: PayoutProvider): Promise<PayReport>;
  openProvider(options?: { timeoutMs?: number; secretKey?: string }): PayoutProvider & ProviderRecord;
  fault(fault: string, times: number, after?: number): Promise<unknown>;
}

/** A month with usage of so many payees, or of these, closed, planned and approved, and a simulator with an account for each. */
export async function openApprovedMonth(wanted: number | PayeeToAdd[]): Promise<ApprovedMonth> {
  const [simulator, books] = await Promise.all([startStripeSimulator(), openMarketplaceBooks()]);
  onTestFinished(async () => {
    await Promise.all([simulator.kill("SIGKILL"), books.drop()]);
  });
  const { sql, catalog } = books;
  const openProvider: ApprovedMonth["openProvider"] = ({ timeoutMs = 10_000, secretKey } = {}) =>
    openStripePayoutProvider({
      secretKey: secretKey ?? "sk_test_simulator",
      apiBase: simulator.url,
      timeoutMs,
    });
  const provider = openProvider();

  const payees =
    typeof wanted === "number"
      ? Array.from({ length: wanted }, (_, index): PayeeToAdd => ({ id: `payee${index + 1}` }))
      : wanted;
  await addPayees(catalog, payees);
  await provisionAccounts(sql, catalog, provider);
  await books.use(
    payees.map(({ id, currency = "USD" }, index) => ({
      payee: id,
      customer: customerIn(currency),
      time: `${MONTH}-15T12:00:00Z`,
      grossMicros: 12_345_678 + index * 1_000_001,
    })),
  );
  await books.close(MONTH);
  await books.approve(MONTH, (accounts) => accountReadiness(sql, provider, accounts));
  return {
    sql,
    books,
    simulator,
    provider,
    payees: payees.map(({ id }) => id),
    openProvider,
    async pay(through = provider) {
      const report = await payMonth(sql, through, MONTH);
      await expectLedgerToHold(sql);
      return report;
    },
    fault: (fault, times, after = 0) =>
      simulator.control("POST", "/faults", {
        fault,
        times,
        after,
        match: { method: "POST", path: "/v1/transfers" },
      }),
  };
}

/** Every transfer at the simulator, asked through the official SDK. */
export async function transfersAt(simulator: TestSimulator): Promise<Stripe.Transfer[]> {
  const stripe = new Stripe("sk_test_simulator", {
    host: "127.0.0.1",
    port: simulator.port,
    protocol: "http",
  });
  return stripe.transfers.list({ limit: 100 }).autoPagingToArray({ limit: 10_000 });
}

/** One transfer for each planned payout, with its amount and payee, and no other; the books name the same ones. */
export async function expectTransfersToMatchPlan({ sql, simulator, payees }: ApprovedMonth): Promise<void> {
  const [row] = await sql<[{ plan: SettlementPlan }]>`
    SELECT plan FROM settlement WHERE period = ${firstDay(MONTH)}`;
  const { payouts } = row.plan;
  expect(payouts.map(({ payee }) => payee).sort()).toEqual([...payees].sort());
  const made = await transfersAt(simulator);
  const paidAtStripe = made.map(({ amount, currency, destination, transfer_group, metadata }) => ({
    amount,
    currency,
    destination,
    transfer_group,
    metadata: { ...metadata },
  }));
  const planned = payouts.map(({ id, payee, currency, amount_nanos, account }) => ({
    amount: Number(toMinor(currency, BigInt(amount_nanos))),
    currency: currency.toLowerCase(),
    destination: account,
    transfer_group: id,
    metadata: { payee, payout: id, period: MONTH, attempt: expect.stringMatching(`:${id}:\\d+$`) },
  }));
  expect(paidAtStripe.sort(byGroup)).toEqual(planned.sort(byGroup));

  const recorded = await sql<{ id: string; transfer_id: string; state: string }[]>`
    SELECT id, transfer_id, state FROM payout`;
  expect(Object.fromEntries(recorded.map(({ id, transfer_id }) => [id, transfer_id]))).toEqual(
    Object.fromEntries(made.map(({ id, transfer_group }) => [transfer_group, id])),
  );
  expect(new Set(recorded.map(({ state }) => state))).toEqual(new Set(["paid"]));
}

export async function payoutStates(sql: Sql): Promise<string[]> {
  const rows = await sql<{ state: string }[]>`SELECT state FROM payout ORDER BY id`;
  return rows.map(({ state }) => state);
}

export async function attemptKeys(sql: Sql): Promise<string[]> {
  const rows = await sql<{ key: string }[]>`
    SELECT idempotency_key AS key FROM payout_attempt ORDER BY payout_id, attempt`;
  return rows.map(({ key }) => key);
}

function byGroup(a: { transfer_group: string | null }, b: { transfer_group: string | null }): number {
  return (a.transfer_group ?? "") < (b.transfer_group ?? "") ? -1 : 1;
}
