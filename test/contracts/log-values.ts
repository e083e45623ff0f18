import { randomUUID } from "node:crypto";
import { type LogAppend, partitionOfKey } from "../../src/usage/index.ts";
import type { PositionOfRecord } from "./position-of-record.ts";

export const PARTITIONS = 4;

export function numbered(count: number, prefix = "event"): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix} ${index}`);
}

export function portions<T>(items: readonly T[], size: number): T[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, index) => items.slice(index * size, (index + 1) * size));
}

/** Spread over all partitions, by their values. */
export function appends(values: readonly string[]): LogAppend[] {
  return values.map((value) => ({ key: value, value: Buffer.from(value) }));
}

/** A key of this partition. */
export function keyOf(partition: number): string {
  for (;;) {
    const key = randomUUID();
    if (partitionOfKey(key, PARTITIONS) === partition) return key;
  }
}

/** How many of these were read of those that do not lie in partition 0, where the open append is. */
export function elsewhere(position: PositionOfRecord, values: readonly string[]): number {
  const read = new Set([1, 2, 3].flatMap((partition) => position.values(partition)));
  return values.filter((value) => read.has(value)).length;
}

export function elsewhereExpected(values: readonly string[]): number {
  return values.filter((value) => partitionOfKey(value, PARTITIONS) !== 0).length;
}
