import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { handleDueEvents, type ProviderEvent, storeEvent } from "../../src/provider-events/index.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database?.drop());

function event(id: string): ProviderEvent {
  const common = { id, type: "thing.changed", account: null, about: "thing", livemode: false };
  return { ...common, occurredAt: new Date(), body: "{}" };
}

const stateOf = async (id: string) =>
  (await database.sql`SELECT state, outcome, attempts FROM provider_event WHERE id = ${id}`)[0];

test("an event whose handler fails is tried again later, and is dead after nine times, with the last error", async () => {
  const { sql } = database;
  await storeEvent(sql, event("evt_1"), false);
  const failing = new Map([["thing.changed", () => Promise.reject(new Error("Stripe is away"))]]);
  for (let attempts = 1; attempts < 9; attempts++) {
    expect(await handleDueEvents(sql, failing)).toBe(1);
    expect(await handleDueEvents(sql, failing)).toBe(0);
    expect(await stateOf("evt_1")).toEqual({ state: "waiting", outcome: "Stripe is away", attempts });
    await sql`UPDATE provider_event SET next_try_at = now()`;
  }
  await handleDueEvents(sql, failing);
  expect(await stateOf("evt_1")).toEqual({ state: "dead", outcome: "Stripe is away", attempts: 9 });
});

test("one of test mode is not handled where the key is live, nor the other way round", async () => {
  const { sql } = database;
  await storeEvent(sql, event("evt_test"), true);
  await storeEvent(sql, { ...event("evt_live"), livemode: true }, false);
  expect(await handleDueEvents(sql, new Map())).toBe(0);
  expect(await stateOf("evt_test")).toMatchObject({ outcome: expect.stringContaining("in test mode") });
  expect(await stateOf("evt_live")).toMatchObject({ outcome: expect.stringContaining("in live mode") });
});

test("one that was in hand when its process died is taken over when its lease is over, and the dead one's end is not heard", async () => {
  const { sql } = database;
  await storeEvent(sql, event("evt_1"), false);
  let finish: (() => void) | undefined;
  let first: Promise<number> | undefined;
  const began = new Promise<void>((begun) => {
    first = handleDueEvents(
      sql,
      new Map([
        [
          "thing.changed",
          async () => {
            begun();
            await new Promise<void>((resolve) => {
              finish = resolve;
            });
            return { state: "ignored", outcome: "the one that was taken for dead" } as const;
          },
        ],
      ]),
    );
  });
  await began;
  const other = new Map([
    ["thing.changed", async () => ({ state: "handled", outcome: "the other" }) as const],
  ]);
  expect(await handleDueEvents(sql, other)).toBe(0);
  await sql`UPDATE provider_event SET next_try_at = now()`;
  expect(await handleDueEvents(sql, other)).toBe(1);
  finish?.();
  await first;
  expect(await stateOf("evt_1")).toMatchObject({ state: "handled", outcome: "the other", attempts: 2 });
});

test("in whatever order and however often events come, several workers handle each one once", async () => {
  const { sql } = database;
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(6), { minLength: 1, maxLength: 25 }), async (ids) => {
      run += 1;
      const seen: string[] = [];
      const noting = new Map([
        [
          "thing.changed",
          async ({ id }: ProviderEvent) => {
            seen.push(id);
            return { state: "handled", outcome: "noted" } as const;
          },
        ],
      ]);
      await Promise.all(ids.map((id) => storeEvent(sql, event(`evt_${run}_${id}`), false)));
      await Promise.all([1, 2, 3].map(() => handleDueEvents(sql, noting)));
      expect(seen.sort()).toEqual([...new Set(ids)].map((id) => `evt_${run}_${id}`).sort());
    }),
    { numRuns: 40 },
  );
});
