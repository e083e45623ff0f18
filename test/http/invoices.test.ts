import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from "vitest";
import { type Call, startTestApi, type TestApi } from "../support/api.ts";
import { SMALL_CATALOG, usageEvent } from "../support/usage.ts";

const SCRIPT = new URL("../../scripts/invoices.ts", import.meta.url).pathname;

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  await api.load(SMALL_CATALOG);
  await api.send(
    usageEvent({ id: "p-1", customer: "acme", metrics: { input_token_count: 1234 } }),
    usageEvent({ id: "p-2", customer: "globex", metrics: { input_token_count: 5 } }),
  );
  await api.operator("POST", "/v1/settlements/2023-11/close");
});
afterAll(() => api?.stop());

test("invoices are made after close, once, and a dry run makes none", async () => {
  const drafted = await api.operator("POST", "/v1/settlements/2023-11/invoices?dry_run=true");
  expect(drafted.body).toMatchObject({ dry_run: true, totals: [{ invoices: 2 }] });
  expect((await api.operator("GET", "/v1/invoices")).body).toEqual({ data: [], next_cursor: null });

  const made = await api.operator("POST", "/v1/settlements/2023-11/invoices");
  expect(made).toMatchObject({
    status: 200,
    body: {
      totals: [
        {
          currency: "USD",
          invoices: 2,
          lines: 2,
          gross: "1.239",
          carried_in: "0",
          amount: { amount: "1.230000000" },
          carried_out: "0.009",
        },
      ],
    },
  });
  expect((await api.operator("POST", "/v1/settlements/2023-11/invoices")).body).toEqual(made.body);
  expect(await api.operator("POST", "/v1/settlements/2023-12/invoices")).toMatchObject({
    status: 409,
    body: { code: "period_not_closed" },
  });
});

test("an invoice shows its lines to the operator and to its customer, and to nobody else", async () => {
  const path = "/v1/invoices/inv_2023-11_acme_USD";
  const acme = await api.keyFor({ role: "customer", customer: "acme" });
  const globex = await api.keyFor({ role: "customer", customer: "globex" });
  const seen = await acme("GET", path);
  expect(seen).toMatchObject({
    status: 200,
    body: {
      amount: { currency: "USD", amount: "1.230000000" },
      carried_out: "0.004",
      push: { state: "not_pushed" },
      lines: [
        { model: "ada/llm", meter: "input_tokens", quantity: "1234", unit_amount: "1.00", per: "1000" },
      ],
    },
  });
  expect((await api.operator("GET", path)).body).toEqual(seen.body);
  expect((await globex("GET", path)).status).toBe(404);
  const list = async (call: typeof acme, query = "") =>
    ((await call("GET", `/v1/invoices${query}`)).body as { data: { id: string }[] }).data.map(({ id }) => id);
  expect(await list(globex)).toEqual(["inv_2023-11_globex_USD"]);
  expect(await list(globex, "?customer=acme")).toEqual([]);
  expect(await list(api.operator, "?customer=acme&period=2023-11")).toEqual(["inv_2023-11_acme_USD"]);
  expect(await list(api.operator, "?period=2023-10")).toEqual([]);
  expect((await api.operator("GET", "/v1/invoices?limit=1")).body).toMatchObject({
    next_cursor: "inv_2023-11_acme_USD",
  });
  const payee = await api.keyFor({ role: "payee", payee: "ada" });
  expect((await payee("GET", path)).status).toBe(403);
});

test("a payment that came elsewhere is recorded once, and never more than is owed", async () => {
  const pay = (body: unknown) => api.operator("POST", "/v1/invoices/inv_2023-11_acme_USD/payments", body);
  const first = await pay({ amount: "1.00", reference: "bank-1" });
  expect(first).toMatchObject({ status: 201, body: { left: { currency: "USD", amount: "0.230000000" } } });
  expect((await pay({ amount: "1.00", reference: "bank-1" })).body).toEqual(first.body);
  expect(await pay({ amount: "0.99", reference: "bank-1" })).toMatchObject({
    body: { code: "payment_differs" },
  });
  expect(await pay({ amount: "0.24", reference: "bank-2" })).toMatchObject({
    status: 409,
    body: { code: "payment_too_large", detail: expect.stringContaining("0.23 USD left to pay") },
  });
  expect(await pay({ amount: "0.23", reference: "bank-2" })).toMatchObject({
    body: { left: { amount: "0.000000000" } },
  });
  expect(
    (await api.operator("POST", "/v1/invoices/inv_x/payments", { amount: "1", reference: "r" })).status,
  ).toBe(404);
});

test("a payment that is still to come, or under a name of ours, is refused", async () => {
  const pay = (body: object) =>
    api.operator("POST", "/v1/invoices/inv_2023-11_acme_USD/payments", { amount: "0.01", ...body });
  const later = await pay({ reference: "bank-3", paid_at: "2062-11-30T00:00:00Z" });
  expect(later).toMatchObject({ status: 400, body: { errors: [{ path: "paid_at" }] } });
  const ours = await pay({ reference: "tributary:credits" });
  expect(ours).toMatchObject({ status: 400, body: { errors: [{ path: "reference" }] } });
});

test("the release rule is set for open months only", async () => {
  const set = (from: string) =>
    api.operator("PUT", "/v1/release-rule", { from, rule: "on_payment", hold_days: 14 });
  expect(await set("2023-11")).toMatchObject({ status: 409, body: { code: "period_closed" } });
  expect((await set("2023-12")).status).toBe(200);
  expect((await api.operator("GET", "/v1/release-rule")).body).toEqual({
    data: [{ from: "2023-12", rule: "on_payment", hold_days: 14 }],
  });
});

test("the command makes, exports and tells, beside the running service", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tributary-invoices-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const [{ name }] = await api.sql<[{ name: string }]>`SELECT current_database() AS name`;
  const url = Object.assign(new URL(inject("postgresUrl")), { pathname: `/${name}` }).href;
  const run = async (...args: string[]) => {
    const env = {
      ...process.env,
      DATABASE_URL: url,
      STRIPE_API_BASE: "http://127.0.0.1:9",
      KAFKA_BROKERS: "",
      DATA_DIR: folder,
    };
    const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, "--period", "2023-11", ...args], {
      env,
    });
    return stdout;
  };
  expect(JSON.parse(await run("status", "--json"))).toMatchObject({
    made: true,
    states: [{ state: "not_pushed", invoices: 2 }],
  });
  // Made again, they stay as they are; who asked for it is noted.
  await run("make", "--by", "ops@example.com", "--json");
  await run("make", "--dry-run", "--json");
  const { body } = await api.operator("GET", "/v1/audit-log?principal=ops%40example.com");
  expect(body).toMatchObject({
    data: [{ route: "POST /settlements/{period}/invoices", request_id: expect.stringMatching(/^cli:/) }],
  });
  const out = join(folder, "out");
  expect(JSON.parse(await run("export", "--out", out, "--json"))).toMatchObject({ invoices: 2 });
  expect((await readdir(out)).sort()).toEqual([
    "2023-11-invoice-lines.csv",
    "2023-11-invoices.csv",
    "2023-11-invoices.jsonl",
  ]);
  expect(await readFile(join(out, "2023-11-invoices.csv"), "utf8")).toBe(
    "invoice,period,customer,currency,gross,carried_in,netted,amount,carried_out,lines,paid_from_credits,left\r\n" +
      "inv_2023-11_acme_USD,2023-11,acme,USD,1.234,0,0.000000000,1.230000000,0.004,1,0.000000000,0.000000000\r\n" +
      "inv_2023-11_globex_USD,2023-11,globex,USD,0.005,0,0.000000000,0.000000000,0.005,1,0.000000000,0.000000000\r\n",
  );
  expect(await readFile(join(out, "2023-11-invoices.jsonl"), "utf8")).toBe(await run("export"));
  await expect(run("make", "--period", "2024-01")).rejects.toMatchObject({
    stderr: expect.stringContaining("not closed"),
  });
});

test("an invoice says what of it is paid, credited, refunded, returned, disputed and left, and what is on the customer's account is told", async () => {
  const id = "inv_2023-12_acme_USD";
  await api.send(
    usageEvent({ id: "p-3", time: "2023-12-05T00:00:00Z", metrics: { input_token_count: 2000 } }),
  );
  for (const step of ["close", "invoices"])
    expect((await api.operator("POST", `/v1/settlements/2023-12/${step}`)).status).toBe(200);
  const acme = await api.keyFor({ role: "customer", customer: "acme" });
  const figure = (of?: string | { amount: string }) => Number(typeof of === "object" ? of.amount : of);
  const stands = async () => {
    const { body } = await acme("GET", `/v1/invoices/${id}`);
    const { lines, ...invoice } = body as Record<string, string | { amount: string }>;
    expect(lines).toHaveLength(1);
    const list = (await api.operator("GET", "/v1/invoices?period=2023-12&customer=acme")).body;
    expect(list).toEqual({ data: [invoice], next_cursor: null });
    return ["amount", "paid", "credited", "refunded", "returned", "disputed", "left"].map((name) =>
      figure(invoice[name]),
    );
  };
  /** In thousandths: what is owed, and what is on account, each more than at first. */
  const account = async () => {
    const { body } = await acme("GET", "/v1/customers/acme/spend");
    const [usd] = (body as { accounts: Record<string, { amount: string }>[] }).accounts;
    return ["owed", "on_account"].map((name) => Math.round(Number(usd?.[name]?.amount) * 1000));
  };
  const [owed = 0, on = 0] = await account();
  const done = async (path: string, body: object) =>
    expect((await api.operator("POST", `/v1${path}`, body)).status).toBeLessThan(300);
  expect(await stands()).toEqual([2, 0, 0, 0, 0, 0, 2]);
  await done("/refunds", { invoice: id, amount: "0.50", reason: "it failed" });
  expect(await stands(), "it asks for less").toEqual([2, 0, 0.5, 0.5, 0, 0, 1.5]);
  await done(`/invoices/${id}/payments`, { amount: "1.20", reference: "bank-12" });
  expect(await stands()).toEqual([2, 1.2, 0.5, 0.5, 0, 0, 0.3]);
  await done("/disputes", { id: "dp-1", invoice: id, amount: "0.40", reason: "not mine" });
  expect(await stands(), "nothing is decided").toEqual([2, 1.2, 0.5, 0.5, 0, 0.4, 0.3]);
  await done("/disputes/dp-1/decide", { outcome: "lost" });
  expect(await stands()).toEqual([2, 1.2, 0.5, 0.9, 0.4, 0, 0.3]);
  expect(await account()).toEqual([owed - 1700, on]);
  await done("/refunds", { invoice: id, amount: "0.50", reason: "it failed too" });
  expect(await stands(), "what is neither asked for nor returned").toEqual([2, 1.2, 0.8, 1.4, 0.4, 0, 0]);
  expect(await account(), "is on the customer's account").toEqual([owed - 2200, on + 200]);
  const { body: spend } = await acme("GET", "/v1/customers/acme/spend");
  const { accounts } = spend as { accounts: { on_account: { amount: string } }[] };
  const listed = await api.operator("GET", "/v1/owed-customers?currency=USD");
  const repayable = { currency: "USD", amount: "0.200000000" };
  const overpaid = { currency: "USD", amount: "0.000000000" };
  const owes = { customer: "acme", name: "Acme", ...accounts[0], repayable, overpaid } as Record<
    string,
    string | { amount: string }
  >;
  expect(listed.body).toEqual({ data: [owes], next_cursor: null });
  expect((await api.operator("GET", "/v1/owed-customers?currency=EUR")).body).toMatchObject({ data: [] });
  const asCsv = await api.operator("GET", "/v1/owed-customers", undefined, { accept: "text/csv" });
  const columns = ["customer", "name", "currency", "owed", "invoiced", "on_account", "repayable", "overpaid"];
  const cells = columns.map((name) => (typeof owes[name] === "object" ? owes[name].amount : owes[name]));
  expect(asCsv.body).toBe(`${columns.join(",")}\r\n${cells.join(",")}\r\n`);
  expect((await acme("GET", "/v1/owed-customers")).status).toBe(403);
});

test("what is on a customer's account is paid back elsewhere: proposed, refused where it is not owed, shown to the customer, taken back", async () => {
  const owed = async () => {
    const { body } = await api.operator("GET", "/v1/owed-customers");
    return (body as { data: { repayable: { amount: string } }[] }).data.map(
      ({ repayable }) => repayable.amount,
    );
  };
  expect(await owed()).toEqual(["0.200000000"]);
  const repayment = {
    ...{ kind: "repayment", customer: "acme", currency: "USD", amount: "0.20" },
    ...{ paid_at: "2023-12-05T10:00:00Z", reference: "bank-back-1", reason: "refunded" },
  };
  const dry = await api.operator("POST", "/v1/corrections?dry_run=true", repayment);
  expect(dry).toMatchObject({ status: 201, body: { amount: { amount: "0.200000000" }, parties: [] } });
  const tooMuch = await api.operator("POST", "/v1/corrections", { ...repayment, amount: "0.21" });
  expect(tooMuch).toMatchObject({ status: 409, body: { code: "refund_too_large" } });
  const made = await api.operator("POST", "/v1/corrections", repayment);
  expect(made).toMatchObject({
    status: 201,
    body: { correction: { kind: "repayment", state: "booked", asked: { reference: "bank-back-1" } } },
  });
  expect((await api.operator("POST", "/v1/corrections", repayment)).body).toEqual(made.body);
  expect(await owed()).toEqual([]);

  type Listed = { data: { id: string; kind: string; returned: { amount: string } }[] };
  const latest = async (call: Call) => ((await call("GET", "/v1/refunds?limit=1")).body as Listed).data;
  const acme = await api.keyFor({ role: "customer", customer: "acme" });
  const globex = await api.keyFor({ role: "customer", customer: "globex" });
  const [shown] = await latest(acme);
  expect(shown).toMatchObject({ kind: "repayment", invoice: null, returned: { amount: "0.200000000" } });
  expect(await latest(globex)).toEqual([]);
  const returned = `/v1/refunds/${shown?.id}/return`;
  expect(await api.operator("POST", returned, { reason: "the bank sent it back" })).toMatchObject({
    status: 201,
  });
  expect(await owed()).toEqual(["0.200000000"]);
  expect(await latest(acme)).toMatchObject([
    { kind: "refund_returned", returned: { amount: "-0.200000000" } },
  ]);
  const { body: log } = await api.operator("GET", "/v1/audit-log?limit=1");
  expect(log).toMatchObject({ data: [{ route: "POST /refunds/{id}/return" }] });
});
