import { inTurns } from "./in-turns.ts";

/** A line of a block's `events`, as event-columns.ts packs it and unpack_events() of drizzle/0003_metering.sql reads it. */
interface PackedLine {
  /** Of each event its group, from 1, and its time in microseconds since 1970. */
  g: number[];
  t: number[];
  /** Predict seconds, in microseconds; missing when no event of the line has any. */
  ps?: (number | null)[];
}

type See = (group: number, occurredAt: number, predictMicros: number) => void;

/**
 * Goes through a block's events that say how long they took, a thousand at a turn: metering itself runs beside it. Here since it
 * takes the database several times as long.
 */
export function eachTimed(events: string, see: See): Promise<void> {
  return inTurns(readingLines(events, see));
}

function* readingLines(events: string, see: See): Generator<number, void, void> {
  for (const line of events.split("\n")) {
    const { g, t, ps } = JSON.parse(line) as PackedLine;
    for (const [at, micros] of ps?.entries() ?? [])
      if (micros !== null) see(g[at] as number, t[at] as number, micros);
    yield g.length;
  }
}
