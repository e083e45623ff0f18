import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Sql } from "../../src/postgres/index.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

// post_entries() is post_entry() for many: the same books, the same refusals.

interface Entry {
  key: string;
  currency: string;
  postings: { account: string; amount: bigint }[];
}

let database: TestDatabase;
let sql: Sql;
beforeAll(async () => {
  database = await createTestDatabase();
  sql = database.sql;
});
afterAll(() => database.drop());

async function postMany(entries: readonly Entry[], kind = "accrual"): Promise<string[]> {
  const flat = entries.flatMap(({ postings }, index) =>
    postings.map((posting) => ({ n: index + 1, ...posting })),
  );
  const rows = await sql<{ key: string }[]>`
    SELECT written_key AS key FROM post_entries(${kind}, '2023-11-01', ${entries.map((e) => e.key)},
      ${entries.map((e) => e.currency)}, ${entries.map(() => "{}")}::jsonb[], ${flat.map(({ n }) => n)}::int[],
      ${flat.map(({ account }) => account)}, ${flat.map(({ amount }) => `${amount}`)}::numeric[])`;
  return rows.map(({ key }) => key);
}

async function postOne({ key, currency, postings }: Entry): Promise<void> {
  await sql`SELECT post_entry(${key}, 'accrual', ${currency}, '2023-11-01', '{}', ${postings.map((p) => p.account)},
    ${postings.map((p) => `${p.amount}`)}::numeric[])`;
}

/** What the entries with a prefix hold, without the prefix. */
async function journal(prefix: string) {
  return [
    ...(await sql`
      SELECT replace(e.key, ${prefix}, '') AS key, e.kind, e.currency, e.postings, p.position, a.path, p.amount_nanos
      FROM journal_entry e JOIN posting p USING (entry_no) JOIN ledger_account a USING (account_no)
      WHERE e.key LIKE ${`${prefix}%`} ORDER BY 1, 5`),
  ];
}

async function balancesAreSums(): Promise<void> {
  const wrong = await sql`
    SELECT account_no FROM account_balance b
    FULL JOIN (SELECT p.account_no, e.currency, sum(p.amount_nanos) AS total FROM posting p
               JOIN journal_entry e USING (entry_no) GROUP BY 1, 2) s USING (account_no, currency)
    WHERE b.balance_nanos IS DISTINCT FROM s.total`;
  expect([...wrong]).toEqual([]);
}

const accounts = ["platform:unbilled", "platform:revenue", "payee:ada:accruing", "payee:lin:accruing"];
const balanced = fc
  .array(fc.record({ account: fc.constantFrom(...accounts), amount: fc.bigInt(-9n, 9n) }), { maxLength: 5 })
  .map((list) => [
    ...list,
    { account: "platform:rounding", amount: -list.reduce((sum, p) => sum + p.amount, 0n) },
  ]);

test("many entries at once are the same books as one after the other", async () => {
  let run = 0;
  const drawn = fc.array(fc.record({ currency: fc.constantFrom("USD", "JPY"), postings: balanced }), {
    minLength: 1,
    maxLength: 12,
  });
  await fc.assert(
    fc.asyncProperty(drawn, async (list) => {
      run += 1;
      const named = (prefix: string) => list.map((entry, n) => ({ ...entry, key: `${prefix}${n}` }));
      for (const entry of named(`one-${run}-`)) await postOne(entry);
      const written = await postMany(named(`many-${run}-`));
      const expected = await journal(`one-${run}-`);
      expect(await journal(`many-${run}-`)).toEqual(expected);
      expect(new Set(written).size).toBe(new Set(expected.map((row) => row.key)).size);
    }),
    { numRuns: 60 },
  );
  await balancesAreSums();
});

const move = (key: string, amount: bigint, to = "platform:unbilled", from = "payee:ada:accruing"): Entry => ({
  key,
  currency: "USD",
  postings: [
    { account: to, amount },
    { account: from, amount: -amount },
  ],
});

test("entries whose keys were posted before are left out, the others are written", async () => {
  await postMany([move("known", 5n)]);
  expect(await postMany([move("known", 7n), move("new", 3n)])).toEqual(["new"]);
  expect((await journal("known")).map((row) => row.amount_nanos)).toEqual(["-5", "5"]);
  await balancesAreSums();
});

test("the same entries posted by many at the same moment are written once", async () => {
  const entries = Array.from({ length: 20 }, (_, n) => move(`race-${n}`, BigInt(n + 1)));
  const written = await Promise.all(Array.from({ length: 6 }, () => postMany(entries)));
  expect(written.flat().sort()).toEqual(entries.map(({ key }) => key).sort());
  await balancesAreSums();
});

test.each<[string, Entry[], string]>([
  [
    "one does not balance",
    [move("a", 1n), { ...move("b", 1n), postings: move("b", 1n).postings.slice(1) }],
    "postings_check",
  ],
  [
    "one is a nano short",
    [
      move("a", 1n),
      {
        key: "b",
        currency: "USD",
        postings: [...move("b", 5n).postings, { account: "platform:revenue", amount: 1n }],
      },
    ],
    "does not balance",
  ],
  [
    "two balance only together",
    [
      {
        key: "a",
        currency: "USD",
        postings: [...move("a", 5n).postings, { account: "platform:revenue", amount: 1n }],
      },
      {
        key: "b",
        currency: "USD",
        postings: [...move("b", 5n).postings, { account: "platform:revenue", amount: -1n }],
      },
    ],
    "does not balance",
  ],
  [
    "one touches an account that its kind may not",
    [move("a", 1n), move("b", 1n, "payee:ada:payable")],
    "may not touch payee:ada:payable",
  ],
  ["two have one key", [move("a", 1n), move("a", 1n)], "two entries under one key"],
  ["one is in no currency", [move("a", 1n), { ...move("b", 1n), currency: "usd" }], "journal_entry"],
])("when %s, none is written", async (_, entries, message) => {
  const before = await sql`SELECT count(*), (SELECT count(*) FROM posting) FROM journal_entry`;
  await expect(postMany(entries)).rejects.toThrow(message);
  expect(await sql`SELECT count(*), (SELECT count(*) FROM posting) FROM journal_entry`).toEqual(before);
  await balancesAreSums();
});

test("no entries are no entries", async () => {
  expect(await postMany([])).toEqual([]);
  expect(
    await postMany([
      { key: "empty", currency: "USD", postings: [{ account: "platform:unbilled", amount: 0n }] },
    ]),
  ).toEqual([]);
});
