import fc from "fast-check";
import type { EventTable } from "../../src/metering/batch/event-table.ts";
import { ByteText } from "../../src/metering/columns/byte-text.ts";

const text = (...valid: string[]) =>
  fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...valid) },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 8 }) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        ...'é 😀 \u0000 a\nb \u007f \u0080 \u009f \u00a0 \ud800 a\udc00 a\tb / a/b/c a\u2028b " \\'.split(
          " ",
        ),
        "",
        " ",
        "a b",
        "a\n",
        "x".repeat(64),
        "x".repeat(65),
        `${"x".repeat(64)}/${"y".repeat(64)}`,
        `${"x".repeat(65)}/y`,
        "x".repeat(128),
        "x".repeat(129),
        "x".repeat(256),
        "x".repeat(257),
        "😀".repeat(128),
        "x".repeat(512),
        "x".repeat(513),
      ),
    },
  );
const anything = fc.oneof(fc.jsonValue(), fc.constantFrom(null, 0, true, "", [], {}));
const mostly = <T>(usual: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 24, arbitrary: usual }, { weight: 1, arbitrary: anything });

const two = (max: number) => fc.integer({ min: 0, max }).map((n) => `${n}`.padStart(2, "0"));
const years = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 2000, max: 2024 }).map(String) },
  {
    weight: 2,
    arbitrary: fc.constantFrom("1999", "2000", "2096", "2099", "2100", "2104", "1900", "0000", "9999"),
  },
);
const days = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(two(12), two(28)).map((parts) => parts.join("-")) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "02-29",
      "02-30",
      "02-28",
      "04-31",
      "12-31",
      "01-01",
      "03-01",
      "00-10",
      "13-01",
      "06-00",
    ),
  },
  { weight: 1, arbitrary: fc.tuple(two(13), two(32)).map((parts) => parts.join("-")) },
);
const clocks = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(two(23), two(59), two(59)).map((parts) => parts.join(":")) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("24:00:00", "23:59:60", "23:60:00", "00:00:00", "23:59:59", "25:00:00"),
  },
);
const fractions = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .string({ unit: fc.constantFrom(..."0123456789"), minLength: 1, maxLength: 18 })
      .map((d) => `.${d}`),
  },
  { weight: 2, arbitrary: fc.constantFrom("", ".", ".1234567890123456789", ",5", ".12a", ".-1", "..5") },
);
const zones = fc.oneof(
  { weight: 8, arbitrary: fc.constant("Z") },
  {
    weight: 2,
    arbitrary: fc.constantFrom("z", "+00:00", "-00:00", "+05:30", "-23:59", "+24:00", "+0530", "", "ZZ"),
  },
);
const written = fc
  .tuple(years, days, fc.constantFrom("T", "T", "T", "T", "t", " "), clocks, fractions, zones)
  .map(([year, day, t, clock, fraction, zone]) => `${year}-${day}${t}${clock}${fraction}${zone}`);
/** One character of a time replaced, put in or taken out. */
const damaged = fc
  .tuple(
    written,
    fc.nat(40),
    fc.nat(1),
    fc.constantFrom("", "-", ":", "/", " ", "0", "9", "Z", "٣", "\n", "\u0000"),
  )
  .map(([time, at, cut, put]) => time.slice(0, at) + put + time.slice(at + cut));

export const times = fc.oneof(
  { weight: 6, arbitrary: written },
  { weight: 2, arbitrary: damaged },
  { weight: 1, arbitrary: fc.string() },
);

const names = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      "predict_time",
      "input_token_count",
      "output_token_count",
      "image_count",
      "frames",
      "gpu_seconds",
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "prompt_tokens",
      "runs",
      "__proto__",
      "constructor",
      "toString",
      "7",
      "Odd",
      "",
      "x".repeat(63),
      "x".repeat(65),
    ),
  },
);
/** Numbers as JSON may write them. */
const numbers = fc.oneof(
  { weight: 6, arbitrary: fc.oneof(fc.nat(5000), fc.double({ min: 0, max: 1e4, noNaN: true })).map(String) },
  { weight: 1, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }).map(String) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "-0",
      "1e400",
      "1E2",
      "1e15",
      "1e-7",
      "0.0000005",
      "0.1234565",
      "9007199254740993",
      "-1",
      "1e15",
      "1000000000000001",
      '"5"',
      "null",
      "[]",
      '{"a":1}',
    ),
  },
);
const metrics = fc.oneof(
  { weight: 12, arbitrary: fc.array(fc.tuple(names, numbers), { maxLength: 5 }).map(objectText) },
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: 63, max: 66 })
      .map((n) => objectText(Array.from({ length: n }, (_, m) => [m === 0 ? "__proto__" : `m${m}`, "1"]))),
  },
  { weight: 1, arbitrary: anything.map((value) => JSON.stringify(value)) },
);

/** As text, so that a key may be `__proto__` or come twice. */
function objectText(entries: [string, string][]): string {
  return `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(",")}}`;
}

const fields = (parts: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record(
    Object.fromEntries(
      Object.entries(parts).map(([name, values]) => [
        name,
        fc.oneof(
          { weight: 40, arbitrary: values.map((value) => JSON.stringify(value)) },
          { weight: 1, arbitrary: fc.constant(undefined) },
        ),
      ]),
    ),
  );
const textOf = (parts: Record<string, string | undefined>) =>
  objectText(Object.entries(parts).filter((entry): entry is [string, string] => entry[1] !== undefined));

const prediction = fc
  .tuple(
    fields({
      model: mostly(text("meta/llama-3-70b-instruct", "a/b")),
      version: mostly(fc.oneof(fc.constant(null), text("fbfb20b4", "é"))),
      status: mostly(fc.constantFrom("succeeded", "failed", "canceled", "aborted")),
      parent: mostly(fc.oneof(fc.constant(null), text("ufawqhfynnddngldkgtslldrkq"))),
      hardware: mostly(fc.oneof(fc.constant(null), text("gpu-l40s", "Nvidia A40 (Large)"))),
    }),
    fc.option(metrics, { freq: 12, nil: undefined }),
    fc.constantFrom(
      {},
      {},
      { input: '{"prompt":"secret"}', output: '"secret"' },
      JSON.parse('{"__proto__":"{}"}') as Record<string, string>,
    ),
  )
  .map(([known, measured, extra]) => textOf({ ...known, metrics: measured, ...extra }));

const event = fc
  .tuple(
    fields({
      specversion: mostly(fc.constant("1.0")),
      id: mostly(text("ufawqhfynnddngldkgtslldrkq", "1")),
      source: mostly(text("//predictor/eu-1", "urn:x")),
      type: mostly(fc.constant("prediction.completed")),
      time: mostly(times),
      subject: mostly(text("customer-42", "a@b.c_d")),
    }),
    fc.oneof(
      { weight: 30, arbitrary: prediction },
      { weight: 1, arbitrary: anything.map((value) => JSON.stringify(value)) },
    ),
    fc.constantFrom({}, {}, { datacontenttype: '"application/json"', traceparent: '"00"' }),
  )
  .map(([known, data, extra]) => textOf({ ...known, data, ...extra }));

/** The JSON text of events that are good, nearly good, or meant to harm. */
export const eventJson = fc.oneof(
  { weight: 40, arbitrary: event },
  { weight: 1, arbitrary: anything.map((value) => JSON.stringify(value)) },
);

export const COMMON_EVENT = {
  specversion: "1.0",
  source: "//predictor/eu-1",
  id: "ufawqhfynnddngldkgtslldrkq",
  type: "prediction.completed",
  time: "2023-11-16T18:17:03.979960Z",
  subject: "customer-42",
  traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
  data: {
    model: "meta/llama-3-70b-instruct",
    version: "fbfb20b4",
    status: "succeeded",
    metrics: { predict_time: 1.234567, input_token_count: 4808, output_token_count: 10 },
    input: { prompt: "é" },
  },
};

/** Ids of a batch's events as JSON has them, with commas between. */
export function idsOf({ id }: EventTable, rows: readonly number[]): string {
  const text = new ByteText(0);
  id.writeList(rows, text);
  return text.written.toString();
}
