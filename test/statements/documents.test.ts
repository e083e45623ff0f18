import { createHash } from "node:crypto";
import Papa from "papaparse";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { StatementView } from "../../src/http/payee-routes/statements.ts";
import { contentHash } from "../../src/kernel/index.ts";
import { type Call, startTestApi, type TestApi } from "../support/api.ts";
import { expectProblem } from "../support/problem.ts";
import { SMALL_CATALOG, tokenPrice, usageEvent } from "../support/usage.ts";

// October and November 2023, closed and paid; November has late usage of October, a correction, and odd names.
let api: TestApi;
let ada: Call;
let lin: Call;

const FORMULA = "=cmd/'x'!A1";
const LEGAL = { name: 'Ada "A" Lovelace, Łódź', address: "1 Main Street\nLondon", tax_id: "+44 123" };
const STEPS = ["close", "plan", "approve", "pay"];

async function settle(period: string): Promise<void> {
  for (const step of STEPS) {
    expect(await api.operator("POST", `/v1/settlements/${period}/${step}`)).toMatchObject({ status: 200 });
  }
}

beforeAll(async () => {
  api = await startTestApi({
    PLATFORM_NAME: "Model Market",
    PLATFORM_ADDRESS: "2 Side Street\nDublin",
    PLATFORM_TAX_ID: "IE1",
  });
  await api.load(SMALL_CATALOG);
  await api.load({
    payees: [{ id: "ada", name: "Ada", country: "GB", default_currency: "USD", legal: LEGAL }],
    models: [{ id: "lin/tuned", payee: "lin", base_model: "ada/llm" }],
    policies: [
      {
        model: "lin/tuned",
        effective_from: "2023-01-01T00:00:00Z",
        steps: [
          { take: "platform", percent: "20" },
          { take: "royalty", percent: "10" },
          { take: "shares", shares: [{ payee: "lin", weight: 1 }] },
        ],
      },
    ],
    prices: [tokenPrice("lin/tuned"), tokenPrice("ada/llm", { currency: "EUR" })],
    customers: [{ id: "euro", name: "Euro", currency: "EUR" }],
  });
  [ada, lin] = await Promise.all([
    api.keyFor({ role: "payee", payee: "ada" }),
    api.keyFor({ role: "payee", payee: "lin" }),
  ]);
  await api.send(
    usageEvent({ id: "o1", time: "2023-10-03T00:00:00Z", metrics: { input_token_count: 12_345_678 } }),
  );
  await settle("2023-10");
  await api.send(
    usageEvent({ id: "n1", metrics: { input_token_count: 1_234_567 } }),
    usageEvent({ id: "n2", metrics: { input_token_count: 100_001 }, model: "lin/tuned", customer: "globex" }),
    usageEvent({ id: "n3", metrics: { input_token_count: 7_777 }, customer: "euro" }),
    usageEvent({ id: "late", time: "2023-10-31T23:00:00Z", metrics: { input_token_count: 4_321 } }),
  );
  await api.sql`SELECT post_entry('adjustment:one', 'adjustment', 'USD', '2023-11-01', ${api.sql.json({ reason: "too little in May" })},
    ARRAY['platform:revenue', 'payee:ada:payable'], ARRAY[5000000001, -5000000001])`;
  await api.sql`SELECT post_entry('adjustment:two', 'adjustment', 'USD', '2023-11-01', '{"reason":"too much in June"}',
    ARRAY['payee:ada:payable', 'platform:revenue'], ARRAY[1500000000, -1500000000])`;
  await api.sql`SELECT reverse_entry('adjustment:one', ${FORMULA})`;
  await settle("2023-11");
});
afterAll(() => api.stop());

const csvOf = async (call: Call, path: string) => {
  const answer = await call("GET", path, undefined, { Accept: "text/csv" });
  expect(answer).toMatchObject({ status: 200 });
  expect(answer.headers.get("content-type")).toBe("text/csv; charset=utf-8");
  return Papa.parse<Record<string, string>>(String(answer.body).replace(/\r\n$/, ""), { header: true }).data;
};
const nanos = (amount: string | undefined) => BigInt((amount ?? "x").replace(".", ""));
const total = (rows: Record<string, string>[]) => rows.reduce((sum, row) => sum + nanos(row.amount), 0n);

describe("a statement as CSV", () => {
  test("adds up from opening to closing, and has the statement's figures", async () => {
    const rows = await csvOf(ada, "/v1/payees/ada/statements/2023-11?currency=USD");
    const { body } = await ada("GET", "/v1/payees/ada/statements/2023-11?currency=USD");
    const statement = body as Record<
      "opening" | "earned" | "adjustments" | "paid" | "closing",
      { amount: string }
    > & {
      hash: string;
    };
    const of = (kind: string) => rows.filter((row) => row.row === kind);
    expect(total(of("opening"))).toBe(nanos(statement.opening.amount));
    expect(total(of("earning"))).toBe(nanos(statement.earned.amount));
    expect(total(of("adjustment"))).toBe(nanos(statement.adjustments.amount));
    expect(total(of("paid"))).toBe(-nanos(statement.paid.amount));
    expect(total(rows.filter((row) => row.row !== "closing"))).toBe(nanos(statement.closing.amount));
    expect(new Set(rows.map((row) => row.hash))).toEqual(new Set([statement.hash]));
    expect(of("adjustment").map(({ amount, corrects }) => [amount, corrects])).toEqual([
      ["5.000000001", ""],
      ["-1.500000000", ""],
      ["-5.000000001", "adjustment:one"],
    ]);
    expect(of("earning").filter((row) => row.late === "yes")).toMatchObject([{ service_month: "2023-10" }]);
  });

  test("nothing in it is a formula to a spreadsheet", async () => {
    const rows = await csvOf(ada, "/v1/payees/ada/statements/2023-11?currency=USD");
    const cells = rows.flatMap((row) => Object.values(row));
    expect(cells.filter((cell) => /^[=+@]|^-(?!\d+(\.\d+)?$)/.test(cell))).toEqual([]);
    expect(rows.some((row) => row.reference === `reversal: ${FORMULA}`)).toBe(true);
  });

  test("a year is all its statements", async () => {
    const rows = await csvOf(ada, "/v1/payees/ada/statements?year=2023");
    expect(new Set(rows.map((row) => `${row.period} ${row.currency}`))).toEqual(
      new Set(["2023-10 USD", "2023-11 USD", "2023-11 EUR"]),
    );
    const lines = await ada("GET", "/v1/payees/ada/statements?year=2023", undefined, {
      Accept: "application/x-ndjson",
    });
    const all = (await ada("GET", "/v1/payees/ada/statements?year=2023")).body as {
      data: { period: string }[];
    };
    expect(
      String(lines.body)
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual(all.data);
    expect(all.data.map(({ period }) => period)).toEqual(["2023-10", "2023-11", "2023-11"]);
    expect((await csvOf(ada, "/v1/payees/ada/statements?year=2022")).length).toBe(0);
  });
});

async function pdfOf(call: Call, path: string): Promise<{ hash: string; head: string }> {
  const answer = await call("GET", path, undefined, { Accept: "application/pdf" });
  expect(answer).toMatchObject({ status: 200 });
  expect(answer.headers.get("content-type")).toBe("application/pdf");
  expect(answer.headers.get("content-disposition")).toMatch(
    /^attachment; filename="?statement-2023-1\d-ada-USD.pdf"?$/,
  );
  const text = String(answer.body);
  return { hash: createHash("sha256").update(text).digest("hex"), head: text.slice(0, 5) };
}

describe("a statement as PDF", () => {
  test("is the same bytes each time, also after the payee has moved", async () => {
    const path = "/v1/payees/ada/statements/2023-11?currency=USD";
    const first = await pdfOf(ada, path);
    expect(first.head).toBe("%PDF-");
    expect(await pdfOf(api.operator, path)).toEqual(first);
    const moved = {
      name: "Ada of Berlin",
      country: "DE",
      default_currency: "USD",
      legal: { ...LEGAL, address: "Elsewhere" },
    };
    expect(await api.operator("PUT", "/v1/payees/ada", moved)).toMatchObject({
      status: 200,
      body: { legal: moved.legal },
    });
    expect(await pdfOf(ada, path)).toEqual(first);
    expect((await pdfOf(ada, "/v1/payees/ada/statements/2023-10?currency=USD")).hash).not.toBe(first.hash);
  });

  test("legal details are kept when a payee is written without them, and twice the same is one version", async () => {
    const again = { name: "Ada", country: "GB", default_currency: "USD" };
    await api.operator("PUT", "/v1/payees/ada", again);
    await api.operator("PUT", "/v1/payees/ada", { ...again, legal: { ...LEGAL, address: "Elsewhere" } });
    const rows = await api.sql`SELECT address FROM payee_legal WHERE payee = 'ada' ORDER BY payee_legal_no`;
    expect(rows.map((row) => row.address)).toEqual([LEGAL.address, "Elsewhere"]);
  });
});

test("as JSON they are what is stored, what their schema says and nothing else, and their hash can be verified", async () => {
  const sent = async (query: string) =>
    ((await ada("GET", `/v1/payees/ada/statements${query}`)).body as { data: Record<string, unknown>[] })
      .data;
  const statements = await sent("");
  expect(statements.map(({ period, currency }) => `${period} ${currency}`)).toEqual([
    "2023-11 EUR",
    "2023-11 USD",
    "2023-10 USD",
  ]);
  for (const statement of statements) {
    expect(StatementView.parse(statement)).toEqual(statement);
    const { hash, ...content } = statement;
    expect(contentHash(content)).toBe(hash);
    const path = `/v1/payees/ada/statements/${statement.period}?currency=${statement.currency}`;
    expect((await ada("GET", path)).body).toEqual(statement);
  }
  expect((await sent("?year=2023")).map(({ hash }) => hash).sort()).toEqual(
    statements.map(({ hash }) => hash).sort(),
  );
  expect(await sent("?lines=none")).toEqual(statements.map(({ lines: _, conversions: __, ...rest }) => rest));
  const first = (await ada("GET", "/v1/payees/ada/statements?limit=1")).body as { next_cursor: string };
  expect(await sent(`?limit=2&cursor=${encodeURIComponent(first.next_cursor)}`)).toEqual(statements.slice(1));
});

test("another media type is not acceptable", async () => {
  const answer = await ada("GET", "/v1/payees/ada/statements/2023-10", undefined, { Accept: "image/png" });
  expectProblem(answer, 406, "not_acceptable");
});

describe("a tax report", () => {
  test("has the year's consideration by month and quarter, as the statements have it", async () => {
    const { body } = await ada("GET", "/v1/payees/ada/tax-reports/2023");
    const { data } = body as { data: { currency: string; consideration: { amount: string } }[] };
    const statements = (await ada("GET", "/v1/payees/ada/statements?year=2023")).body as {
      data: { currency: string; earned: { amount: string }; adjustments: { amount: string } }[];
    };
    for (const report of data) {
      const of = statements.data.filter(({ currency }) => currency === report.currency);
      const expected = of.reduce(
        (sum, each) => sum + nanos(each.earned.amount) + nanos(each.adjustments.amount),
        0n,
      );
      expect(nanos(report.consideration.amount)).toBe(expected);
    }
    expect(data).toMatchObject([
      {
        currency: "EUR",
        transactions: "1",
        quarters: [{}, {}, {}, { quarter: "2023-Q4", transactions: "1" }],
      },
      { currency: "USD", transactions: "4", closed_months: 2, seller: { tax_id: LEGAL.tax_id } },
    ]);
  });

  test("is everybody's for operators, as pages and as one table, and nobody else's", async () => {
    const rows = await csvOf(api.operator, "/v1/tax-reports/2023");
    expect(rows.map((row) => `${row.payee} ${row.currency}`)).toEqual(["ada EUR", "ada USD", "lin USD"]);
    const first = (await api.operator("GET", "/v1/tax-reports/2023?limit=2")).body as { next_cursor: string };
    const next = await api.operator(
      "GET",
      `/v1/tax-reports/2023?limit=2&cursor=${encodeURIComponent(first.next_cursor)}`,
    );
    expect(next.body).toMatchObject({ data: [{ payee: "lin" }], next_cursor: null });
    expectProblem(await lin("GET", "/v1/tax-reports/2023"), 403, "role_not_allowed");
    expectProblem(await lin("GET", "/v1/payees/ada/tax-reports/2023"), 404, "not_found");
  });
});
