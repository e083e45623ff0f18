import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { meterScale } from "../../src/pricing/index.ts";
import { readQuantities } from "../../src/usage/read-quantities.ts";
import { measure } from "../oracle/quantities.ts";

const BUILT_IN = ["predict_seconds", "input_tokens", "output_tokens", "images", "runs"];
const SYNONYMS = [
  ["input_token_count", "prompt_tokens", "input_tokens"],
  ["output_token_count", "completion_tokens", "output_tokens"],
] as const;
const KNOWN = ["predict_time", "image_count", ...SYNONYMS.flatMap(([one, two]) => [two, one])];

const numbers = fc.oneof(
  fc.double(),
  fc.double({ min: 0, max: 1e6, noNaN: true }),
  fc.nat(1_000_000),
  fc.constantFrom(
    0,
    -0,
    0.5,
    1.5,
    2.5,
    1e-7,
    5e-7,
    1e-300,
    5e-324,
    1e15,
    1e15 + 2,
    1e21,
    1e9,
    1.7976931348623157e308,
  ),
);
const names = fc.oneof(
  fc.constantFrom(...KNOWN),
  fc.constantFrom(...BUILT_IN),
  fc.constantFrom(
    "gpu_seconds",
    "load_time",
    "frames",
    "constructor",
    "toString",
    "__proto__",
    "Frames",
    "a b",
    "",
  ),
  fc.string(),
);
const values = fc.oneof({ weight: 6, arbitrary: numbers }, { weight: 1, arbitrary: fc.jsonValue() });
/** With own properties only, `__proto__` among them, as JSON.parse makes them. */
const metrics = fc
  .array(fc.tuple(names, values), { maxLength: 6 })
  .map((list) =>
    list.reduce<Record<string, unknown>>(
      (all, [name, value]) =>
        Object.defineProperty(all, name, { value, enumerable: true, configurable: true, writable: true }),
      {},
    ),
  );

function quantityOf(metric: string, value: unknown, meter: string): bigint | string | undefined {
  const read = readQuantities({ [metric]: value });
  return "code" in read ? read.code : read.get(meter);
}

describe("quantities", () => {
  test("are what an exact model reads from the shortest text of each number", () => {
    fc.assert(
      fc.property(metrics, (reported) => {
        const read = readQuantities(reported);
        expect("code" in read ? undefined : new Map([...read].sort())).toEqual(sorted(measure(reported)));
      }),
      { numRuns: 3000 },
    );
  });

  test("with more digits than the scale are rounded half-even", () => {
    fc.assert(
      fc.property(fc.nat(99_999), fc.nat(999_999), fc.nat(1_000_000), (seconds, micros, count) => {
        const text = `${seconds}.${String(micros).padStart(6, "0")}`;
        const even = (n: bigint) => n + (n % 2n);
        const below = BigInt(seconds) * 1_000_000n + BigInt(micros);
        expect(quantityOf("predict_time", Number(`${text}5`), "predict_seconds")).toBe(even(below));
        expect(quantityOf("predict_time", Number(`${text}49`), "predict_seconds")).toBe(below);
        expect(quantityOf("predict_time", Number(`${text}51`), "predict_seconds")).toBe(below + 1n);
        expect(quantityOf("image_count", count + 0.5, "images")).toBe(even(BigInt(count)));
      }),
    );
  });

  test("that are negative, not finite or above the limit are refused", () => {
    const bad = [
      -1,
      -1e-9,
      -5e-324,
      Number.NaN,
      Infinity,
      -Infinity,
      JSON.parse("1e400"),
      1e15 + 1,
      1e16,
      1e300,
    ];
    for (const metric of [...KNOWN, "frames", "gpu_seconds", "constructor"]) {
      for (const value of bad) {
        expect([metric, value, quantityOf(metric, value, metric)]).toEqual([
          metric,
          value,
          "quantity_invalid",
        ]);
      }
    }
  });

  test("reach the limit of 10^15 at their scale and not beyond", () => {
    expect(quantityOf("image_count", 1e15, "images")).toBe(10n ** 15n);
    expect(quantityOf("predict_time", 1e9, "predict_seconds")).toBe(10n ** 15n);
    expect(quantityOf("predict_time", 1e9 + 1e-6, "predict_seconds")).toBe("quantity_invalid");
  });

  test("beyond the limit say it in what the metric is counted in", () => {
    const told = (metric: string) => readQuantities({ [metric]: 1e16 });
    expect(told("predict_time")).toMatchObject({ message: expect.stringContaining("10^9, in seconds") });
    expect(told("image_count")).toMatchObject({ message: expect.stringContaining("10^15") });
  });

  test("cannot be forged under a meter's own name, whatever else is reported", () => {
    fc.assert(
      fc.property(fc.constantFrom(...BUILT_IN), values, fc.nat(9), (meter, value, other) => {
        const read = readQuantities({ frames: other, [meter]: value });
        expect("code" in read && read.code).toBe("meter_forged");
      }),
    );
  });

  test("of synonyms must agree", () => {
    fc.assert(
      fc.property(fc.constantFrom(...SYNONYMS), fc.nat(1000), fc.nat(1000), ([one, two, meter], a, b) => {
        const read = readQuantities({ [one]: a, [two]: b });
        if (a === b) expect("code" in read || read.get(meter)).toBe(BigInt(a));
        else expect("code" in read && read.code).toBe("metrics_disagree");
      }),
    );
  });

  test("count one run for every event and nothing for what was not measured", () => {
    expect(readQuantities({})).toEqual(new Map([["runs", 1n]]));
    expect(readQuantities({ predict_time: null, note: "fast", Odd: -1 })).toEqual(new Map([["runs", 1n]]));
  });

  test("of metrics named like parts of an object are ordinary quantities or nothing", () => {
    const reported = JSON.parse('{"__proto__": 5, "constructor": 7, "toString": 8, "hasOwnProperty": 9}');
    expect(readQuantities(reported)).toEqual(
      new Map([
        ["runs", 1n],
        ["constructor", 7n],
      ]),
    );
    expect(Object.prototype.toString.call({})).toBe("[object Object]");
  });

  test("have six decimals for seconds and none for anything countable", () => {
    expect(["predict_seconds", "gpu_seconds", "runs", "images", "frames"].map(meterScale)).toEqual([
      6, 6, 0, 0, 0,
    ]);
  });
});

function sorted(map: Map<string, bigint> | undefined): Map<string, bigint> | undefined {
  return map && new Map([...map].sort());
}
