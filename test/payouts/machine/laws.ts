import { expect } from "vitest";
import { parseNanos } from "../../../src/kernel/index.ts";
import { type ReconcileReport, reconcile } from "../../../src/payouts/index.ts";
import { expectLedgerToHold } from "../../support/ledger-laws.ts";
import { KIMS_MINIMUM, type Marketplace } from "./marketplace.ts";

const CENT = 10_000_000n;

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

/**
 * Whatever was taken back since a payout was approved: each attempt sent as much as was payable, at most what was approved, and
 * no less than a minimum lets go when it is less. In whole cents, as both currencies here are.
 */
export async function expectOnlyPayableSent({ sql, saw }: Marketplace): Promise<void> {
  const sent = await sql<{ payout: string; sent: string; planned: string; left: string }[]>`
    SELECT payout, sent::text, planned::text, "left"::text FROM (
      SELECT e.kind, o.id AS payout, p.amount_nanos AS sent, o.planned_nanos AS planned,
        -sum(p.amount_nanos) OVER (PARTITION BY p.account_no, e.currency ORDER BY e.entry_no) AS "left"
      FROM posting p JOIN journal_entry e USING (entry_no) JOIN ledger_account a USING (account_no)
      LEFT JOIN payout o ON o.id = e.detail->>'payout' WHERE a.kind = 'payee:payable') x WHERE kind = 'payout_sent'`;
  for (const one of sent) {
    const [nanos, planned, left] = [BigInt(one.sent), BigInt(one.planned), BigInt(one.left)];
    expect(left, `${one.payout} sent more than was payable`).toBeGreaterThanOrEqual(0n);
    expect(nanos, `${one.payout} sent more than was approved`).toBeLessThanOrEqual(planned);
    if (nanos === planned) continue;
    saw("less was sent than was approved");
    expect(left, `${one.payout} left something payable behind`).toBeLessThan(CENT);
    if (one.payout.endsWith("_kim_USD"))
      expect(nanos, `${one.payout} is below the minimum`).toBeGreaterThanOrEqual(
        parseNanos(KIMS_MINIMUM) ?? 0n,
      );
  }
}

/** What could be paid and is not, once everybody is paid monthly and a month was settled in good weather: nothing. */
export async function expectNothingLeftBehind({ sql }: Marketplace): Promise<void> {
  const left = await sql`
    SELECT a.owner AS payee, b.currency, -b.balance_nanos AS nanos
    FROM account_balance b JOIN ledger_account a USING (account_no) CROSS JOIN LATERAL minimum_payout_of(a.owner, b.currency) m
    WHERE a.kind = 'payee:payable' AND -b.balance_nanos >= greatest(m.minimum_nanos, ${CENT.toString()})`;
  expect(left, "no money is blocked for good").toEqual([]);
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
