import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sketchLatencies } from "../../src/predictions/index.ts";
import { latencyOf, mergedSketch } from "../../src/predictions/insight/latency.ts";
import {
  addSketchBytes,
  binOf,
  emptySketch,
  readSketch,
  sketchBytes,
  sketchHex,
} from "../../src/predictions/insight/stored-sketch.ts";
import { difference } from "../../src/predictions/insight/success-rate.ts";
import { type Call, startTestApi, type TestApi } from "../support/api.ts";
import { SMALL_CATALOG, usageEvent } from "../support/usage.ts";

let api: TestApi;
let ada: Call;
beforeAll(async () => {
  api = await startTestApi();
  await api.load(SMALL_CATALOG);
  ada = await api.keyFor({ role: "payee", payee: "ada" });
});
afterAll(() => api.stop());

const bytesOf = (values: readonly number[]) => {
  const bins = new Map<number, number>();
  for (const value of values) bins.set(binOf(value), (bins.get(binOf(value)) ?? 0) + 1);
  return sketchBytes(bins);
};

const sketchOf = (values: readonly number[]) => {
  const sketch = emptySketch();
  for (const value of values) sketch.accept(value);
  return sketch;
};

test("sketches that were stored and put together say the same as one of all values, within one percent", () => {
  const micros = fc.array(fc.integer({ min: 0, max: 10 ** 10 }), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(fc.array(micros, { minLength: 1, maxLength: 5 }), (days) => {
      const stored = days.map((values) => readSketch(bytesOf(values)));
      const joined = Buffer.concat(days.map(bytesOf));
      expect(sketchBytes(addSketchBytes(new Map(), joined))).toEqual(bytesOf(days.flat()));
      expect(sketchHex(days.flat().map(binOf))).toBe(bytesOf(days.flat()).toString("hex"));
      const sorted = days.flat().sort((a, b) => a - b);
      const latency = latencyOf(mergedSketch(stored));
      expect(latency).toMatchObject({ predictions: sorted.length });
      expect(latency).toEqual(latencyOf(sketchOf(sorted)));
      for (const [name, p] of [
        ["p50", 0.5],
        ["p95", 0.95],
        ["p99", 0.99],
      ] as const) {
        const true_ = (sorted[Math.floor(p * (sorted.length - 1))] ?? 0) / 1e6;
        const { value, low, high } = latency?.[name] ?? { value: -1, low: 0, high: 0 };
        expect(Math.abs(value - true_)).toBeLessThanOrEqual(0.0101 * true_);
        expect(low <= value && value <= high).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
});

test("each event is in its sketch once, whoever else makes sketches at the same time, and versions are compared", async () => {
  const timed = (version: string, count: number, seconds: (n: number) => number, day: string) =>
    Array.from({ length: count }, (_, n) =>
      usageEvent({
        id: `${version}-${day}-${n}`,
        version,
        time: `${day}T12:00:00Z`,
        metrics: { predict_time: seconds(n), input_token_count: 1000 },
      }),
    );
  for (const day of ["2023-11-16", "2023-11-17"]) {
    await api.send(...timed("v1", 100, (n) => 1 + n / 100, day), ...timed("v2", 60, (n) => 3 + n / 60, day));
    await Promise.all([1, 2, 3].map(() => sketchLatencies(api.sql)));
  }
  await api.send(usageEvent({ id: "bad", version: "v1", status: "failed", metrics: { predict_time: 900 } }));
  await sketchLatencies(api.sql);
  await sketchLatencies(api.sql);
  const range = "from=2023-11-01&to=2023-12-01";
  const { body } = await ada("GET", `/v1/models/ada/llm/insight?${range}&group_by=version`);
  expect(body).toMatchObject({
    data: [
      {
        version: "v1",
        predictions: 201,
        latency: {
          predictions: 200,
          p50: { value: expect.closeTo(1.5, 1) },
          p99: { value: expect.closeTo(1.98, 1) },
        },
        gross: [{ currency: "USD", amount: "200.000000000" }],
        earned: [{ currency: "USD" }],
      },
      { version: "v2", latency: { predictions: 120, p95: { value: expect.closeTo(3.95, 0) } } },
    ],
    versions: [
      { version: "v1", customers: null, latency_difference: null },
      { version: "v2", latency_difference: { p50: { value: expect.closeTo(2, 0) } } },
    ],
  });
  const { versions } = body as { versions: [unknown, { latency_difference: { p50: { low: number } } }] };
  expect(versions[1].latency_difference.p50.low).toBeGreaterThan(1);
  const byDay = (await ada("GET", `/v1/models/ada/llm/insight?${range}&group_by=day`)).body;
  expect(byDay).toMatchObject({
    data: [{ latency: { predictions: 160 } }, { latency: { predictions: 160 } }],
  });
  const operator = (await api.operator("GET", `/v1/models/ada/llm/insight?${range}`)).body;
  expect(operator).toMatchObject({ data: [{ earned: null }, {}, {}, {}] });
});

/** A generator of its own, so that every run is the same. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
}

test("of 400 samples of 400, the bounds hold the true percentile and the true difference about 95 times of 100", () => {
  const random = randomFrom(8);
  // Exponential times: the true percentile p is -ln(1-p) times the mean.
  const sample = (mean: number) =>
    latencyOf(sketchOf(Array.from({ length: 400 }, () => -Math.log(random()) * mean * 1e6)));
  const held = { p50: 0, p95: 0, difference: 0 };
  for (let run = 0; run < 400; run++) {
    const [one, other] = [sample(2), sample(3)];
    if (one === null || other === null) throw new Error("nothing was timed");
    for (const [name, p] of [
      ["p50", 0.5],
      ["p95", 0.95],
    ] as const) {
      const true_ = -Math.log(1 - p) * 2;
      if (one[name].low <= true_ && true_ <= one[name].high) held[name]++;
    }
    const apart = difference(other.p95, one.p95);
    const true_ = -Math.log(0.05);
    if (apart !== null && apart.low <= true_ && true_ <= apart.high) held.difference++;
  }
  // 380, give or take 12; the sketch's one percent and whole ranks make the bounds a little wider than they need be.
  for (const times of Object.values(held)) {
    expect(times).toBeGreaterThanOrEqual(368);
    expect(times).toBeLessThanOrEqual(399);
  }
});
