import { expect, onTestFinished, test } from "vitest";
import { correct } from "../../src/adjustments/index.ts";
import { firstDay } from "../../src/kernel/index.ts";
import {
  type AccountReadiness,
  approvePlan,
  findSettlement,
  type planMonth,
} from "../../src/settlement/index.ts";
import { addPayees, monthOf, openMarketplaceBooks } from "../support/marketplace-books.ts";

const SEPTEMBER = monthOf("2023-09");
const OCTOBER = monthOf("2023-10");

async function readiness(accounts: string[]): Promise<Map<string, AccountReadiness>> {
  return new Map(accounts.map((account) => [account, { transfersEnabled: true, disabledReason: null }]));
}
const MAKER: Parameters<typeof planMonth>[2] = { by: "maker", twoPerson: true, readiness };

async function openClosedMonth() {
  const books = await openMarketplaceBooks();
  onTestFinished(() => books.drop());
  await addPayees(books.catalog, [
    { id: "ada", account: "acct_ada" },
    { id: "lin", account: "acct_lin", minimumPayout: "100" },
    { id: "kim" },
  ]);
  await books.use(
    ["ada", "lin", "kim"].map((payee) => ({ payee, time: "2023-09-10T00:00:00Z", grossMicros: 12_345_678 })),
  );
  await books.close(SEPTEMBER);
  return books;
}

test("a plan pays who can be paid and says of all others why not", async () => {
  const { plan } = await openClosedMonth();
  const { plan: made } = await plan(SEPTEMBER, MAKER);
  expect(made.payouts).toMatchObject([{ payee: "ada", amount_nanos: "9870000000", account: "acct_ada" }]);
  expect(made.carried).toMatchObject([
    { payee: "kim", reason: "no_account" },
    { payee: "lin", reason: "below_minimum" },
  ]);
});

test("a dry run of planning leaves nothing behind", async () => {
  const { sql, plan } = await openClosedMonth();
  await plan(SEPTEMBER, { ...MAKER, dryRun: true });
  expect(await findSettlement(sql, SEPTEMBER)).toMatchObject({ state: "closed", planHash: null });
});

test("a month that is not closed cannot be planned", async () => {
  const { plan } = await openClosedMonth();
  await expect(plan(OCTOBER, MAKER)).rejects.toMatchObject({ code: "period_not_closed" });
});

test("a plan that a balance does not cover any more is not approved, and the next one pays what is there", async () => {
  const { sql, plan } = await openClosedMonth();
  const { hash } = await plan(SEPTEMBER, MAKER);
  const asked = { kind: "debit", payee: "ada", currency: "USD", amount: "0.01" } as const;
  await correct(sql, { asked, reference: "d", reason: "too much", by: "test" });
  await expect(approvePlan(sql, SEPTEMBER, hash, "checker")).rejects.toMatchObject({ code: "plan_outdated" });
  expect(await findSettlement(sql, SEPTEMBER)).toMatchObject({ state: "planned" });
  const { hash: anew, plan: made } = await plan(SEPTEMBER, MAKER);
  expect(made.payouts).toMatchObject([{ payee: "ada", amount_nanos: "9860000000" }]);
  await approvePlan(sql, SEPTEMBER, anew, "checker");
});

test("a plan cannot be approved by the person who made it", async () => {
  const { sql, plan } = await openClosedMonth();
  const { hash } = await plan(SEPTEMBER, MAKER);
  await expect(approvePlan(sql, SEPTEMBER, hash, "maker")).rejects.toMatchObject({
    code: "approver_made_plan",
  });
  expect(await sql`SELECT FROM payout`).toHaveLength(0);
  await approvePlan(sql, SEPTEMBER, hash, "checker");
  expect(await findSettlement(sql, SEPTEMBER)).toMatchObject({ state: "approved", approvedBy: "checker" });
});

test("the database itself refuses that a plan's maker approves it", async () => {
  const { sql, plan } = await openClosedMonth();
  await plan(SEPTEMBER, MAKER);
  await expect(
    sql`UPDATE settlement SET state = 'approved', approved_by = 'maker', approved_at = now(), approved_hash = plan_hash`,
  ).rejects.toMatchObject({ constraint_name: "two_persons" });
  await expect(sql`UPDATE settlement SET state = 'approved'`).rejects.toMatchObject({ code: "23514" });
  expect(await findSettlement(sql, SEPTEMBER)).toMatchObject({ state: "planned" });
});

test("a key counts as the person who made it, however many keys are between; what the first or the configured key hands out is a person's of its own", async () => {
  const { sql, plan } = await openClosedMonth();
  for (const [id, by] of [
    ["key_1", "user:mia"],
    ["key_2", "key_1"],
    ["key_3", "operator"],
    ["key_4", "key_3"],
    ["key_first", "start"],
    ["key_5", "key_first"],
    ["key_6", "key_first"],
  ] as const)
    await sql`
      INSERT INTO api_key (id, secret_hash, shown, role, scope, made_by)
      VALUES (${id}, ${id}, 'trib', 'operator', 'write', ${by})`;
  const { hash } = await plan(SEPTEMBER, { ...MAKER, by: "key_1" });
  for (const by of ["key_1", "user:mia", "key_2"]) {
    await expect(approvePlan(sql, SEPTEMBER, hash, by), by).rejects.toMatchObject({
      code: "approver_made_plan",
    });
    await expect(
      sql`UPDATE settlement SET state = 'approved', approved_by = ${by}, approved_at = now(), approved_hash = plan_hash`,
    ).rejects.toMatchObject({ constraint_name: "two_persons" });
  }
  await expect(sql`UPDATE api_key SET made_by = 'user:ann' WHERE id = 'key_1'`).rejects.toThrow(
    "append-only",
  );
  await expect(sql`DELETE FROM api_key`).rejects.toThrow("append-only");
  const persons = await sql<{ who: string; person: string }[]>`
    SELECT who, person_of(who) AS person FROM unnest(${["operator", "key_2", "key_3", "key_4", "key_first", "key_5", "key_6"]}::text[]) AS who`;
  expect(persons.map(({ who, person }) => [who, person])).toEqual([
    ["operator", "operator"],
    ["key_2", "user:mia"],
    ["key_3", "key_3"],
    ["key_4", "key_3"],
    ["key_first", "key_first"],
    ["key_5", "key_5"],
    ["key_6", "key_6"],
  ]);
  await approvePlan(sql, SEPTEMBER, hash, "key_3");
});

test("whatever SQL a plan's maker runs, no other is named its maker, one person is not enough, and nothing is paid beside it", async () => {
  const { sql, plan } = await openClosedMonth();
  const { hash } = await plan(SEPTEMBER, MAKER);
  const payout = "INSERT INTO payout (id, period, payee, currency, amount_nanos, account, state) VALUES";
  for (const change of [
    "UPDATE settlement SET two_person = false",
    "UPDATE settlement SET planned_by = 'somebody else'",
    "UPDATE settlement SET plan = jsonb_set(plan, '{payouts,0,account}', '\"acct_maker\"')",
    `UPDATE settlement SET two_person = false, state = 'approved', approved_by = 'maker', approved_at = now(), approved_hash = plan_hash`,
    `UPDATE settlement SET plan_hash = 'x', planned_by = 'x', state = 'approved', approved_by = 'maker', approved_hash = 'x'`,
    "INSERT INTO settlement (period, state, plan, plan_hash, approved_hash, approved_by) VALUES ('2023-10-01', 'approved', '{}', 'x', 'x', 'maker')",
  ])
    await expect(sql.unsafe(change), change).rejects.toThrow("a plan keeps its maker");
  const planned = `('po_2023-09_ada_USD', '2023-09-01', 'ada', 'USD', 9870000000, 'acct_ada', 'approved')`;
  await expect(sql.unsafe(`${payout} ${planned}`)).rejects.toThrow("is not in an approved plan");
  await approvePlan(sql, SEPTEMBER, hash, "checker");
  for (const change of [
    "UPDATE payout SET account = 'acct_maker'",
    "UPDATE payout SET amount_nanos = 2 * amount_nanos",
    "DELETE FROM payout",
  ])
    await expect(sql.unsafe(change), change).rejects.toThrow("append-only");
  await expect(sql.unsafe(`${payout} ${planned.replace("po_", "px_")}`)).rejects.toThrow(
    "px_2023-09_ada_USD is not in an approved plan",
  );
});

test("without two-person approval one person may do both", async () => {
  const { sql, plan } = await openClosedMonth();
  const { hash } = await plan(SEPTEMBER, { ...MAKER, twoPerson: false });
  await approvePlan(sql, SEPTEMBER, hash, "maker");
  expect(await findSettlement(sql, SEPTEMBER)).toMatchObject({ state: "approved" });
});

test("two-person approval that is switched on and planned again binds, even when the plan is the same", async () => {
  const { sql, plan } = await openClosedMonth();
  await plan(SEPTEMBER, { ...MAKER, twoPerson: false });
  const { hash } = await plan(SEPTEMBER, MAKER);
  await expect(approvePlan(sql, SEPTEMBER, hash, "maker")).rejects.toMatchObject({
    code: "approver_made_plan",
  });
});

test("an approval names its plan by hash: another plan, or none, is not approved", async () => {
  const { sql, plan, catalog } = await openClosedMonth();
  await expect(approvePlan(sql, SEPTEMBER, "0".repeat(64), "checker")).rejects.toMatchObject({
    code: "plan_missing",
  });
  const first = await plan(SEPTEMBER, MAKER);
  await catalog.change({
    payees: [{ id: "kim", name: "kim", country: "US", default_currency: "USD", stripe_account: "acct_kim" }],
  });
  const second = await plan(SEPTEMBER, MAKER);
  expect(second.hash).not.toBe(first.hash);
  await expect(approvePlan(sql, SEPTEMBER, first.hash, "checker")).rejects.toMatchObject({
    code: "plan_changed",
  });
  await approvePlan(sql, SEPTEMBER, second.hash, "checker", ["account_changed"]);
  expect(await sql`SELECT payee FROM payout ORDER BY 1`).toEqual([{ payee: "ada" }, { payee: "kim" }]);
});

test("approving again and planning again change nothing once a plan is approved", async () => {
  const { sql, plan, catalog } = await openClosedMonth();
  const made = await plan(SEPTEMBER, MAKER);
  await approvePlan(sql, SEPTEMBER, made.hash, "checker");
  const before = [await sql`SELECT * FROM settlement`, await sql`SELECT * FROM payout`];
  await approvePlan(sql, SEPTEMBER, made.hash, "another");
  await catalog.change({
    payees: [{ id: "kim", name: "kim", country: "US", default_currency: "USD", stripe_account: "acct_kim" }],
  });
  expect(await plan(SEPTEMBER, MAKER)).toEqual(made);
  expect([await sql`SELECT * FROM settlement`, await sql`SELECT * FROM payout`]).toEqual(before);
});

test("what is approved but not paid yet is not planned again next month", async () => {
  const { books, sql } = await approvedAndNextClosed();
  const { plan } = await books.plan(OCTOBER, MAKER);
  // Earned 9.8765424 and 16; 9.87 of it is approved for September.
  expect(plan.payouts).toMatchObject([
    { payee: "ada", amount_nanos: "16000000000", carried: { amount: "0.006542400" } },
  ]);
  expect(await sql`SELECT period::text, amount_nanos FROM payout`).toEqual([
    { period: firstDay(SEPTEMBER), amount_nanos: "9870000000" },
  ]);
});

async function approvedAndNextClosed() {
  const books = await openClosedMonth();
  await books.approve(SEPTEMBER, readiness);
  await books.use([{ payee: "ada", time: "2023-10-10T00:00:00Z", grossMicros: 20_000_000 }]);
  await books.close(OCTOBER);
  return { books, sql: books.sql };
}
