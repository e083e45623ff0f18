import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BATCH_BYTES_MAX, type UsageLog } from "../../src/usage/index.ts";
import {
  appends,
  elsewhere,
  elsewhereExpected,
  keyOf,
  numbered,
  PARTITIONS,
  portions,
} from "./log-values.ts";
import { PositionOfRecord } from "./position-of-record.ts";

/** An empty log of four partitions of its own, and what is needed to get it into trouble. */
export interface LogUnderTest {
  /** A handle on this log; each may be in another process. */
  open(): Promise<UsageLog>;
  /** A log whose server is away; opening it may fail already. */
  openDead(): Promise<UsageLog>;
  /** Appends one value to partition 0 that nobody may see before `commit`, nor ever after `abort`. */
  beginAppend(value: string): Promise<{ commit(): Promise<void>; abort(): Promise<void> }>;
  /** What retention does: the partition begins at `offset` from now on. */
  deleteBefore(partition: number, offset: bigint): Promise<void>;
  /** Deletes the log and makes it again, empty, under the same address. */
  recreate(): Promise<void>;
  end(): Promise<void>;
}

const SOON = { timeout: 60_000, interval: 25 };

/** Decides whether an adapter of the UsageLog port is right. */
export function usageLogContract(name: string, make: () => Promise<LogUnderTest>): void {
  describe(`the usage log on ${name}`, () => {
    let under: LogUnderTest;
    let log: UsageLog;
    const opened: UsageLog[] = [];

    async function open(): Promise<UsageLog> {
      const handle = await under.open();
      opened.push(handle);
      return handle;
    }

    beforeEach(async () => {
      under = await make();
      log = await open();
    });

    afterEach(async () => {
      await Promise.all(opened.splice(0).map((handle) => handle.close()));
      await under.end();
    });

    test("each appended record is read once, in its partition's order, with the log's own time", async () => {
      const before = Date.now();
      const values = numbered(500);
      await Promise.all(portions(values, 7).map((portion) => log.append(appends(portion))));
      const after = Date.now();

      const position = new PositionOfRecord();
      await log.read(position.reader());
      await expect.poll(() => position.values().length, SOON).toBe(values.length);
      expect(position.values().sort()).toEqual(values.sort());
      for (const { appendedAt } of position.batches.flatMap((batch) => batch.records)) {
        expect(appendedAt.getTime()).toBeGreaterThanOrEqual(before);
        expect(appendedAt.getTime()).toBeLessThanOrEqual(after);
      }
      expect(position.alarms).toEqual([]);
    });

    test("one append keeps its order within a partition", async () => {
      const values = numbered(300);
      await log.append(values.map((value) => ({ key: keyOf(2), value: Buffer.from(value) })));
      const position = new PositionOfRecord();
      await log.read(position.reader());
      await expect.poll(() => position.values(2).length, SOON).toBe(values.length);
      expect(position.values(2)).toEqual(values);
    });

    test("what is appended while reading is read", async () => {
      const position = new PositionOfRecord();
      await log.read(position.reader());
      for (const value of numbered(20)) await log.append(appends([value]));
      await expect.poll(() => position.values().length, SOON).toBe(20);
    });

    test("bytes come back as they went in, and batches stay within their bounds", async () => {
      const megabyte = 1024 * 1024;
      const sizes = [...Array(11).fill(megabyte), 0, 1, 255];
      const values = sizes.map((size, index) => Buffer.alloc(size, index * 31));
      await log.append(values.map((value) => ({ key: keyOf(1), value })));
      const position = new PositionOfRecord();
      await log.read(position.reader());
      const records = () => position.batches.flatMap((batch) => batch.records);
      await expect.poll(() => records().length, SOON).toBe(values.length);
      expect(Buffer.concat(records().map(({ value }) => value)).equals(Buffer.concat(values))).toBe(true);
      for (const batch of position.batches) {
        const bytes = batch.records.reduce((sum, { value }) => sum + value.length, 0);
        expect(bytes).toBeLessThanOrEqual(BATCH_BYTES_MAX);
      }
    });

    test("a reader that begins again begins at the offset that its claim answers", async () => {
      await log.append(appends(numbered(40)));
      const position = new PositionOfRecord();
      const reading = await log.read(position.reader());
      await expect.poll(() => position.values().length, SOON).toBe(40);
      await reading.stop();

      await log.append(appends(numbered(40, "later")));
      await log.read(position.reader());
      await expect.poll(() => position.values().length, SOON).toBe(80);
      expect(new Set(position.values()).size).toBe(80);

      // And one that lost its position reads everything again: the log remembers no position of its own.
      const restored = new PositionOfRecord();
      restored.place(3, position.next(3));
      await (await open()).close();
      await Promise.all(opened.splice(0).map((handle) => handle.close()));
      await (await open()).read(restored.reader());
      await expect.poll(() => restored.values().length, SOON).toBe(80 - position.values(3).length);
    });

    test("a batch whose apply throws is claimed and read again, and nothing is skipped", async () => {
      await log.append(appends(numbered(200)));
      const position = new PositionOfRecord();
      const failures = new Map<number, number>();
      const reader = position.reader(({ partition, records }) => {
        const failed = failures.get(partition) ?? 0;
        failures.set(partition, failed + 1);
        // Not only Errors: whatever is thrown, reading goes on.
        if (failed < 2) throw failed === 0 ? new TypeError("the database is away") : "still away";
        if (records.length === 0) throw new Error("nothing to apply");
      });
      await log.read(reader);
      await expect.poll(() => position.values().length, SOON).toBe(200);
      expect(new Set(position.values()).size).toBe(200);
      for (let partition = 0; partition < PARTITIONS; partition += 1) {
        const claims = position.claims.filter((claim) => claim.partition === partition);
        expect(claims.length).toBeGreaterThanOrEqual(3);
        expect(claims.slice(0, 3).map((claim) => claim.offset)).toEqual([0n, 0n, 0n]);
      }
      await log.append(appends(numbered(50, "later")));
      await expect.poll(() => position.values().length, SOON).toBe(250);
    });

    test("a claim that throws is made again", async () => {
      await log.append(appends(numbered(20)));
      const position = new PositionOfRecord();
      const reader = position.reader();
      let refused = 0;
      await log.read({
        ...reader,
        claim: async (logId, partition) => {
          refused += 1;
          if (refused <= PARTITIONS) throw new Error("the database is away");
          return reader.claim(logId, partition);
        },
      });
      await expect.poll(() => position.values().length, SOON).toBe(20);
    });

    test("two readings share the partitions and together read each record once", async () => {
      const position = new PositionOfRecord();
      const first = await log.read(position.reader());
      await (await open()).read(position.reader());
      for (const portion of portions(numbered(400), 20)) await log.append(appends(portion));
      await expect.poll(() => position.values().length, SOON).toBe(400);

      await first.stop();
      await log.append(appends(numbered(100, "later")));
      await expect.poll(() => position.values().length, SOON).toBe(500);
      expect(new Set(position.values()).size).toBe(500);
    });

    test("a reader whose partition was claimed behind its back claims it again and loses nothing", async () => {
      const position = new PositionOfRecord();
      await log.read(position.reader());
      await log.append(appends(numbered(50)));
      await expect.poll(() => position.values().length, SOON).toBe(50);
      const { logId } = await log.extent();
      for (let partition = 0; partition < PARTITIONS; partition += 1) {
        await position.reader().claim(logId, partition);
      }
      await log.append(appends(numbered(50, "later")));
      await expect.poll(() => position.values().length, SOON).toBe(100);
      expect(new Set(position.values()).size).toBe(100);
    });

    test("no reader passes an append that is open, and none sees an aborted one", async () => {
      const position = new PositionOfRecord();
      await log.read(position.reader());
      const expected: string[] = [];
      for (const outcome of ["commit", "abort", "commit", "abort"] as const) {
        const mine = `${outcome} ${expected.length}`;
        const others = numbered(40, `beside ${expected.length}`);
        const late = await under.beginAppend(mine);
        // Not awaited yet: to the open append's own partition they may have to wait for its end.
        const beside = Promise.all(portions(others, 10).map((portion) => log.append(appends(portion))));
        await expect.poll(() => elsewhere(position, others), SOON).toBe(elsewhereExpected(others));
        expect(position.values()).not.toContain(mine);
        await late[outcome]();
        await beside;
        expected.push(...others, ...(outcome === "commit" ? [mine] : []));
        await expect.poll(() => position.values().length, SOON).toBe(expected.length);
      }
      expect(position.values().sort()).toEqual(expected.sort());
      const { partitions } = await log.extent();
      for (const { partition, end } of partitions)
        await expect.poll(() => position.next(partition), SOON).toBe(end);
      expect(position.alarms).toEqual([]);
    });

    test("the extent tells each partition's start and end, and which log this is", async () => {
      const empty = await log.extent();
      expect(empty.partitions).toEqual([0, 1, 2, 3].map((partition) => ({ partition, start: 0n, end: 0n })));
      await log.append(numbered(10).map((value) => ({ key: keyOf(3), value: Buffer.from(value) })));
      await under.deleteBefore(3, 4n);
      const { logId, partitions } = await (await open()).extent();
      expect(logId).toBe(empty.logId);
      expect(partitions[3]).toEqual({ partition: 3, start: 4n, end: 10n });
    });

    test("a log that begins after the cursor raises the alarm, and only its partition stops", async () => {
      await log.append(numbered(10).map((value) => ({ key: keyOf(1), value: Buffer.from(value) })));
      await log.append(numbered(10).map((value) => ({ key: keyOf(2), value: Buffer.from(value) })));
      await under.deleteBefore(1, 5n);
      const position = new PositionOfRecord();
      await log.read(position.reader());
      await expect.poll(() => position.values(2).length, SOON).toBe(10);
      await expect.poll(() => position.alarms.length, SOON).toBe(1);
      expect(position.alarms[0]).toMatchObject({
        partition: 1,
        reason: expect.stringContaining("begins at 5"),
      });
      expect(position.values(1)).toEqual([]);
    });

    test("a log that ends before the cursor raises the alarm", async () => {
      const position = new PositionOfRecord();
      position.place(0, 7n);
      await log.read(position.reader());
      await expect.poll(() => position.alarms.length, SOON).toBe(1);
      expect(position.alarms[0]).toMatchObject({
        partition: 0,
        reason: expect.stringContaining("ends at 0"),
      });
    });

    test("a log that was made again has another identity, and the alarm is raised for it", async () => {
      await log.append(appends(numbered(40)));
      const before = await log.extent();
      const position = new PositionOfRecord();
      const reading = await log.read(position.reader());
      await expect.poll(() => position.values().length, SOON).toBe(40);
      await reading.stop();

      await under.recreate();
      const again = await open();
      expect((await again.extent()).logId).not.toBe(before.logId);
      await again.append(appends(numbered(100, "later")));
      await again.read(position.reader());
      await expect.poll(() => position.alarms.length, SOON).toBe(PARTITIONS);
      expect(position.values().length).toBe(40);
    });

    test("an append to a log that is away is refused as unavailable", async () => {
      const append = async (): Promise<void> => {
        const dead = await under.openDead();
        opened.push(dead);
        await dead.append(appends(["lost"]));
      };
      await expect(append()).rejects.toMatchObject({ name: "LogUnavailable" });
    });
  });
}
