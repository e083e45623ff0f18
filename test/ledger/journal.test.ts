import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSql, type Sql } from "../../src/postgres/index.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

// Each test tries to break a guarantee of drizzle/0007_ledger.sql as someone with SQL access could.

let database: TestDatabase;
let sql: Sql;
beforeAll(async () => {
  database = await createTestDatabase();
  sql = database.sql;
});
afterAll(() => database.drop());

const UNBILLED = "platform:unbilled";
const REVENUE = "platform:revenue";
const ADA = "payee:ada:accruing";

async function post(key: string, accounts: string[], amounts: string[], kind = "accrual", currency = "USD") {
  const [row] = await sql<[{ entry_no: string | null }]>`
    SELECT post_entry(${key}, ${kind}, ${currency}, '2023-11-01', '{}', ${accounts}, ${amounts}::numeric[]) AS entry_no`;
  return row.entry_no;
}

async function balance(account: string, currency = "USD"): Promise<string> {
  const [row] = await sql<
    [{ nanos: string }]
  >`SELECT account_balance_of(${account}, ${currency})::text AS nanos`;
  return row.nanos;
}

async function journal(): Promise<string> {
  const [row] = await sql<[{ all: string }]>`
    SELECT jsonb_build_array((SELECT jsonb_agg(e ORDER BY entry_no) FROM journal_entry e),
      (SELECT jsonb_agg(p ORDER BY entry_no, position) FROM posting p),
      (SELECT jsonb_agg(b ORDER BY account_no, currency) FROM account_balance b))::text AS all`;
  return row.all;
}

/** Runs statements in one transaction of a session of its own; rolled back at the first error. */
async function transaction(...statements: string[]): Promise<void> {
  const session = openSql(database.url, { max: 1 });
  try {
    await session.unsafe(`BEGIN; ${statements.join("; ")}; COMMIT`);
  } finally {
    await session.end();
  }
}

async function refusesWithoutTrace(work: () => Promise<unknown>, message: string | RegExp): Promise<void> {
  const before = await journal();
  await expect(work()).rejects.toThrow(message);
  expect(await journal()).toBe(before);
}

const insertEntry = (key: string, postings: number) => `
  INSERT INTO journal_entry (key, kind, currency, period, postings, detail, xid)
  VALUES ('${key}', 'accrual', 'USD', '2023-11-01', ${postings}, '{}', '')`;
const insertPosting = (key: string, position: number, account: string, amount: number) => `
  INSERT INTO posting (entry_no, position, account_no, amount_nanos)
  SELECT (SELECT entry_no FROM journal_entry WHERE key = '${key}'), ${position},
    (SELECT account_no FROM ledger_account WHERE path = '${account}'), ${amount}`;

describe("an entry", () => {
  test("is posted once under its key, whatever comes under the same key later", async () => {
    expect(await post("once", [UNBILLED, ADA], ["5", "-5"])).not.toBeNull();
    const before = await journal();
    expect(await post("once", [UNBILLED, ADA], ["5", "-5"])).toBeNull();
    expect(await post("once", [UNBILLED, ADA], ["7", "-7"])).toBeNull();
    expect(await journal()).toBe(before);
  });

  test("is posted once when many post it at the same moment", async () => {
    const before = BigInt(await balance(ADA));
    const posted = await Promise.all(
      Array.from({ length: 8 }, () => post("race", [UNBILLED, ADA], ["3", "-3"])),
    );
    expect(posted.filter((entry) => entry !== null)).toHaveLength(1);
    expect(BigInt(await balance(ADA))).toBe(before - 3n);
  });

  test("adds what stands twice on one account and leaves zeros out", async () => {
    const entry = await post("sums", [UNBILLED, ADA, ADA, REVENUE], ["10", "-4", "-6", "0"]);
    const postings = await sql`
      SELECT a.path, p.amount_nanos FROM posting p JOIN ledger_account a USING (account_no)
      WHERE entry_no = ${entry} ORDER BY 1`;
    expect([...postings]).toEqual([
      { path: ADA, amount_nanos: "-10" },
      { path: UNBILLED, amount_nanos: "10" },
    ]);
  });

  test("of nothing is no entry", async () => {
    const before = await journal();
    expect(await post("nothing", [UNBILLED, ADA], ["0", "0"])).toBeNull();
    expect(await post("cancels out", [ADA, ADA], ["1", "-1"])).toBeNull();
    expect(await journal()).toBe(before);
  });

  test("may hold amounts beyond 64 bits, exactly", async () => {
    const large = "12345678901234567890123456789012345678";
    await post("large", [UNBILLED, ADA], [large, `-${large}`], "accrual", "JPY");
    expect(await balance(ADA, "JPY")).toBe(`-${large}`);
  });

  test.each([
    ["does not sum to zero", [UNBILLED, ADA], ["5", "-4"], "accrual", "does not balance"],
    ["has one side only", [UNBILLED], ["5"], "accrual", "postings_check"],
    [
      "touches accounts its kind may not",
      [UNBILLED, "payee:ada:payable"],
      ["5", "-5"],
      "accrual",
      "may not touch",
    ],
    ["is of an unknown kind", [UNBILLED, ADA], ["5", "-5"], "gift", "may not touch"],
    [
      "pays from the platform's revenue",
      [REVENUE, "stripe:clearing"],
      ["5", "-5"],
      "payout_paid",
      "may not touch",
    ],
  ])("that %s is refused", async (what, accounts, amounts, kind, message) => {
    await refusesWithoutTrace(() => post(what, accounts, amounts, kind), message);
  });

  test("in no currency, or in no month, is refused", async () => {
    await refusesWithoutTrace(
      () => post("currency", [UNBILLED, ADA], ["5", "-5"], "accrual", "usd"),
      "journal_entry",
    );
    const midMonth = () => sql`
      SELECT post_entry('mid', 'accrual', 'USD', '2023-11-02', '{}', ARRAY[${UNBILLED}, ${ADA}], ARRAY[1, -1]::numeric[])`;
    await refusesWithoutTrace(midMonth, "journal_entry");
  });
});

describe("entries written past post_entry", () => {
  test("must have as many postings as they announce, and these must sum to zero", async () => {
    const cases = [
      [insertEntry("raw", 2)],
      [insertEntry("raw", 2), insertPosting("raw", 1, UNBILLED, 5)],
      [insertEntry("raw", 2), insertPosting("raw", 1, UNBILLED, 5), insertPosting("raw", 2, ADA, -4)],
      [insertEntry("raw", 3), insertPosting("raw", 1, UNBILLED, 5), insertPosting("raw", 2, ADA, -5)],
    ];
    for (const statements of cases)
      await refusesWithoutTrace(() => transaction(...statements), "does not balance");
  });

  test("cannot hold empty postings or fewer than two", async () => {
    await refusesWithoutTrace(() => transaction(insertEntry("raw", 1)), "postings_check");
    const empty = () => transaction(insertEntry("raw", 2), insertPosting("raw", 1, UNBILLED, 0));
    await refusesWithoutTrace(empty, "posting");
  });
});

describe("after it is written", () => {
  beforeAll(() => post("written", [UNBILLED, ADA], ["5", "-5"]));

  test.each([
    ["UPDATE posting SET amount_nanos = amount_nanos * 2", "append-only"],
    ["UPDATE journal_entry SET period = '2024-01-01'", "append-only"],
    ["UPDATE journal_entry SET xid = pg_current_xact_id()::text", "append-only"],
    ["DELETE FROM posting", "append-only"],
    ["DELETE FROM journal_entry WHERE key = 'written'", "append-only"],
    ["DELETE FROM posting WHERE false", "append-only"],
    ["TRUNCATE posting", "append-only"],
    ["TRUNCATE journal_entry CASCADE", "append-only"],
    ["TRUNCATE ledger_account CASCADE", "append-only"],
    ["UPDATE statement SET paid_nanos = 0", "append-only"],
    ["TRUNCATE statement", "append-only"],
  ])("%s is refused", async (statement, message) => {
    await refusesWithoutTrace(() => sql.unsafe(statement), message);
  });

  test("no posting can be added to it by another transaction", async () => {
    const balanced = () =>
      transaction(insertPosting("written", 3, UNBILLED, 5), insertPosting("written", 4, ADA, -5));
    await refusesWithoutTrace(balanced, "only be written with their entry");
  });

  test("no posting can be added in its own transaction, after the balance was checked at once", async () => {
    const late = () =>
      transaction(
        "SELECT post_entry('late', 'accrual', 'USD', '2023-11-01', '{}', ARRAY['platform:unbilled', 'payee:ada:accruing'], ARRAY[1, -1]::numeric[])",
        "SET CONSTRAINTS ALL IMMEDIATE",
        insertPosting("late", 3, UNBILLED, 5),
      );
    await refusesWithoutTrace(late, "only be written with their entry");
  });

  test("checking at once does not let an unbalanced entry through", async () => {
    const early = () => transaction("SET CONSTRAINTS ALL IMMEDIATE", insertEntry("early", 2));
    await refusesWithoutTrace(early, "does not balance");
  });
});

test("every balance is the sum of its postings, and all together are zero in every currency", async () => {
  const differences = await sql`
    SELECT account_no, currency FROM account_balance b
    FULL JOIN (SELECT p.account_no, e.currency, sum(p.amount_nanos) AS total FROM posting p
               JOIN journal_entry e USING (entry_no) GROUP BY 1, 2) s USING (account_no, currency)
    WHERE b.balance_nanos IS DISTINCT FROM s.total`;
  expect([...differences]).toEqual([]);
  const unbalanced = await sql`
    SELECT currency FROM account_balance GROUP BY currency HAVING sum(balance_nanos) <> 0`;
  expect([...unbalanced]).toEqual([]);
});

test("halves of a nano are rounded to even", async () => {
  const rows = await sql<{ rounded: string }[]>`
    SELECT round_to_nanos(n)::text AS rounded FROM unnest(ARRAY[0.0000000005, 0.0000000015, 0.0000000025,
      0.00000000051, 0.00000000149, 1.0000000005]) WITH ORDINALITY AS x(n, at) ORDER BY at`;
  expect(rows.map((row) => row.rounded)).toEqual(["0", "2", "2", "1", "1", "1000000000"]);
});
