import pino from "pino";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openPostgresUsageLog } from "../../src/adapters/postgres-log/postgres-usage-log.ts";
import { applyBatch } from "../../src/metering/apply-batch.ts";
import { consumeLog, meteringStatus, replayDeadLetter } from "../../src/metering/index.ts";
import { LOG_ID, recordsOf, startTestMetering, type TestMetering } from "../support/metering.ts";
import { usageEvent } from "../support/usage.ts";

let metering: TestMetering;
beforeEach(async () => {
  metering = await startTestMetering();
});
afterEach(() => metering.drop());

const event = (id: string, metrics: Record<string, unknown> = {}) => usageEvent({ id, metrics });
/** The JSON of an event whose one metric stands as this text. */
const withMetric = (name: string, number: string) =>
  JSON.stringify(event("poison", { [name]: 0 })).replace(`"${name}":0`, `"${name}":${number}`);
const { subject: _, ...withoutCustomer } = event("poison");
const { data: __, ...withoutData } = event("poison");
const hourAhead = new Date(Date.now() + 3_600_000).toISOString();

const POISON: [string, Buffer, string][] = [
  ["bytes that are not UTF-8", Buffer.from([0x7b, 0xff, 0xfe, 0x00, 0x7d]), "not_utf8"],
  ["an overlong encoding", Buffer.from([0x22, 0xc0, 0x80, 0x22]), "not_utf8"],
  ["text that is not JSON", Buffer.from("{not json"), "not_json"],
  ["nothing at all", Buffer.alloc(0), "not_json"],
  ["NUL bytes", Buffer.from("\u0000\u0000"), "not_json"],
  ["half a JSON document", Buffer.from(JSON.stringify(event("poison")).slice(0, -5)), "not_json"],
  ["a number", Buffer.from("7"), "event_invalid"],
  ["null", Buffer.from("null"), "event_invalid"],
  ["an object of nothing", Buffer.from("{}"), "event_invalid"],
  ["only a prototype", Buffer.from('{"__proto__":{"specversion":"1.0","id":"x"}}'), "event_invalid"],
  ["nesting without end", Buffer.from(`{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`), "event_invalid"],
  ["a NUL in the id", Buffer.from(JSON.stringify(event("po\u0000ison"))), "event_invalid"],
  [
    "half a surrogate in the id",
    Buffer.from(JSON.stringify(event("po")).replace('"po"', '"\\ud800"')),
    "event_invalid",
  ],
  ["an id of 257 characters", Buffer.from(JSON.stringify(event("x".repeat(257)))), "event_invalid"],
  ["no customer", Buffer.from(JSON.stringify(withoutCustomer)), "event_invalid"],
  ["no data", Buffer.from(JSON.stringify(withoutData)), "event_invalid"],
  ["1e400", Buffer.from(withMetric("predict_time", "1e400")), "quantity_invalid"],
  ["a negative quantity", Buffer.from(withMetric("input_token_count", "-1")), "quantity_invalid"],
  ["2^63", Buffer.from(withMetric("input_token_count", "9223372036854775808")), "quantity_invalid"],
  [
    "a quantity above the limit at its scale",
    Buffer.from(withMetric("predict_time", "1000000001")),
    "quantity_invalid",
  ],
  ["a quantity as text", Buffer.from(withMetric("predict_time", '"1.5"')), "quantity_invalid"],
  ["a meter's own name", Buffer.from(withMetric("input_tokens", "5")), "meter_forged"],
  [
    "a time that is none",
    Buffer.from(JSON.stringify(usageEvent({ id: "p", time: "2023-11-31T00:00:00Z" }))),
    "time_invalid",
  ],
  [
    "a leap second",
    Buffer.from(JSON.stringify(usageEvent({ id: "p", time: "2016-12-31T23:59:60Z" }))),
    "time_invalid",
  ],
  [
    "the far future",
    Buffer.from(JSON.stringify(usageEvent({ id: "p", time: "9999-12-31T23:59:59Z" }))),
    "time_in_future",
  ],
  ["an hour ahead", Buffer.from(JSON.stringify(usageEvent({ id: "p", time: hourAhead }))), "time_in_future"],
];

describe("a record that cannot be read", () => {
  test.each(POISON)(
    "%s becomes a dead letter with its exact bytes, and the next record goes on",
    async (_, raw, reason) => {
      await metering.apply(0, [event("before"), raw, event("after")]);
      expect(await metering.counters()).toMatchObject({ consumed: 3, applied: 2, dead: 1 });
      expect(await metering.deadLetters()).toEqual([{ reason, raw }]);
    },
  );

  test("all of them in one batch, between good ones, become dead letters one by one", async () => {
    const values = POISON.flatMap(([, raw], index) => [raw, event(`good-${index}`)]);
    await metering.apply(0, values);
    expect(await metering.counters()).toMatchObject({ applied: POISON.length, dead: POISON.length });
    expect(await metering.deadLetters()).toEqual(POISON.map(([, raw, reason]) => ({ reason, raw })));
  });

  test("in an array only the bad element dies, with exactly its text", async () => {
    const bad = withMetric("predict_time", "1e400");
    const record = `[ ${JSON.stringify(event("a"))}, ${bad} ,${JSON.stringify(event("b"))},7,"x,]\\"[" ]`;
    await metering.apply(0, [record]);
    expect(await metering.counters()).toMatchObject({ consumed: 5, applied: 2, dead: 3 });
    expect((await metering.deadLetters()).map((letter) => letter.raw.toString())).toEqual([
      bad,
      "7",
      '"x,]\\"["',
    ]);
  });

  test("an empty array consumes nothing", async () => {
    await metering.apply(0, ["[]", event("a")]);
    expect(await metering.counters()).toMatchObject({ consumed: 1, applied: 1, dead: 0 });
  });

  test("what is too far ahead is measured against the log's time, not the time of reading", async () => {
    const at = (time: string) => usageEvent({ id: time, time });
    const appended = new Date("2023-11-16T12:00:00Z");
    await metering.apply(0, [at("2023-11-16T12:10:00Z"), at("2023-11-16T12:10:00.000001Z")], appended);
    expect(await metering.counters()).toMatchObject({ applied: 1, dead: 1 });
    expect(await metering.deadLetters()).toMatchObject([{ reason: "time_in_future" }]);
  });

  test("quantities up to the limit are counted exactly", async () => {
    await metering.apply(0, [event("a", { predict_time: 1e9 }), event("b", { predict_time: 0 })]);
    await metering.apply(0, [event("c", { input_token_count: 1e15 })]);
    expect(await metering.quantities()).toMatchObject({
      "ada/llm predict_seconds": "1000000000000000",
      "ada/llm input_tokens": "1000000000000000",
    });
  });
});

test("records of very many tiny elements are applied in parts, each element a dead letter", async () => {
  const junk = Buffer.from(`[${Array.from({ length: 1000 }, () => "0").join()}]`);
  const held = await metering.claim(0);
  const records = recordsOf([...Array.from({ length: 202 }, () => junk), event("last")], 0n);
  const position = { logId: LOG_ID, partition: 0, ...held, to: 203n };
  const first = await applyBatch(metering.sql, position, records);
  expect(first).toEqual({ events: 200_000, records: 200, nextOffset: 200n });
  const rest = { ...position, nextOffset: first.nextOffset };
  const second = await applyBatch(metering.sql, rest, records.slice(first.records));
  expect(second).toEqual({ events: 2_001, records: 3, nextOffset: 203n });
  expect(await metering.counters()).toMatchObject({ consumed: 202_001, dead: 202_000, applied: 1 });
});

describe("through the log", () => {
  const silent = pino({ level: "silent" });

  test("poison stops no partition, and a dead letter that is replayed is metered", async () => {
    const { sql } = metering;
    const log = await openPostgresUsageLog({ sql, log: silent, partitions: 2 });
    const reading = await consumeLog(log, sql, silent);
    const lagIsZero = () =>
      vi.waitFor(async () => expect((await meteringStatus(sql, log)).lag).toBe(0), 20_000);
    const values = [event("before"), ...POISON.map(([, raw]) => raw), event("after")];
    await log.append(
      values.map((value, n) => ({ key: `${n}`, value: Buffer.isBuffer(value) ? value : json(value) })),
    );
    await lagIsZero();
    expect(await meteringStatus(sql, log)).toMatchObject({
      applied: "2",
      dead: `${POISON.length}`,
      duplicate: "0",
    });

    await sql`UPDATE dead_letter SET raw = ${json(event("mended"))} WHERE reason = 'not_json' AND length(raw) = 0`;
    const [letter] = await sql<[{ id: string }]>`
      SELECT dead_letter_no::text AS id FROM dead_letter WHERE raw = ${json(event("mended"))}`;
    await replayDeadLetter(sql, log, letter.id);
    await lagIsZero();
    expect(await meteringStatus(sql, log)).toMatchObject({ applied: "3", duplicate: "0" });
    await expect(replayDeadLetter(sql, log, letter.id)).rejects.toMatchObject({ code: "already_replayed" });

    await reading.stop();
    await log.close();
  });

  test("a conflict cannot be replayed: an operator must book a correction", async () => {
    const { sql } = metering;
    await sql`INSERT INTO dead_letter (log_id, partition, log_offset, log_index, reason, message, raw)
      VALUES ('log', 0, 0, 0, 'conflict', '', '')`;
    const log = await openPostgresUsageLog({ sql, log: silent, partitions: 1 });
    await expect(replayDeadLetter(sql, log, "1")).rejects.toMatchObject({ code: "conflict_needs_decision" });
    await expect(replayDeadLetter(sql, log, "2")).rejects.toMatchObject({ code: "not_found" });
    await log.close();
  });

  function json(value: unknown): Buffer {
    return Buffer.from(JSON.stringify(value));
  }
});
