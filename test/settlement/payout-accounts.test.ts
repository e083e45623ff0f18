import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Sql } from "../../src/postgres/index.ts";
import { type AccountReadiness, approvePlan, type planMonth } from "../../src/settlement/index.ts";
import {
  addPayees,
  type MarketplaceBooks,
  monthOf,
  openMarketplaceBooks,
} from "../support/marketplace-books.ts";

const SEPTEMBER = monthOf("2023-09");
const OCTOBER = monthOf("2023-10");
const CONFIRMED = ["ten_times_last", "account_changed"];
const PAYEES = ["ada", "lin", "kim", "zoe"] as const;
type PayeeId = (typeof PAYEES)[number];

async function readiness(accounts: string[]): Promise<Map<string, AccountReadiness>> {
  return new Map(accounts.map((account) => [account, { transfersEnabled: true, disabledReason: null }]));
}
const MAKER: Parameters<typeof planMonth>[2] = { by: "maker", twoPerson: true, readiness };

/** Who calls, and who that is. */
const PERSON: Record<string, string> = {
  "user:x": "user:x",
  key_x: "user:x",
  key_of_key_x: "user:x",
  "user:y": "user:y",
  "user:z": "user:z",
};

// One marketplace for all of it; each test leaves every account where it was.
let books: MarketplaceBooks;
beforeAll(async () => {
  books = await openMarketplaceBooks();
});
afterAll(() => books?.drop());

/** September is paid to ada and lin; October is closed, and zoe and kim were never paid. */
async function playTwoMonths(): Promise<void> {
  const { sql } = books;
  await addPayees(books.catalog, [
    { id: "ada", account: "acct_ada" },
    { id: "lin", account: "acct_lin" },
    { id: "kim" },
  ]);
  for (const [id, by] of [
    ["key_x", "user:x"],
    ["key_of_key_x", "key_x"],
  ] as const)
    await sql`
      INSERT INTO api_key (id, secret_hash, shown, role, scope, made_by)
      VALUES (${id}, ${id}, 'trib', 'operator', 'write', ${by})`;
  const use = (payees: readonly string[], time: string) =>
    books.use(payees.map((payee) => ({ payee, time, grossMicros: 12_345_678 })));
  await use(["ada", "lin"], "2023-09-10T00:00:00Z");
  await books.close(SEPTEMBER);
  await books.approve(SEPTEMBER, readiness);
  for (const payee of ["ada", "lin"]) {
    const id = `po_2023-09_${payee}_USD`;
    await sql`SELECT begin_payout_attempt(${id}, 10000000)`;
    await sql`SELECT finish_payout_attempt(${id}, 1, 'paid', ${`tr_${payee}`}, NULL)`;
  }
  await addPayees(books.catalog, [{ id: "zoe", account: "acct_zoe" }]);
  await use(PAYEES, "2023-10-10T00:00:00Z");
  await books.close(OCTOBER);
}

const rolledBack = new Error("rolled back");

/** What approving the plan would come to; nothing of it stays. */
async function approving(hash: string, by: string): Promise<string> {
  try {
    await books.sql.begin(async (tx) => {
      await approvePlan(tx as unknown as Sql, OCTOBER, hash, by, CONFIRMED);
      throw rolledBack;
    });
  } catch (error) {
    if (error !== rolledBack) return (error as { code: string }).code;
  }
  return "approved";
}

const history = () =>
  books.sql`SELECT payee, account, changed, set_by FROM payee_account ORDER BY payee_account_no`;

test("the account that a payee is registered with is no change, and one is not warned of", async () => {
  await playTwoMonths();
  expect(await history()).toEqual([
    { payee: "ada", account: "acct_ada", changed: false, set_by: "service" },
    { payee: "lin", account: "acct_lin", changed: false, set_by: "service" },
    { payee: "zoe", account: "acct_zoe", changed: false, set_by: "service" },
  ]);
  const { plan } = await books.plan(OCTOBER, MAKER);
  expect(plan.warnings).toEqual([]);
  await expect(books.sql`UPDATE payee_account SET set_by = 'user:y'`).rejects.toThrow("append-only");
  await expect(books.sql`DELETE FROM payee_account`).rejects.toThrow("append-only");
});

test("the database itself refuses that two payees have one account, but two may exchange theirs in one change", async () => {
  const { sql, catalog } = books;
  await expect(sql`UPDATE payee SET stripe_account = 'acct_lin' WHERE id = 'ada'`).rejects.toMatchObject({
    constraint_name: "account_of_one_payee",
  });
  const give = (ada: string, lin: string) =>
    catalog.change({
      accounts: [
        { payee: "ada", stripe_account: ada },
        { payee: "lin", stripe_account: lin },
      ],
    });
  await expect(give("acct_lin", "acct_lin")).rejects.toMatchObject({ code: "stripe_account_taken" });
  await give("acct_lin", "acct_ada");
  await give("acct_ada", "acct_lin");
});

test("whoever set an account without saying who is nobody else than who approves", async () => {
  const { sql, catalog } = books;
  await sql`UPDATE payee SET stripe_account = 'acct_sql' WHERE id = 'ada'`;
  await sql`UPDATE catalog_state SET version = version + 1`;
  const { plan, hash } = await books.plan(OCTOBER, MAKER);
  expect(plan.warnings).toMatchObject([
    { message: expect.stringContaining("nobody knows who set this account") },
  ]);
  expect(await approving(hash, "user:z")).toBe("approver_set_account");
  await catalog.change({ accounts: [{ payee: "ada", stripe_account: "acct_ada" }] });
  expect(await approving(hash, "user:z")).toBe("plan_outdated");
});

test("for any changes of accounts by anybody: one account is one payee's, the plan warns of each that is new to its payee, and nobody approves one that it set itself", async () => {
  const lastPaid: Partial<Record<PayeeId, string>> = { ada: "acct_ada", lin: "acct_lin" };
  const accounts = ["acct_ada", "acct_lin", "acct_zoe", "acct_1", "acct_2"];
  const change = fc.record({
    payee: fc.constantFrom(...PAYEES),
    account: fc.option(fc.constantFrom(...accounts), { freq: 6 }),
    by: fc.constantFrom(...Object.keys(PERSON)),
    opened: fc.boolean(),
  });
  // What is so when this test begins; each run goes on from where the one before ended.
  const current = new Map<PayeeId, string | null>([
    ["ada", "acct_ada"],
    ["lin", "acct_lin"],
    ["zoe", "acct_zoe"],
    ["kim", null],
  ]);
  const setBy = new Map<PayeeId, string>(PAYEES.map((payee) => [payee, "service"]));
  const isChange = new Map<PayeeId, boolean>([
    ["kim", false],
    ["zoe", false],
  ]);
  const had = new Set<PayeeId>(["ada", "lin", "zoe"]);
  const seen = { taken: 0, refused: 0, approved: 0 };

  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
      for (const { payee, account, by, opened } of changes) {
        const taken = account !== null && PAYEES.some((one) => one !== payee && current.get(one) === account);
        const made = books.catalog.change({ accounts: [{ payee, stripe_account: account }] }, { by, opened });
        if (taken) {
          await expect(made).rejects.toMatchObject({ code: "stripe_account_taken" });
          seen.taken++;
          continue;
        }
        await made;
        if (account === current.get(payee)) continue;
        current.set(payee, account);
        setBy.set(payee, by);
        isChange.set(payee, had.has(payee) || !opened);
        had.add(payee);
      }
      const { plan, hash } = await books.plan(OCTOBER, MAKER);
      expect(new Set(plan.payouts.map((one) => `${one.payee} ${one.account}`))).toEqual(
        new Set(PAYEES.flatMap((one) => (current.get(one) === null ? [] : [`${one} ${current.get(one)}`]))),
      );
      const fresh = PAYEES.filter((payee) => {
        const account = current.get(payee);
        if (account === null || account === lastPaid[payee]) return false;
        return lastPaid[payee] !== undefined || isChange.get(payee) === true;
      });
      const warned = plan.warnings.map(({ code, message }) => `${code} ${message.split(" ")[0]}`);
      expect(warned.sort()).toEqual(fresh.map((payee) => `account_changed ${payee}`).sort());
      for (const approver of ["user:x", "key_of_key_x", "user:y", "user:z"]) {
        const own = fresh.some((payee) => PERSON[setBy.get(payee) ?? ""] === PERSON[approver]);
        expect(await approving(hash, approver)).toBe(own ? "approver_set_account" : "approved");
        if (own) seen.refused++;
        else seen.approved++;
      }
    }),
    { numRuns: 60, endOnFailure: true },
  );
  expect(Math.min(seen.taken, seen.refused, seen.approved)).toBeGreaterThan(5);
});
