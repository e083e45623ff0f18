import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  add,
  amountInWords,
  BEGINNING_OF_TIME,
  compare,
  digitsInWords,
  firstDay,
  floor,
  formatDecimal,
  formatInstant,
  formatNanos,
  formatScaled,
  minorDigits,
  money,
  multiply,
  nextPeriod,
  parseDecimal,
  parseInstant,
  parseNanos,
  parsePeriod,
  payableFloor,
  periodEnd,
  periodOfDay,
  present,
  rational,
  roundHalfEven,
  subtract,
  sum,
  toMinor,
  ZERO,
} from "../../src/kernel/index.ts";

const END_OF_TIME = 253_402_300_799_999_999n;
const big = fc.bigInt(-(10n ** 40n), 10n ** 40n);
const fractions = fc.tuple(big, fc.bigInt(1n, 10n ** 20n)).map(([num, den]) => rational(num, den));

describe("decimals", () => {
  test("that are written and read again are the same", () => {
    fc.assert(
      fc.property(big, fc.nat(60), (units, scale) => {
        const value = rational(units, 10n ** BigInt(scale));
        expect(parseDecimal(formatDecimal(value))).toEqual(value);
        expect(parseDecimal(formatScaled(units, scale))).toEqual(value);
      }),
    );
  });

  test("are written in their shortest form", () => {
    fc.assert(
      fc.property(big, fc.nat(60), (units, scale) => {
        expect(formatDecimal(rational(units, 10n ** BigInt(scale)))).toMatch(/^-?(0|[1-9]\d*)(\.\d*[1-9])?$/);
      }),
    );
  });

  test("that are no plain decimal text are not read", () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom("", ".5", "5.", "+1", "1e3", "0x1", "NaN", "Infinity", "1,5", " 1", "1\n", "--1", "٣"),
      fc.string({ unit: fc.constantFrom("1", ".", "-", "e", " ", "0") }),
    );
    fc.assert(
      fc.property(text, (input) => {
        expect(parseDecimal(input) !== undefined).toBe(
          /^-?[0-9]{1,60}(\.[0-9]{1,60})?$/.test(input) && !input.endsWith("\n"),
        );
      }),
      { numRuns: 1000 },
    );
  });
});

describe("nanos", () => {
  test("that are written and read again are the same, with nine decimals", () => {
    fc.assert(
      fc.property(big, (nanos) => {
        expect(formatNanos(nanos)).toMatch(/^-?(0|[1-9]\d*)\.\d{9}$/);
        expect(parseNanos(formatNanos(nanos))).toBe(nanos);
      }),
    );
  });

  test("are said exactly, with the currency's minor digits and no zeros after them", () => {
    fc.assert(
      fc.property(big, fc.constantFrom("USD", "JPY", "KWD"), (nanos, currency) => {
        const said = digitsInWords(money(currency, nanos));
        expect(parseNanos(said)).toBe(nanos);
        const digits = said.split(".")[1] ?? "";
        expect(digits.length).toBeGreaterThanOrEqual(minorDigits(currency));
        expect(digits.length > minorDigits(currency) && digits.endsWith("0")).toBe(false);
        expect(said.endsWith(".")).toBe(false);
      }),
    );
    const said = ["USD", "JPY", "KWD"].map((currency) => amountInWords(money(currency, 1_000_000_000n)));
    expect(said).toEqual(["1.00 USD", "1 JPY", "1.000 KWD"]);
  });

  test("do not take a fraction of a nano", () => {
    fc.assert(
      fc.property(big, fc.integer({ min: 1, max: 9 }), (nanos, digit) => {
        expect(parseNanos(`${formatNanos(nanos)}${digit}`)).toBeUndefined();
      }),
    );
  });
});

describe("fractions", () => {
  test("are rounded to the nearest integer, a half to the even one, alike on both sides of zero", () => {
    const halves = fc.bigInt(-(10n ** 20n), 10n ** 20n).map((n) => rational(2n * n + 1n, 2n));
    fc.assert(
      fc.property(fc.oneof(fractions, halves), (value) => {
        const rounded = roundHalfEven(value);
        const off = multiply(subtract(value, rational(rounded)), rational(2n));
        const distance = off.num < 0n ? rational(-off.num, off.den) : off;
        expect(compare(distance, rational(1n))).toBeLessThanOrEqual(0);
        if (compare(distance, rational(1n)) === 0) expect(rounded % 2n).toBe(0n);
        expect(roundHalfEven(rational(-value.num, value.den))).toBe(-rounded);
      }),
      { numRuns: 500 },
    );
  });

  test("are floored to the integer just below", () => {
    fc.assert(
      fc.property(fractions, (value) => {
        const below = rational(floor(value));
        expect(compare(below, value)).toBeLessThanOrEqual(0);
        expect(compare(value, add(below, rational(1n)))).toBe(-1);
      }),
    );
  });

  test("are in lowest terms, and what is added can be taken away", () => {
    fc.assert(
      fc.property(fractions, fractions, (a, b) => {
        const both = add(a, b);
        expect(both.den).toBeGreaterThan(0n);
        expect(both).toEqual(rational(both.num * 6n, both.den * 6n));
        expect(both).toEqual(rational(-both.num, -both.den));
        expect(subtract(both, b)).toEqual(a);
        expect(add(b, a)).toEqual(both);
      }),
    );
  });
});

test("a sum is what adding one after the other comes to", () => {
  fc.assert(
    fc.property(fc.array(fractions), (values) => {
      expect(sum(values)).toEqual(values.reduce(add, ZERO));
    }),
  );
});

describe("instants", () => {
  const instants = fc.oneof(
    fc.bigInt(BEGINNING_OF_TIME, END_OF_TIME),
    fc.bigInt(-5_000_000n, 5_000_000n),
    fc.constantFrom(BEGINNING_OF_TIME, END_OF_TIME),
  );

  test("that are written and read again are the same, and sort as their text does", () => {
    fc.assert(
      fc.property(instants, instants, (a, b) => {
        expect(parseInstant(formatInstant(a))).toBe(a);
        expect(formatInstant(a) < formatInstant(b)).toBe(a < b);
      }),
      { numRuns: 500 },
    );
  });

  test("are cut off after microseconds, not rounded", () => {
    fc.assert(
      fc.property(instants, fc.stringMatching(/^\d{1,12}$/), (instant, more) => {
        expect(parseInstant(formatInstant(instant).replace("Z", `${more}Z`))).toBe(instant);
      }),
    );
  });

  test("in another zone are the same moments", () => {
    const zone = fc.tuple(fc.constantFrom("+", "-"), fc.nat(23), fc.nat(59));
    fc.assert(
      fc.property(fc.bigInt(0n, END_OF_TIME / 2n), zone, (instant, [sign, hours, minutes]) => {
        const offset = BigInt(hours * 60 + minutes) * 60_000_000n * (sign === "+" ? 1n : -1n);
        const pad = (n: number) => String(n).padStart(2, "0");
        const local = formatInstant(instant + offset).replace("Z", `${sign}${pad(hours)}:${pad(minutes)}`);
        expect(parseInstant(local)).toBe(instant);
      }),
    );
  });

  test("of a day or an hour that does not exist are not read", () => {
    for (const text of [
      "2023-02-29T00:00:00Z",
      "2023-13-01T00:00:00Z",
      "2023-11-31T00:00:00Z",
      "2023-11-16T24:00:00Z",
      "2023-11-16T12:60:00Z",
      "2023-11-16T12:00:00",
      "2023-11-16",
      "2023-11-16T12:00:00+24:00",
      "0000-12-31T00:00:00Z",
      "9999-12-31T23:59:59-00:01",
      "2023-11-16T12:00:00.Z",
    ])
      expect([text, parseInstant(text)]).toEqual([text, undefined]);
  });
});

describe("periods", () => {
  const periods = fc
    .tuple(fc.integer({ min: 1000, max: 9998 }), fc.integer({ min: 1, max: 12 }))
    .map(([year, month]) => present(parsePeriod(`${year}-${String(month).padStart(2, "0")}`), "a period"));

  test("hold each of their days and end where the next one begins", () => {
    fc.assert(
      fc.property(periods, (period) => {
        const next = nextPeriod(period);
        expect(parsePeriod(next)).toBe(next);
        expect(next > period).toBe(true);
        expect(periodOfDay(firstDay(period))).toBe(period);
        expect(periodEnd(period).toISOString()).toBe(`${firstDay(next)}T00:00:00.000Z`);
        const lastDay = new Date(periodEnd(period).getTime() - 1).toISOString().slice(0, 10);
        expect(periodOfDay(lastDay)).toBe(period);
      }),
    );
  });

  test("are nothing else than a year and a month", () => {
    for (const text of ["2023-00", "2023-13", "2023-1", "0999-01", "2023-01-01", "2023-01\n", "23-01"])
      expect([text, parsePeriod(text)]).toEqual([text, undefined]);
  });
});

describe("what can be paid of a balance", () => {
  test.each([
    ["USD", 10_000_000n],
    ["JPY", 1_000_000_000n],
    ["KWD", 1_000_000n],
    ["ISK", 1_000_000_000n],
  ])("in %s is the largest multiple of %d nanos not above it, and nothing of a debt", (currency, step) => {
    fc.assert(
      fc.property(
        fc.oneof(
          big,
          fc.bigInt(-3n, 30n).map((n) => n * (step / 10n)),
        ),
        (balance) => {
          const paid = payableFloor(currency, balance);
          expect(paid % step).toBe(0n);
          const owed = balance > 0n ? balance : 0n;
          expect(paid).toBeLessThanOrEqual(owed);
          expect(owed - paid).toBeLessThan(step);
          expect(() => toMinor(currency, paid)).not.toThrow();
        },
      ),
    );
  });

  test("in ISK is sent to Stripe with two digits that are zero", () => {
    expect(toMinor("ISK", payableFloor("ISK", 5_999_999_999n))).toBe(500n);
    expect(toMinor("JPY", payableFloor("JPY", 5_999_999_999n))).toBe(5n);
    expect(toMinor("KWD", payableFloor("KWD", 5_999_999_999n))).toBe(5999n);
    expect(toMinor("USD", payableFloor("USD", 5_999_999_999n))).toBe(599n);
  });
});
