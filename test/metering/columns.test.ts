import fc from "fast-check";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import {
  bigintArray,
  int4Array,
  int8Array,
  nullableInt4Array,
  nullableInt8Array,
  uuidArray,
} from "../../src/metering/columns/array-bytes.ts";
import { HashColumn } from "../../src/metering/columns/hash-column.ts";
import { NumberColumn } from "../../src/metering/columns/number-column.ts";
import { openSql, type Sql } from "../../src/postgres/index.ts";

let sql: Sql;

beforeAll(() => {
  sql = openSql(inject("postgresUrl"), { max: 1 });
});

afterAll(() => sql.end({ timeout: 5 }));

/** What PostgreSQL reads, in its own text. */
async function read(type: string, array: Buffer | null): Promise<string | null | undefined> {
  const text = `SELECT $1::${type}[]::text AS text, cardinality($1::${type}[]) AS size`;
  const [row] = await sql.binary.call<{ text: string | null }>(`read ${type}`, text, [array]);
  return row?.text;
}

const listed = (values: readonly unknown[]) => `{${values.map((value) => value ?? "NULL").join(",")}}`;
const int4s = fc.array(fc.oneof(fc.integer(), fc.constantFrom(0, -1, 2 ** 31 - 1, -(2 ** 31))));
const int8s = fc.array(
  fc.oneof(fc.maxSafeInteger(), fc.constantFrom(0, 2 ** 32, -(2 ** 32), 2 ** 32 - 1, -1)),
);

test("arrays of numbers are read by PostgreSQL as they are", async () => {
  await fc.assert(
    fc.asyncProperty(int4s, int8s, async (small, large) => {
      expect(await read("int", int4Array(small))).toBe(listed(small));
      expect(await read("bigint", int8Array(large))).toBe(listed(large));
      const column = new NumberColumn();
      for (const value of large) column.add(value);
      expect(await read("bigint", int8Array(column.values))).toBe(listed(large));
    }),
    { numRuns: 200 },
  );
});

test("what is null in an array is null, and an array of nothing else is null itself", async () => {
  await fc.assert(
    fc.asyncProperty(int4s, int8s, fc.infiniteStream(fc.boolean()), async (small, large, coins) => {
      for (const [type, values, write] of [
        ["int", small, nullableInt4Array],
        ["bigint", large, nullableInt8Array],
      ] as const) {
        const nulls = values.map(() => coins.next().value);
        const expected = nulls.every(Boolean)
          ? null
          : listed(values.map((value, n) => (nulls[n] ? null : value)));
        expect(
          await read(
            type,
            write(values, (n) => nulls[n] === true),
          ),
        ).toBe(expected);
      }
    }),
    { numRuns: 200 },
  );
});

test("hashes are read as uuids and signed numbers, of the rows that are asked for", async () => {
  const words = fc.array(fc.bigInt(0n, 2n ** 128n - 1n), { minLength: 1, maxLength: 100 });
  await fc.assert(
    fc.asyncProperty(words, fc.infiniteStream(fc.nat()), async (hashes, picks) => {
      const wide = new HashColumn(4);
      const narrow = new HashColumn(2);
      for (const hash of hashes) {
        wide.addBigInt(hash);
        narrow.addBigInt(hash);
      }
      const rows = hashes.map(() => picks.next().value % hashes.length);
      const hex = rows.map((row) => (hashes[row] ?? 0n).toString(16).padStart(32, "0"));
      expect((await read("uuid", uuidArray(wide, rows)))?.replaceAll("-", "")).toBe(listed(hex));
      expect(await read("bigint", bigintArray(narrow, rows))).toBe(
        listed(rows.map((row) => narrow.bigIntOf(row))),
      );
    }),
    { numRuns: 200 },
  );
});

test("hashes are put in the order that PostgreSQL sorts them in", () => {
  const near = fc.bigInt(0n, 40n).map((low) => 2n ** 127n - 20n + low);
  const few = fc
    .tuple(fc.bigInt(0n, 3n), fc.bigInt(0n, 2n ** 96n - 1n))
    .map(([high, low]) => (high << 126n) | low);
  const hashes = fc.array(fc.oneof(fc.bigInt(0n, 2n ** 128n - 1n), near, few), { maxLength: 300 });
  fc.assert(
    fc.property(hashes, fc.infiniteStream(fc.nat()), (list, picks) => {
      const column = new HashColumn(4);
      for (const hash of list) column.addBigInt(hash);
      const rows = list.map(() => picks.next().value % list.length);
      const places = [...column.order(rows)];
      expect([...places].sort((a, b) => a - b)).toEqual(rows.map((_, place) => place));
      const hexes = rows.map((row) => column.hexOf(row));
      expect(places.map((place) => hexes[place])).toEqual([...hexes].sort());
    }),
    { numRuns: 300 },
  );
});
