import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseInstant } from "../../src/kernel/index.ts";
import { HARDWARE_PATTERN } from "../../src/usage/cloud-event.ts";
import { CloudEvent, readUsageEvent } from "../../src/usage/index.ts";
import { isPlainEvent } from "../../src/usage/plain-event.ts";
import { readTime } from "../../src/usage/read-time.ts";
import { exactQuantity, toQuantity } from "../../src/usage/to-quantity.ts";
import { measure } from "../oracle/quantities.ts";
import { COMMON_EVENT, eventJson, times } from "./usage-events.ts";

const APPENDED_AT = parseInstant("2024-03-01T00:00:00Z") ?? 0n;

describe("an event", () => {
  test("is read as the schema, the calendar and the exact quantities have it, whatever was written", () => {
    fc.assert(
      fc.property(eventJson, (text) => {
        const json: unknown = JSON.parse(text);
        const read = readUsageEvent(json, APPENDED_AT);
        const schema = CloudEvent.safeParse(json);
        if (!schema.success) {
          expect(read).toMatchObject({ refusal: { code: "event_invalid" } });
          return;
        }
        const again = readUsageEvent(schema.data, APPENDED_AT);
        if ("refusal" in read) {
          expect(again).toEqual(read);
          return;
        }
        const { id, source, subject, time, data } = schema.data;
        const { model, version, status, parent, metrics, hardware } = data;
        const names = { id, source, customer: subject, model, version: version ?? "", status };
        expect(read.event).toEqual({
          ...names,
          parent: parent ?? null,
          hardware: typeof hardware === "string" && HARDWARE_PATTERN.test(hardware) ? hardware : null,
          occurredAt: parseInstant(time),
          quantities: measure(metrics ?? {}),
        });
        expect("event" in again && again.event).toEqual(read.event);
      }),
      { numRuns: 4000 },
    );
  });

  test("is refused for its time and its quantities exactly when calendar and exact quantities say so", () => {
    fc.assert(
      fc.property(eventJson, (text) => {
        const schema = CloudEvent.safeParse(JSON.parse(text));
        fc.pre(schema.success);
        const read = readUsageEvent(JSON.parse(text), APPENDED_AT);
        const at = parseInstant(schema.data.time);
        const timely = at !== undefined && at >= 946_684_800_000_000n && at <= APPENDED_AT + 600_000_000n;
        const { metrics } = schema.data.data;
        const measurable = Object.keys(metrics ?? {}).length <= 64 && measure(metrics ?? {}) !== undefined;
        expect("event" in read).toBe(timely && measurable);
      }),
      { numRuns: 2000 },
    );
  });

  test("that passes without the schema is one that the schema accepts and leaves as it is", () => {
    let passed = 0;
    fc.assert(
      fc.property(eventJson, (text) => {
        const json: unknown = JSON.parse(text);
        if (!isPlainEvent(json)) return;
        passed++;
        const { specversion, id, source, type, time, subject } = json;
        const { model, version, status, metrics, parent, input, output, logs, error, hardware } = json.data;
        const data = { model, version, status, metrics, parent, input, output, logs, error, hardware };
        expect(CloudEvent.parse(json)).toEqual({ specversion, id, source, type, time, subject, data });
      }),
      { numRuns: 4000 },
    );
    expect(passed).toBeGreaterThan(400);
  });

  test("of the common kind passes without the schema", () => {
    expect(isPlainEvent(COMMON_EVENT)).toBe(true);
  });
});

describe("a time", () => {
  test("is read as the calendar has it", () => {
    let plain = 0;
    fc.assert(
      fc.property(times, (text) => {
        expect(readTime(text)).toBe(parseInstant(text));
        if (parseInstant(text) !== undefined) plain++;
      }),
      { numRuns: 20_000 },
    );
    expect(plain).toBeGreaterThan(1000);
  });

  test("is right on every day of two centuries", () => {
    const text = (day: number) => new Date(Date.UTC(1950, 0, 1 + day)).toISOString();
    const wrong = Array.from({ length: 73_049 }, (_, day) => text(day)).filter(
      (time) => readTime(time) !== BigInt(Date.parse(time)) * 1000n,
    );
    expect(wrong).toEqual([]);
  });
});

describe("a quantity", () => {
  const digits = fc.tuple(
    fc.nat(999_999),
    fc.nat(999_999),
    fc.nat(999),
    fc.constantFrom("", "5", "49", "50", "51"),
  );
  const written = digits.map(([whole, micros, more, end]) =>
    Number(`${whole}.${`${micros}`.padStart(6, "0")}${more === 0 ? "" : more}${end}`),
  );
  const anyNumber = fc.oneof(
    fc.double(),
    fc.double({ min: 0, max: 1e16 }),
    fc.double({ min: 0, max: 1e-3 }),
    fc.maxSafeNat(),
    written,
    written.map((value) => value / 1e6),
    written.map((value) => value + 0.0000005),
    fc.constantFrom(0, -0, 1e6, 999_999.9999995, 1_000_000.0000005, 1e9, 1e15, 1e15 + 0.5, 5e-324),
  );

  test("is what the shortest decimal text of its number says, rounded half-even", () => {
    fc.assert(
      fc.property(anyNumber, fc.constantFrom(0 as const, 6 as const), (value, scale) => {
        expect(toQuantity(value, scale)).toBe(exactQuantity(value, scale));
      }),
      { numRuns: 30_000 },
    );
  });
});
