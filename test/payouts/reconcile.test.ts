import { afterEach, expect, test } from "vitest";
import { openStripePayoutProvider } from "../../src/adapters/stripe/stripe-payout-provider.ts";
import { present } from "../../src/kernel/index.ts";
import { bookReversal, differencesCsv, reconcile } from "../../src/payouts/index.ts";
import { stripeClient } from "../stripe-simulator/stripe-client.ts";
import { expectLedgerToHold } from "../support/ledger-laws.ts";
import { startStripeProxy } from "../support/stripe-proxy.ts";
import { type ApprovedMonth, MONTH, openApprovedMonth, transfersAt } from "./approved-month.ts";

let stopProxy: (() => void) | undefined;
afterEach(() => stopProxy?.());

/** A paid month of so many payees, with what a hand at Stripe may do to it. */
async function openPaidMonth(payees: number) {
  const month = await openApprovedMonth(payees);
  await month.pay();
  const stripe = stripeClient(month.simulator);
  const transfers = (await transfersAt(month.simulator)).sort((a, b) =>
    `${a.transfer_group}` < `${b.transfer_group}` ? -1 : 1,
  );
  return { ...month, stripe, transfers, first: present(transfers[0], "a transfer") };
}

const findings = ({ sql, provider }: ApprovedMonth) => reconcile(sql, provider, MONTH, "ada");

async function kindsFound(month: ApprovedMonth): Promise<string[]> {
  return (await findings(month)).differences.map(({ kind }) => kind);
}

test("a paid month has no difference, and the report says how much was compared", async () => {
  const month = await openPaidMonth(12);
  const report = await findings(month);
  expect(report.differences).toEqual([]);
  expect(report.compared).toEqual({
    payouts: 12,
    transfers: 12,
    reversals: 0,
    movements: 12,
    bank_payouts: 0,
  });
  expect(report.totals).toHaveLength(1);
  expect(report.totals[0]?.ours).toEqual(report.totals[0]?.theirs);
});

test("what was found when is kept, and cannot be changed", async () => {
  const month = await openPaidMonth(1);
  await findings(month);
  await month.stripe.transfers.createReversal(month.first.id, { amount: 100 });
  await findings(month);
  const runs = await month.sql`SELECT differences, ran_by, report->'differences'->0->>'kind' AS kind
                               FROM reconciliation ORDER BY run`;
  expect(runs).toEqual([
    { differences: 0, ran_by: "ada", kind: null },
    { differences: 1, ran_by: "ada", kind: "reversed" },
  ]);
  await expect(month.sql`UPDATE reconciliation SET differences = 0`).rejects.toThrow("append-only");
  await expect(month.sql`DELETE FROM reconciliation`).rejects.toThrow("append-only");
});

test("a reversal is shown until it is booked, which gives the payee the money to come again, once", async () => {
  const month = await openPaidMonth(2);
  const { sql, provider, stripe, first } = month;
  const reversal = await stripe.transfers.createReversal(first.id, { amount: 150 });
  const report = await findings(month);
  expect(report.differences).toMatchObject([
    {
      kind: "reversed",
      reference: reversal.id,
      payout: first.transfer_group,
      ours: { amount: "0.000000000" },
    },
  ]);
  expect(report.differences[0]?.difference).toEqual({ currency: "USD", amount: "1.500000000" });

  const asked = { payout: `${first.transfer_group}`, reversal: reversal.id, by: "ada" };
  const payable = () =>
    sql`SELECT -account_balance_of('payee:payee1:payable', 'USD') AS nanos`.then((rows) =>
      BigInt(rows[0]?.nanos),
    );
  const before = await payable();
  await Promise.all([bookReversal(sql, provider, asked), bookReversal(sql, provider, asked)]);
  await bookReversal(sql, provider, asked);
  expect((await payable()) - before).toBe(1_500_000_000n);
  await expectLedgerToHold(sql);
  expect(await kindsFound(month)).toEqual([]);
});

test("what is no reversal of that payout cannot be booked for it", async () => {
  const month = await openPaidMonth(2);
  const { sql, provider, stripe, transfers } = month;
  const reversal = await stripe.transfers.createReversal(`${transfers[1]?.id}`);
  const payout = `${month.first.transfer_group}`;
  for (const other of [reversal.id, "trr_none"])
    await expect(bookReversal(sql, provider, { payout, reversal: other, by: "ada" })).rejects.toMatchObject({
      code: "not_found",
    });
  await expect(sql`SELECT book_payout_reversal(${payout}, 'trr_x', 1000000000000, 'ada')`).rejects.toThrow(
    "reversal_not_bookable",
  );
});

test("transfers that no payout of ours made are found: by hand, for a payout nobody knows, and a second for one of ours", async () => {
  const month = await openPaidMonth(1);
  const { stripe, first } = month;
  const destination = `${first.destination}`;
  const made = { amount: 700, currency: "usd", destination };
  const byHand = await stripe.transfers.create(made);
  const unknown = await stripe.transfers.create({ ...made, metadata: { payout: "po_1999-01_x_USD" } });
  const twice = await stripe.transfers.create({
    ...made,
    transfer_group: `${first.transfer_group}`,
    metadata: first.metadata,
  });
  const { differences } = await findings(month);
  expect(
    Object.fromEntries(
      differences.map(({ kind, reference, difference }) => [kind, [reference, difference.amount]]),
    ),
  ).toEqual({
    transfer_foreign: [byHand.id, "7.000000000"],
    transfer_of_unknown_payout: [unknown.id, "7.000000000"],
    transfer_twice: [twice.id, "7.000000000"],
  });
  for (const { id } of [byHand, unknown, twice]) await stripe.transfers.createReversal(id);
  expect(await kindsFound(month), "reversed whole, they moved nothing").toEqual([]);
});

test("records of ours that were changed behind the books' back are found", async () => {
  const month = await openPaidMonth(4);
  const { sql } = month;
  const ids = month.transfers.map(({ transfer_group }) => `${transfer_group}`);
  await sql.begin(async (own) => {
    await own`SET LOCAL session_replication_role = replica`;
    await own`UPDATE payout SET transfer_id = 'tr_none' WHERE id = ${`${ids[0]}`}`;
    await own`UPDATE payout SET planned_nanos = planned_nanos + 10000000, amount_nanos = amount_nanos + 10000000 WHERE id = ${`${ids[1]}`}`;
    await own`UPDATE payout SET account = 'acct_other' WHERE id = ${`${ids[2]}`}`;
    await own`UPDATE payout SET state = 'failed', transfer_id = NULL WHERE id = ${`${ids[3]}`}`;
  });
  const { differences } = await findings(month);
  expect(differences.map(({ kind, payout }) => `${payout} ${kind}`)).toEqual([
    `${ids[0]} transfer_missing`,
    `${ids[1]} ledger_differs`,
    `${ids[1]} amount_differs`,
    `${ids[2]} destination_differs`,
    `${ids[3]} transfer_unrecorded`,
    `${ids[3]} ledger_differs`,
  ]);
});

test("metadata that was edited at Stripe is named", async () => {
  const month = await openPaidMonth(1);
  await month.stripe.transfers.update(month.first.id, { metadata: { payee: "mallory" } });
  expect((await findings(month)).differences).toMatchObject([
    { kind: "metadata_differs", cause: expect.stringContaining("payee of the transfer is not ours") },
  ]);
});

test("a payout whose answer was lost is open until paying looks, and its transfer is named meanwhile", async () => {
  const month = await openApprovedMonth(1);
  await month.fault("drop_after", 2);
  await month.pay();
  const [transfer] = (await transfersAt(month.simulator)).slice(-1);
  const { differences } = await findings(month);
  expect(differences).toMatchObject([
    { kind: "outcome_open", reference: transfer?.id, difference: { amount: "0.000000000" } },
  ]);
  await month.pay();
  expect(await kindsFound(month)).toEqual([]);
});

test("a payout to the bank that was paid and then failed is shown until a later one arrives", async () => {
  const month = await openPaidMonth(1);
  const { simulator, first } = month;
  const payOut = async () => {
    const body = { account: first.destination };
    const { payouts } = (await simulator.control("POST", "/payouts", body)) as { payouts: [{ id: string }] };
    return payouts[0].id;
  };
  const failing = await payOut();
  await simulator.control("POST", `/payouts/${failing}`, { status: "paid" });
  expect(await kindsFound(month)).toEqual([]);
  await simulator.control("POST", `/payouts/${failing}`, { status: "failed", failure_code: "no_account" });
  const { differences } = await findings(month);
  expect(differences).toMatchObject([{ kind: "bank_payout_failed", payee: "payee1", reference: failing }]);
  expect(differences[0]?.cause).toContain("could not be located");
  await simulator.control("POST", "/clock", { advance_seconds: 86_400 });
  await simulator.control("POST", `/payouts/${await payOut()}`, { status: "paid" });
  expect(await kindsFound(month)).toEqual([]);
});

test("a list of several pages is read to its end, through rate limits and cut connections", async () => {
  const month = await openPaidMonth(1);
  const { simulator, stripe, first } = month;
  const made = { amount: 1, currency: "usd", destination: `${first.destination}` };
  for (let made10 = 0; made10 < 23; made10++)
    await Promise.all(Array.from({ length: 10 }, () => stripe.transfers.create(made)));
  const match = { method: "GET", path: "/v1/transfers" };
  for (const fault of ["rate_limit", "drop_before", "error_500_before"])
    await simulator.control("POST", "/faults", { fault, match, times: 1, after: 1 });
  const report = await findings(month);
  expect(report.compared).toMatchObject({ transfers: 231, movements: 231 });
  expect(report.differences).toHaveLength(230);
  expect(report.differences.every(({ kind }) => kind === "transfer_foreign")).toBe(true);
});

test("when Stripe cannot be asked nothing is said and nothing is stored", async () => {
  const month = await openPaidMonth(1);
  const stranger = month.openProvider({ secretKey: "sk_live_revoked" });
  await expect(reconcile(month.sql, stranger, MONTH, "ada")).rejects.toMatchObject({
    name: "ProviderUnavailable",
  });
  expect(await month.sql`SELECT FROM reconciliation`).toHaveLength(0);
});

test("a balance transaction that is missing, differs or belongs to nothing is found", async () => {
  const month = await openPaidMonth(3);
  const proxy = await startStripeProxy(month.simulator.url, async (forward, path) => {
    const answer = await forward();
    if (!path.startsWith("/v1/balance_transactions") || !path.includes("type=transfer&")) return answer;
    const list = JSON.parse(answer.body) as { data: { id: string; amount: number }[] };
    const [, changed, renamed] = list.data;
    list.data.shift();
    Object.assign(present(changed, "a movement"), { amount: -1 });
    Object.assign(present(renamed, "a movement"), { id: "txn_stranger" });
    return { ...answer, body: JSON.stringify(list) };
  });
  stopProxy = proxy.stop;
  const secretKey = "sk_test_simulator";
  const provider = openStripePayoutProvider({ secretKey, apiBase: proxy.url, timeoutMs: 10_000 });
  const { differences } = await reconcile(month.sql, provider, MONTH, "ada");
  expect(differences.map(({ kind }) => kind).sort()).toEqual([
    "movement_differs",
    "movement_missing",
    "movement_missing",
    "movement_unexplained",
  ]);
});

test("the differences as CSV have a heading, decimals, and no field that a spreadsheet would run", async () => {
  const month = await openPaidMonth(1);
  await month.stripe.transfers.createReversal(month.first.id, { amount: 1 });
  const [heading, row] = differencesCsv(await findings(month)).split("\r\n");
  expect(heading).toBe("kind,payout,payee,reference,currency,ours,theirs,difference,cause");
  expect(row).toMatch(
    /^reversed,po_2023-09_payee1_USD,payee1,trr_\w+,USD,0\.000000000,0\.010000000,0\.010000000,/,
  );
  const formula = differencesCsv({
    ...(await findings(month)),
    differences: (await findings(month)).differences.map((one) => ({ ...one, payee: '=HYPERLINK("x")' })),
  });
  expect(formula).toContain(`"'=HYPERLINK(""x"")"`);
});
