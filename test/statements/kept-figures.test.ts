import fc from "fast-check";
import pg from "pg";
import { expect, inject, test } from "vitest";
import { correct } from "../../src/adjustments/index.ts";
import type { CatalogDocument } from "../../src/catalog/index.ts";
import { parseInstant, parsePeriod, present } from "../../src/kernel/index.ts";
import { applyBatch } from "../../src/metering/apply-batch.ts";
import {
  foldCustomerWindows,
  forgetIdentities,
  mergeWindows,
  releaseParked,
} from "../../src/metering/index.ts";
import type { Sql } from "../../src/postgres/index.ts";
import { closeMonth } from "../../src/settlement/index.ts";
import { balancesOf, earningsChanges, earningsOf, earningsSeries } from "../../src/statements/index.ts";
import { keptFigures } from "../../src/statements/kept/kept-figures.ts";
import { LOG_ID, recordsOf, startTestMetering, type TestMetering } from "../support/metering.ts";
import { SMALL_CATALOG, tokenPrice, usageEvent } from "../support/usage.ts";
import { documentOf, marketplaces, modelId } from "./marketplaces.ts";

const NOVEMBER = { from: "2023-11-01", to: "2023-12-01", currency: "USD" };
const PAYEES = ["ada", "lin"];

let lookers = 0;
/** Over the same connections, as somebody who has asked for nothing yet. */
function unseen(sql: Sql): Sql {
  const scope = `looker ${++lookers}`;
  return new Proxy(sql, { get: (own, key) => (key === "scope" ? scope : Reflect.get(own, key)) });
}

async function figuresOf(sql: Sql, payees: readonly string[] = PAYEES): Promise<unknown> {
  const figures = await Promise.all(
    payees.map((payee) =>
      Promise.all([
        earningsOf(sql, payee, { currency: "USD", groupBy: ["model", "day"] }),
        earningsOf(sql, payee, { ...NOVEMBER, groupBy: ["version", "customer_country"] }),
        earningsOf(sql, payee, { ...NOVEMBER, groupBy: ["month"] }),
        earningsOf(sql, payee, { ...NOVEMBER, groupBy: ["customer_group"] }),
        earningsSeries(sql, payee, { ...NOVEMBER, step: "day" }),
        earningsChanges(sql, payee, NOVEMBER),
        balancesOf(sql, payee),
      ]),
    ),
  );
  return JSON.parse(JSON.stringify(figures, (key, value) => (key === "as_of" ? undefined : value)));
}

const CATALOG = {
  ...SMALL_CATALOG,
  policies: [
    {
      model: "ada/llm",
      effective_from: "2023-01-01T00:00:00Z",
      steps: [
        { take: "platform", percent: "20" },
        {
          take: "shares",
          shares: [
            { payee: "ada", weight: 2 },
            { payee: "lin", weight: 1 },
          ],
        },
      ],
    },
  ],
};
const LATER = { models: [{ id: "ada/new", payee: "ada" }], prices: [tokenPrice("ada/new")] };

const usage = fc.record({
  partition: fc.nat(1),
  model: fc.constantFrom("ada/llm", "ada/new"),
  customer: fc.constantFrom("acme", "globex"),
  day: fc.constantFrom("2023-11-02", "2023-11-30", "2023-12-05"),
  version: fc.constantFrom("v1", "v2"),
  tokens: fc.integer({ min: 1, max: 5_000 }),
});
const step = fc.oneof(
  { weight: 4, arbitrary: usage },
  {
    weight: 3,
    arbitrary: fc.constantFrom("merge", "publish", "fold", "forget", "close", "credit", "nothing" as const),
  },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** Whatever moves a figure: usage, late and released usage, closing, correcting; and what moves none. */
async function take({ sql, catalog, apply }: TestMetering, step: Step, n: number): Promise<void> {
  if (typeof step === "object") {
    const { partition, day, tokens, ...fields } = step;
    const metrics = { input_token_count: tokens };
    return apply(partition, [usageEvent({ id: `${n}`, time: `${day}T12:00:00Z`, metrics, ...fields })]);
  }
  if (step === "merge") await mergeWindows(sql);
  if (step === "fold") await foldCustomerWindows(sql);
  if (step === "forget")
    await forgetIdentities(sql, present(parseInstant("2023-10-01T00:00:00Z"), "a moment"));
  if (step === "publish") {
    await catalog.change(LATER as unknown as Partial<CatalogDocument>);
    await releaseParked(sql);
  }
  if (step === "close") {
    const [open] = await sql<
      [{ period: string }]
    >`SELECT to_char(first_open_period, 'YYYY-MM') AS period FROM books_state`;
    const period = present(parsePeriod(open.period < "2023-11" ? "2023-11" : open.period), "a month");
    if (period > "2023-12") return;
    await closeMonth(sql, period, { graceSeconds: 0, catchUp: async () => {} });
  }
  if (step === "credit") {
    const asked = { kind: "credit", payee: "ada", currency: "USD", amount: "3" } as const;
    await correct(sql, { asked, reference: `${n}`, reason: "agreed", by: "operator" });
  }
}

test("what is kept is what would be read, whatever happened meanwhile", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 12 }), async (steps) => {
      const metering = await startTestMetering(CATALOG);
      try {
        for (const [n, one] of steps.entries()) {
          await figuresOf(metering.sql);
          await take(metering, one, n);
          expect(await figuresOf(metering.sql)).toEqual(await figuresOf(unseen(metering.sql)));
        }
      } finally {
        await metering.drop();
      }
    }),
    { numRuns: 5 },
  );
});

test("usage added bit by bit comes to what it comes to at once, whatever the policies, lineages and prices", async () => {
  await fc.assert(
    fc.asyncProperty(
      marketplaces,
      fc.array(fc.nat(4), { minLength: 5, maxLength: 5 }),
      async (drawn, sizes) => {
        const document = documentOf(drawn);
        // A meter of its own too, and of the second price only.
        const prices = document.prices.map(({ components, ...price }, n) => ({
          ...price,
          components: [
            ...components,
            ...(n % 2 === 0 ? [] : [{ meter: "frames", amount: "0.05", per: "1" }]),
          ],
        }));
        const metering = await startTestMetering({ ...document, prices });
        const events = drawn.events.map(({ level, day, metrics, ...event }, n) =>
          usageEvent({
            ...event,
            id: `${n}`,
            model: modelId(level % drawn.levels.length),
            time: `${day}T12:00:00Z`,
            metrics: { ...metrics, frames: n },
          }),
        );
        try {
          for (const [n, size] of sizes.entries()) {
            await figuresOf(metering.sql, ["ada"]);
            const batch = events.splice(0, size);
            if (batch.length > 0) await metering.apply(n % 3, batch);
            if (n === 2) await mergeWindows(metering.sql);
            expect(await figuresOf(metering.sql, ["ada"])).toEqual(
              await figuresOf(unseen(metering.sql), ["ada"]),
            );
          }
        } finally {
          await metering.drop();
        }
      },
    ),
    { numRuns: 3 },
  );
});

test("a batch that began before another one and ends after it is in the figures once it is committed, and not before", async () => {
  const metering = await startTestMetering(CATALOG);
  const { sql } = metering;
  const total = async () => {
    const { data } = await earningsOf(sql, "ada", { currency: "USD", groupBy: [] });
    return data.map(({ events }) => events);
  };
  await metering.apply(0, [usageEvent({ id: "a" })]);
  expect(await total()).toEqual(["1"]);
  const position = { logId: LOG_ID, partition: 0, ...(await metering.claim(0)) };
  const [{ name }] = await sql<[{ name: string }]>`SELECT current_database() AS name`;
  const session = new pg.Client(new URL(name, inject("postgresUrl")).href);
  await session.connect();
  await session.query("BEGIN");
  const call: Sql["binary"]["call"] = async (_, text, values) => (await session.query({ text, values })).rows;
  const slow = new Proxy(sql, { get: (own, key) => (key === "binary" ? { call } : Reflect.get(own, key)) });
  const records = recordsOf([usageEvent({ id: "b" })], position.nextOffset);
  await applyBatch(slow, { ...position, to: position.nextOffset + 1n }, records);
  await metering.apply(1, [usageEvent({ id: "c" })]);
  expect(await total()).toEqual(["2"]);
  await session.query("COMMIT");
  await session.end();
  expect(await total()).toEqual(["3"]);
  await metering.drop();
});

test("as long as nothing moves the same rows are given, and to those who read over other connections their own", async () => {
  const metering = await startTestMetering(CATALOG);
  const { sql } = metering;
  const rows = async (as: Sql) => (await earningsOf(as, "ada", { currency: "USD", groupBy: ["day"] })).data;
  await metering.apply(0, [usageEvent({ id: "a" })]);
  const first = await rows(sql);
  expect(await rows(sql)).toBe(first);
  const other = await rows(unseen(sql));
  expect(other).toEqual(first);
  expect(other).not.toBe(first);
  await metering.apply(0, [usageEvent({ id: "b" })]);
  expect(await rows(sql)).not.toEqual(first);
  await metering.drop();
});

test("usage of other months leaves the rows of a settled one the same ones; late usage of it, and a correction, do not", async () => {
  const metering = await startTestMetering(CATALOG);
  const { sql } = metering;
  const rows = async () => (await earningsOf(sql, "ada", { ...NOVEMBER, groupBy: ["day"] })).data;
  const series = async () => (await earningsSeries(sql, "ada", { ...NOVEMBER, step: "day" })).models;
  const use = (id: string, day: string) => metering.apply(0, [usageEvent({ id, time: `${day}T12:00:00Z` })]);
  await use("a", "2023-11-02");
  await take(metering, "close", 0);
  const [first, drawn] = [await rows(), await series()];
  await use("b", "2023-12-05");
  expect(await rows()).toBe(first);
  expect(await series()).toBe(drawn);
  await use("late", "2023-11-30");
  const later = await rows();
  expect(later.map(({ day }) => day)).toEqual(["2023-11-02", "2023-11-30"]);
  await use("c", "2023-12-05");
  expect(await rows()).toBe(later);
  await take(metering, "credit", 1);
  expect(await rows()).not.toBe(later);
  await metering.drop();
});

test("groups of customers are kept until more usage is summed by customer", async () => {
  const customers = ["a", "b", "c", "d", "e"].map((id) => ({ id, name: id, currency: "USD", country: "DE" }));
  const metering = await startTestMetering({ ...CATALOG, customers });
  const { sql } = metering;
  const groups = async () => {
    const { data } = await earningsOf(sql, "ada", { currency: "USD", groupBy: ["customer_group"] });
    return { data, names: data.map(({ customer_group }) => customer_group) };
  };
  await metering.apply(
    0,
    customers.map(({ id: customer }) => usageEvent({ id: customer, customer })),
  );
  const { data, names } = await groups();
  expect(names).toEqual(["all"]);
  expect((await groups()).data).toBe(data);
  await foldCustomerWindows(sql);
  expect((await groups()).names).toEqual(["DE"]);
  await metering.drop();
});

test("what is asked for while it is summed is summed once; what fails, or is too long, is not kept", async () => {
  const of = (() => {}) as unknown as Sql;
  let summed = 0;
  const ask = (name: string, rows: number, stamp: string | null = "1") =>
    keptFigures(
      of,
      [name],
      stamp,
      async () => {
        summed += 1;
        if (rows < 0) throw new Error("away");
        return { rows };
      },
      (figures) => figures.rows,
    );
  await Promise.all([ask("a", 1), ask("a", 1), ask("a", 1, "2"), ask("a", 1, "2")]);
  expect(summed).toBe(2);
  await ask("a", 1, null);
  expect(summed).toBe(3);
  await expect(ask("b", -1)).rejects.toThrow("away");
  await expect(ask("b", -1)).rejects.toThrow("away");
  expect(summed).toBe(5);
  await ask("long", 100_001);
  await ask("long", 100_001);
  expect(summed).toBe(7);
});
