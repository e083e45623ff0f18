import { afterAll, beforeAll, expect, test } from "vitest";
import { adjustmentEntries } from "../../src/audit/adjustments/entries.ts";
import type { Check } from "../../src/audit/check.ts";
import { movementsStayWithPayee, nothingBookedByHand } from "../../src/audit/checks/ledger.ts";
import { payoutEntries, payoutsFromPlan } from "../../src/audit/checks/payouts.ts";
import { openSql, type Sql } from "../../src/postgres/index.ts";
import { type FullMonth, openFullMonth } from "./full-books.ts";

// Changes that fit together: entries balance, balances follow, and who does it could chain everything anew. One law must
// still find each, whatever the chain says.

let month: FullMonth;
let session: Sql;
beforeAll(async () => {
  month = await openFullMonth();
  session = openSql(month.url, { max: 1, name: "tamper" });
});
afterAll(async () => {
  await session?.end();
  await month?.drop();
});

/** An entry like one that is there, in the open month and under a key of its own, with its balances. */
const oneMore = (kind: string) => `
  WITH old AS (SELECT * FROM journal_entry WHERE kind = '${kind}' ORDER BY entry_no LIMIT 1),
  made AS (
    INSERT INTO journal_entry (key, kind, currency, period, postings, detail, xid)
    SELECT 'one-more', kind, currency, (SELECT first_open_period FROM books_state), postings, detail, pg_current_xact_id()::text
    FROM old RETURNING entry_no),
  moved AS (
    INSERT INTO posting (entry_no, position, account_no, amount_nanos)
    SELECT made.entry_no, p.position, p.account_no, p.amount_nanos FROM made, old JOIN posting p ON p.entry_no = old.entry_no
    RETURNING account_no, amount_nanos)
  UPDATE account_balance b SET balance_nanos = balance_nanos + amount_nanos FROM moved, old
  WHERE b.account_no = moved.account_no AND b.currency = old.currency`;

/** What an entry gives to a payee's payable goes to another payee instead, with the balances. */
const toAnother = (kind: string) => `
  WITH given AS (
    SELECT p.entry_no, p.account_no, p.amount_nanos, e.currency,
      (SELECT x.account_no FROM ledger_account x WHERE x.kind = a.kind AND x.owner <> a.owner ORDER BY x.path LIMIT 1) AS other_no
    FROM journal_entry e JOIN posting p USING (entry_no) JOIN ledger_account a USING (account_no)
    WHERE e.kind = '${kind}' AND a.kind = 'payee:payable' ORDER BY e.entry_no LIMIT 1),
  moved AS (
    UPDATE posting p SET account_no = other_no FROM given WHERE p.entry_no = given.entry_no AND p.account_no = given.account_no)
  UPDATE account_balance b
  SET balance_nanos = balance_nanos + CASE WHEN b.account_no = given.other_no THEN given.amount_nanos ELSE -given.amount_nanos END
  FROM given WHERE b.account_no IN (given.account_no, given.other_no) AND b.currency = given.currency`;

const TAMPERINGS: [name: string, law: Check, change: string][] = [
  ["a payout is put into another month", payoutsFromPlan, "UPDATE payout SET period = '2023-08-01'"],
  ["a credit that no adjustment made", adjustmentEntries, oneMore("credit")],
  ["a refund that no adjustment made", adjustmentEntries, oneMore("refund")],
  ["an entry that somebody made by hand", nothingBookedByHand, oneMore("adjustment")],
  [
    "more is taken back than was given",
    nothingBookedByHand,
    `UPDATE posting SET amount_nanos = amount_nanos * 2
     WHERE entry_no = (SELECT entry_no FROM journal_entry WHERE kind = 'reversal')`,
  ],
  ["what was held for one goes to another", movementsStayWithPayee, toAnother("hold_released")],
  ["one's reserve goes to another", movementsStayWithPayee, toAnother("reserve_released")],
  ["what was disputed of one goes to another", movementsStayWithPayee, toAnother("dispute_released")],
  ["what came back from one's account goes to another", payoutEntries, toAnother("payout_reversed")],
];

test.each(TAMPERINGS)("verify finds it: %s", async (_name, law, change) => {
  expect(await law.find(session)).toEqual([]);
  await session.unsafe("BEGIN; SET LOCAL session_replication_role = replica");
  try {
    expect((await session.unsafe(change)).count).toBeGreaterThan(0);
    expect(await law.find(session)).not.toEqual([]);
  } finally {
    await session.unsafe("ROLLBACK");
  }
});
