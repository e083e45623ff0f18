import {
  contentHash,
  firstDay,
  formatInstant,
  fromMinor,
  type Money,
  money,
  type Nanos,
  now,
  type Period,
} from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import type { BankPayout, ProviderRecord, ProviderTransfer } from "../provider-record.ts";
import type { Difference } from "./difference.ts";
import { type BothSides, findDifferences } from "./find-differences.ts";
import { type OurPayout, ourPayouts, payingTime, payoutsOfOtherPeriods } from "./our-payouts.ts";
import { leftOf, payoutNamedBy } from "./transfers-at-provider.ts";

const AT_ONCE = 8;

export interface ReconcileReport {
  period: Period;
  at: string;
  by: string;
  /** How much was looked at: nothing found among nothing proves nothing. */
  compared: {
    payouts: number;
    transfers: number;
    reversals: number;
    movements: number;
    bank_payouts: number;
  };
  /** Per currency what left for good by our books, and by the provider's transfers for them after reversals. */
  totals: { currency: string; ours: Money; theirs: Money }[];
  differences: ShownDifference[];
}

export interface ShownDifference {
  kind: Difference["kind"];
  payout: string | null;
  payee: string | null;
  reference: string | null;
  currency: string;
  ours: Money;
  theirs: Money;
  /** Theirs − ours. */
  difference: Money;
  cause: string;
}

/**
 * Compares a period's payouts with everything the provider has on record, both ways, and stores what was found.
 * Changes neither side. @throws ProviderUnavailable, and then nothing is stored
 */
export async function reconcile(
  sql: Sql,
  provider: ProviderRecord,
  period: Period,
  by: string,
): Promise<ReconcileReport & { run: string }> {
  const sides = await readBothSides(sql, provider, period);
  const report: ReconcileReport = {
    period,
    at: formatInstant(now()),
    by,
    compared: {
      payouts: sides.payouts.length,
      transfers: sides.transfers.length,
      reversals: sides.transfers.reduce((count, { reversals }) => count + reversals.length, 0),
      movements: sides.movements.length,
      bank_payouts: sides.bankPayouts.length,
    },
    totals: totalsOf(sides),
    differences: findDifferences(sides).map(shown),
  };
  const [row] = await sql<[{ run: string }]>`
    INSERT INTO reconciliation (period, ran_by, differences, report, hash)
    VALUES (${firstDay(period)}, ${by}, ${report.differences.length}, ${JSON.stringify(report)}::text::jsonb, ${contentHash(report)})
    RETURNING run::text`;
  return { run: row.run, ...report };
}

/** The books are read first: what is paid meanwhile shows as a transfer of an open payout, never as one that is missing. */
async function readBothSides(sql: Sql, provider: ProviderRecord, period: Period): Promise<BothSides> {
  const { from, until, since } = await payingTime(sql, period);
  const payouts = await ourPayouts(sql, period);
  const listed = await collect(provider.transfers(since));
  const transfers = [...listed, ...(await unlisted(provider, payouts, listed))];
  const names = transfers.map(payoutNamedBy).filter((name) => name !== undefined);
  return {
    payouts,
    transfers,
    movements: await collect(provider.movements(since)),
    bankPayouts: await bankPayoutsOf(provider, payouts, since),
    otherPayouts: await payoutsOfOtherPeriods(sql, period, names),
    since,
    from,
    until,
  };
}

/** Before a transfer is called missing it is asked for by its id: clocks differ, and so may the list. */
async function unlisted(provider: ProviderRecord, payouts: OurPayout[], listed: ProviderTransfer[]) {
  const seen = new Set(listed.map(({ id }) => id));
  const found: ProviderTransfer[] = [];
  for (const { transferId } of payouts) {
    if (transferId === null || seen.has(transferId)) continue;
    const transfer = await provider.transferById(transferId);
    if (transfer !== undefined) found.push(transfer);
  }
  return found;
}

async function bankPayoutsOf(provider: ProviderRecord, payouts: OurPayout[], since: Date) {
  const queue = [...new Set(payouts.filter(({ state }) => state === "paid").map(({ account }) => account))];
  const all: BankPayout[] = [];
  const worker = async () => {
    for (let account = queue.shift(); account !== undefined; account = queue.shift())
      all.push(...(await collect(provider.bankPayouts(account, since))));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return all.sort((a, b) => (a.id < b.id ? -1 : 1));
}

function totalsOf({ payouts, transfers }: BothSides): ReconcileReport["totals"] {
  const ids = new Set(payouts.map(({ id }) => id));
  const totals = new Map<string, { ours: Nanos; theirs: Nanos }>();
  const total = (currency: string) => {
    const known = totals.get(currency) ?? { ours: 0n, theirs: 0n };
    totals.set(currency, known);
    return known;
  };
  for (const { currency, ledgerNanos, booked } of payouts)
    total(currency).ours += ledgerNanos - booked.reduce((sum, { amountNanos }) => sum + amountNanos, 0n);
  for (const transfer of transfers)
    if (ids.has(payoutNamedBy(transfer) ?? ""))
      total(transfer.currency).theirs += fromMinor(transfer.currency, leftOf(transfer));
  return [...totals]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([currency, { ours, theirs }]) => ({
      currency,
      ours: money(currency, ours),
      theirs: money(currency, theirs),
    }));
}

function shown({ ours, theirs, ...difference }: Difference): ShownDifference {
  const { currency, kind, payout, payee, reference, cause } = difference;
  return {
    kind,
    payout,
    payee,
    reference,
    currency,
    ours: money(currency, ours),
    theirs: money(currency, theirs),
    difference: money(currency, theirs - ours),
    cause,
  };
}

async function collect<T>(pages: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of pages) all.push(one);
  return all;
}
