import fc from "fast-check";
import { expect, test } from "vitest";
import { now } from "../../src/kernel/index.ts";
import { acceptEvents, type LogAppend, readUsageEvent, type UsageLog } from "../../src/usage/index.ts";
import { eventJson } from "../properties/usage-events.ts";
import { usageEvent } from "../support/usage.ts";

/** A log that only takes records, and keeps them. */
function recordingLog() {
  const records: LogAppend[] = [];
  const log: Pick<UsageLog, "append"> = {
    append: async (values) => void records.push(...values),
  };
  const events = () =>
    records.flatMap(({ value }) => JSON.parse(value.toString()) as unknown).flat() as Record<
      string,
      unknown
    >[];
  return { log: log as UsageLog, records, events };
}

test("what is in the log is read as what was accepted, in order, and the rest is named", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(eventJson, { maxLength: 8 }), async (texts) => {
      const batch = texts.map((text): unknown => JSON.parse(text));
      const { log, events } = recordingLog();
      const { accepted, rejected } = await acceptEvents(log, batch);
      const at = now();
      const read = batch.map((json) => readUsageEvent(json, at));
      const refused = read.flatMap((each, index) => ("refusal" in each ? [{ index, ...each.refusal }] : []));
      expect(rejected.map(({ id: _, ...each }) => each)).toEqual(refused);
      const good = read.flatMap((each) => ("event" in each ? [each.event] : []));
      expect(accepted).toBe(good.length);
      expect(events().map((json) => readUsageEvent(json, at))).toMatchObject(
        good.map((event) => ({ event })),
      );
    }),
    { numRuns: 500 },
  );
});

test("inputs, outputs, logs, unknown attributes and metrics without a number do not reach the log", async () => {
  const { log, records, events } = recordingLog();
  const event = usageEvent({
    id: "a",
    metrics: { input_token_count: 5, note: "secret", nested: { image_count: 1 } },
  });
  const prediction = { ...event.data, input: { prompt: "secret" }, output: "secret", logs: "secret" };
  await acceptEvents(log, [{ ...event, traceparent: "secret", data: prediction }]);
  expect(records[0]?.value.toString()).not.toContain("secret");
  const { parent: _, version: __, ...data } = event.data;
  expect(events()).toEqual([{ ...event, data: { ...data, metrics: { input_token_count: 5 } } }]);
});

test("a single event is a record of its own and several are one array, under the first one's id", async () => {
  const { log, records } = recordingLog();
  await acceptEvents(log, [{ bad: true }, usageEvent({ id: "one" })]);
  await acceptEvents(log, [usageEvent({ id: "two" }), usageEvent({ id: "three" })]);
  await acceptEvents(log, [{ bad: true }]);
  expect(records.map(({ key, value }) => [key, value.toString()[0]])).toEqual([
    ["one", "{"],
    ["two", "["],
  ]);
});

test("a batch whose numbers grow beyond a record is spread over several, each small enough", async () => {
  const metrics = Object.fromEntries(Array.from({ length: 64 }, (_, n) => [`m${n}`, 1e15]));
  const batch = Array.from({ length: 1000 }, (_, n) => usageEvent({ id: `${n}`, metrics }));
  const { log, records, events } = recordingLog();
  expect(await acceptEvents(log, batch)).toEqual({ accepted: 1000, rejected: [] });
  expect(records.length).toBeGreaterThan(1);
  expect(Math.max(...records.map(({ value }) => value.length))).toBeLessThan(1_000_000);
  expect(events().map(({ id }) => id)).toEqual(batch.map(({ id }) => id));
});

test("a key bound to many sources is told some of them, however many events name another", async () => {
  const sources = Array.from({ length: 100 }, (_, n) => `//bound/${n}/${"x".repeat(490)}`);
  const batch = Array.from({ length: 1000 }, (_, n) => usageEvent({ id: `${n}` }));
  const { log } = recordingLog();
  const { rejected } = await acceptEvents(log, batch, sources);
  expect(rejected).toHaveLength(1000);
  expect(rejected[0]?.message).toContain("//bound/0/");
  expect(JSON.stringify(rejected).length).toBeLessThan(3_000_000);
});
