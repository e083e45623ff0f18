import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { runChecks } from "../../src/audit/index.ts";
import { now } from "../../src/kernel/index.ts";
import {
  balanceAsOf,
  exportSeals,
  extendChain,
  type SealExport,
  sealPeriod,
  trialBalanceAsOf,
} from "../../src/ledger/index.ts";
import { openSql, type Sql } from "../../src/postgres/index.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { monthOf } from "../support/marketplace-books.ts";
import { until } from "../support/until.ts";

let database: TestDatabase;
let sql: Sql;
/** A session of its own, for transactions that stay open. */
let other: Sql;
beforeEach(async () => {
  database = await createTestDatabase();
  sql = database.sql;
  other = openSql(database.url, { max: 1, name: "chain-test" });
});
afterEach(async () => {
  await other.end();
  await database.drop();
});

const ACCOUNTS = ["payee:ada:payable", "payee:lin:payable", "platform:revenue", "platform:loss"];
/** Entries on the same account wait for each other; these touch none of the others. */
const APART = [1, 3];

/** Moves nanos from one account to another. */
async function post(
  on: Sql,
  key: string,
  nanos: bigint,
  [from, to]: readonly number[] = [0, 2],
): Promise<void> {
  const accounts = [ACCOUNTS[from ?? 0] ?? "", ACCOUNTS[to ?? 0] ?? ""];
  await on`SELECT post_entry(${key}, 'adjustment', 'USD', '2023-11-01', '{"note":"ü"}', ${accounts},
    ${[`${-nanos}`, `${nanos}`]}::numeric[])`;
}

/** Other databases of this server have transactions too, and each holds the chain back while it runs. */
async function chained(keys: number): Promise<string[]> {
  let found: { key: string }[] = [];
  await until(async () => {
    await extendChain(sql);
    found = await sql<{ key: string }[]>`
      SELECT e.key FROM chain_link l JOIN journal_entry e USING (entry_no) ORDER BY l.chain_no`;
    return found.length >= keys;
  });
  return found.map(({ key }) => key);
}

const CHAIN_LAWS = /chain|seal/;

async function broken(kept?: SealExport): Promise<string[]> {
  const results = await runChecks(sql, kept);
  return results.filter(({ law }) => CHAIN_LAWS.test(law)).flatMap(({ differences }) => differences);
}

async function close(period: string): Promise<void> {
  await sql`INSERT INTO settlement (period, state) VALUES (${`${period}-01`}, 'closed')`;
  await until(() => sealPeriod(sql, monthOf(period)));
}

describe("the chain", () => {
  test("waits for an older transaction, and then leaves nothing out", async () => {
    await other`BEGIN`;
    await post(other, "older", 1n, APART);
    await post(sql, "younger", 2n);
    await extendChain(sql);
    expect(await sql`SELECT FROM chain_link`).toHaveLength(0);
    await other`COMMIT`;
    expect(await chained(2)).toEqual(["older", "younger"]);
    expect(await broken()).toEqual([]);
  });

  test("has no gap for what was rolled back", async () => {
    await post(sql, "first", 1n);
    await other`BEGIN`;
    await post(other, "never", 1n, APART);
    await other`ROLLBACK`;
    await post(sql, "second", 1n);
    expect(await chained(2)).toEqual(["first", "second"]);
    expect(await broken()).toEqual([]);
  });

  test("is one, however many extend it at once and in whatever pieces", async () => {
    for (let n = 0; n < 40; n++) await post(sql, `e${n}`, BigInt(n + 1));
    await until(async () => {
      await Promise.all([1, 7, 3, 5].map((size) => sql`SELECT extend_chain(${size})`));
      const [row] = await sql<[{ links: number }]>`SELECT count(*)::int AS links FROM chain_link`;
      return row.links === 40;
    });
    expect(await chained(40)).toEqual(Array.from({ length: 40 }, (_, n) => `e${n}`));
    expect(await broken()).toEqual([]);
  });

  test("goes on in a restored copy whose transactions are counted anew", async () => {
    await post(sql, "before", 1n);
    await chained(1);
    await sql`UPDATE chain_state SET complete_until_xid = complete_until_xid + 1000000000`;
    await post(sql, "after", 1n);
    expect(await chained(2)).toEqual(["before", "after"]);
  });
});

/** As somebody who may do everything in the database. */
async function tamper(...statements: string[]): Promise<void> {
  await other.unsafe(`BEGIN; SET LOCAL session_replication_role = replica; ${statements.join("; ")}; COMMIT`);
}

/** Takes every link away and makes the chain anew: all hashes fit again. */
const REWRITE = "DELETE FROM chain_link; UPDATE chain_state SET complete_until_xid = 0";

describe("verify finds", () => {
  beforeEach(async () => {
    for (let n = 0; n < 5; n++) await post(sql, `e${n}`, 10n);
    await close("2023-11");
  });

  test.each([
    [
      "an amount",
      "UPDATE posting SET amount_nanos = amount_nanos * 2 WHERE entry_no = 3",
      /link 3 \(entry e2\)/,
    ],
    [
      "a posting's account",
      "UPDATE posting SET account_no = 3 - account_no WHERE entry_no = 3 AND account_no < 3",
      /link 3/,
    ],
    ["a detail", "UPDATE journal_entry SET detail = '{}' WHERE entry_no = 2", /link 2 \(entry e1\)/],
    [
      "a date",
      "UPDATE journal_entry SET created_at = created_at - interval '1 day' WHERE entry_no = 2",
      /link 2/,
    ],
    [
      "an entry that is gone",
      "DELETE FROM journal_entry WHERE entry_no = 4",
      /link 4 \(entry that is gone\)/,
    ],
    ["a link that is gone", "DELETE FROM chain_link WHERE chain_no = 4", /link 4 is missing/],
    [
      "entries in another order",
      "UPDATE chain_link SET entry_no = CASE entry_no WHEN 2 THEN -3 ELSE -2 END WHERE entry_no IN (2, 3); UPDATE chain_link SET entry_no = -entry_no WHERE entry_no < 0",
      /link 2[\s\S]*link 3/,
    ],
    [
      "a snapshot",
      "UPDATE balance_snapshot SET balance_nanos = balance_nanos + 1 WHERE account_no = 1",
      /balance snapshot/,
    ],
    ["a seal", "UPDATE seal SET trial_balance_hash = hash", /seal of 2023-11/],
  ])("%s that was changed", async (_, statement, found) => {
    expect(await broken()).toEqual([]);
    await tamper(statement);
    expect((await broken()).join("\n")).toMatch(found);
  });

  test("a history that was rewritten with its whole chain, by the seal that was kept elsewhere", async () => {
    const kept = await exportSeals(sql);
    expect(await broken(kept)).toEqual([]);
    await tamper(
      "UPDATE posting SET amount_nanos = amount_nanos * 2 WHERE entry_no = 3",
      REWRITE,
      "DELETE FROM balance_snapshot",
      "DELETE FROM seal",
    );
    await chained(5);
    await until(() => sealPeriod(sql, monthOf("2023-11")));
    expect(await broken()).toEqual([]);
    expect((await broken(kept)).join("\n")).toMatch(/seal of 2023-11: kept \w+ at link 5, found \w+/);
  });
});

test("a month that could not be sealed at its close is sealed before the next one", async () => {
  await post(sql, "e", 1n);
  await sql`INSERT INTO settlement (period, state) VALUES ('2023-11-01', 'closed')`;
  await close("2023-12");
  const seals = await sql`SELECT to_char(period, 'YYYY-MM') AS period FROM seal ORDER BY sealed_at`;
  expect(seals.map(({ period }) => period)).toEqual(["2023-11", "2023-12"]);
  expect(await broken()).toEqual([]);
});

test("links, seals and snapshots cannot be changed or removed", async () => {
  await post(sql, "e", 1n);
  await close("2023-11");
  for (const table of ["chain_link", "seal", "balance_snapshot"]) {
    for (const change of [
      `UPDATE ${table} SET chain_no = 7`,
      `DELETE FROM ${table}`,
      `TRUNCATE ${table} CASCADE`,
    ]) {
      await expect(sql.unsafe(change)).rejects.toThrow("append-only");
    }
  }
});

describe("a correction", () => {
  test("is an entry of its own, the exact opposite, once, and names what it takes back", async () => {
    await post(sql, "mistake", 70n);
    const reverse = () => sql<[{ no: string | null }]>`SELECT reverse_entry('mistake', 'wrong payee') AS no`;
    expect((await reverse())[0].no).not.toBeNull();
    expect((await reverse())[0].no).toBeNull();
    const [entry] =
      await sql`SELECT kind, corrects, detail FROM journal_entry WHERE key = 'reversal:mistake'`;
    expect(entry).toEqual({
      kind: "reversal",
      corrects: "mistake",
      detail: { corrects: "mistake", reason: "wrong payee" },
    });
    const [balance] = await sql`SELECT account_balance_of(${ACCOUNTS[0] ?? ""}, 'USD')::text AS nanos`;
    expect(balance).toEqual({ nanos: "0" });
  });

  test("of another amount, of nothing, or of a computed entry is refused", async () => {
    await post(sql, "mistake", 70n);
    const post2 = (detail: object, nanos: string) =>
      sql`SELECT post_entry('r', 'reversal', 'USD', '2023-11-01', ${JSON.stringify(detail)}::text::jsonb,
        ${ACCOUNTS.slice(1)}, ${[nanos, `-${nanos}`]}::numeric[])`;
    await expect(post2({ corrects: "mistake" }, "69")).rejects.toThrow("not the opposite");
    await expect(post2({ corrects: "nothing" }, "70")).rejects.toThrow("foreign key");
    await expect(post2({}, "70")).rejects.toThrow("check constraint");
    await sql`SELECT post_entry('acc', 'accrual', 'USD', '2023-11-01', '{}', ARRAY['platform:unbilled', 'platform:revenue'],
      ARRAY[1, -1]::numeric[])`;
    await expect(sql`SELECT reverse_entry('acc', 'x')`).rejects.toThrow("entry_not_reversible");
  });
});

test("an entry whose transaction began before a seal and came after it is in every balance since it began", async () => {
  await post(sql, "early", 5n);
  await other`BEGIN`;
  // A transaction has a number only once it writes: until then the chain does not wait for it.
  const [{ began }] = await other<[{ began: string }]>`SELECT epoch_micros(now())::text AS began`;
  await close("2023-11");
  const [{ sealed }] = await sql<
    [{ sealed: string }]
  >`SELECT epoch_micros(sealed_at)::text AS sealed FROM seal`;
  await post(other, "late", 7n);
  await other`COMMIT`;
  await post(sql, "after", 11n);

  const revenueAt = (at: bigint) => balanceAsOf(sql, "platform:revenue", "USD", at);
  const expectAsBooked = async () => {
    expect([await revenueAt(BigInt(began) - 1n), await revenueAt(BigInt(began))]).toEqual([5n, 12n]);
    expect([await revenueAt(BigInt(sealed)), await revenueAt(now())]).toEqual([12n, 23n]);
  };
  await expectAsBooked();
  expect(await chained(3)).toHaveLength(3);
  await expectAsBooked();
  await close("2023-12");
  await expectAsBooked();
  expect(await broken()).toEqual([]);
});

describe("a balance as of any time", () => {
  let shared: TestDatabase;
  beforeAll(async () => {
    shared = await createTestDatabase();
  });
  afterAll(() => shared.drop());

  test("is the sum of the postings up to then, whatever was sealed in between", async () => {
    let run = 0;
    const step = fc.record({
      from: fc.nat(2),
      to: fc.nat(2),
      nanos: fc.bigInt(1n, 10n ** 20n),
      sealed: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        run += 1;
        for (const [n, { from, to, nanos, sealed }] of steps.entries()) {
          if (from !== to) await post(shared.sql, `run ${run} step ${n}`, nanos, [from, to]);
          if (!sealed) continue;
          const [{ period }] = await shared.sql<[{ period: string }]>`
            INSERT INTO settlement (period, state)
            SELECT coalesce(max(period) + interval '1 month', '2000-01-01')::date, 'closed' FROM settlement
            RETURNING to_char(period, 'YYYY-MM') AS period`;
          await until(() => sealPeriod(shared.sql, monthOf(period)));
        }
        const moments = await shared.sql<{ at: string }[]>`
          SELECT epoch_micros(created_at)::text AS at FROM journal_entry ORDER BY random() LIMIT 3`;
        for (const { at } of moments) {
          for (const path of ACCOUNTS) {
            const [{ sum }] = await shared.sql<[{ sum: string }]>`
              SELECT coalesce(sum(p.amount_nanos), 0)::text AS sum FROM posting p JOIN journal_entry e USING (entry_no)
              JOIN ledger_account a USING (account_no) WHERE a.path = ${path} AND epoch_micros(e.created_at) <= ${at}`;
            expect(await balanceAsOf(shared.sql, path, "USD", BigInt(at))).toBe(BigInt(sum));
            const trial = await trialBalanceAsOf(shared.sql, BigInt(at));
            expect(trial.find((row) => row.path === path)?.nanos ?? 0n).toBe(BigInt(sum));
            expect(trial.reduce((total, { nanos }) => total + nanos, 0n)).toBe(0n);
          }
        }
      }),
      { numRuns: 25 },
    );
  });
});
