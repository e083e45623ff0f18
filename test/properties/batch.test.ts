import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildBatch, placeInLog } from "../../src/metering/batch/build-batch.ts";
import { columnsBuilding } from "../../src/metering/batch/event-columns.ts";
import { atOnce } from "../../src/metering/batch/in-turns.ts";
import { sliceArray } from "../../src/metering/batch/slice-array.ts";
import { isSecretName } from "../../src/secrets/secret-name.ts";
import type { LogRecord } from "../../src/usage/index.ts";
import { idsOf } from "./usage-events.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });
const APPENDED_AT = new Date("2023-11-20T00:00:00Z");

function recordsOf(values: readonly (Uint8Array | string)[]): LogRecord[] {
  return values.map((value, index) => ({
    offset: BigInt(index),
    value: typeof value === "string" ? Buffer.from(value) : Buffer.from(value),
    appendedAt: APPENDED_AT,
  }));
}

function goodEvent(id: string) {
  const metrics = { predict_time: 1.234567, input_token_count: 4808 };
  const data = { model: "ada/llm", version: "v1", status: "succeeded", metrics };
  const time = "2023-11-16T18:17:03.979960Z";
  return { specversion: "1.0", source: "s", id, type: "prediction.completed", time, subject: "acme", data };
}

const strange = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom("\u0000", "\ud800", "", "a".repeat(600), null, -1, 1e308, [], {}),
  fc.string({ unit: "binary" }),
);
/** An event with one of its fields replaced by something else, or none. */
const events = fc
  .record({
    id: fc.constantFrom("a", "b", "c"),
    path: fc.constantFrom(
      "none",
      "id",
      "source",
      "time",
      "subject",
      "data",
      "model",
      "status",
      "version",
      "metrics",
      "parent",
    ),
    value: strange,
    metric: fc.option(
      fc.tuple(
        fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "runs", "predict_time")),
        strange,
      ),
    ),
  })
  .map(({ id, path, value, metric }) => {
    const event: Record<string, unknown> = goodEvent(id);
    if (metric !== null) event.data = withField(event.data, "metrics", Object.fromEntries([metric]));
    if (path === "none") return event;
    return path in event
      ? withField(event, path, value)
      : { ...event, data: withField(event.data, path, value) };
  });

function withField(object: unknown, key: string, value: unknown): Record<string, unknown> {
  return { ...(object as Record<string, unknown>), [key]: value };
}

const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/);
/** The text of an element as a producer may write it: what JSON.stringify would lose, kept. */
const elementTexts = fc.oneof(
  events.map((event) => JSON.stringify(event)),
  fc.jsonValue().map((json) => JSON.stringify(json)),
  fc.constantFrom(
    '{"a": 1e400}',
    '{"a":1,"a":2}',
    '"\\"],[\\\\"',
    '{ "k,]" : [ "}" , {} ] }',
    "-0.0",
    '"\\ud800"',
    "[ ]",
  ),
);
const arrayTexts = fc
  .array(fc.tuple(space, elementTexts, space), { minLength: 1, maxLength: 8 })
  .map((list) => ({
    text: `[${list.map((parts) => parts.join("")).join(",")}]`,
    elements: list.map(([, element]) => element),
  }));

/** Whether a name or a text in it is one that secrets have ("Jwt"): what stands there is not kept. */
function namesSecret(element: string): boolean {
  let found = false;
  JSON.parse(element, (key: string, value: unknown) => {
    found ||= isSecretName(key) || (typeof value === "string" && isSecretName(value));
    return value;
  });
  return found;
}

describe("a batch", () => {
  test("is built of any bytes, and everything found is an event or a dead letter", () => {
    const values = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.string({ unit: "binary" }),
      fc.json(),
      arrayTexts.map(({ text }) => text),
      arrayTexts.map(({ text }) => text.slice(0, -1)),
      events.map((event) => JSON.stringify(event)),
      fc.constantFrom(
        "[]",
        "",
        "null",
        "\ufeff[1]",
        "[".repeat(50_000),
        `${"[".repeat(50_000)}${"]".repeat(50_000)}`,
      ),
    );
    fc.assert(
      fc.property(fc.array(values, { maxLength: 6 }), (list) => {
        const records = recordsOf(list);
        const batch = buildBatch(records);
        expect(batch.consumed).toBe(batch.firsts.length + batch.repeats.length + batch.dead.length);
        const places = [
          ...[...batch.firsts, ...batch.repeats].map((row) => {
            const { offset, index } = placeInLog(records, batch.events, row);
            return `${offset} ${index}`;
          }),
          ...batch.dead.map(({ o, x }) => `${o} ${x}`),
        ];
        expect(new Set(places).size).toBe(places.length);
        expect(places).toHaveLength(batch.consumed);
        const columns = atOnce(
          columnsBuilding(
            batch.events,
            batch.firsts,
            () => false,
            () => undefined,
          ),
        );
        const { customers, sources, models, versions, statuses, meters, hardware, events } = columns;
        const lines = utf8.decode(events);
        for (const line of batch.firsts.length === 0 ? [] : lines.split("\n")) JSON.parse(line);
        const names = [customers, sources, models, versions, statuses, meters, hardware];
        const text = JSON.stringify([names, lines, batch.dead]);
        expect(text.isWellFormed()).toBe(true);
        expect(text).not.toContain("\\u0000");
        expect(text).not.toContain("\\ud8");
      }),
      { numRuns: 600 },
    );
  });

  test("buries exactly what was sent, where it names no secret", () => {
    const innocent = arrayTexts.filter(({ elements }) => !elements.some(namesSecret));
    fc.assert(
      fc.property(innocent, ({ text, elements }) => {
        const batch = buildBatch(recordsOf([text]));
        expect(batch.consumed).toBe(elements.length);
        for (const dead of batch.dead) {
          expect(Buffer.from(dead.raw, "base64").toString()).toBe(elements[dead.x]);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("buries a record that is no JSON array whole, byte for byte", () => {
    const whole = fc.uint8Array({ maxLength: 50 }).filter((bytes) => bytes[0] !== 0x5b);
    fc.assert(
      fc.property(whole, (bytes) => {
        const { dead } = buildBatch(recordsOf([bytes]));
        expect(dead.map((row) => row.raw)).toEqual([Buffer.from(bytes).toString("base64")]);
      }),
    );
  });

  test("has the first event of each identity, and the others as repeats", () => {
    const ids = fc.array(fc.array(fc.constantFrom("a", "b", "c", "d"), { minLength: 1, maxLength: 5 }), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(ids, (records) => {
        const batch = buildBatch(recordsOf(records.map((list) => JSON.stringify(list.map(goodEvent)))));
        const flat = records.flat();
        const firsts = [...new Set(flat)];
        expect(JSON.parse(`[${idsOf(batch.events, batch.firsts)}]`)).toEqual(firsts);
        expect(batch.repeats).toHaveLength(flat.length - firsts.length);
      }),
    );
  });
});

describe("the text of a JSON array", () => {
  test("is cut into the exact texts of its elements", () => {
    fc.assert(
      fc.property(arrayTexts, ({ text, elements }) => {
        expect(sliceArray(text)).toEqual(elements);
        expect(sliceArray(text).map((element) => JSON.parse(element))).toEqual(JSON.parse(text));
      }),
      { numRuns: 1000 },
    );
  });

  test("of an empty array has no elements", () => {
    expect(sliceArray("[]")).toEqual([]);
    expect(sliceArray(" [ \n] ")).toEqual([]);
  });
});
