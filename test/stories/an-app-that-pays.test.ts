import { afterAll, beforeAll, expect, test } from "vitest";
import { openStripeBillingProvider } from "../../src/adapters/stripe/stripe-billing-provider.ts";
import { runChecks } from "../../src/audit/index.ts";
import { pushInvoices } from "../../src/billing/index.ts";
import { present } from "../../src/kernel/index.ts";
import { linkChainedEvents } from "../../src/metering/index.ts";
import { stripeClient } from "../stripe-simulator/stripe-client.ts";
import { type Call, startTestApi, type TestApi } from "../support/api.ts";
import { monthOf } from "../support/marketplace-books.ts";
import { expectProblem } from "../support/problem.ts";
import { type EventFields, usageEvent } from "../support/usage.ts";

// Zoe's app runs three models of other people and pays them herself; her relay runs one, and its caller pays.

const FROM = "2023-01-01T00:00:00Z";
const price = (model: string, meter: string, amount: string, per: string) => ({
  model,
  currency: "USD",
  effective_from: FROM,
  components: [{ meter, amount, per }],
});

const CATALOG = {
  payees: ["meta", "lin", "ria", "zoe", "eve"].map((id) => ({
    id,
    name: id,
    country: "US",
    default_currency: "USD",
  })),
  customers: [
    { id: "acme", name: "Acme", currency: "USD" },
    { id: "zoe-app", name: "Zoe's app", currency: "USD", payee: "zoe" },
  ],
  models: [
    { id: "meta/llm", payee: "meta" },
    { id: "lin/fine", payee: "lin", base_model: "meta/llm" },
    { id: "ria/image", payee: "ria" },
    { id: "zoe/app", payee: "zoe" },
    { id: "zoe/relay", payee: "zoe" },
  ],
  policies: [
    {
      model: "lin/fine",
      effective_from: FROM,
      steps: [
        { take: "platform", percent: "20" },
        { take: "royalty", percent: "10" },
        { take: "shares", shares: [{ payee: "lin", weight: 1 }] },
      ],
    },
  ],
  prices: [
    price("meta/llm", "input_tokens", "1.00", "1000"),
    price("lin/fine", "output_tokens", "2.00", "1000"),
    price("ria/image", "images", "0.25", "1"),
    price("zoe/app", "runs", "10.00", "1"),
    price("zoe/relay", "runs", "1.00", "1"),
  ],
};

let api: TestApi;
const calls = new Map<string, Call>();

beforeAll(async () => {
  api = await startTestApi();
  await api.load(CATALOG);
  for (const payee of ["meta", "ria", "zoe", "eve"])
    calls.set(payee, await api.keyFor({ role: "payee", payee }));
  for (const customer of ["acme", "zoe-app"])
    calls.set(customer, await api.keyFor({ role: "customer", customer }));
  await use(
    { id: "job", model: "zoe/app", metrics: { predict_time: 4.5 } },
    {
      id: "job-text",
      model: "meta/llm",
      customer: "zoe-app",
      parent: "job",
      metrics: { input_token_count: 1500 },
    },
    {
      id: "job-tune",
      model: "lin/fine",
      customer: "zoe-app",
      parent: "job",
      metrics: { output_token_count: 1000 },
    },
    { id: "job-image", model: "ria/image", customer: "zoe-app", parent: "job", metrics: { image_count: 3 } },
    { id: "relayed", model: "zoe/relay", metrics: {} },
    { id: "relayed-text", model: "meta/llm", parent: "relayed", metrics: { input_token_count: 500 } },
  );
  await linkChainedEvents(api.sql);
});
afterAll(() => api?.stop());

/** Charged to acme, unless it says otherwise. */
function use(...events: EventFields[]): Promise<void> {
  return api.send(...events.map((fields) => usageEvent(fields)));
}

function as(who: string): Call {
  return who === "operator" ? api.operator : present(calls.get(who), "a key");
}

async function get<T>(who: string, path: string, headers: Record<string, string> = {}): Promise<T> {
  const answer = await as(who)("GET", path, undefined, headers);
  expect(answer, path).toMatchObject({ status: 200 });
  return answer.body as T;
}

async function close(month: string): Promise<void> {
  expect(await api.operator("POST", `/v1/settlements/${month}/close`)).toMatchObject({ status: 200 });
  expect(await api.operator("POST", `/v1/settlements/${month}/invoices`)).toMatchObject({ status: 200 });
}

type Amount = { amount: string };
interface Chain {
  steps: {
    id: string;
    depth: number;
    payer: { customer: string | null; payee: string | null; is_you: boolean };
    gross: { amount: string } | null;
    earnings: object[];
  }[];
  totals: { steps: number; gross: Amount; earned: Amount | null; paid: Amount | null }[];
  truncated: boolean;
}
const usd = (amount: string) => ({ currency: "USD", amount });

/** A chain as one sees it: who pays which step how much, and the totals. */
async function chain(who: string, id: string) {
  const { steps, totals } = await get<Chain>(who, `/v1/predictions/${id}/chain`);
  return {
    steps: steps.map(({ id, depth, payer: { customer, payee }, gross }) => [
      ...[id, depth, customer, payee],
      gross?.amount ?? null,
    ]),
    totals: totals.map(({ gross, earned, paid }) => [gross, earned, paid].map((one) => one?.amount ?? null)),
  };
}

test("an operator sees the whole chain: each step, who pays it, and what it comes to", async () => {
  expect(await chain("operator", "job")).toEqual({
    steps: [
      ["job", 0, "acme", null, "10.000000000"],
      ["job-text", 1, "zoe-app", "zoe", "1.500000000"],
      ["job-tune", 1, "zoe-app", "zoe", "2.000000000"],
      ["job-image", 1, "zoe-app", "zoe", "0.750000000"],
    ],
    totals: [["14.250000000", "14.250000000", null]],
  });
  const { steps } = await get<Chain>("operator", "/v1/predictions/job/chain");
  expect(steps[0]).toMatchObject({ predict_seconds: "4.500000", occurred_at: expect.any(String) });
  expect(steps[2]?.earnings).toEqual([
    { payee: null, reason: "platform", paid_by: "lin/fine", earned: usd("0.400000000") },
    { payee: "meta", reason: "royalty", paid_by: "meta/llm", earned: usd("0.200000000") },
    { payee: "lin", reason: "share", paid_by: "lin/fine", earned: usd("1.400000000") },
  ]);
});

test("a step further down shows its callers above it", async () => {
  const { steps } = await chain("operator", "job-image");
  expect(steps.map(([id, depth]) => [id, depth])).toEqual([
    ["job", -1],
    ["job-image", 0],
  ]);
});

test("the caller who pays sees one total of what it pays, and nothing of what the app pays", async () => {
  expect(await chain("acme", "relayed")).toEqual({
    steps: [
      ["relayed", 0, "acme", null, "1.000000000"],
      ["relayed-text", 1, "acme", null, "0.500000000"],
    ],
    totals: [["1.500000000", null, "1.500000000"]],
  });
  expect((await chain("acme", "job")).steps).toEqual([["job", 0, "acme", null, "10.000000000"]]);
});

test("creators see their own parts alone, and the app's owner also what is paid out of its earnings", async () => {
  expect(await chain("ria", "job")).toEqual({
    steps: [["job-image", 1, null, null, "0.750000000"]],
    totals: [["0.750000000", "0.600000000", "0.000000000"]],
  });
  expect(await chain("zoe", "job")).toEqual({
    steps: [
      ["job", 0, null, null, "10.000000000"],
      ["job-text", 1, "zoe-app", "zoe", "1.500000000"],
      ["job-tune", 1, "zoe-app", "zoe", "2.000000000"],
      ["job-image", 1, "zoe-app", "zoe", "0.750000000"],
    ],
    totals: [["14.250000000", "8.000000000", "4.250000000"]],
  });
  expectProblem(await as("eve")("GET", "/v1/predictions/job/chain"), 404, "not_found");
});

test("each upstream call that an app pays is one of its owner's predictions too, without what others earn of it or said", async () => {
  expect(await get<object>("zoe", "/v1/predictions/job-tune")).toMatchObject({
    ...{ customer: "zoe-app", parent: "job", gross: usd("2.000000000"), earnings: [] },
    payload: { state: "private" },
  });
  expect(await get<object>("zoe", "/v1/predictions/job")).toMatchObject({ customer: null });
  for (const who of ["eve", "ria", "acme"])
    expectProblem(await as(who)("GET", "/v1/predictions/job-tune"), 404, "not_found");
});

test("before the month is closed, the app's owner sees what its own usage will take", async () => {
  await api.sql`SELECT fold_customer_windows(100, NULL)`;
  const [balance] = await get<object[]>("zoe", "/v1/payees/zoe/balances");
  expect(balance).toMatchObject({
    accruing: usd("8.800000000"),
    own_usage: usd("4.250000000"),
    next_payout: { estimate: usd("4.550000000") },
  });
});

test("the month is closed: the upstream models are paid in full out of what the app earned, and nobody is asked for it", async () => {
  await close("2023-11");
  const zoe = await get<object>("zoe", "/v1/payees/zoe/statements/2023-11?currency=USD");
  expect(zoe).toMatchObject({
    opening: usd("0.000000000"),
    earned: usd("8.800000000"),
    netted: usd("4.250000000"),
    closing: usd("4.550000000"),
  });
  const meta = await get<object>("meta", "/v1/payees/meta/statements/2023-11?currency=USD");
  expect(meta).toMatchObject({
    earned: usd("1.800000000"),
    netted: usd("0.000000000"),
    closing: usd("1.800000000"),
  });

  const invoice = await get<object>("zoe-app", "/v1/invoices/inv_2023-11_zoe-app_USD");
  expect(invoice).toMatchObject({
    gross: "4.25",
    netted: usd("4.250000000"),
    amount: usd("0.000000000"),
    carried_out: "0",
    line_count: 3,
  });
  expect(await get<object>("acme", "/v1/invoices/inv_2023-11_acme_USD")).toMatchObject({
    netted: usd("0.000000000"),
    amount: usd("11.500000000"),
  });
  expect(await get<object>("zoe", "/v1/payees/zoe/nettings")).toMatchObject({
    data: [
      {
        period: "2023-11",
        customer: "zoe-app",
        owed: usd("4.250000000"),
        netted: usd("4.250000000"),
        left: usd("0.000000000"),
      },
    ],
  });
  const [balance] = await get<object[]>("zoe", "/v1/payees/zoe/balances");
  expect(balance).toMatchObject({
    payable: usd("4.550000000"),
    own_usage: usd("0.000000000"),
    netted: usd("4.250000000"),
    lifetime: usd("8.800000000"),
  });
  const csv = await get<string>("zoe", "/v1/payees/zoe/statements/2023-11?currency=USD", {
    Accept: "text/csv",
  });
  expect(csv).toMatch(/netted,.*,-4\.250000000,.*usage as customer zoe-app/);
});

test("the ledger of the month, as a table", async () => {
  const rows = await api.sql<{ line: string }[]>`
    SELECT format('%s %s %s', e.kind, a.path, (sum(p.amount_nanos) * 0.000000001)::numeric(38, 2)) AS line
    FROM journal_entry e JOIN posting p USING (entry_no) JOIN ledger_account a USING (account_no)
    WHERE e.kind <> 'accrual' GROUP BY e.kind, a.path ORDER BY min(e.entry_no), a.path`;
  expect(`\n${rows.map(({ line }) => line).join("\n")}\n`).toBe(`
release payee:lin:accruing 1.40
release payee:lin:payable -1.40
release payee:meta:accruing 1.80
release payee:meta:payable -1.80
release payee:ria:accruing 0.60
release payee:ria:payable -0.60
release payee:zoe:accruing 8.80
release payee:zoe:payable -8.80
billing customer:acme:receivable 11.50
billing platform:unbilled -15.75
billing customer:zoe-app:receivable 4.25
netting customer:zoe-app:receivable -4.25
netting payee:zoe:payable 4.25
`);
});

test("what it used beyond its earnings it is asked for, and Stripe's invoice shows what was netted", async () => {
  const day = { time: "2023-12-05T12:00:00Z" };
  await use(
    { id: "job-2", model: "zoe/app", metrics: {}, ...day },
    {
      id: "job-2-text",
      model: "meta/llm",
      customer: "zoe-app",
      parent: "job-2",
      metrics: { input_token_count: 20_003 },
      ...day,
    },
  );
  await close("2023-12");
  expect(await get<object>("zoe-app", "/v1/invoices/inv_2023-12_zoe-app_USD")).toMatchObject({
    gross: "20.003",
    netted: usd("8.000000000"),
    amount: usd("12.000000000"),
    carried_out: "0.003",
  });
  expect(await get<object>("zoe", "/v1/payees/zoe/statements/2023-12?currency=USD")).toMatchObject({
    opening: usd("4.550000000"),
    earned: usd("8.000000000"),
    netted: usd("8.000000000"),
    closing: usd("4.550000000"),
  });
  const stripe = { secretKey: "sk_test_simulator", apiBase: api.simulator, timeoutMs: 10_000 };
  const { results } = await pushInvoices(api.sql, openStripeBillingProvider(stripe), monthOf("2023-12"));
  expect(results).toMatchObject({ pushed: 2, failed: 0, unknown: 0 });
  const there = await stripeClient({ port: Number(new URL(api.simulator).port) }).invoices.list({
    limit: 10,
  });
  const zoes = there.data.find(({ metadata }) => metadata?.invoice === "inv_2023-12_zoe-app_USD");
  expect(zoes?.total).toBe(1200);
  expect(zoes?.lines.data.map(({ amount, description }) => [amount, description])).toEqual([
    [2000, "meta/llm, 2023-12: 20003 input_tokens × 1.00 / 1000 = 20.003"],
    [-800, "Paid out of your earnings: 8.000000000"],
  ]);
});

test("a customer whose netting is switched off pays by itself", async () => {
  const rule = { from: "2024-01", nets: false };
  expect(await api.operator("PUT", "/v1/customers/zoe-app/netting", rule)).toMatchObject({ status: 200 });
  expect(await get<object>("operator", "/v1/customers/zoe-app/netting")).toEqual({ data: [rule] });
  expectProblem(
    await api.operator("PUT", "/v1/customers/zoe-app/netting", { from: "2023-12", nets: false }),
    409,
    "period_closed",
  );
  expectProblem(await api.operator("GET", "/v1/customers/nobody/netting"), 404, "not_found");
  const day = { time: "2024-01-05T12:00:00Z" };
  await use(
    { id: "job-3", model: "zoe/app", metrics: {}, ...day },
    {
      id: "job-3-text",
      model: "meta/llm",
      customer: "zoe-app",
      metrics: { input_token_count: 1000 },
      ...day,
    },
  );
  await close("2024-01");
  expect(await get<object>("zoe-app", "/v1/invoices/inv_2024-01_zoe-app_USD")).toMatchObject({
    netted: usd("0.000000000"),
    amount: usd("1.000000000"),
  });
});

test("what an app called and its caller pays, its owner sees as called, but not what it cost the caller", async () => {
  const day = { time: "2024-02-05T12:00:00Z" };
  await use({
    ...day,
    id: "deeper",
    model: "ria/image",
    parent: "relayed-text",
    metrics: { image_count: 1 },
  });
  await linkChainedEvents(api.sql);
  expect(await chain("zoe", "relayed")).toEqual({
    steps: [
      ["relayed", 0, null, null, "1.000000000"],
      ["relayed-text", 1, null, null, null],
    ],
    totals: [["1.000000000", "0.800000000", "0.000000000"]],
  });
  const { steps } = await get<Chain>("zoe", "/v1/predictions/relayed/chain");
  expect(steps[1]).toMatchObject({ model: "meta/llm", charged: null, earnings: [] });
  expectProblem(await as("zoe")("GET", "/v1/predictions/relayed-text"), 404, "not_found");
});

test("whoever has a prediction of the same id elsewhere sees nothing that another's called", async () => {
  const day = { time: "2024-02-05T12:00:00Z" };
  const elsewhere = { source: "//predictor/us-1" };
  await use(
    { ...day, id: "both", model: "zoe/relay", metrics: {}, ...elsewhere },
    { ...day, id: "both", model: "ria/image", metrics: { image_count: 1 } },
    { ...day, id: "of-ria", model: "meta/llm", parent: "both", metrics: { input_token_count: 1 } },
    {
      ...day,
      id: "of-either",
      model: "meta/llm",
      parent: "both",
      metrics: { input_token_count: 1 },
      source: "//third",
    },
  );
  await linkChainedEvents(api.sql);
  const seen = async (who: string, source: string) => {
    const { steps } = await get<Chain>(
      who,
      `/v1/predictions/both/chain?source=${encodeURIComponent(source)}`,
    );
    return steps.map(({ id }) => id);
  };
  expect(await seen("zoe", elsewhere.source)).toEqual(["both"]);
  expect(await seen("ria", "//predictor/eu-1")).toEqual(["both", "of-ria"]);
});

test("verify proves all of it", async () => {
  const broken = (await runChecks(api.sql)).filter(({ differences }) => differences.length > 0);
  expect(broken).toEqual([]);
});
