import fc from "fast-check";
import { parquetReadObjects } from "hyparquet";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runChecks } from "../../src/audit/index.ts";
import { sketchLatencies } from "../../src/predictions/index.ts";
import { type Call, OPERATOR_KEY, startTestApi, type TestApi } from "../support/api.ts";
import { type EventFields, SMALL_CATALOG, tokenPrice, usageEvent } from "../support/usage.ts";

let api: TestApi;
let ada: Call;
beforeAll(async () => {
  api = await startTestApi();
  await api.load({
    ...SMALL_CATALOG,
    models: [...SMALL_CATALOG.models, { id: "ada/capped", payee: "ada" }],
    prices: [
      ...SMALL_CATALOG.prices,
      tokenPrice("ada/capped", {
        components: [
          { meter: "input_tokens", amount: "1.00", per: "1000", max_per_event: "500" },
          { meter: "frames", amount: "0.01", per: "1", max_per_event: "3" },
        ],
      }),
    ],
  });
  ada = await api.keyFor({ role: "payee", payee: "ada" });
});
afterAll(() => api.stop());

const RANGE = "from=2023-11-01&to=2023-12-01";
const insight = async (call: Call, path: string) =>
  (await call("GET", path)).body as { data: Record<string, unknown>[] };

test("volume, success, times, gross, earnings and feedback stand by hardware, and what does not tell it apart", async () => {
  const metrics = { predict_time: 2, input_token_count: 1000, output_token_count: 100 };
  const many = (count: number, fields: EventFields) =>
    Array.from({ length: count }, (_, n) =>
      usageEvent({ metrics, version: "v1", ...fields, id: `${fields.id}-${n}` }),
    );
  await api.send(
    ...many(4, { id: "l", hardware: "gpu-l40s" }),
    ...many(1, { id: "f", hardware: "gpu-l40s", status: "failed" }),
    ...many(3, { id: "a", hardware: "Nvidia A100 (80GB) GPU", metrics: { ...metrics, predict_time: 1 } }),
    ...many(2, { id: "n", customer: "globex" }),
    // Whatever it is, it never makes an event a bad one.
    ...many(1, { id: "b1", hardware: "x".repeat(65) }),
    ...many(1, { id: "b2", hardware: "sk-live1234567890" }),
    ...many(1, { id: "b3", hardware: { gpu: 1 } as unknown as string }),
  );
  const acme = await api.keyFor({ role: "customer", customer: "acme" });
  await acme("PUT", "/v1/predictions/a-0/feedback", { thumb: "up" });
  await acme("PUT", "/v1/predictions/l-0/feedback", { thumb: "down" });

  const before = await insight(ada, `/v1/models/ada/llm/insight?${RANGE}&group_by=hardware`);
  expect(before.data.reduce((sum, row) => sum + (row.predictions as number), 0)).toBe(13);
  await Promise.all([1, 2].map(() => sketchLatencies(api.sql)));
  const { data } = await insight(ada, `/v1/models/ada/llm/insight?${RANGE}&group_by=hardware`);
  const usd = (amount: string) => [{ currency: "USD", amount: `${amount}.000000000` }];
  expect(data).toMatchObject([
    { hardware: null, predictions: 5, gross: usd("5"), earned: usd("4"), latency: { predictions: 5 } },
    {
      ...{
        hardware: "Nvidia A100 (80GB) GPU",
        predictions: 3,
        by_status: { succeeded: 3 },
        success_rate: { value: 1 },
      },
      ...{ output_tokens_per_second: 100, latency: { predictions: 3, p50: { value: expect.closeTo(1, 1) } } },
      ...{ gross: usd("3"), earned: [{ currency: "USD", amount: "2.400000000" }] },
    },
    {
      ...{
        hardware: "gpu-l40s",
        predictions: 5,
        by_status: { succeeded: 4, failed: 1 },
        success_rate: { value: 0.8 },
      },
      ...{ latency: { predictions: 4, p50: { value: expect.closeTo(2, 1) } }, gross: usd("4") },
    },
  ]);
  expect(Object.keys(data[0] ?? {})).not.toContain("version");

  const today = new Date().toISOString().slice(0, 10);
  const given = await insight(
    ada,
    `/v1/models/ada/llm/insight?from=${today}&to=9999-01-01&group_by=hardware,day`,
  );
  expect(given.data).toMatchObject([
    { hardware: "Nvidia A100 (80GB) GPU", day: today, predictions: 0, feedback: { up: 1, down: 0 } },
    { hardware: "gpu-l40s", feedback: { up: 0, down: 1 } },
  ]);

  const used = await insight(acme, `/v1/customers/acme/insight?${RANGE}&group_by=hardware`);
  expect(used.data).toMatchObject([
    { hardware: null, predictions: 3, gross: usd("3") },
    { hardware: "Nvidia A100 (80GB) GPU", predictions: 3, gross: usd("3") },
    { hardware: "gpu-l40s", predictions: 5, gross: usd("4") },
  ]);
});

test("a prediction shows its hardware without any payload, and so does the export", async () => {
  expect((await api.operator("GET", "/v1/predictions/l-0")).body).toMatchObject({
    hardware: "gpu-l40s",
    payload: { state: "none" },
  });
  expect((await api.operator("GET", "/v1/predictions/b2-0")).body).toMatchObject({ hardware: null });
  const range = `from=2023-11-01T00:00:00Z&to=2023-12-01T00:00:00Z&model=ada/llm`;
  const answer = await fetch(`${api.url}/v1/exports/predictions?${range}`, {
    headers: { authorization: `Bearer ${OPERATOR_KEY}`, accept: "application/vnd.apache.parquet" },
  });
  const rows = await parquetReadObjects({ file: await answer.arrayBuffer() });
  const byId = new Map(rows.map((row) => [row.id, row.hardware]));
  expect(byId.get("a-0")).toBe("Nvidia A100 (80GB) GPU");
  expect(byId.get("n-0")).toBeNull();
});

test("the same event with other hardware is a repeat, not a conflict: the first counts", async () => {
  const conflicts = async () =>
    ((await api.operator("GET", "/v1/metering/status")).body as { conflict: string }).conflict;
  const before = await conflicts();
  await api.send(usageEvent({ id: "twice", hardware: "cpu" }));
  await api.send(usageEvent({ id: "twice", hardware: "gpu-t4" }), usageEvent({ id: "twice" }));
  expect(await conflicts()).toBe(before);
  expect((await api.operator("GET", "/v1/predictions/twice")).body).toMatchObject({ hardware: "cpu" });
});

test("an event that waits for its model keeps its hardware", async () => {
  await api.send(
    usageEvent({ id: "early", model: "ada/next", hardware: "gpu-h100" }),
    usageEvent({ id: "early2", model: "ada/next" }),
  );
  const shown = async () => (await api.operator("GET", "/v1/predictions/early")).body;
  expect(await shown()).toMatchObject({ state: "parked", hardware: "gpu-h100" });
  await api.load({ models: [{ id: "ada/next", payee: "ada" }], prices: [tokenPrice("ada/next")] });
  await expect.poll(shown, { timeout: 20_000 }).toMatchObject({ state: "metered", hardware: "gpu-h100" });
  expect((await api.operator("GET", "/v1/predictions/early2")).body).toMatchObject({ hardware: null });
});

test("hardware changes no figure of money, and its windows add up to the others, with limits and meters of all kinds", async () => {
  const kinds = fc.constantFrom(undefined, "cpu", "gpu-t4", "gpu-a100");
  const event = fc.record({
    hardware: kinds,
    tokens: fc.nat(900),
    frames: fc.option(fc.nat(6)),
    failed: fc.boolean(),
  });
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 12 }), async (events) => {
      const day = `2023-06-${String(++run).padStart(2, "0")}`;
      await api.send(
        ...events.map(({ hardware, tokens, frames, failed }, n) =>
          usageEvent({
            ...{
              id: `${day}-${n}`,
              model: "ada/capped",
              time: `${day}T12:00:00Z`,
              status: failed ? "failed" : "succeeded",
            },
            metrics: { input_token_count: tokens, ...(frames === null ? {} : { frames }) },
            ...(hardware === undefined ? {} : { hardware }),
          }),
        ),
      );
      await sketchLatencies(api.sql);
      const path = `/v1/models/ada/capped/insight?from=${day}&to=2023-07-01`;
      const [whole] = (await insight(ada, `${path}&group_by=day`)).data;
      const split = (await insight(ada, `${path}&group_by=day,hardware`)).data;
      for (const what of ["gross", "earned"]) {
        const amounts = (rows: unknown[]) =>
          rows.flatMap((row) => (row as Record<string, { amount: string }[]>)[what] ?? []);
        const sum = (rows: unknown[]) =>
          amounts(rows).reduce((all, { amount }) => all + BigInt(amount.replace(".", "")), 0n);
        expect(sum(split)).toBe(sum([whole]));
      }
      const expected = events
        .filter(({ failed }) => !failed)
        .reduce((sum, { tokens, frames }) => sum + Math.min(tokens, 500) + 10 * Math.min(frames ?? 0, 3), 0);
      const [gross] = (whole?.gross ?? []) as { amount: string }[];
      expect(gross?.amount ?? (0).toFixed(9)).toBe((expected / 1000).toFixed(9));
      for (const kind of new Set(events.map(({ hardware }) => hardware ?? null)))
        expect(split.find((row) => row.hardware === kind)).toMatchObject({
          predictions: events.filter(({ hardware }) => (hardware ?? null) === kind).length,
        });
    }),
    { numRuns: 12 },
  );
  expect((await runChecks(api.sql)).filter(({ differences }) => differences.length > 0)).toEqual([]);
});
