import { afterAll, beforeAll, expect, test } from "vitest";
import { type Call, startTestApi, type TestApi } from "../support/api.ts";
import { expectProblem, without } from "../support/problem.ts";
import { SMALL_CATALOG, tokenPrice, usageEvent } from "../support/usage.ts";

// lin/tuned is made from ada/llm: 20 % to the platform, 10 % to ada, the rest to lin (3) and bob (1).
const STEPS = [
  { take: "platform", percent: "20" },
  { take: "royalty", percent: "10" },
  {
    take: "shares",
    shares: [
      { payee: "lin", weight: 3 },
      { payee: "bob", weight: 1 },
    ],
  },
];

let api: TestApi;
let ada: Call;
let lin: Call;

beforeAll(async () => {
  api = await startTestApi();
  await api.load(SMALL_CATALOG);
  await api.load({
    payees: [{ id: "bob", name: "Bob", country: "US", default_currency: "USD" }],
    models: [{ id: "lin/tuned", payee: "lin", base_model: "ada/llm" }],
    policies: [{ model: "lin/tuned", effective_from: "2023-01-01T00:00:00Z", steps: STEPS }],
    prices: [
      tokenPrice("lin/tuned", { components: [{ meter: "input_tokens", amount: "0.0001", per: "1000" }] }),
    ],
  });
  [ada, lin] = await Promise.all([
    api.keyFor({ role: "payee", payee: "ada" }),
    api.keyFor({ role: "payee", payee: "lin" }),
  ]);
  await api.send(
    usageEvent({ id: "n1", model: "lin/tuned", metrics: { input_token_count: 333 } }),
    usageEvent({ id: "n2", model: "ada/llm", metrics: { input_token_count: 1_000 } }),
  );
});
afterAll(() => api.stop());

const explain = "earnings/explain?model=lin/tuned&period=2023-11";
const exact = (fraction: string, amount: string) => ({ fraction, amount });

test("a payee sees each step of the waterfall, exactly, and what was floored of its part", async () => {
  const { status, body } = await lin("GET", `/v1/payees/lin/${explain}`);
  expect(status).toBe(200);
  expect(body).toMatchObject({
    payee: "lin",
    model: "lin/tuned",
    period: "2023-11",
    currency: "USD",
    total: { currency: "USD", amount: "0.000017482" },
    lines: [
      {
        booked_period: "2023-11",
        events: "1",
        gross: "0.0000333",
        receivable: { currency: "USD", amount: "0.000033300" },
        self_dealing: false,
        waterfall: {
          model: "lin/tuned",
          gross: exact("333/10000000", "0.000033300"),
          steps: [
            { take: "platform", percent: "20", of: "gross", taken: exact("333/50000000", "0.000006660") },
            {
              take: "royalty",
              taken: exact("333/100000000", "0.000003330"),
              base_model: "ada/llm",
              base: null,
            },
            {
              take: "shares",
              taken: exact("2331/100000000", "0.000023310"),
              remaining: exact("0/1", "0.000000000"),
              shares: [
                { payee: "lin", weight: "3", amount: exact("6993/400000000", "0.000017482") },
                { payee: null, weight: "1", amount: null },
              ],
            },
          ],
        },
        parts: [
          {
            reason: "share",
            paid_by: "lin/tuned",
            exact: exact("6993/400000000", "0.000017482"),
            earned: { currency: "USD", amount: "0.000017482" },
            floored_off_nanos: "1/2",
          },
        ],
      },
    ],
  });
  const { lines } = body as { lines: { usage: unknown[] }[] };
  expect(lines[0]?.usage).toContainEqual({
    meter: "input_tokens",
    quantity: "333",
    price: { amount: "0.0001", per: "1000", effective_from: "2023-01-01T00:00:00.000000Z" },
    gross: "0.0000333",
  });
});

test("a royalty is explained down to the base model's own shares", async () => {
  const { body } = await ada("GET", `/v1/payees/ada/${explain}`);
  expect(body).toMatchObject({
    total: { amount: "0.000003330" },
    lines: [
      {
        waterfall: {
          steps: [
            {},
            {
              base_model: "ada/llm",
              base: { model: "ada/llm", steps: [{ take: "shares", shares: [{ payee: "ada" }] }] },
            },
            { shares: [{ payee: null }, { payee: null }] },
          ],
        },
        parts: [{ reason: "royalty", paid_by: "ada/llm", floored_off_nanos: "0/1" }],
      },
    ],
  });
});

test("nobody sees another payee's explanation: it is as if there were no such payee", async () => {
  const foreign = await lin("GET", `/v1/payees/ada/${explain}`);
  expectProblem(foreign, 404, "not_found");
  expect(without("ada", foreign)).toEqual(
    without("nobody", await lin("GET", `/v1/payees/nobody/${explain}`)),
  );
});

test("a model that paid nothing, or that is none, explains nothing", async () => {
  for (const model of ["ada/llm", "no/such"]) {
    const { body } = await lin("GET", `/v1/payees/lin/earnings/explain?model=${model}&period=2023-11`);
    expect(body).toMatchObject({ total: { amount: "0.000000000" }, lines: [] });
  }
});

const preview = (draft: object, call: Call = api.operator) =>
  call("POST", "/v1/policies/preview", { model: "lin/tuned", period: "2023-11", ...draft });

test("a draft policy is previewed for everybody in the lineage, and nothing is written", async () => {
  const shares = { take: "shares", shares: [{ payee: "$owner", weight: 1 }] };
  const { status, body } = await preview({ policy: { steps: [{ take: "royalty", percent: "50" }, shares] } });
  expect(status).toBe(200);
  const usd = (amount: string) => ({ currency: "USD", amount });
  const row = (now: string, drafted: string, difference: string) => ({
    currency: "USD",
    now: usd(now),
    drafted: usd(drafted),
    difference: usd(difference),
  });
  expect(body).toEqual({
    model: "lin/tuned",
    period: "2023-11",
    exact: true,
    notes: [],
    models: ["lin/tuned"],
    gross: [row("0.000033300", "0.000033300", "0.000000000")],
    payees: [
      { payee: "ada", ...row("0.000003330", "0.000016650", "0.000013320") },
      { payee: "bob", ...row("0.000005827", "0.000000000", "-0.000005827") },
      { payee: "lin", ...row("0.000017482", "0.000016650", "-0.000000832") },
    ],
    platform: [row("0.000006660", "0.000000000", "-0.000006660")],
  });
});

test("a base model's draft policy changes what its descendants pay it", async () => {
  const shares = [
    { payee: "ada", weight: 1 },
    { payee: "bob", weight: 1 },
  ];
  const { body } = await preview({ model: "ada/llm", policy: { steps: [{ take: "shares", shares }] } });
  expect(body).toMatchObject({ models: ["ada/llm", "lin/tuned"], exact: true });
  const { payees } = body as { payees: { payee: string; drafted: { amount: string } }[] };
  // Half of one dollar, without the platform's fee, and half of the royalty.
  expect(payees.find(({ payee }) => payee === "ada")?.drafted.amount).toBe("0.500001665");
});

test("a payee that is new in the draft and linked to a customer is named as what a preview cannot know", async () => {
  await api.load({ customers: [{ id: "bobs", name: "Bob's", currency: "USD", payee: "bob" }] });
  const shares = [{ payee: "bob", weight: 1 }];
  const { body } = await preview({ model: "ada/llm", policy: { steps: [{ take: "shares", shares }] } });
  expect(body).toMatchObject({
    exact: false,
    notes: [expect.stringContaining("bob would get a part of ada/llm")],
  });
});

test("a draft that could not be posted is refused as posting it would be", async () => {
  const shares = (payee: string) => ({ steps: [{ take: "shares", shares: [{ payee, weight: 1 }] }] });
  expectProblem(await preview({ policy: shares("stranger") }), 422, "payee_unknown");
  expectProblem(await preview({ model: "no/such", policy: shares("ada") }), 422, "model_unknown");
  expectProblem(await preview({}), 400, "body_invalid");
  expectProblem(await preview({ policy: shares("ada") }, lin), 403, "role_not_allowed");
});
