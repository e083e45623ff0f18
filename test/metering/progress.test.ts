import { expect, test } from "vitest";
import { present } from "../../src/kernel/index.ts";
import {
  interruptedProgress,
  lagOf,
  oldestUnmeteredMs,
  type PartitionProgress,
  type Progress,
  positionsOf,
  progressAfter,
} from "../../src/metering/index.ts";

const counters = { consumed: 0n, applied: 0n, duplicate: 0n, conflict: 0n, dead: 0n, parked: 0n };

/** One sample: for each partition where the log ends and where its cursor is. */
type Seen = [atMs: number, ...positions: (readonly [end: bigint, next: bigint])[]];

function after(previous: Progress | null, ...samples: Seen[]): Progress {
  return present(
    samples.reduce<Progress | null>(
      (progress, [atMs, ...positions]) =>
        progressAfter(progress, {
          atMs,
          positions: positions.map(([end, next], partition) => ({ partition, end, next, broken: null })),
        }),
      previous,
    ),
    "progress after a sample",
  );
}

function first({ partitions }: Progress): PartitionProgress {
  return present(partitions[0], "the first partition");
}

test("a partition without a cursor has all of the log before it", () => {
  const extent = { logId: "log", partitions: [{ partition: 0, start: 3n, end: 10n }] };
  expect(positionsOf(extent, []).map(lagOf)).toEqual([7n]);
});

test("a cursor of another log counts for nothing, and cannot go on", () => {
  const extent = { logId: "new", partitions: [{ partition: 0, start: 0n, end: 4n }] };
  const [position] = positionsOf(extent, [{ partition: 0, logId: "old", next: 900n, counters }]);
  expect(position).toMatchObject({ next: 0n, end: 4n });
  expect(position?.broken).toContain("another log");
});

test("a log that begins after the cursor, or ends before it, cannot go on", () => {
  const partitions = [
    { partition: 0, start: 5n, end: 9n },
    { partition: 1, start: 0n, end: 9n },
    { partition: 2, start: 0n, end: 9n },
  ];
  const cursors = [4n, 10n, 9n].map((next, partition) => ({ partition, logId: "log", next, counters }));
  const broken = positionsOf({ logId: "log", partitions }, cursors).map((position) => position.broken);
  expect(broken).toEqual([
    "the log begins at 5, after its cursor at 4",
    "the log ends at 9, before its cursor at 10",
    null,
  ]);
});

test("what looks broken in one sample only is a cursor that moved between two questions", () => {
  const looks = { partition: 0, end: 10n, next: 12n, broken: "the log ends at 10, before its cursor at 12" };
  const moved = progressAfter(after(null, [0, [10n, 9n]]), { atMs: 1000, positions: [looks] });
  expect(first(moved).broken).toBeNull();
  const stays = progressAfter(moved, { atMs: 2000, positions: [looks] });
  expect(first(stays).broken).toBe(looks.broken);
  expect(stays.standsSinceMs, "a restart would not help").toBeNull();
});

test("the age is that of the oldest end that is not metered yet", () => {
  const behind = after(null, [0, [0n, 0n]], [1000, [5n, 0n]], [2000, [8n, 0n]]);
  expect(oldestUnmeteredMs(first(behind), 2500)).toBe(1500);
  const partly = after(behind, [3000, [8n, 5n]]);
  expect(oldestUnmeteredMs(first(partly), 3500)).toBe(1500);
  const done = after(partly, [4000, [8n, 8n]]);
  expect(oldestUnmeteredMs(first(done), 9000)).toBe(0);
});

test("the age of what waits for hours is never shown too low, and takes bounded memory", () => {
  let progress = after(null, [0, [0n, 0n]]);
  for (let second = 1; second <= 5000; second += 1)
    progress = after(progress, [second * 1000, [BigInt(second), 0n]]);
  expect(first(progress).ends.length).toBeLessThan(1000);
  expect(oldestUnmeteredMs(first(progress), 5_000_000)).toBe(4_999_000);
  for (const next of [1n, 77n, 2500n, 4998n]) {
    const [partly] = after(progress, [5_000_000, [5000n, next]]).partitions;
    const exact = 5_000_000 - (Number(next) + 1) * 1000;
    expect(oldestUnmeteredMs(present(partly, "it"), 5_000_000)).toBeGreaterThanOrEqual(exact);
  }
});

test("a cursor that does not move stands since records wait before it", () => {
  const idle = after(null, [0, [5n, 5n]], [1000, [5n, 5n]]);
  expect(idle.standsSinceMs, "nothing to do is no standstill").toBeNull();
  const stuck = after(idle, [2000, [6n, 5n]], [3000, [7n, 5n]], [4000, [9n, 5n]]);
  expect(stuck.standsSinceMs).toBe(2000);
  expect(after(stuck, [5000, [9n, 6n]]).standsSinceMs, "slow is not stuck").toBe(5000);
});

test("one partition may stand while metering as a whole goes on", () => {
  const progress = after(
    null,
    [0, [9n, 0n], [9n, 0n]],
    [1000, [9n, 0n], [9n, 2n]],
    [2000, [9n, 0n], [9n, 4n]],
  );
  expect(progress.partitions.map(({ standsSinceMs }) => standsSinceMs)).toEqual([0, 2000]);
  expect(progress.standsSinceMs).toBe(2000);
});

test("time without an answer, or without a sample, is no standstill", () => {
  const stuck = after(null, [0, [5n, 0n]], [1000, [5n, 0n]]);
  expect(stuck.standsSinceMs).toBe(0);
  expect(after(interruptedProgress(stuck), [2000, [5n, 0n]]).standsSinceMs).toBe(2000);
  expect(after(stuck, [60_000, [5n, 0n]]).standsSinceMs).toBe(60_000);
});

test("a log that was made anew begins its ages anew", () => {
  const before = after(null, [0, [100n, 10n]]);
  const anew = after(before, [50_000, [5n, 0n]]);
  expect(oldestUnmeteredMs(first(anew), 50_000)).toBe(0);
});
