import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { present } from "../../src/kernel/index.ts";
import { linkChainedEvents } from "../../src/metering/index.ts";
import { chainOf, findPredictions } from "../../src/statements/index.ts";
import { startTestMetering, type TestMetering } from "../support/metering.ts";
import { type EventFields, usageEvent } from "../support/usage.ts";

let books: TestMetering;
beforeAll(async () => {
  books = await startTestMetering();
});
afterAll(() => books?.drop());

async function use(events: readonly EventFields[]): Promise<void> {
  await books.apply(0, [events.map((fields) => usageEvent(fields))]);
  await linkChainedEvents(books.sql);
}

async function chain(id: string, limit = 100, source?: string) {
  const [asked] = await findPredictions(books.sql, id, source);
  const { steps, ...rest } = await chainOf(books.sql, present(asked, id), limit);
  return { ids: steps.map(({ id, depth }) => `${depth} ${id}`), ...rest };
}

test("a caller that never came is named, and what it called is there", async () => {
  await use([{ id: "orphan", parent: "never" }]);
  expect(await chain("orphan")).toEqual({ ids: ["0 orphan"], missing_parent: "never", truncated: false });
});

test("who calls itself, and who calls in a circle, appears once", async () => {
  await use([
    { id: "self", parent: "self" },
    { id: "a", parent: "c" },
    { id: "b", parent: "a" },
    { id: "c", parent: "b" },
  ]);
  expect(await chain("self")).toEqual({ ids: ["0 self"], missing_parent: null, truncated: false });
  expect(await chain("a")).toEqual({ ids: ["-2 b", "-1 c", "0 a"], missing_parent: null, truncated: false });
});

test("what a circle called is in the chain of each prediction of the circle", async () => {
  await use([
    { id: "round-a", parent: "round-b" },
    { id: "round-b", parent: "round-a" },
    { id: "aside", parent: "round-b" },
  ]);
  expect((await chain("round-a")).ids).toEqual(["-1 round-b", "0 round-a", "2 aside"]);
  expect((await chain("round-b")).ids).toEqual(["-1 round-a", "0 round-b", "1 aside"]);
});

test("a parent is looked for at the child's own source first", async () => {
  const us = "//predictor/us-1";
  await use([
    { id: "twin" },
    { id: "twin", source: us },
    { id: "child-eu", parent: "twin" },
    { id: "child-us", source: us, parent: "twin" },
    { id: "alone" },
    { id: "child-of-other-source", source: us, parent: "alone" },
  ]);
  expect((await chain("twin", 100, us)).ids).toEqual(["0 twin", "1 child-us"]);
  expect((await chain("twin", 100, "//predictor/eu-1")).ids).toEqual(["0 twin", "1 child-eu"]);
  expect((await chain("alone")).ids).toEqual(["0 alone", "1 child-of-other-source"]);
  expect((await chain("child-of-other-source")).ids).toEqual(["-1 alone", "0 child-of-other-source"]);
});

test("a wide chain and a deep one are cut, and say so", async () => {
  await use([
    { id: "wide" },
    ...Array.from({ length: 800 }, (_, n) => ({ id: `wide-${n}`, parent: "wide" })),
    { id: "deep-0" },
    ...Array.from({ length: 100 }, (_, n) => ({ id: `deep-${n + 1}`, parent: `deep-${n}` })),
  ]);
  const wide = await chain("wide", 50);
  expect(wide).toMatchObject({ truncated: true });
  expect(wide.ids).toHaveLength(50);
  const deep = await chain("deep-0", 500);
  expect(deep.truncated).toBe(true);
  expect(deep.ids.at(-1)).toBe("64 deep-64");
  expect((await chain("deep-100")).ids).toHaveLength(65);
});

test("for random links, right or wrong, a chain is exactly what can be reached, each once", async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(fc.nat(11)), { minLength: 1, maxLength: 10 }), async (parents) => {
      const name = `r${run++}`;
      await use(
        parents.map((parent, n) => ({
          id: `${name}-${n}`,
          ...(parent === null ? {} : { parent: `${name}-${parent}` }),
        })),
      );
      const [n] = [0];
      const reached = new Set([n]);
      for (
        let at = parents[n] ?? null;
        at !== null && at < parents.length && !reached.has(at);
        at = parents[at] ?? null
      )
        reached.add(at);
      let size = 0;
      const below = new Set([n]);
      while (below.size > size) {
        size = below.size;
        for (const [child, parent] of parents.entries())
          if (parent !== null && below.has(parent)) below.add(child);
      }
      const { ids } = await chain(`${name}-0`);
      expect(ids.map((id) => id.split(" ")[1]).sort()).toEqual(
        [...new Set([...reached, ...below])].map((each) => `${name}-${each}`).sort(),
      );
    }),
    { numRuns: 60 },
  );
});

test("an event that waits for the catalogue is in its chain once it is metered", async () => {
  await use([{ id: "boss" }, { id: "waits", parent: "boss", customer: "newcomer" }]);
  expect((await chain("boss")).ids).toEqual(["0 boss"]);
  await books.catalog.change({ customers: [{ id: "newcomer", name: "New", currency: "USD" }] });
  await books.sql`SELECT release_parked(100)`;
  await linkChainedEvents(books.sql);
  expect((await chain("boss")).ids).toEqual(["0 boss", "1 waits"]);
});

test("a prediction is found by its id alone, however many sources there are, also one that waits for its model", async () => {
  await books.sql`INSERT INTO usage_source (source) SELECT '//many/' || n FROM generate_series(1, 12000) AS n`;
  const [late, waiting] = ["//late/1", "//late/2"];
  await use([
    { id: "late", source: late },
    { id: "waiting", source: waiting, model: "ada/not-yet" },
    { id: "child-of-late", source: "//many/7", parent: "late" },
  ]);
  await books.sql`
    INSERT INTO parked_event (identity, shard, reason, event)
    SELECT gen_random_uuid(), 0, 'unknown_model', jsonb_build_object('e', 'other-' || n, 's', '//waits/' || n) FROM generate_series(1, 2000) AS n`;
  expect(await findPredictions(books.sql, "late")).toMatchObject([{ source: late, state: "metered" }]);
  expect(await findPredictions(books.sql, "waiting")).toMatchObject([{ source: waiting, state: "parked" }]);
  expect((await chain("child-of-late")).ids).toEqual(["-1 late", "0 child-of-late"]);
});
