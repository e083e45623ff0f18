import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildBatch, type MeteringBatch } from "../../src/metering/batch/build-batch.ts";
import { ByteText } from "../../src/metering/columns/byte-text.ts";
import { HashColumn } from "../../src/metering/columns/hash-column.ts";
import {
  acceptEvents,
  acceptLogged,
  COLUMN_METERS,
  Digests,
  type LogAppend,
  type LogRecord,
  type UsageLog,
} from "../../src/usage/index.ts";
import { eventJson, idsOf, times } from "./usage-events.ts";

const APPENDED_AT = new Date("2023-11-20T00:00:00Z");

function recordOf(text: string | Uint8Array): LogRecord {
  return { offset: 0n, value: Buffer.from(text as string), appendedAt: APPENDED_AT };
}

/** The same JSON, which must be parsed whole: no event of the door's begins with a space. */
function spaced(text: string): string {
  return ` ${text}`;
}

/** Everything that a batch says of its events, with names for numbers. */
function told({ events, firsts, repeats, dead, consumed }: MeteringBatch) {
  const rows = Array.from({ length: events.size }, (_, row) => ({
    source: events.sourceNames.names[events.source.at(row)],
    customer: events.customerNames.names[events.customer.at(row)],
    model: events.subjects.model[events.subject.at(row)],
    version: events.subjects.version[events.subject.at(row)],
    status: events.subjects.status[events.subject.at(row)],
    occurredAt: events.occurredAt.at(row),
    id: idsOf(events, [row]),
    parent: events.parents.get(row),
    hardware: events.hardwareNames.names[events.hardware.at(row) - 1],
    quantities: COLUMN_METERS.map((_, meter) => events.quantities[meter]?.at(row)),
    others: events.others.get(row),
    identity: events.identity.hexOf(row),
    content: events.content.bigIntOf(row),
    index: events.index.at(row),
  }));
  return { rows, firsts, repeats, consumed, dead: dead.map(({ raw: _, ...said }) => said) };
}

const few = <T>(...values: T[]) => fc.constantFrom(...values);
const counts = fc.oneof(
  fc.nat(9999).map(String),
  few(
    "0",
    "00",
    "01",
    "1.5",
    "2.5",
    "1e3",
    "-1",
    "999999999999999",
    "1000000000000001",
    "12345678901234567890",
    "1.",
    "",
  ),
);
const seconds = fc.oneof(
  fc.tuple(fc.nat(5000), fc.nat(999_999)).map(([whole, part]) => `${whole}.${part}`),
  fc.double({ min: 0, max: 1e10, noNaN: true }).map(String),
  few(
    "0",
    "0.0000005",
    "0.1234565",
    "1.23456789012345678",
    "999999999.999999",
    "1234567890.1234567",
    ".5",
    "1e-7",
  ),
);
const metric = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(few("predict_time"), seconds) },
  { weight: 4, arbitrary: fc.tuple(few("input_token_count", "output_token_count", "image_count"), counts) },
  { weight: 1, arbitrary: fc.tuple(few("prompt_tokens", "frames", "runs", "__proto__"), counts) },
);
const status = fc.oneof(
  { weight: 8, arbitrary: few("succeeded", "failed", "canceled", "aborted") },
  { weight: 1, arbitrary: few("starting", "") },
);
const when = fc.oneof(
  {
    weight: 3,
    arbitrary: few("2023-11-16T18:17:03.979960Z", "2023-11-16T18:17:03Z", "2023-11-20T00:10:00.000001Z"),
  },
  { weight: 1, arbitrary: times.map((time) => JSON.stringify(time).slice(1, -1)) },
);
const name = (...usual: string[]) =>
  fc.oneof(
    { weight: 12, arbitrary: few(...usual) },
    {
      weight: 1,
      arbitrary: few("é", "a b", "a\\n", '\\"', "\\u0000", "", "x".repeat(300), "\u007f", "\ud83d\ude00"),
    },
  );
/** Texts as the door writes them, and some that nearly are. */
const logged = fc
  .record({
    id: name("ufawqhfynnddngldkgtslldrkq", "a", "b", "x".repeat(99), "x".repeat(100), "x".repeat(256)),
    source: name("//predictor/eu-1", "urn:x", "x".repeat(512)),
    time: when,
    customer: name("customer-42", "a@b.c_d", "x".repeat(64), "x".repeat(65)),
    model: name("meta/llama-3-70b-instruct", "a/b", "a/b/c", "ab"),
    version: fc.oneof(
      {
        weight: 4,
        arbitrary: name("fbfb20b4", "x".repeat(128), "x".repeat(129)).map((v) => `,"version":"${v}"`),
      },
      { weight: 1, arbitrary: few("", ',"version":null') },
    ),
    status,
    metrics: fc.array(metric, { maxLength: 4 }),
    parent: fc.oneof(
      { weight: 4, arbitrary: few("") },
      { weight: 2, arbitrary: name("parent").map((p) => `,"parent":"${p}"`) },
      { weight: 1, arbitrary: few(',"parent":null', ',"other":1') },
    ),
    hardware: fc.oneof(
      { weight: 4, arbitrary: few("") },
      {
        weight: 2,
        arbitrary: name(
          "gpu-l40s",
          "Nvidia A100 (80GB) GPU",
          "x".repeat(64),
          "x".repeat(65),
          " gpu",
          "sk-live123456789",
        ).map((kind) => `,"hardware":"${kind}"`),
      },
      { weight: 1, arbitrary: few(',"hardware":null', ',"hardware":8', ',"hardware":["gpu"]') },
    ),
  })
  .map(
    ({ id, source, time, customer, model, version, status, metrics, parent, hardware }) =>
      `{"specversion":"1.0","id":"${id}","source":"${source}","type":"prediction.completed","time":"${time}","subject":"${customer}","data":{"model":"${model}"${version},"status":"${status}","metrics":{${metrics.map(([key, value]) => `"${key}":${value}`).join(",")}}${parent}${hardware}}}`,
  );
const elements = fc.oneof({ weight: 6, arbitrary: logged }, { weight: 1, arbitrary: eventJson });
const texts = fc.oneof(
  { weight: 1, arbitrary: elements },
  { weight: 6, arbitrary: fc.array(elements, { maxLength: 8 }).map((list) => `[${list.join(",")}]`) },
);
/** One byte replaced, put in or taken out. */
const damaged = fc
  .tuple(
    texts,
    fc.nat(),
    fc.nat(1),
    fc.oneof(few(0x22, 0x2c, 0x5c, 0x5d, 0x7d, 0x20, 0x30, 0xff, 0xef), fc.nat(255)),
    fc.boolean(),
  )
  .map(([text, place, cut, byte, put]) => {
    const bytes = Buffer.from(text);
    const at = place % (bytes.length + 1);
    return Buffer.concat([
      bytes.subarray(0, at),
      put ? Buffer.from([byte]) : Buffer.alloc(0),
      bytes.subarray(at + cut),
    ]);
  });

describe("events that are read from the log's own bytes", () => {
  test("are what parsing finds, element by element", () => {
    fc.assert(
      fc.property(texts, fc.option(fc.constantFrom(1, 45), { nil: undefined }), (text, horizonDays) => {
        const fast = told(buildBatch([recordOf(text)], horizonDays));
        expect(fast).toEqual(told(buildBatch([recordOf(spaced(text))], horizonDays)));
      }),
      { numRuns: 2000 },
    );
  });

  test("are what parsing finds in damaged records, which change nothing about their neighbours", () => {
    fc.assert(
      fc.property(fc.array(damaged, { minLength: 1, maxLength: 3 }), (list) => {
        const fast = buildBatch(list.map(recordOf));
        const slow = buildBatch(list.map((bytes) => recordOf(Buffer.concat([Buffer.from(" "), bytes]))));
        expect(told(fast)).toEqual(told(slow));
      }),
      { numRuns: 1500 },
    );
  });
});

describe("a body at the door", () => {
  test("is taken over as it is only when all of it is good, and then the log holds the same events", async () => {
    const sources = fc.option(fc.constantFrom(["//predictor/eu-1", "urn:x"], ["urn:x"]), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(texts, sources, async (text, allowed) => {
        const isBatch = text.startsWith("[");
        const short = keptLog();
        const taken = await acceptLogged(short.log, Buffer.from(text), isBatch, allowed);
        if (taken === undefined) {
          expect(short.records).toEqual([]);
          return;
        }
        const long = keptLog();
        const json = JSON.parse(text);
        expect(await acceptEvents(long.log, isBatch ? json : [json], allowed)).toEqual(taken);
        expect(short.records.map(({ key }) => key)).toEqual(long.records.map(({ key }) => key));
        const metered = (kept: LogAppend[]) => told(buildBatch(kept.map(({ value }) => recordOf(value))));
        expect(metered(short.records)).toEqual(metered(long.records));
      }),
      { numRuns: 1500 },
    );
  });
});

function keptLog() {
  const records: LogAppend[] = [];
  const append = async (values: readonly LogAppend[]) => void records.push(...values);
  return { records, log: { append } as unknown as UsageLog };
}

describe("hashes and numbers", () => {
  test("SHA-256 is node:crypto's, of as many messages of any length as there are", () => {
    const messages = fc.array(fc.oneof(fc.uint8Array({ maxLength: 70 }), fc.uint8Array({ maxLength: 800 })), {
      maxLength: 400,
    });
    const expected = (message: Uint8Array) => createHash("sha256").update(message).digest("hex").slice(0, 32);
    const digests = new Digests();
    fc.assert(
      fc.property(messages, fc.nat(400), (list, dropped) => {
        const column = new HashColumn(4);
        const add = (message: Uint8Array, row: number) => {
          digests.bytes.set(message, digests.at);
          digests.add(message.length, column, row);
        };
        // What was there before, and was not wanted after all.
        list.slice(0, dropped).forEach(add);
        digests.drop();
        for (const [row, message] of list.entries()) {
          column.reserve();
          add(message, row);
        }
        digests.finish();
        expect(list.map((_, row) => column.hexOf(row))).toEqual(list.map(expected));
      }),
      { numRuns: 300 },
    );
  });

  test("a full record's messages, and more, are all hashed", () => {
    const digests = new Digests();
    const column = new HashColumn(2);
    for (let row = 0; row < 5000; row++) {
      column.reserve();
      digests.add(Buffer.from(digests.bytes.buffer, digests.at).write(`event ${row}`), column, row);
    }
    digests.finish();
    for (let row = 0; row < 5000; row += 7) {
      const expected = createHash("sha256").update(`event ${row}`).digest("hex").slice(0, 16);
      expect(column.hexOf(row)).toBe(expected);
    }
  });

  test("are written as they are", () => {
    const integers = fc.oneof(
      fc.maxSafeInteger(),
      few(0, 9, 10, 999_999_999, 1e9, 1e15, Number.MAX_SAFE_INTEGER),
    );
    fc.assert(
      fc.property(fc.array(integers), fc.array(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)), (numbers, wide) => {
        const column = new HashColumn(2);
        for (const each of [...wide, -(2n ** 63n), -1n, 0n, 10n ** 9n, 10n ** 18n]) column.addBigInt(each);
        const text = new ByteText(0).text("[é").integers(numbers.length, (n) => numbers[n] ?? 0, 1e15);
        const written = numbers.map((number) => (number === 1e15 ? "null" : String(number)));
        expect(text.written.toString()).toBe(`[é${written}`);
        wide.forEach((each, row) => {
          expect(column.bigIntOf(row)).toBe(each);
        });
      }),
      {
        numRuns: 1000,
        examples: [
          [[0], [-(2n ** 63n), -1n, 0n, 10n ** 9n, -(10n ** 9n), 10n ** 18n, 2n ** 32n, -(2n ** 32n)]],
        ],
      },
    );
  });
});
