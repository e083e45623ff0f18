import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Call, startTestApi, type TestApi } from "../support/api.ts";
import { expectProblem, without } from "../support/problem.ts";
import { SMALL_CATALOG, tokenPrice, usageEvent } from "../support/usage.ts";

// November and December 2023, closed; November paid. ada/llm pays ada 80 %, lin/tuned pays lin 70 % and ada 10 %.
let api: TestApi;
let ada: Call;
let lin: Call;
let adasPayout: string;

const usd = (amount: string) => ({ currency: "USD", amount });

beforeAll(async () => {
  api = await startTestApi();
  await api.load(SMALL_CATALOG);
  await api.load({
    payees: [{ id: "lin", name: "Lin", country: "US", default_currency: "USD", minimum_payout: "1000.00" }],
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
    customers: [{ id: "euro", name: "Euro", currency: "EUR", country: "FR" }],
  });
  [ada, lin] = await Promise.all([
    api.keyFor({ role: "payee", payee: "ada" }),
    api.keyFor({ role: "payee", payee: "lin" }),
  ]);
  await api.send(
    usageEvent({ id: "n1", metrics: { input_token_count: 100_000 } }),
    usageEvent({ id: "n2", metrics: { input_token_count: 100_000 }, model: "lin/tuned", customer: "globex" }),
    usageEvent({ id: "n3", metrics: { input_token_count: 5_000 }, customer: "euro" }),
    usageEvent({ id: "n4", status: "failed" }),
    usageEvent({
      id: "d1",
      time: "2023-12-01T00:00:00Z",
      metrics: { input_token_count: 2_000 },
      version: "v2",
    }),
  );
  for (const step of ["close", "plan", "approve", "pay"]) {
    expect(await api.operator("POST", `/v1/settlements/2023-11/${step}`)).toMatchObject({ status: 200 });
  }
  const { body } = await ada("GET", "/v1/payees/ada/payouts");
  adasPayout = (body as { data: { id: string }[] }).data[0]?.id ?? "";
  expect(adasPayout).not.toBe("");
});
afterAll(() => api.stop());

const own = ["earnings", "balances", "statements", "statements/2023-11?currency=USD", "payouts"];

const withoutMoment = (body: unknown) => JSON.stringify(body).replaceAll(/"as_of":"[^"]+"/g, "");

describe("what a payee sees", () => {
  test.each(own)("its own %s", async (part) => {
    const answer = await ada("GET", `/v1/payees/ada/${part}`);
    expect(answer.status).toBe(200);
    const operators = await api.operator("GET", `/v1/payees/ada/${part}`);
    expect(withoutMoment(operators.body)).toEqual(withoutMoment(answer.body));
  });

  test.each([...own, "onboarding-links"])(
    "nobody else's %s: it is as if they did not exist",
    async (part) => {
      const method = part === "onboarding-links" ? "POST" : "GET";
      const foreign = await lin(method, `/v1/payees/ada/${part}`);
      const missing = await lin(method, `/v1/payees/nobody/${part}`);
      expectProblem(foreign, 404, "not_found");
      expect(without("ada", foreign)).toEqual(without("nobody", missing));
      expectProblem(await api.operator(method, `/v1/payees/nobody/${part}`), 404, "not_found");
    },
  );

  test("its own payout with the attempts, and nobody else's", async () => {
    const { status, body } = await ada("GET", `/v1/payouts/${adasPayout}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ payee: "ada", state: "paid", attempts: [{ attempt: 1, outcome: "paid" }] });
    const foreign = await lin("GET", `/v1/payouts/${adasPayout}`);
    expectProblem(foreign, 404, "not_found");
    expect(without(adasPayout, foreign)).toEqual(
      without("payout-0", await lin("GET", "/v1/payouts/payout-0")),
    );
  });
});

test("a month that is paid is called so in the list too", async () => {
  const { body } = await api.operator("GET", "/v1/settlements/2023-11");
  expect(body).toMatchObject({ state: "paid" });
  const list = (await api.operator("GET", "/v1/settlements")).body;
  expect(list).toMatchObject({ data: [{ period: "2023-11", state: "paid" }] });
});

describe("earnings", () => {
  test("add up to the same total however they are grouped", async () => {
    for (const group of [
      "",
      "model",
      "day",
      "reason",
      "customer_country",
      "version",
      "model,day,version,reason",
    ]) {
      const { body } = await ada("GET", `/v1/payees/ada/earnings?group_by=${group}`);
      const { total, data } = body as { total: { amount: string }; data: { earned: { amount: string } }[] };
      expect(total).toEqual(usd("91.600000000"));
      const nanos = data.map((row) => BigInt(row.earned.amount.replace(".", "")));
      expect(nanos.reduce((sum, amount) => sum + amount, 0n)).toBe(91_600_000_000n);
    }
  });

  test("tell shares from royalties and the days apart, half-open", async () => {
    const { body } = await ada(
      "GET",
      "/v1/payees/ada/earnings?from=2023-11-01&to=2023-12-01&group_by=model,day",
    );
    expect(body).toMatchObject({
      as_of: expect.stringMatching(/^20.*Z$/),
      total: usd("90.000000000"),
      data: [
        {
          model: "ada/llm",
          day: "2023-11-16",
          reason: "share",
          events: "1",
          gross: usd("100.000000000"),
          fees: usd("20.000000000"),
          royalties: usd("0.000000000"),
          shares: usd("80.000000000"),
          earned: usd("80.000000000"),
          effective_share: "0.800000",
        },
        {
          model: "lin/tuned",
          day: "2023-11-16",
          reason: "royalty",
          events: "1",
          gross: usd("100.000000000"),
          fees: usd("20.000000000"),
          royalties: usd("10.000000000"),
          shares: usd("70.000000000"),
          earned: usd("10.000000000"),
          effective_share: "0.100000",
        },
      ],
    });
  });

  test("are in one currency at a time", async () => {
    const { body } = await ada("GET", "/v1/payees/ada/earnings?currency=EUR&group_by=customer_country");
    expect(body).toMatchObject({
      total: { currency: "EUR", amount: "4.000000000" },
      data: [{ customer_country: "FR" }],
    });
  });

  test("of an empty range are nothing", async () => {
    const { body } = await ada("GET", "/v1/payees/ada/earnings?from=2023-11-16&to=2023-11-16");
    expect(body).toMatchObject({ total: usd("0.000000000"), data: [] });
  });
});

describe("earnings in other ways", () => {
  test("by week and by month", async () => {
    const { body } = await ada("GET", "/v1/payees/ada/earnings?group_by=week,month");
    const { data } = body as { data: { week: string; month: string; reason: string }[] };
    expect(data.map(({ week, month, reason }) => [week, month, reason])).toEqual([
      ["2023-W46", "2023-11", "royalty"],
      ["2023-W46", "2023-11", "share"],
      ["2023-W48", "2023-12", "share"],
    ]);
  });

  test("compared with the range before", async () => {
    const { body } = await ada(
      "GET",
      "/v1/payees/ada/earnings?from=2023-12-01&to=2024-01-01&compare=previous",
    );
    expect(body).toMatchObject({
      total: usd("1.600000000"),
      previous: { from: "2023-11-01", to: "2023-12-01", total: usd("90.000000000") },
      change: usd("-88.400000000"),
    });
    expectProblem(
      await ada("GET", "/v1/payees/ada/earnings?compare=previous"),
      400,
      "parameter_invalid",
      "compare",
    );
  });

  test.each(["series", "changes"])("a day that is none is refused by %s, which names it", async (figures) => {
    for (const [name, text] of [
      ["from", "2023-13"],
      ["from", ""],
      ["to", "x"],
    ] as const) {
      const asked = ada("GET", `/v1/payees/ada/earnings/${figures}?${name}=${text}`);
      expectProblem(await asked, 400, "parameter_invalid", name);
    }
  });

  test("by groups of customers, never of fewer than five: here all are one", async () => {
    const { body } = await ada("GET", "/v1/payees/ada/earnings?group_by=customer_group");
    const { data } = body as { data: { customer_group: string }[] };
    expect(new Set(data.map((row) => row.customer_group))).toEqual(new Set(["all"]));
    for (const query of [
      "group_by=customer_group,day",
      "group_by=customer_group&from=2023-11-02",
      "group_by=customer_group&model=ada/llm",
    ])
      expectProblem(
        await ada("GET", `/v1/payees/ada/earnings?${query}`),
        400,
        "parameter_invalid",
        "group_by",
      );
  });
});

describe("balances, statements and payouts", () => {
  test("what was paid has left payable, and open months accrue", async () => {
    const { body } = await ada("GET", "/v1/payees/ada/balances");
    expect(body).toMatchObject([
      { currency: "EUR", paid_out: { amount: "4.000000000" }, payable: { amount: "0.000000000" } },
      {
        currency: "USD",
        accruing: { amount: "1.600000000" },
        payable: { amount: "0.000000000" },
        paid_out: { amount: "90.000000000" },
        next_payout: { estimate: { amount: "1.600000000" }, blocked_by: [] },
      },
    ]);
  });

  test("a balance below the minimum is carried, and says so", async () => {
    const { body } = await lin("GET", "/v1/payees/lin/balances");
    expect(body).toMatchObject([
      {
        payable: usd("70.000000000"),
        lifetime: usd("70.000000000"),
        next_payout: {
          minimum: usd("1000.000000000"),
          to_minimum: usd("930.000000000"),
          why_not: "930.00 USD short of the minimum payout; it is carried on until then.",
          blocked_by: [{ code: "below_minimum" }],
        },
      },
    ]);
  });

  test("what is in transit says since when, and what to trace it by; it is the in-transit balance", async () => {
    const state = async () => (await lin("GET", "/v1/payees/lin/balances")).body as object[];
    await api.sql.begin(async (own) => {
      await own`SET LOCAL session_replication_role = replica`;
      await own`INSERT INTO payout (id, period, payee, currency, planned_nanos, amount_nanos, account, state)
        VALUES ('po_2023-11_lin_USD', '2023-11-01', 'lin', 'USD', 12000000000, 12000000000, 'acct_1', 'approved')`;
    });
    const [attempt] = await api.sql`SELECT * FROM begin_payout_attempt('po_2023-11_lin_USD', 10000000)`;
    expect(await state()).toMatchObject([
      {
        payable: usd("58.000000000"),
        in_transit: usd("12.000000000"),
        lifetime: usd("70.000000000"),
        transfers: [
          {
            payout: "po_2023-11_lin_USD",
            amount: usd("12.000000000"),
            state: "sending",
            since: expect.stringMatching(/^20/),
            trace_id: attempt?.idempotency_key,
          },
        ],
      },
    ]);
    await api.sql`SELECT finish_payout_attempt('po_2023-11_lin_USD', 1, 'failed', NULL, 'a test')`;
    expect(await state()).toMatchObject([{ in_transit: usd("0.000000000"), transfers: [] }]);
  });

  test("a statement in two currencies must be named by one", async () => {
    expectProblem(await ada("GET", "/v1/payees/ada/statements/2023-11"), 400, "parameter_invalid");
    const { body } = await ada("GET", "/v1/payees/ada/statements/2023-11?currency=EUR");
    expect(body).toMatchObject({
      currency: "EUR",
      closing: { amount: "4.000000000" },
      hash: expect.any(String),
    });
    expectProblem(await ada("GET", "/v1/payees/ada/statements/2023-12"), 404, "not_found");
  });

  test("an onboarding link does not change the payee's terms", async () => {
    await api.sql`UPDATE payee SET stripe_account = NULL WHERE id = 'lin'`;
    await api.sql`UPDATE catalog_state SET version = version + 1`;
    const answer = await lin("POST", "/v1/payees/lin/onboarding-links");
    expect(answer).toMatchObject({ status: 201, body: { url: expect.stringMatching(/^http/) } });
    const [row] = await api.sql`SELECT minimum_payout_nanos, stripe_account FROM payee WHERE id = 'lin'`;
    expect(row).toMatchObject({ minimum_payout_nanos: "1000000000000", stripe_account: expect.any(String) });
  });
});

describe("lists in pages", () => {
  beforeAll(async () => {
    for (const step of ["close", "plan", "approve", "pay"]) {
      expect(await api.operator("POST", `/v1/settlements/2023-12/${step}`)).toMatchObject({ status: 200 });
    }
    for (const text of ["x", "y", "z"]) {
      await api.sql`SELECT append_usage_records(0, ARRAY[${Buffer.from(text)}::bytea])`;
    }
    await api.metered();
  });

  test.each([
    ["/v1/dead-letters", 3],
    ["/v1/settlements", 2],
    ["/v1/payees/ada/statements", 3],
    ["/v1/payees/ada/payouts", 3],
  ])("%s one by one are the same as all at once, each once", async (path, count) => {
    const { body } = await api.operator("GET", path);
    const all = (body as { data: unknown[]; next_cursor: null }).data;
    expect(all.length).toBeGreaterThanOrEqual(count);
    const found: unknown[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const query: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const answer = await api.operator("GET", `${path}?limit=1${query}`);
      const page = answer.body as { data: unknown[]; next_cursor: string | null };
      expect(page.data).toHaveLength(1);
      found.push(...page.data);
      cursor = page.next_cursor;
    }
    expect(found).toEqual(all);
    expect((body as { next_cursor: unknown }).next_cursor).toBeNull();
  });

  test("a page that begins after what came meanwhile shows nothing twice", async () => {
    const first = (await api.operator("GET", "/v1/dead-letters?limit=1")).body as {
      data: { id: string }[];
      next_cursor: string;
    };
    await api.sql`SELECT append_usage_records(0, ARRAY[${Buffer.from("later")}::bytea])`;
    await api.metered();
    const { body } = await api.operator("GET", `/v1/dead-letters?cursor=${first.next_cursor}`);
    const ids = (body as typeof first).data.map((letter) => BigInt(letter.id));
    expect(ids.every((id) => id < BigInt(first.data[0]?.id ?? "0"))).toBe(true);
  });
});

describe("dead letters and settlements", () => {
  test("an unknown dead letter is not there, and a replayed one is not replayed again", async () => {
    expectProblem(await api.operator("POST", "/v1/dead-letters/999999/replay"), 404, "not_found");
    const { body } = await api.operator("GET", "/v1/dead-letters?limit=1");
    const id = (body as { data: { id: string }[] }).data[0]?.id;
    expect((await api.operator("POST", `/v1/dead-letters/${id}/replay`)).body).toEqual({ ok: true });
    expectProblem(await api.operator("POST", `/v1/dead-letters/${id}/replay`), 409, "already_replayed");
  });

  test("steps out of order are refused with what to do first", async () => {
    expectProblem(await api.operator("GET", "/v1/settlements/2024-01"), 404, "not_found");
    expectProblem(await api.operator("POST", "/v1/settlements/2024-01/plan"), 409, "period_not_closed");
    expectProblem(await api.operator("POST", "/v1/settlements/2024-01/approve"), 409, "plan_missing");
    expectProblem(await api.operator("POST", "/v1/settlements/2024-01/pay"), 409, "not_approved");
    expectProblem(await api.operator("POST", "/v1/settlements/2999-01/close"), 409, "period_not_over");
    expectProblem(await api.operator("POST", "/v1/settlements/2023-01/close"), 409, "period_closed");
    const approve = await api.operator("POST", "/v1/settlements/2023-11/approve", {
      hash: "of another plan",
    });
    expectProblem(approve, 409, "plan_changed");
    expectProblem(
      await api.operator("POST", "/v1/settlements/2023-11/approve", { hsah: "x" }),
      400,
      "body_invalid",
    );
  });
});
