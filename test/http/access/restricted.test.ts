import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RestrictedReaders, type Sql } from "../../../src/postgres/index.ts";
import { earningsOf } from "../../../src/statements/index.ts";
import { type Call, startTestApi, type TestApi } from "../../support/api.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { SMALL_CATALOG, usageEvent } from "../../support/usage.ts";

let database: TestDatabase;
let api: TestApi;
let readers: RestrictedReaders;

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startTestApi({ DATABASE_URL: database.url });
  await api.load(SMALL_CATALOG);
  await api.load({ payees: [{ id: "eve", name: "Eve", country: "US", default_currency: "USD" }] });
  await api.send(usageEvent({ id: "p1", metrics: { input_token_count: 10_000_000 } }));
  const rule = { from: "2023-11", rule: "on_payment", hold_days: 0 };
  expect(await api.operator("PUT", "/v1/release-rule", rule)).toMatchObject({ status: 200 });
  expect(await api.operator("POST", "/v1/settlements/2023-11/close")).toMatchObject({ status: 200 });
  expect(await api.operator("POST", "/v1/settlements/2023-11/invoices")).toMatchObject({ status: 200 });
  for (const payee of ["ada", "lin"]) {
    const endpoint = { payee, url: "https://example.com/hook" };
    expect(await api.operator("POST", "/v1/webhook-endpoints", endpoint)).toMatchObject({ status: 201 });
    expect(await api.operator("PUT", `/v1/payees/${payee}/freeze`, { reason: "x" })).toMatchObject({
      status: 200,
    });
    const user = { email: `${payee}@example.com`, role: "payee", payee, duties: ["owner"] };
    expect(await api.operator("PUT", `/v1/users/${payee}`, user)).toMatchObject({ status: 200 });
  }
  readers = new RestrictedReaders(database.url);
});
afterAll(async () => {
  await readers.close();
  await api.stop();
  await database.drop();
});

const ada = <T>(work: (sql: Sql) => Promise<T>) => readers.use({ payee: "ada", customer: null }, work);

/** Tables with a column that says whose a row is; in some the row is no secret, or nobody but the owner reads them. */
const NOT_BOUND: Record<string, string> = {
  customer: "names of customers: predictions name who is charged to nobody but the customer and the operator",
  payee: "the catalogue's names, which lineage and shares refer to",
};

describe("a connection for one payee", () => {
  test("sees its own rows where there are others, without any condition", async () => {
    const tables = ["statement", "webhook_endpoint", "payee_freeze", "app_user"];
    for (const table of tables) {
      const [all] = await database.sql.unsafe(`SELECT count(DISTINCT payee)::int AS n FROM ${table}`);
      expect(all?.n, table).toBeGreaterThan(1);
      const seen = await ada((sql) => sql.unsafe(`SELECT DISTINCT payee FROM ${table}`));
      expect([...seen], table).toEqual([{ payee: "ada" }]);
    }
    const accounts = await ada((sql) => sql`SELECT DISTINCT owner FROM ledger_account`);
    expect([...accounts]).toEqual([{ owner: "ada" }]);
    const postings = await ada(
      (sql) => sql`SELECT FROM posting p WHERE NOT EXISTS (
      SELECT FROM ledger_account a WHERE a.account_no = p.account_no AND a.owner = 'ada')`,
    );
    expect(postings).toHaveLength(0);
  });

  test("is for somebody without rows an empty one", async () => {
    for (const payee of ["eve", "there-is-none", null, ""]) {
      const seen = await readers.use(
        { payee, customer: null },
        (sql) => sql`SELECT FROM statement UNION ALL SELECT FROM payout`,
      );
      expect(seen.filter(() => payee !== "eve")).toHaveLength(0);
    }
  });

  test("sees no invoices but those that it waits for, and a customer its own", async () => {
    const asCustomer = (customer: string) =>
      readers.use({ payee: null, customer }, (sql) => sql`SELECT DISTINCT customer FROM invoice`);
    expect([...(await asCustomer("acme"))]).toEqual([{ customer: "acme" }]);
    expect(await asCustomer("globex")).toHaveLength(0);
    expect(
      await readers.use({ payee: "eve", customer: null }, (sql) => sql`SELECT FROM invoice`),
    ).toHaveLength(0);
    const [held] = await ada((sql) => sql`SELECT count(*)::int AS n FROM invoice`);
    expect(held?.n).toBeGreaterThan(0);
  });

  test.each([
    "api_key",
    "session",
    "login_link",
    "audit_entry",
    "mail",
    "idempotent_request",
    "usage_log_record",
    "payload_key",
    "prediction_payload",
  ])("may not look into %s at all", async (table) => {
    await expect(ada((sql) => sql.unsafe(`SELECT FROM ${table}`))).rejects.toThrow(/permission denied/);
  });

  test("changes nothing, and does not become anybody else by a transaction of its own", async () => {
    await expect(ada((sql) => sql`UPDATE payee_freeze SET reason = 'mine'`)).rejects.toThrow(
      /permission denied/,
    );
  });
});

test("every table that says whose a row is has a policy, or a reason", async () => {
  const rows = await database.sql<{ name: string }[]>`
    SELECT DISTINCT c.table_name AS name FROM information_schema.columns c JOIN pg_class t ON t.oid = c.table_name::regclass
    WHERE c.table_schema = 'public' AND t.relkind = 'r' AND c.column_name IN ('payee', 'customer', 'owner')
      AND NOT t.relrowsecurity AND has_table_privilege('tributary_reader', t.oid, 'SELECT')`;
  expect(rows.map(({ name }) => name).filter((name) => !(name in NOT_BOUND))).toEqual([]);
});

test("many payees at once each get their own, over a bounded number of connections", async () => {
  const names = Array.from({ length: 60 }, (_, n) => (n % 3 === 0 ? "ada" : `nobody-${n}`));
  const seen = await Promise.all(
    names.map((payee) =>
      readers.use({ payee, customer: null }, async (sql) => {
        const rows = await sql<{ payee: string }[]>`SELECT DISTINCT payee FROM statement, pg_sleep(0)`;
        return rows.map((row) => row.payee);
      }),
    ),
  );
  expect(seen).toEqual(names.map((name) => (name === "ada" ? ["ada"] : [])));
});

test("what was kept for a payee is still there when its connections had to go, and is nobody else's", async () => {
  const rows = async (payee: string, of: string) => {
    const earnings = (sql: Sql) => earningsOf(sql, of, { currency: "USD", groupBy: ["model"] });
    return (await readers.use({ payee, customer: null }, earnings)).data;
  };
  const kept = await rows("ada", "ada");
  expect(kept).not.toHaveLength(0);
  for (let n = 0; n < 20; n++) await rows(`nobody-${n}`, "ada");
  expect(readers.isOpen({ payee: "ada", customer: null })).toBe(false);
  expect(await rows("ada", "ada")).toBe(kept);
  expect(await rows("nobody-1", "ada")).not.toBe(kept);
  await api.send(usageEvent({ id: "p2", time: "2023-12-02T00:00:00Z" }));
  expect(await rows("ada", "ada")).not.toBe(kept);
});

test("what payees are answered over such connections is what the operator is", async () => {
  const call: Call = await api.keyFor({ role: "payee", payee: "ada" });
  const paths = [
    "balances",
    "earnings?group_by=model",
    "statements",
    "statements/2023-11?currency=USD",
    "payouts",
    "bank-payouts",
  ];
  for (const path of [
    ...paths.map((one) => `/v1/payees/ada/${one}`),
    "/v1/webhook-endpoints?payee=ada",
    "/v1/users?payee=ada",
  ]) {
    const [own, operators] = [await call("GET", path), await api.operator("GET", path)];
    expect({ path, status: own.status }).toEqual({ path, status: 200 });
    const timeless = (body: unknown) => JSON.stringify(body).replaceAll(/"as_of":"[^"]+"/g, "");
    expect(timeless(own.body), path).toEqual(timeless(operators.body));
  }
});
