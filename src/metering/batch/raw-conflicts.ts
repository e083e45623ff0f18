import type { LogRecord } from "../../usage/index.ts";
import { type MeteringBatch, placeInLog, rawEvents } from "./build-batch.ts";

/** To find and redact its bytes takes as long as reading so many events. */
const EVENTS_PER_CONFLICT = 50;

/** A conflicting event's bytes, as base64, and where they stand in the log. */
export interface RawEvent {
  o: string;
  x: number;
  raw: string;
}

/**
 * By the places of the repeats, from 1. In steps: all that a producer sends may be in conflict.
 */
export function* rawConflicts(
  { events, repeats }: MeteringBatch,
  records: readonly LogRecord[],
  places: readonly number[],
): Generator<number, Record<string, RawEvent>, void> {
  const raw: Record<string, RawEvent> = {};
  const rawOf = rawEvents(records, events);
  const rows = places.flatMap((place) => {
    const row = repeats[place - 1];
    return row === undefined ? [] : [{ place, row }];
  });
  // Rows stand in the order of their records; repeats need not.
  for (const { place, row } of rows.sort((a, b) => a.row - b.row)) {
    const { offset, index } = placeInLog(records, events, row);
    raw[place] = { o: offset.toString(), x: index, raw: rawOf(row).toString("base64") };
    yield EVENTS_PER_CONFLICT;
  }
  return raw;
}
