import { expect } from "vitest";
import { type ReconcileReport, reconcile } from "../../../src/payouts/index.ts";
import { expectLedgerToHold } from "../../support/ledger-laws.ts";
import type { Marketplace } from "./marketplace.ts";

/** At every moment: no payout has more than one transfer, and none goes elsewhere or for more than was planned. */
export async function expectNobodyPaidTwice({ sql, truth }: Marketplace): Promise<void> {
  const payouts = await sql<
    { id: string; account: string; cents: number; state: string; transfer: string | null }[]
  >`
    SELECT id, account, (amount_nanos / 10000000)::int AS cents, state, transfer_id AS transfer FROM payout`;
  const byId = new Map(payouts.map((payout) => [payout.id, payout]));
  const seen = new Set<string>();
  for (const made of truth.transfer.values()) {
    const group = `${made.transfer_group}`;
    expect(seen, `one transfer for ${group}`).not.toContain(group);
    seen.add(group);
    const payout = byId.get(group);
    expect([made.destination, made.amount], `${group} is paid as planned`).toEqual([
      payout?.account,
      payout?.cents,
    ]);
    if (payout?.state === "paid") expect(made.id).toBe(payout.transfer);
    else expect(["sending", "unknown"], `${group} has a transfer`).toContain(payout?.state);
  }
  for (const { id, state } of payouts) if (state === "paid") expect(seen).toContain(id);
  await expectLedgerToHold(sql);
}

/** Reconcile finds what happened behind our back or is open, all of it and nothing else. */
export async function expectOnlyExplained(market: Marketplace): Promise<ReconcileReport[]> {
  const { sql, provider, closed } = market;
  const reports: ReconcileReport[] = [];
  for (const period of closed) reports.push(await reconcile(sql, provider, period, "machine"));
  const differences = reports.flatMap((report) => report.differences);
  const found = (kind: string, name: "reference" | "payout") =>
    differences.filter((one) => one.kind === kind).map((one) => one[name]);
  const open = await sql<
    { id: string }[]
  >`SELECT id FROM payout WHERE state IN ('sending', 'unknown') ORDER BY id`;
  expect(found("outcome_open", "payout").sort()).toEqual(open.map(({ id }) => id));
  const paid = await sql<
    { transfer: string }[]
  >`SELECT transfer_id AS transfer FROM payout WHERE state = 'paid'`;
  const booked = await sql<{ id: string }[]>`SELECT reversal_id AS id FROM payout_reversal`;
  const unbooked = [...market.truth.reversal.values()].filter(
    ({ id, transfer }) =>
      paid.some((payout) => payout.transfer === transfer) && booked.every((known) => known.id !== id),
  );
  expect(found("reversed", "reference").sort()).toEqual(unbooked.map(({ id }) => id).sort());
  expect(found("bank_payout_failed", "reference").every((id) => market.failedAtBank.has(`${id}`))).toBe(true);
  for (const { kind } of differences) market.saw(`reconcile found ${kind}`);
  const explained = new Set(["outcome_open", "reversed", "bank_payout_failed"]);
  expect(differences.filter(({ kind }) => !explained.has(kind))).toEqual([]);
  return reports;
}
