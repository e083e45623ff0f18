import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestApi, type TestApi } from "../support/api.ts";
import { expectProblem } from "../support/problem.ts";
import { SMALL_CATALOG, usageEvent } from "../support/usage.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  await api.load(SMALL_CATALOG);
});
afterAll(() => api.stop());

const SINGLE = { "Content-Type": "application/cloudevents+json" };
const BATCH = { "Content-Type": "application/cloudevents-batch+json" };

describe("events", () => {
  test("a batch of more than a thousand events is refused whole", async () => {
    const events = Array.from({ length: 1001 }, (_, n) => usageEvent({ id: `many-${n}` }));
    expectProblem(await api.operator("POST", "/v1/events", events, BATCH), 413, "body_too_large");
  });

  test("an array as a single event, an object as a batch, and what is no CloudEvent are refused", async () => {
    const one = usageEvent({ id: "x" });
    expectProblem(await api.operator("POST", "/v1/events", [one], SINGLE), 400, "event_invalid");
    expectProblem(await api.operator("POST", "/v1/events", one, BATCH), 400, "event_invalid");
    for (const nothing of ["null", "7", '"text"', '{"id":"x"}']) {
      expectProblem(await api.operator("POST", "/v1/events", nothing, SINGLE), 400, "event_invalid");
    }
  });

  test("bad events of a batch are named with index, id, code and what to do; the others are taken", async () => {
    const good = usageEvent({ id: "good" });
    const bad = [
      { ...usageEvent({ id: "b1" }), type: "something.else" },
      usageEvent({ id: "b2", time: "yesterday" }),
      usageEvent({ id: "b3", time: new Date(Date.now() + 3_600_000).toISOString() }),
      usageEvent({ id: "b4", metrics: { predict_time: -1 } }),
      usageEvent({ id: "b5", metrics: { input_tokens: 5 } }),
      usageEvent({ id: "b6", metrics: { input_token_count: 1, prompt_tokens: 2 } }),
      usageEvent({ id: "b7", customer: "not an id" }),
      usageEvent({ id: "b8", model: "no-owner" }),
      usageEvent({ id: "b9", status: "exploded" }),
      null,
      [],
      usageEvent({ id: "nul\u0000" }),
    ];
    const { status, body } = await api.operator("POST", "/v1/events", [...bad, good], BATCH);
    expect(status).toBe(202);
    const { accepted, rejected } = body as { accepted: number; rejected: { index: number; code: string }[] };
    expect(accepted).toBe(1);
    expect(rejected.map((each) => each.index)).toEqual(bad.map((_, index) => index));
    expect(rejected.map((each) => each.code)).toEqual([
      "event_invalid",
      "time_invalid",
      "time_in_future",
      "quantity_invalid",
      "meter_forged",
      "metrics_disagree",
      "event_invalid",
      "event_invalid",
      "event_invalid",
      "event_invalid",
      "event_invalid",
      "event_invalid",
    ]);
    expect(rejected[0]).toEqual({
      index: 0,
      id: "b1",
      code: "event_invalid",
      message: expect.stringContaining("type"),
    });
  });

  test("an infinite quantity, 1e400 on the wire, is rejected", async () => {
    const text = JSON.stringify(usageEvent({ id: "inf", metrics: { predict_time: 1 } })).replace(
      '"predict_time":1',
      '"predict_time":1e400',
    );
    const { body } = await api.operator("POST", "/v1/events", text, SINGLE);
    expect(body).toMatchObject({ accepted: 0, rejected: [{ code: "quantity_invalid" }] });
  });

  test("JSON nested a hundred thousand deep is rejected or taken, never our error", async () => {
    const deep = "[".repeat(100_000) + "]".repeat(100_000);
    const inside = JSON.stringify(usageEvent({ id: "deep", metrics: { note: 0 } })).replace(
      '"note":0',
      `"note":${deep}`,
    );
    for (const body of [deep, inside, `{"specversion":"1.0","id":${deep}}`]) {
      const { status } = await api.operator("POST", "/v1/events", body, SINGLE);
      expect([202, 400]).toContain(status);
    }
  });

  test("__proto__ as a key changes nothing", async () => {
    const text = JSON.stringify(usageEvent({ id: "proto" })).replace(
      '"input_token_count":1000',
      '"input_token_count":1000,"__proto__":{"image_count":7}',
    );
    expect((await api.operator("POST", "/v1/events", text, SINGLE)).body).toEqual({
      accepted: 1,
      rejected: [],
    });
    await api.metered();
    const { body } = await api.operator("GET", "/v1/predictions/proto");
    expect((body as { usage: { meter: string }[] }).usage.map((each) => each.meter).sort()).toEqual([
      "input_tokens",
      "runs",
    ]);
  });

  test("whatever batch is accepted with 202 can be metered, however its numbers were written", async () => {
    const metrics = Array.from({ length: 64 }, (_, n) => `"m${n}":1e15`).join(",");
    const events = Array.from({ length: 950 }, (_, n) =>
      JSON.stringify(usageEvent({ id: `w${n}`, metrics: {} })).replace(
        '"metrics":{}',
        `"metrics":{${metrics}}`,
      ),
    );
    const body = `[${events.join(",")}]`;
    expect(Buffer.byteLength(body)).toBeLessThan(1_048_576);
    const before = await meteringStatus();
    expect(await api.operator("POST", "/v1/events", body, BATCH)).toMatchObject({
      status: 202,
      body: { accepted: 950 },
    });
    await api.metered();
    const after = await meteringStatus();
    expect(after.dead).toBe(before.dead);
    expect(Number(after.applied) - Number(before.applied)).toBe(950);
  });

  test("a gzipped body is taken, and counts with its unpacked size", async () => {
    const headers = { ...SINGLE, "Content-Encoding": "gzip" };
    const small = gzipSync(JSON.stringify(usageEvent({ id: "zipped" })));
    expect((await api.operator("POST", "/v1/events", small, headers)).status).toBe(202);
    const bomb = gzipSync(Buffer.alloc(4_000_000, " "));
    expectProblem(await api.operator("POST", "/v1/events", bomb, headers), 413, "body_too_large");
    const brokenOrUnknown = await api.operator("POST", "/v1/events", "{}", {
      ...SINGLE,
      "Content-Encoding": "zip",
    });
    expectProblem(brokenOrUnknown, 415, "media_type_not_supported");
  });

  test("an ingest key bound to sources may send theirs and no other", async () => {
    const bound = await api.keyFor({ role: "ingest", sources: ["//predictor/eu-1"] });
    const events = [usageEvent({ id: "s1" }), usageEvent({ id: "s2", source: "//predictor/us-1" })];
    expect((await bound("POST", "/v1/events", events, BATCH)).body).toMatchObject({
      accepted: 1,
      rejected: [{ index: 1, id: "s2", code: "source_not_allowed" }],
    });
    expect((await bound("GET", "/v1/metering/status")).status).toBe(200);
    const free = await api.keyFor({ role: "ingest" });
    expect((await free("POST", "/v1/events", events[1], SINGLE)).body).toEqual({ accepted: 1, rejected: [] });
  });

  async function meteringStatus(): Promise<Record<string, string>> {
    return (await api.operator("GET", "/v1/metering/status")).body as Record<string, string>;
  }
});
