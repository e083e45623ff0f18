import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { refusedByDatabase } from "../../src/postgres/index.ts";
import { startTestMetering, type TestMetering } from "../support/metering.ts";
import { usageEvent } from "../support/usage.ts";

let metering: TestMetering;
beforeEach(async () => {
  metering = await startTestMetering();
});
afterEach(() => metering.drop());

const INPUT = "ada/llm input_tokens";

async function refusalOf(work: Promise<unknown>): Promise<string | undefined> {
  return work.then(
    () => "nothing was refused",
    (error: unknown) => refusedByDatabase(error)?.code,
  );
}

describe("duplicates", () => {
  test("an event that stands twice in one batch is counted once", async () => {
    await metering.apply(0, [usageEvent({ id: "a" }), usageEvent({ id: "a" })]);
    expect(await metering.counters()).toMatchObject({ consumed: 2, applied: 1, duplicate: 1, conflict: 0 });
    expect(await metering.quantities()).toMatchObject({ [INPUT]: "1000" });
  });

  test("an event that comes again in a later batch is counted once", async () => {
    await metering.apply(0, [usageEvent({ id: "a" })]);
    await metering.apply(0, [usageEvent({ id: "b" }), usageEvent({ id: "a" })]);
    expect(await metering.counters()).toMatchObject({ consumed: 3, applied: 2, duplicate: 1 });
    expect(await metering.quantities()).toMatchObject({ [INPUT]: "2000" });
  });

  test("an event that comes again on another partition is counted once", async () => {
    await metering.apply(0, [usageEvent({ id: "a" })]);
    await metering.apply(1, [usageEvent({ id: "a" })]);
    expect(await metering.counters()).toMatchObject({ consumed: 2, applied: 1, duplicate: 1 });
    expect(await metering.quantities()).toMatchObject({ [INPUT]: "1000" });
  });

  test("the same events on two partitions at the same moment are counted once", async () => {
    const events = Array.from({ length: 200 }, (_, n) => usageEvent({ id: `e${n}` }));
    await Promise.all([metering.apply(0, events), metering.apply(1, [...events].reverse())]);
    expect(await metering.counters()).toMatchObject({ consumed: 400, applied: 200, duplicate: 200 });
    expect(await metering.quantities()).toMatchObject({ [INPUT]: "200000" });
  });

  test("the same id from another source is another event", async () => {
    await metering.apply(0, [usageEvent({ id: "a" }), usageEvent({ id: "a", source: "//predictor/us-1" })]);
    expect(await metering.counters()).toMatchObject({ applied: 2, duplicate: 0 });
  });

  test("a duplicate written in another way (zone, digits, key order) is still a duplicate", async () => {
    const first = usageEvent({
      id: "a",
      time: "2023-11-16T12:00:00Z",
      metrics: { predict_time: 1.5, image_count: 2 },
    });
    const again = usageEvent({
      id: "a",
      time: "2023-11-16T13:00:00.0000001+01:00",
      metrics: { image_count: 2, predict_time: 1.50000000001 },
    });
    await metering.apply(0, [first, again]);
    expect(await metering.counters()).toMatchObject({ applied: 1, duplicate: 1, conflict: 0 });
  });

  test("a retry is a duplicate even when its event is still parked", async () => {
    await metering.apply(0, [usageEvent({ id: "a", customer: "nobody" })]);
    await metering.apply(0, [usageEvent({ id: "a", customer: "nobody" })]);
    expect(await metering.counters()).toMatchObject({ consumed: 2, parked: 1, duplicate: 1, applied: 0 });
  });
});

describe("conflicts", () => {
  test("the same identity with other content in a later batch is quarantined with its bytes, and the first counts", async () => {
    const other = JSON.stringify(usageEvent({ id: "a", metrics: { input_token_count: 9 } }));
    await metering.apply(0, [usageEvent({ id: "a" })]);
    await metering.apply(0, [other, usageEvent({ id: "b" })]);
    expect(await metering.counters()).toMatchObject({ consumed: 3, applied: 2, conflict: 1 });
    expect(await metering.quantities()).toMatchObject({ [INPUT]: "2000" });
    expect(await metering.deadLetters()).toEqual([{ reason: "conflict", raw: Buffer.from(other) }]);
  });

  test("two contents of one identity in one batch: the first counts, the other is quarantined", async () => {
    const other = JSON.stringify(usageEvent({ id: "a", customer: "globex" }));
    await metering.apply(0, [usageEvent({ id: "a" }), other]);
    expect(await metering.counters()).toMatchObject({ consumed: 2, applied: 1, conflict: 1 });
    expect(await metering.deadLetters()).toEqual([{ reason: "conflict", raw: Buffer.from(other) }]);
  });
});

describe("fencing", () => {
  test("a worker that lost its partition changes nothing", async () => {
    const old = await metering.claim(0);
    await metering.claim(0);
    const before = await metering.everything();
    expect(await refusalOf(metering.applyAt(0, old, [usageEvent({ id: "a" })]))).toBe("fenced");
    expect(await metering.everything()).toBe(before);
  });

  test("a batch that does not begin at the cursor changes nothing", async () => {
    await metering.apply(0, [usageEvent({ id: "a" })]);
    const held = await metering.claim(0);
    const before = await metering.everything();
    for (const nextOffset of [held.nextOffset - 1n, held.nextOffset + 1n]) {
      const late = metering.applyAt(0, { ...held, nextOffset }, [usageEvent({ id: "b" })]);
      expect(await refusalOf(late)).toBe("fenced");
    }
    expect(await metering.everything()).toBe(before);
  });

  test("the same batch applied twice is fenced the second time", async () => {
    const held = await metering.claim(0);
    await metering.applyAt(0, held, [usageEvent({ id: "a" })]);
    const before = await metering.everything();
    expect(await refusalOf(metering.applyAt(0, held, [usageEvent({ id: "a" })]))).toBe("fenced");
    expect(await metering.everything()).toBe(before);
  });

  test("a partition of another log cannot be claimed, and its cursor stays", async () => {
    await metering.apply(0, [usageEvent({ id: "a" })]);
    const before = await metering.everything();
    const other = metering.sql`SELECT * FROM claim_partition('another-log', 0)`;
    expect(await refusalOf(other)).toBe("log_changed");
    expect(await metering.everything()).toBe(before);
  });
});

describe("all or nothing", () => {
  test("when the last table of a batch cannot be written, nothing of the batch is there, and sending it again works", async () => {
    await metering.apply(0, [usageEvent({ id: "a" })]);
    await metering.sql`ALTER TABLE dead_letter ADD CONSTRAINT no_space CHECK (false)`;
    const held = await metering.claim(0);
    const before = await metering.everything();
    const batch = [usageEvent({ id: "b" }), usageEvent({ id: "c", customer: "nobody" }), "no JSON"];
    await expect(metering.applyAt(0, held, batch)).rejects.toThrow("no_space");
    expect(await metering.everything()).toBe(before);

    await metering.sql`ALTER TABLE dead_letter DROP CONSTRAINT no_space`;
    await metering.applyAt(0, held, batch);
    expect(await metering.counters()).toMatchObject({ consumed: 4, applied: 2, parked: 1, dead: 1 });
  });

  test("the database refuses counters that do not add up", async () => {
    await metering.apply(0, [usageEvent({ id: "a" })]);
    const forged = metering.sql`UPDATE metering_cursor SET applied = applied + 1`;
    await expect(forged).rejects.toThrow("metering_cursor");
  });
});
