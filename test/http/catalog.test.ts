import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestApi, type TestApi } from "../support/api.ts";
import { expectProblem } from "../support/problem.ts";
import { SMALL_CATALOG, tokenPrice, usageEvent } from "../support/usage.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  await api.load(SMALL_CATALOG);
});
afterAll(() => api.stop());

const PRICE = {
  currency: "USD",
  effective_from: "2023-01-01T00:00:00Z",
  components: [{ meter: "input_tokens", amount: "0.65", per: "1000000" }],
};
const DEFAULT_STEPS = [
  { take: "platform", percent: "20" },
  { take: "shares", shares: [{ payee: "$owner", weight: 1 }] },
];
const SHARES = { take: "shares", shares: [{ payee: "ada", weight: 1 }] };

async function put(path: string, body: unknown) {
  const answer = await api.operator("PUT", path, body);
  expect(answer).toMatchObject({ status: 200 });
  return answer.body;
}

describe("prices", () => {
  test("a price is answered as it was understood, with its defaults", async () => {
    await put("/v1/models/ada/priced", { payee: "ada" });
    const answer = await api.operator("POST", "/v1/models/ada/priced/prices", PRICE);
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      ...PRICE,
      model: "ada/priced",
      charge_statuses: ["succeeded", "canceled"],
    });
  });

  test.each([
    ["3", "components[0].per"],
    ["0", "components[0].per"],
    ["1e6", "components[0].per"],
    ["-10", "components[0].per"],
  ])("`per` %s is no power of ten", async (per, path) => {
    const components = [{ meter: "input_tokens", amount: "0.65", per }];
    const answer = await api.operator("POST", "/v1/models/ada/llm/prices", { ...PRICE, components });
    expectProblem(answer, 400, "body_invalid", path);
  });

  test.each([
    [{ currency: "usd" }, "currency"],
    [{ effective_from: "2023-02-30T00:00:00Z" }, "effective_from"],
    [{ effective_from: "2023-01-01" }, "effective_from"],
    [{ charge_statuses: [] }, "charge_statuses"],
    [{ charge_statuses: ["done"] }, "charge_statuses[0]"],
    [{ components: [] }, "components"],
    [{ components: [PRICE.components[0], PRICE.components[0]] }, "components"],
    [{ components: [{ meter: "input_tokens", amount: 0.65, per: "1" }] }, "components[0].amount"],
    [{ components: [{ meter: "input_tokens", amount: "-1", per: "1" }] }, "components[0].amount"],
    [{ components: [{ meter: "Input Tokens", amount: "1", per: "1" }] }, "components[0].meter"],
    [
      { components: [{ meter: "images", amount: "1", per: "1", max_per_event: "1.5" }] },
      "components[0].max_per_event",
    ],
    [{ currency: "ZZZ" }, "currency"],
  ])("a price with %j is refused and names %s", async (wrong, path) => {
    const answer = await api.operator("POST", "/v1/models/ada/llm/prices", { ...PRICE, ...wrong });
    expectProblem(answer, 400, "body_invalid", path);
  });

  test("nobody has a currency that there is not", async () => {
    const wrong: [string, object, string][] = [
      ["/v1/payees/eve", { name: "Eve", country: "US", default_currency: "ZZZ" }, "default_currency"],
      ["/v1/customers/eve", { name: "Eve", currency: "ZZZ" }, "currency"],
      ["/v1/payees/ada/payout-choice", { currency: "ZZZ" }, "currency"],
    ];
    for (const [path, body, field] of wrong)
      expectProblem(await api.operator("PUT", path, body), 400, "body_invalid", field);
    const minimum = await api.operator("PUT", "/v1/payees/ada/minimum-payouts/ZZZ", { amount: "1" });
    expectProblem(minimum, 400, "parameter_invalid", "currency");
  });

  test("an unknown field is refused", async () => {
    const answer = await api.operator("POST", "/v1/models/ada/llm/prices", { ...PRICE, discount: "1" });
    expectProblem(answer, 400, "body_invalid");
    expect(JSON.stringify(answer.body)).toContain("discount");
  });

  test("another price with the same effective_from is refused, the same one again is not", async () => {
    await put("/v1/models/ada/twice", { payee: "ada" });
    const path = "/v1/models/ada/twice/prices";
    expect((await api.operator("POST", path, PRICE)).status).toBe(201);
    expect((await api.operator("POST", path, PRICE)).status).toBe(201);
    const other = { ...PRICE, components: [{ meter: "input_tokens", amount: "0.66", per: "1000000" }] };
    expectProblem(await api.operator("POST", path, other), 409, "version_exists");
  });
});

describe("references", () => {
  test("a model of an unknown payee, and a model from an unknown base, are refused", async () => {
    const unknownPayee = await api.operator("PUT", "/v1/models/ada/ref", { payee: "nobody" });
    expectProblem(unknownPayee, 422, "payee_unknown");
    const unknownBase = await api.operator("PUT", "/v1/models/ada/ref", {
      payee: "ada",
      base_model: "no/model",
    });
    expectProblem(unknownBase, 422, "model_unknown");
  });

  test("a price or policy of an unknown model, and an unknown payee in shares or behind a customer, are refused", async () => {
    expectProblem(await api.operator("POST", "/v1/models/no/model/prices", PRICE), 422, "model_unknown");
    const policy = { effective_from: "2023-01-01T00:00:00Z", steps: [SHARES] };
    expectProblem(await api.operator("POST", "/v1/models/no/model/policies", policy), 422, "model_unknown");
    const steps = [{ take: "shares", shares: [{ payee: "nobody", weight: 1 }] }];
    const shares = await api.operator("POST", "/v1/models/ada/llm/policies", { ...policy, steps });
    expectProblem(shares, 422, "payee_unknown");
    const customer = { name: "C", currency: "USD", payee: "nobody" };
    expectProblem(await api.operator("PUT", "/v1/customers/c1", customer), 422, "payee_unknown");
  });

  test("the path of an error is one of the body that was sent", async () => {
    const model = await api.operator("PUT", "/v1/models/ada/ref", { payee: "nobody" });
    expectProblem(model, 422, "payee_unknown", "payee");
    const models = [{ id: "ada/ref", payee: "nobody" }];
    const imported = await api.operator("POST", "/v1/catalog/import", { models });
    expectProblem(imported, 422, "payee_unknown", "models[0].payee");
  });
});

describe("lineage", () => {
  test("a model cannot be made from itself, directly or through others", async () => {
    await put("/v1/models/ada/one", { payee: "ada" });
    await put("/v1/models/ada/two", { payee: "ada", base_model: "ada/one" });
    await put("/v1/models/ada/three", { payee: "ada", base_model: "ada/two" });
    const from = { payee: "ada", effective_from: "2023-01-01T00:00:00Z" };
    for (const base_model of ["ada/one", "ada/three"]) {
      const answer = await api.operator("PUT", "/v1/models/ada/one", { ...from, base_model });
      expectProblem(answer, 422, "lineage_invalid", "base_model");
    }
  });

  test("a lineage has at most eight levels", async () => {
    await put("/v1/models/deep/l1", { payee: "ada" });
    for (let level = 2; level <= 8; level++) {
      await put(`/v1/models/deep/l${level}`, { payee: "ada", base_model: `deep/l${level - 1}` });
    }
    const ninth = await api.operator("PUT", "/v1/models/deep/l9", { payee: "ada", base_model: "deep/l8" });
    expectProblem(ninth, 422, "lineage_invalid", "base_model");
  });
});

describe("policies", () => {
  const fee = (percent: string, of?: string) => ({ take: "platform", percent, ...(of && { of }) });
  const royalty = (percent: string) => ({ take: "royalty", percent });
  const cost = { take: "cost", meter: "predict_seconds", amount: "0.001", per: "1" };
  const shares = (...list: [string, number][]) => ({
    take: "shares",
    shares: list.map(([payee, weight]) => ({ payee, weight })),
  });

  test.each([
    ["no steps", [], "steps"],
    ["no shares at the end", [fee("20")], "steps[0]"],
    ["shares before the end", [SHARES, fee("20"), SHARES], "steps[0]"],
    ["two royalties", [royalty("5"), royalty("5"), SHARES], "steps"],
    ["two costs", [cost, cost, SHARES], "steps"],
    ["more than 100 % of gross", [fee("60"), royalty("40.000001"), SHARES], "steps"],
    ["more than 100 %", [fee("101"), SHARES], "steps[0].percent"],
    ["a percentage as a number", [{ take: "platform", percent: 20 }, SHARES], "steps[0].percent"],
    ["a negative percentage", [fee("-1"), SHARES], "steps[0].percent"],
    ["an unknown step", [{ take: "tax", percent: "1" }, SHARES], "steps[0].take"],
    ["weights that are all zero", [shares(["ada", 0], ["lin", 0])], "steps[0].shares"],
    ["a negative weight", [shares(["ada", -1])], "steps[0].shares[0].weight"],
    ["half a weight", [shares(["ada", 0.5])], "steps[0].shares[0].weight"],
    ["a payee twice", [shares(["ada", 1], ["ada", 2])], "steps[0].shares[1].payee"],
    ["a cost per three seconds", [{ ...cost, per: "3" }, SHARES], "steps[0].per"],
    ["an `of` that is nothing", [fee("10", "net"), SHARES], "steps[0].of"],
  ])("a waterfall with %s is refused", async (_, steps, path) => {
    const answer = await api.operator("POST", "/v1/models/ada/llm/policies", {
      effective_from: "2023-01-01T00:00:00Z",
      steps,
    });
    expectProblem(answer, 400, "body_invalid", path);
  });

  test("a cost in another currency than the model's prices is refused", async () => {
    const steps = [{ ...cost, currency: "EUR" }, SHARES];
    const policy = { effective_from: "2023-01-01T00:00:00Z", steps };
    expectProblem(await api.operator("POST", "/v1/models/ada/llm/policies", policy), 422, "policy_invalid");
  });
});

describe("a version that would begin before metered usage", () => {
  const LAST = "2023-11-16T12:00:00.000005Z";
  const EARLIEST = "2023-11-16T12:00:00.000006Z";
  const steps = [{ take: "platform", percent: "30" }, SHARES];
  const { model: _, ...price } = tokenPrice("", { charge_statuses: ["failed"] });

  test.each([
    ["price", "POST", "/v1/models/price/tuned/prices", price],
    ["policy", "POST", "/v1/models/policy/tuned/policies", { steps }],
    ["base", "POST", "/v1/models/base/base/policies", { steps }],
    ["customer", "PUT", "/v1/customers/customer", { name: "C", currency: "USD", country: "FR" }],
    ["owner", "PUT", "/v1/models/owner/tuned", { payee: "lin", base_model: "owner/base" }],
    ["lineage", "PUT", "/v1/models/lineage/tuned", { payee: "ada", base_model: null }],
  ])(
    "a %s's: %s %s is refused with the earliest time that works, and that one works",
    async (id, method, path, body) => {
      const [base, tuned] = [`${id}/base`, `${id}/tuned`];
      const royalty = [
        { take: "royalty", percent: "5" },
        { take: "shares", shares: [{ payee: "$owner", weight: 1 }] },
      ];
      await api.load({
        customers: [{ id, name: "Past", currency: "USD" }],
        models: [
          { id: base, payee: "lin" },
          { id: tuned, payee: "ada", base_model: base },
        ],
        policies: [{ model: tuned, effective_from: "2023-01-01T00:00:00Z", steps: royalty }],
        prices: [tokenPrice(tuned)],
      });
      await api.send(
        usageEvent({ id: `${id}-1`, customer: id, model: tuned, time: "2023-11-01T00:00:00Z" }),
        usageEvent({ id: `${id}-2`, customer: id, model: tuned, time: LAST }),
      );
      for (const effective_from of ["2023-11-10T00:00:00Z", LAST]) {
        const refused = await api.operator(method, path, { ...body, effective_from });
        expectProblem(refused, 409, "effective_from_in_metered_past", "effective_from");
        expect((refused.body as { detail: string }).detail).toContain(EARLIEST);
      }
      const accepted = await api.operator(method, path, { ...body, effective_from: EARLIEST });
      expect(accepted).toMatchObject({ status: method === "POST" ? 201 : 200 });
    },
  );

  test("a change that would not split metered usage otherwise may begin in the past", async () => {
    const again = { effective_from: "2023-06-01T00:00:00Z", steps: DEFAULT_STEPS };
    await api.send(usageEvent({ id: "unchanged" }));
    expect((await api.operator("POST", "/v1/models/ada/llm/policies", again)).status).toBe(201);
  });
});

describe("import", () => {
  const counts = () => api.sql`
    SELECT (SELECT count(*) FROM payee) AS payees, (SELECT count(*) FROM model) AS models,
      (SELECT count(*) FROM customer) AS customers, (SELECT count(*) FROM price_version) AS prices,
      (SELECT count(*) FROM revenue_policy) AS policies, (SELECT version FROM catalog_state) AS version`;

  const many = {
    payees: [{ id: "many", name: "Many", country: "US", default_currency: "USD" }],
    models: [{ id: "many/m", payee: "many" }],
    customers: [{ id: "many-c", name: "C", currency: "USD" }],
    policies: [{ model: "many/m", effective_from: "2023-01-01T00:00:00Z", steps: [SHARES] }],
  };

  test.each([
    [
      "a price of an unknown model",
      [tokenPrice("many/m"), tokenPrice("many/other")],
      422,
      "model_unknown",
      "prices[1].model",
    ],
    [
      "a version that exists",
      [tokenPrice("many/m"), tokenPrice("many/m", { charge_statuses: ["failed"] })],
      409,
      "version_exists",
      "prices[1]",
    ],
    [
      "a wrong `per`",
      [tokenPrice("many/m", { components: [{ meter: "images", amount: "1", per: "7" }] })],
      400,
      "body_invalid",
      "prices[0].components[0].per",
    ],
  ] as const)(
    "%s as the last thing of a document leaves nothing of it",
    async (_, prices, status, code, path) => {
      const before = await counts();
      const answer = await api.operator("POST", "/v1/catalog/import", { ...many, prices });
      expectProblem(answer, status, code, path);
      expect(await counts()).toEqual(before);
      expectProblem(await api.operator("GET", "/v1/payees/many/balances"), 404, "not_found");
    },
  );

  test("a good document is counted, and importing it again changes nothing", async () => {
    const document = { ...many, prices: [tokenPrice("many/m")] };
    const answer = await api.operator("POST", "/v1/catalog/import", document);
    expect(answer).toMatchObject({
      status: 201,
      body: { payees: 1, models: 1, customers: 1, policies: 1, prices: 1 },
    });
    const { version: _, ...before } = (await counts())[0] ?? {};
    expect((await api.operator("POST", "/v1/catalog/import", document)).status).toBe(201);
    const { version: __, ...after } = (await counts())[0] ?? {};
    expect(after).toEqual(before);
  });
});
