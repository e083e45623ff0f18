import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Call, startTestApi, type TestApi } from "../support/api.ts";
import { expectProblem } from "../support/problem.ts";
import { SMALL_CATALOG, usageEvent } from "../support/usage.ts";

let api: TestApi;
let ada: Call;
beforeAll(async () => {
  api = await startTestApi({ CORRECTION_APPROVAL_LIMITS: "USD=5" });
  await api.load(SMALL_CATALOG);
  await api.send(
    usageEvent({ id: "p1", metrics: { input_token_count: 12_345 } }),
    usageEvent({ id: "p2", metrics: { input_token_count: 2_000 } }),
    usageEvent({ id: "p3", customer: "globex", metrics: { input_token_count: 3_000 } }),
  );
  await api.operator("POST", "/v1/settlements/2023-11/close");
  await api.operator("POST", "/v1/settlements/2023-11/invoices");
  ada = await api.keyFor({ role: "payee", payee: "ada" });
});
afterAll(() => api?.stop());

const ACME = "inv_2023-11_acme_USD";
const usd = (amount: string) => ({ currency: "USD", amount });

async function payable(): Promise<string> {
  const { body } = await ada("GET", "/v1/payees/ada/balances");
  return (body as { payable: { amount: string } }[])[0]?.payable.amount ?? "";
}

describe("a refund", () => {
  test("of a prediction takes 80 % from its creator, once, and leaves less to pay", async () => {
    const asked = { prediction: { id: "p2" }, reason: "it was wrong", reference: "ticket-1" };
    const dry = await api.operator("POST", "/v1/refunds?dry_run=true", asked);
    expect(dry.body).toMatchObject({
      id: null,
      invoice: ACME,
      refunded: "2",
      parties: [{ payee: "ada", amount: usd("-1.600000000") }],
    });
    const before = await payable();
    const made = await api.operator("POST", "/v1/refunds", asked);
    const { parties } = dry.body as { parties: unknown };
    expect(made).toMatchObject({ status: 201, body: { refunded: "2", parties } });
    expect(Number(before) - Number(await payable())).toBeCloseTo(1.6, 9);
    const { id } = made.body as { id: string };
    expect((await api.operator("POST", "/v1/refunds", asked)).body).toMatchObject({ id });
    expectProblem(
      await api.operator("POST", "/v1/refunds", { ...asked, reference: "ticket-2" }),
      409,
      "nothing_to_refund",
    );
    expectProblem(
      await api.operator("POST", "/v1/refunds", {
        invoice: ACME,
        amount: "1",
        reason: "other",
        reference: "ticket-1",
      }),
      409,
      "adjustment_differs",
    );
    expect((await api.operator("GET", `/v1/refunds/${id}`)).body).toMatchObject({
      kind: "refund",
      gross: "-2",
      credited: usd("2.000000000"),
      corrects: "2023-11",
      parts: [
        {
          payee: "ada",
          model: "ada/llm",
          service_month: "2023-11",
          part: "share",
          amount: usd("-1.600000000"),
        },
        { payee: null, part: "platform", amount: usd("-0.400000000") },
      ],
    });
    const seen = async (call: Call, prediction: string) =>
      (await call("GET", `/v1/predictions/${prediction}`)).body as { refund: unknown };
    const acme = await api.keyFor({ role: "customer", customer: "acme" });
    for (const call of [api.operator, ada, acme])
      expect(await seen(call, "p2")).toMatchObject({ refund: { id, reason: "it was wrong" } });
    expect(await seen(ada, "p1")).toMatchObject({ refund: null });
    const pay = { amount: "12.35", reference: "bank" };
    expectProblem(await api.operator("POST", `/v1/invoices/${ACME}/payments`, pay), 409, "payment_too_large");
  });

  test("is shown to the payee with what it corrects, and to its customer, and to nobody else's", async () => {
    const { body } = await ada("GET", "/v1/payees/ada/adjustments");
    expect(body).toMatchObject({
      data: [
        {
          kind: "refund",
          reason: "it was wrong",
          parts: [{ model: "ada/llm", amount: usd("-1.600000000") }],
        },
      ],
    });
    const lin = await api.keyFor({ role: "payee", payee: "lin" });
    expect((await lin("GET", "/v1/payees/lin/adjustments")).body).toMatchObject({ data: [] });
    const acme = await api.keyFor({ role: "customer", customer: "acme" });
    const globex = await api.keyFor({ role: "customer", customer: "globex" });
    expect((await acme("GET", "/v1/refunds")).body).toMatchObject({ data: [{ invoice: ACME }] });
    expect((await globex("GET", "/v1/refunds")).body).toMatchObject({ data: [] });
    const today = new Date().toISOString().slice(0, 10);
    const earned = await ada("GET", `/v1/payees/ada/earnings?group_by=model,day&from=${today}`);
    expect(earned.body).toMatchObject({
      data: [{ model: "ada/llm", day: today, reason: "adjustment", earned: usd("-1.600000000") }],
    });
  });

  test("that is taken back gives exactly back, once", async () => {
    const before = await payable();
    const made = await api.operator("POST", "/v1/refunds", {
      invoice: ACME,
      amount: "3.333333333",
      reason: "half",
    });
    const { id } = made.body as { id: string };
    const back = await api.operator("POST", `/v1/refunds/${id}/return`, { reason: "the refund failed" });
    expect(back).toMatchObject({
      status: 201,
      body: { kind: "refund_returned", reverses: id, gross: "3.333333333" },
    });
    expect(await payable()).toBe(before);
    const again = { reason: "twice", reference: "again" };
    expectProblem(await api.operator("POST", `/v1/refunds/${id}/return`, again), 409, "already_returned");
  });

  test.each([
    [{ invoice: "inv_2023-11_nobody_USD", reason: "r" }, 404, "not_found"],
    [{ invoice: ACME, line: { service_month: "2023-11", model: "ada/none" }, reason: "r" }, 404, "not_found"],
    [{ invoice: ACME, amount: "1000", reason: "r" }, 409, "refund_too_large"],
    [{ invoice: ACME, amount: "1", returned: "1", reason: "r" }, 409, "refund_too_large"],
    [{ invoice: ACME, prediction: { id: "p1" }, reason: "r" }, 400, "body_invalid"],
    [{ invoice: ACME }, 400, "body_invalid"],
  ])("of %j is refused by name", async (body, status, code) => {
    for (const path of ["/v1/refunds", "/v1/refunds?dry_run=true"])
      expectProblem(await api.operator("POST", path, body), status, code);
  });
});

test("a dispute holds the parts until it is decided, and a lost one is deducted once", async () => {
  const globex = "inv_2023-11_globex_USD";
  const before = Number(await payable());
  const dispute = { id: "bank-case-7", invoice: globex, amount: "3.00", reason: "fraudulent" };
  const asked = () => api.operator("POST", "/v1/disputes", dispute);
  expectProblem(await asked(), 409, "refund_too_large");
  const payment = { amount: "3.00", reference: "bank-3" };
  expect((await api.operator("POST", `/v1/invoices/${globex}/payments`, payment)).status).toBe(201);
  expect(await asked()).toMatchObject({
    status: 201,
    body: { state: "open", held: usd("2.400000000") },
  });
  // What it takes back cannot be taken back twice.
  const twice = { ...dispute, id: "bank-case-8" };
  expectProblem(await api.operator("POST", "/v1/disputes", twice), 409, "refund_too_large");
  // The creator is told why, and all of what is held.
  const { body } = await ada("GET", "/v1/payees/ada/balances");
  expect(body).toMatchObject([
    {
      held: usd("2.400000000"),
      held_for: [
        { code: "dispute", period: "2023-11", customers: 1, amount: usd("2.400000000"), until: null },
      ],
    },
  ]);
  expect(Number(await payable())).toBeCloseTo(before - 2.4, 9);
  const lost = { outcome: "lost", provider_fee: "15" };
  expectProblem(
    await api.operator("POST", "/v1/disputes/bank-case-7/decide", { outcome: "won", provider_fee: "15" }),
    400,
    "body_invalid",
  );
  expect(await api.operator("POST", "/v1/disputes/bank-case-7/decide", lost)).toMatchObject({
    body: { state: "lost", held: usd("0.000000000") },
  });
  expect((await api.operator("POST", "/v1/disputes/bank-case-7/decide", lost)).status).toBe(200);
  expectProblem(
    await api.operator("POST", "/v1/disputes/bank-case-7/decide", { outcome: "won" }),
    409,
    "dispute_decided",
  );
  expect(Number(await payable())).toBeCloseTo(before - 2.4, 9);
  expectProblem(
    await api.operator("POST", "/v1/refunds", { invoice: globex, reason: "also" }),
    409,
    "nothing_to_refund",
  );
  expect((await api.operator("GET", "/v1/disputes?state=lost")).body).toMatchObject({
    data: [{ id: "bank-case-7" }],
  });
});

describe("a correction", () => {
  test("up to its limit is booked at once; above it, by somebody else than its author only", async () => {
    const before = Number(await payable());
    const credit = (amount: string) => ({
      kind: "credit",
      payee: "ada",
      currency: "USD",
      amount,
      reason: "goodwill",
    });
    expect(await api.operator("POST", "/v1/corrections", credit("5"))).toMatchObject({
      status: 201,
      body: { correction: { state: "booked" } },
    });
    const large = await api.operator("POST", "/v1/corrections", credit("5.01"));
    expect(large).toMatchObject({
      body: { correction: { state: "needs_approval", limit: usd("5.000000000") } },
    });
    const { correction } = large.body as { correction: { id: string } };
    expectProblem(
      await api.operator("POST", `/v1/corrections/${correction.id}/approve`),
      409,
      "approver_made_plan",
    );
    expect(Number(await payable())).toBeCloseTo(before + 5, 9);
    const other = await api.secondOperator();
    expect(await other("POST", `/v1/corrections/${correction.id}/approve`)).toMatchObject({
      body: { state: "booked" },
    });
    expect(Number(await payable())).toBeCloseTo(before + 10.01, 9);
    expect((await ada("GET", "/v1/payees/ada/adjustments?limit=1")).body).toMatchObject({
      data: [{ kind: "credit", reason: "goodwill" }],
    });
  });

  test("in a currency without a limit waits for approval whatever it moves, once any currency has one", async () => {
    const asked = { kind: "credit", payee: "ada", currency: "EUR", amount: "0.01", reason: "goodwill" };
    expect(await api.operator("POST", "/v1/corrections", asked)).toMatchObject({
      status: 201,
      body: { correction: { state: "needs_approval", limit: { currency: "EUR", amount: "0.000000000" } } },
    });
  });

  test("re-rates a closed month: the difference only, for everybody, and a dry run says it first", async () => {
    const rerate = {
      ...{
        kind: "rerate",
        model: "ada/llm",
        period: "2023-11",
        currency: "USD",
        reason: "typo in the price",
      },
      components: [{ meter: "input_tokens", amount: "1.20", per: "1000" }],
    };
    const before = Number(await payable());
    const dry = await api.operator("POST", "/v1/corrections?dry_run=true", rerate);
    expect(dry.body).toMatchObject({ dry_run: true, correction: null });
    expect(Number(await payable())).toBe(before);
    expect(await api.operator("POST", "/v1/corrections", rerate)).toMatchObject({
      body: { correction: { state: "booked" } },
    });
    const { parties } = dry.body as { parties: { payee: string | null; amount: { amount: string } }[] };
    const adas = parties.find(({ payee }) => payee === "ada");
    expect(Number(await payable())).toBeCloseTo(before + Number(adas?.amount.amount), 8);
    expect((await api.operator("POST", "/v1/corrections?dry_run=true", rerate)).body).toMatchObject({
      parties: [],
    });
    expectProblem(
      await api.operator("POST", "/v1/corrections", { ...rerate, period: "2023-12" }),
      409,
      "period_not_closed",
    );
    const twice = { ...rerate, components: [...rerate.components, ...rerate.components] };
    expectProblem(await api.operator("POST", "/v1/corrections", twice), 400, "body_invalid");
  });

  test("gives what a payee earned of a model's usage to another one, whose refunds it then bears", async () => {
    const moved = {
      kind: "reattribution",
      model: "ada/llm",
      period: "2023-11",
      currency: "USD",
      from: "ada",
      to: "lin",
      reason: "sold",
    };
    const made = await api.operator("POST", "/v1/corrections", { ...moved, reference: "sale" });
    const { correction } = made.body as { correction: { id: string; state: string } };
    expect(correction.state).toBe("needs_approval");
    const other = await api.secondOperator();
    await other("POST", `/v1/corrections/${correction.id}/approve`);
    const refunded = await api.operator("POST", "/v1/refunds?dry_run=true", {
      invoice: ACME,
      amount: "1",
      reason: "r",
    });
    expect((refunded.body as { parties: { payee: string }[] }).parties.map(({ payee }) => payee)).toEqual([
      "lin",
    ]);
  });

  test("writes off what a balance is below zero, and no more", async () => {
    const debit = {
      kind: "debit",
      payee: "ada",
      currency: "USD",
      amount: "4.99",
      reason: "overpaid",
      reference: "d",
    };
    for (let n = 0; Number(await payable()) >= 0; n++)
      expect((await api.operator("POST", "/v1/corrections", { ...debit, reference: `d${n}` })).status).toBe(
        201,
      );
    const owed = -Number(await payable());
    const writeOff = (amount: string) => ({
      kind: "write_off",
      payee: "ada",
      currency: "USD",
      amount,
      reason: "gone",
    });
    const all = async () => (await api.operator("GET", "/v1/corrections")).body;
    const before = await all();
    for (const path of ["/v1/corrections", "/v1/corrections?dry_run=true"])
      expectProblem(
        await api.operator("POST", path, writeOff((owed + 0.01).toFixed(9))),
        409,
        "write_off_too_large",
      );
    // Nobody finds it there to approve it later.
    expect(await all()).toEqual(before);
    // At once, all of them see the debt; it is written off once, and who came late leaves nothing either.
    const made = await Promise.all(
      [1, 2, 3].map(() => api.operator("POST", "/v1/corrections", writeOff(owed.toFixed(9)))),
    );
    expect(made.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    expect(await payable()).toBe("0.000000000");
    const { data } = (await all()) as { data: unknown[] };
    expect(data).toHaveLength((before as { data: unknown[] }).data.length + 1);
  });
});
