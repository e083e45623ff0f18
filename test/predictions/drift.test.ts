import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DRIFT_FIGURES, type DriftRule } from "../../src/predictions/drift/drift-rules.ts";
import { dayAfter, judgeDrift } from "../../src/predictions/drift/judge-drift.ts";
import { lookForDrift, sketchLatencies } from "../../src/predictions/index.ts";
import { type Cell, emptyCell } from "../../src/predictions/insight/cells.ts";
import { emptySketch } from "../../src/predictions/insight/stored-sketch.ts";
import { type Call, startTestApi, type TestApi } from "../support/api.ts";
import { expectProblem } from "../support/problem.ts";
import { SMALL_CATALOG, usageEvent } from "../support/usage.ts";

/** A generator of its own, so that every run is the same. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
}

interface Kind {
  /** Predictions of a day, about. */
  volume: number;
  success: number;
  /** Mean of their exponential times. */
  seconds: number;
  tokensPerSecond: number;
}
const USUAL: Kind = { volume: 800, success: 0.9, seconds: 2, tokensPerSecond: 40 };
const WINDOW = { from: "2023-11-15", to: "2023-11-16" };
const BASELINE = { from: "2023-11-01", to: "2023-11-15" };

function dayOf(day: string, version: string, kind: Kind, random: () => number): Cell {
  const normal = () => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
  // Days differ by more than chance alone would have it.
  const predictions = Math.max(1, Math.round(kind.volume * (1 + normal() / 5)));
  const sketch = emptySketch();
  let succeeded = 0;
  let micros = 0;
  for (let n = 0; n < predictions; n++) {
    const took = -Math.log(random()) * kind.seconds * 1e6;
    micros += took;
    if (random() >= kind.success) continue;
    succeeded++;
    sketch.accept(took);
  }
  return {
    ...emptyCell(version, day),
    by_status: { succeeded, failed: predictions - succeeded },
    predict_micros: micros,
    output_tokens: (micros / 1e6) * kind.tokensPerSecond * (1 + normal() / 10),
    sketches: [sketch],
  };
}

function fortnight(version: string, kind: Kind, random: () => number): Cell[] {
  return Array.from({ length: 14 }, (_, n) => dayOf(dayAfter(BASELINE.from, n), version, kind, random));
}

const ruleOf = (threshold: number): DriftRule => ({
  ...{ window_days: 1, baseline_days: 14, predictions_min: 100 },
  thresholds: Object.fromEntries(DRIFT_FIGURES.map((figure) => [figure, threshold])),
});

describe("what is judged", () => {
  test("of 150 days like those before, each figure is told of at most 5 in 100 even without a threshold, and hardly ever with a large one", () => {
    const random = randomFrom(34);
    const told: Record<string, number> = {};
    const beyond: Record<string, number> = {};
    for (let run = 0; run < 150; run++) {
      const cells = [...fortnight("v1", USUAL, random), dayOf(WINDOW.from, "v1", USUAL, random)];
      for (const { figure, direction } of judgeDrift(cells, ruleOf(0), WINDOW, BASELINE))
        if (direction !== null) told[figure] = (told[figure] ?? 0) + 1;
      for (const { figure, direction } of judgeDrift(cells, ruleOf(0.5), WINDOW, BASELINE))
        if (direction !== null) beyond[figure] = (beyond[figure] ?? 0) + 1;
    }
    // 7.5, give or take 2.7: three times that away would be one in a thousand.
    for (const figure of DRIFT_FIGURES) expect(told[figure] ?? 0, figure).toBeLessThanOrEqual(16);
    for (const figure of DRIFT_FIGURES) expect(beyond[figure] ?? 0, figure).toBeLessThanOrEqual(6);
  });

  test.each([
    ["success_rate", "down", { success: 0.7 }],
    ["latency_p50", "up", { seconds: 4 }],
    ["latency_p95", "up", { seconds: 4 }],
    ["latency_p99", "down", { volume: 1000, seconds: 0.5 }],
    ["volume", "down", { volume: 200 }],
    ["tokens_per_second", "down", { tokensPerSecond: 15 }],
  ] as const)("a %s that goes %s is found", (figure, direction, change) => {
    const random = randomFrom(7);
    const day = dayOf(WINDOW.from, "v1", { ...USUAL, ...change }, random);
    const cells = [...fortnight("v1", USUAL, random), { ...day }];
    const rule = { ...ruleOf(0.1), predictions_min: 40 };
    const found = judgeDrift(cells, rule, WINDOW, BASELINE).filter((one) => one.direction !== null);
    expect(found).toContainEqual(
      expect.objectContaining({ figure, direction, version: null, compared_with: null }),
    );
  });

  test("a new version is compared with the one that ran most before, and too few say nothing", () => {
    const random = randomFrom(11);
    const before = [...fortnight("v1", USUAL, random), dayOf(WINDOW.from, "v1", USUAL, random)];
    const slow = dayOf(WINDOW.from, "v2", { ...USUAL, seconds: 5 }, random);
    const judged = judgeDrift([...before, slow], ruleOf(0.2), WINDOW, BASELINE);
    expect(judged).toContainEqual(
      expect.objectContaining({ version: "v2", figure: "latency_p50", direction: "up", compared_with: "v1" }),
    );
    expect(judged.filter(({ version, figure }) => version !== null && figure === "volume")).toEqual([]);
    const few = { ...ruleOf(0.2), predictions_min: 100_000 };
    expect(judgeDrift([...before, slow], few, WINDOW, BASELINE)).toEqual([]);
  });

  test("that nothing ran at all is a volume that went down", () => {
    const cells = fortnight("v1", USUAL, randomFrom(3));
    expect(judgeDrift(cells, ruleOf(0.5), WINDOW, BASELINE)).toMatchObject([
      { figure: "volume", direction: "down", now: 0 },
    ]);
  });
});

describe("the owner of a model", () => {
  let api: TestApi;
  let ada: Call;
  beforeAll(async () => {
    api = await startTestApi();
    await api.load(SMALL_CATALOG);
    ada = await api.keyFor({ role: "payee", payee: "ada" });
    for (let day = "2023-11-01"; day < "2023-11-20"; day = dayAfter(day))
      await api.send(
        ...Array.from({ length: 60 }, (_, n) => {
          const slow = day === "2023-11-15" || day === "2023-11-16" || day === "2023-11-19";
          const seconds = (1 + (n % 10) / 10) * (slow ? 3 : 1);
          return usageEvent({
            id: `${day}-${n}`,
            time: `${day}T12:00:00Z`,
            metrics: { input_token_count: 1, predict_time: seconds },
          });
        }),
      );
    await sketchLatencies(api.sql);
  });
  afterAll(() => api.stop());

  const PATH = "/v1/models/ada/llm/drift";
  const look = (day: string) => lookForDrift(api.sql, new Date(`${dayAfter(day)}T01:30:00Z`));
  const messages = async () =>
    (
      await api.sql<{ payload: { data: Record<string, unknown> } }[]>`
        SELECT payload FROM webhook_message WHERE type = 'model.drift' ORDER BY message_no`
    ).map(({ payload }) => payload.data);

  test("says from when on, and is told once of what differs, until it is over", async () => {
    expect((await ada("GET", PATH)).body).toEqual({
      ...{ model: "ada/llm", rule: null, looked_at_day: null, drifting: [] },
    });
    const endpoint = { payee: "ada", url: "https://example.com/hook", events: ["model.drift"] };
    expect(await ada("POST", "/v1/webhook-endpoints", endpoint)).toMatchObject({ status: 201 });
    const rule = { baseline_days: 7, predictions_min: 50, thresholds: { latency_p50: 0.2, volume: 0.5 } };
    expect(await ada("PUT", PATH, rule)).toMatchObject({
      status: 200,
      body: { rule: { ...rule, window_days: 1 } },
    });

    expect(await look("2023-11-14")).toBe(0);
    expect(await messages()).toEqual([]);
    // Two at once, and once more.
    const told = await Promise.all([look("2023-11-15"), look("2023-11-15")]);
    expect(told.sort()).toEqual([0, 1]);
    expect(await look("2023-11-15")).toBe(0);
    expect(await look("2023-11-16")).toBe(0);
    expect(await messages()).toMatchObject([
      {
        ...{ payee: "ada", model: "ada/llm", day: "2023-11-15" },
        figures: [
          {
            ...{ version: null, figure: "latency_p50", direction: "up", threshold: 0.2 },
            window: { from: "2023-11-15", to: "2023-11-16" },
            baseline: { from: "2023-11-08", to: "2023-11-15" },
          },
        ],
      },
    ]);
    expect((await ada("GET", PATH)).body).toMatchObject({
      looked_at_day: "2023-11-16",
      drifting: [{ figure: "latency_p50", direction: "up", since_day: "2023-11-15" }],
    });
    expect(await look("2023-11-17")).toBe(0);
    expect((await ada("GET", PATH)).body).toMatchObject({ drifting: [] });
    expect(await look("2023-11-19")).toBe(1);
    expect(await messages()).toHaveLength(2);
  });

  test("alone sets it, with figures that there are", async () => {
    const lin = await api.keyFor({ role: "payee", payee: "lin" });
    for (const method of ["GET", "DELETE"]) expectProblem(await lin(method, PATH), 404, "not_found");
    expectProblem(await ada("PUT", PATH, { thresholds: {} }), 400, "body_invalid");
    expectProblem(await ada("PUT", PATH, { thresholds: { colour: 1 } }), 400, "body_invalid");
    expect((await ada("DELETE", PATH)).status).toBe(204);
    expectProblem(await ada("DELETE", PATH), 404, "not_found");
  });
});
