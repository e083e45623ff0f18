import { afterAll, beforeAll, expect, test } from "vitest";
import { openSql, type Sql } from "../../src/postgres/index.ts";
import { releaseReserves } from "../../src/settlement/index.ts";
import { expectLedgerToHold } from "../support/ledger-laws.ts";
import {
  addPayees,
  type MarketplaceBooks,
  monthOf,
  openMarketplaceBooks,
} from "../support/marketplace-books.ts";
import { until } from "../support/until.ts";

const [SEPTEMBER, OCTOBER] = [monthOf("2023-09"), monthOf("2023-10")];

let books: MarketplaceBooks;
let payment: Sql;
beforeAll(async () => {
  books = await openMarketplaceBooks();
  payment = openSql(books.url, { max: 1 });
  await addPayees(books.catalog, [{ id: "ada" }, { id: "lin" }]);
});
afterAll(async () => {
  await payment?.end();
  await books?.drop();
});

const use = (month: string) =>
  books.use(
    ["ada", "lin"].map((payee) => ({ payee, time: `${month}-10T00:00:00Z`, grossMicros: 1_000_000 })),
  );
const lockBalance = (path: string) => payment`
  SELECT FROM account_balance b JOIN ledger_account a USING (account_no) WHERE a.path = ${path} FOR UPDATE OF b`;

/** Until another session of this database waits for a lock. */
const somebodyWaits = () =>
  until(async () => {
    const rows = await books.sql`
      SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`;
    return rows.length > 0;
  });

test("a close that meets a payment waits for it: neither ends in a deadlock", async () => {
  await use(SEPTEMBER);
  await books.close(SEPTEMBER);
  await use(OCTOBER);
  // As record_invoice_payment goes: alone, the receivable first, then what it releases to payees.
  await payment`BEGIN`;
  await payment`SELECT pg_advisory_xact_lock(7015)`;
  await lockBalance("customer:alice:receivable");
  const closing = books.close(OCTOBER);
  await somebodyWaits();
  await lockBalance("payee:ada:payable");
  await lockBalance("payee:lin:payable");
  await payment`COMMIT`;
  await closing;
  await expectLedgerToHold(books.sql);
});

test("reserves are released by one alone who moves many payees' balances", async () => {
  await payment`BEGIN`;
  await payment`SELECT pg_advisory_xact_lock(7015)`;
  const releasing = releaseReserves(books.sql);
  await somebodyWaits();
  await payment`COMMIT`;
  expect(await releasing).toBe(0);
});
