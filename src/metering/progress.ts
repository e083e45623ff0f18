import type { LogExtent } from "../usage/index.ts";
import type { MeteringCursor } from "./queries.ts";

/** Where one partition of the log ends, and where metering is in it. */
export interface PartitionPosition {
  partition: number;
  end: bigint;
  /** The next record to meter: the cursor, or the log's start when it has none of this log yet. */
  next: bigint;
  /** Why metering cannot go on from here without a person; null when it can. */
  broken: string | null;
}

export interface Sample {
  /** Of a clock that never goes back. */
  atMs: number;
  positions: readonly PartitionPosition[];
}

export interface PartitionProgress extends PartitionPosition {
  /** Since when records wait before a cursor that does not move; null while none wait. */
  standsSinceMs: number | null;
  /** The log's ends beyond the cursor, ascending, and when each was first seen. */
  ends: readonly { end: bigint; seenAtMs: number }[];
}

export interface Progress {
  atMs: number;
  partitions: readonly PartitionProgress[];
  /** Since when records wait and no cursor at all moves; null while none wait that could be metered. */
  standsSinceMs: number | null;
  interrupted: boolean;
}

/** Without a sample for so long, nobody knows whether a cursor moved: standing is counted anew. */
const GAP_MAX_MS = 10_000;
const ENDS_MAX = 512;

export function lagOf({ end, next }: PartitionPosition): bigint {
  return end > next ? end - next : 0n;
}

/** How long the oldest record that is not metered has been there, at least; 0 without lag. */
export function oldestUnmeteredMs({ ends }: PartitionProgress, nowMs: number): number {
  const oldest = ends[0];
  return oldest === undefined ? 0 : Math.max(0, nowMs - oldest.seenAtMs);
}

/** Puts the log's ends and the cursors together. They need not be of the very same moment. */
export function positionsOf(extent: LogExtent, cursors: readonly MeteringCursor[]): PartitionPosition[] {
  const found = new Map(cursors.map((cursor) => [cursor.partition, cursor]));
  return extent.partitions.map(({ partition, start, end }) => {
    const cursor = found.get(partition);
    if (cursor === undefined) return { partition, end, next: start, broken: null };
    if (cursor.logId !== extent.logId)
      return {
        partition,
        end,
        next: start,
        broken: "its cursor belongs to another log: this one was made anew",
      };
    const { next } = cursor;
    return { partition, end, next, broken: gap(start, end, next) };
  });
}

function gap(start: bigint, end: bigint, next: bigint): string | null {
  if (next < start) return `the log begins at ${start}, after its cursor at ${next}`;
  if (next > end) return `the log ends at ${end}, before its cursor at ${next}`;
  return null;
}

/** What is known after one more sample. */
export function progressAfter(previous: Progress | null, { atMs, positions }: Sample): Progress {
  const known = new Map(previous?.partitions.map((each) => [each.partition, each]));
  const continuous = previous !== null && !previous.interrupted && atMs - previous.atMs <= GAP_MAX_MS;
  const partitions = positions.map((position) => {
    const before = known.get(position.partition);
    const still = before !== undefined && before.next === position.next;
    return {
      ...position,
      // The cursor and the log's end were read apart: what looks broken while the cursor moves is not.
      broken: still ? position.broken : null,
      standsSinceMs:
        lagOf(position) === 0n ? null : ((continuous && still ? before.standsSinceMs : null) ?? atMs),
      ends: endsBeyond(before, position, atMs),
    };
  });
  const waits = partitions.some((each) => each.broken === null && lagOf(each) > 0n);
  const still = positions.every(({ partition, next }) => known.get(partition)?.next === next);
  const standsSinceMs = waits ? ((continuous && still ? previous.standsSinceMs : null) ?? atMs) : null;
  return { atMs, partitions, standsSinceMs, interrupted: false };
}

/** The database or the log did not answer: time spent so says nothing about metering. */
export function interruptedProgress(progress: Progress): Progress {
  return { ...progress, interrupted: true };
}

function endsBeyond(
  before: PartitionProgress | undefined,
  { end, next }: PartitionPosition,
  seenAtMs: number,
): PartitionProgress["ends"] {
  const ends = before === undefined || before.end > end ? [] : before.ends.filter((seen) => seen.end > next);
  const last = ends.at(-1)?.end ?? next;
  if (end > last) ends.push({ end, seenAtMs });
  return ends.length > ENDS_MAX ? thinned(ends) : ends;
}

/** Half as many: of two neighbours the earlier time stays, so an age is never shown too low. */
function thinned(ends: PartitionProgress["ends"]): PartitionProgress["ends"] {
  return ends.flatMap((seen, index) =>
    index % 2 === 1 ? [] : [{ end: ends[index + 1]?.end ?? seen.end, seenAtMs: seen.seenAtMs }],
  );
}
