import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runChecks } from "../../src/audit/index.ts";
import { sketchLatencies } from "../../src/predictions/index.ts";
import { latencyOf } from "../../src/predictions/insight/latency.ts";
import { emptySketch } from "../../src/predictions/insight/stored-sketch.ts";
import { successRate } from "../../src/predictions/insight/success-rate.ts";
import { type Call, startTestApi, type TestApi } from "../support/api.ts";
import { expectProblem } from "../support/problem.ts";
import { SMALL_CATALOG, tokenPrice, usageEvent } from "../support/usage.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  await api.load({
    ...SMALL_CATALOG,
    models: [
      { id: "lin/base", payee: "lin" },
      { id: "ada/llm", payee: "ada", base_model: "lin/base" },
      { id: "ada/flood", payee: "ada" },
    ],
    policies: [
      {
        model: "ada/llm",
        effective_from: "2023-01-01T00:00:00Z",
        steps: [
          { take: "platform", percent: "17" },
          { take: "royalty", percent: "7" },
          {
            take: "shares",
            shares: [
              { payee: "ada", weight: 2 },
              { payee: "lin", weight: 1 },
            ],
          },
        ],
      },
    ],
    prices: [tokenPrice("lin/base"), tokenPrice("ada/llm"), tokenPrice("ada/flood")],
  });
});
afterAll(() => api.stop());

interface Row {
  customer: string;
  model: string;
  version: string;
  predictions: number;
  latency: unknown;
  feedback: { up: number; down: number };
  gross: { amount: string }[];
  earned: { amount: string }[] | null;
}
const rowsOf = async (call: Call, path: string) => ((await call("GET", path)).body as { data: Row[] }).data;
const nanos = (money: { amount: string }[] | null) =>
  (money ?? []).reduce((sum, { amount }) => sum + BigInt(amount.replace(".", "")), 0n);

const event = fc.record({
  customer: fc.constantFrom("acme", "globex"),
  model: fc.constantFrom("ada/llm", "lin/base"),
  version: fc.constantFrom("v1", "v2"),
  status: fc.constantFrom("succeeded", "succeeded", "failed"),
  day: fc.constantFrom("01", "02"),
  micros: fc.option(fc.nat(10 ** 9), { freq: 5 }),
  tokens: fc.nat(100_000),
});

test("percentiles by customer are those of its own times, and what payees earn of all customers is what their earnings say", async () => {
  let run = 0;
  let paidAtAll = 0n;
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 25 }), async (events) => {
      const month = new Date(Date.UTC(2023, ++run)).toISOString().slice(0, 7);
      const send = (some: typeof events, half: string) =>
        api.send(
          ...some.map(({ customer, model, version, status, day, micros, tokens }, n) =>
            usageEvent({
              ...{
                id: `${month}-${half}-${n}`,
                customer,
                model,
                version,
                status,
                time: `${month}-${day}T12:00:00Z`,
              },
              metrics: {
                input_token_count: tokens,
                ...(micros === null ? {} : { predict_time: micros / 1e6 }),
              },
            }),
          ),
        );
      await send(events.slice(0, 10), "a");
      if (events.length > 10) await send(events.slice(10), "b");
      await Promise.all([1, 2].map(() => sketchLatencies(api.sql)));
      await sketchLatencies(api.sql);

      const range = `from=${month}-01&to=${month}-28`;
      const grouped = "group_by=customer,model,version";
      let earned = 0n;
      for (const customer of ["acme", "globex"]) {
        const rows = await rowsOf(api.operator, `/v1/customers/${customer}/insight?${range}&${grouped}`);
        const own = await api.keyFor({ role: "customer", customer });
        const asCustomer = await rowsOf(own, `/v1/customers/${customer}/insight?${range}&${grouped}`);
        expect(asCustomer).toEqual(rows.map((row) => ({ ...row, earned: null })));
        for (const { model, version, latency, predictions } of rows) {
          const ran = events.filter(
            (e) => e.customer === customer && e.model === model && e.version === version,
          );
          expect(predictions).toBe(ran.length);
          const sketch = emptySketch();
          for (const { status, micros } of ran)
            if (status === "succeeded" && micros !== null) sketch.accept(micros);
          expect(latency).toEqual(latencyOf(sketch));
        }
        earned += rows.reduce((sum, row) => sum + nanos(row.earned), 0n);
      }
      let paid = 0n;
      for (const payee of ["ada", "lin"]) {
        const { body } = await api.operator(
          "GET",
          `/v1/payees/${payee}/earnings?${range}&group_by=model&currency=USD`,
        );
        paid += nanos([(body as { total: { amount: string } }).total]);
      }
      paidAtAll += paid;
      const difference = earned - paid;
      // Each part of a line is floored, each row rounded.
      expect(difference > -20n && difference < 20n).toBe(true);
    }),
    { numRuns: 10 },
  );
  expect(paidAtAll).toBeGreaterThan(0n);
});

test("feedback counts for the customer who gave it, and a model's owner sees no customer alone", async () => {
  await api.send(
    ...["a", "b", "c"].map((id) => usageEvent({ id, version: "v1" })),
    usageEvent({ id: "g", customer: "globex" }),
  );
  const acme = await api.keyFor({ role: "customer", customer: "acme" });
  const globex = await api.keyFor({ role: "customer", customer: "globex" });
  for (const [id, thumb] of Object.entries({ a: "up", b: "up", c: "down" }))
    await acme("PUT", `/v1/predictions/${id}/feedback`, { thumb });
  await globex("PUT", "/v1/predictions/g/feedback", { thumb: "down" });
  const today = new Date().toISOString().slice(0, 10);
  const now = `from=${today}&to=${new Date(Date.now() + 2 * 86_400_000).toISOString().slice(0, 10)}`;
  expect(await rowsOf(acme, `/v1/customers/acme/insight?${now}&group_by=model,version`)).toMatchObject([
    { model: "ada/llm", version: "v1", feedback: { up: 2, down: 1, ratio: successRate(2, 3) }, earned: null },
  ]);
  expect(await rowsOf(api.operator, `/v1/models/ada/llm/insight/customers?${now}`)).toMatchObject([
    { customer: "acme", feedback: { up: 2, down: 1 } },
    { customer: "globex", feedback: { up: 0, down: 1, ratio: successRate(0, 1) } },
  ]);
  const ada = await api.keyFor({ role: "payee", payee: "ada" });
  for (const path of ["/v1/models/ada/llm/insight/customers", "/v1/customers/acme/insight"])
    expectProblem(await ada("GET", `${path}?${now}`), 403, "role_not_allowed");
});

test("however many names of hardware are sent, a model has at most 33 a day, which add up, and other days and models have theirs", async () => {
  const flood = (count: number, time: string, prefix: string) =>
    Array.from({ length: count }, (_, n) =>
      usageEvent({
        ...{ id: `${prefix}-${n}`, model: "ada/flood", time, hardware: `${prefix}-${n}` },
        metrics: { input_token_count: 10, predict_time: 1 },
      }),
    );
  await api.send(...flood(20, "2024-05-01T10:00:00Z", "first"));
  await sketchLatencies(api.sql);
  await api.send(...flood(400, "2024-05-01T11:00:00Z", "second"));
  await sketchLatencies(api.sql);
  await api.send(
    ...flood(5, "2024-05-01T12:00:00Z", "first").map((e) => ({ ...e, id: `again-${e.id}` })),
    ...flood(5, "2024-05-02T12:00:00Z", "third"),
    usageEvent({ id: "calm", model: "lin/base", time: "2024-05-01T12:00:00Z", hardware: "third-0" }),
  );
  await Promise.all([1, 2].map(() => sketchLatencies(api.sql)));

  const ada = await api.keyFor({ role: "payee", payee: "ada" });
  const acme = await api.keyFor({ role: "customer", customer: "acme" });
  type HardwareRow = Row & { hardware: string; latency: { predictions: number } };
  const day = "from=2024-05-01&to=2024-05-02&group_by=hardware";
  for (const [call, path] of [
    [ada, `/v1/models/ada/flood/insight?${day}`],
    [acme, `/v1/customers/acme/insight?${day},model`],
  ] as const) {
    const rows = (await rowsOf(call, path)).filter(({ model = "" }) => model !== "lin/base") as HardwareRow[];
    expect(rows).toHaveLength(33);
    const by = new Map(rows.map((row) => [row.hardware, row]));
    expect(by.get("first-0")).toMatchObject({ predictions: 2, latency: { predictions: 2 } });
    expect(by.get("other")).toMatchObject({ predictions: 388, latency: { predictions: 388 } });
    expect(rows.reduce((sum, { predictions }) => sum + predictions, 0)).toBe(425);
    expect(rows.reduce((sum, { gross }) => sum + nanos(gross), 0n)).toBe(4_250_000_000n);
  }
  const next = await rowsOf(
    ada,
    "/v1/models/ada/flood/insight?from=2024-05-02&to=2024-05-03&group_by=hardware",
  );
  expect(next).toHaveLength(5);
  expect(
    await rowsOf(api.operator, "/v1/models/lin/base/insight?from=2024-05-01&to=2024-05-02&group_by=hardware"),
  ).toMatchObject([{ hardware: "third-0", predictions: 1 }]);
  // In one batch as many names as that are told apart at all.
  expect((await api.operator("GET", "/v1/predictions/second-100")).body).toMatchObject({
    hardware: "second-100",
  });
  expect((await api.operator("GET", "/v1/predictions/second-399")).body).toMatchObject({ hardware: "other" });
  expect((await runChecks(api.sql)).filter(({ differences }) => differences.length > 0)).toEqual([]);
});
