import { inTurns } from "./in-turns.ts";

const EVENTS_A_LINE = 1000;

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

/** Which events of a block are meant. */
export interface SoughtEvents {
  /** From 1. */
  groups: ReadonlySet<number>;
  /** In microseconds since 1970, half-open. */
  from: number;
  to: number;
  /** Places from 1, those below this alone. */
  below: number;
  limit: number;
}

/** The places of the last events of a block that are meant, last first, a thousand at a turn. */
export async function lastPlaces(events: string, sought: SoughtEvents): Promise<number[]> {
  const places: number[] = [];
  await inTurns(findingPlaces(events.split("\n"), sought, places));
  return places;
}

function* findingPlaces(
  lines: readonly string[],
  { groups, from, to, below, limit }: SoughtEvents,
  places: number[],
): Generator<number, void, void> {
  for (let n = lines.length - 1; n >= 0; n--) {
    if (n * EVENTS_A_LINE + 1 >= below) continue;
    const { g, t } = JSON.parse(lines[n] as string) as PackedLine;
    for (let at = g.length - 1; at >= 0; at--) {
      const place = n * EVENTS_A_LINE + at + 1;
      const occurredAt = t[at] as number;
      if (place >= below || occurredAt < from || occurredAt >= to || !groups.has(g[at] as number)) continue;
      places.push(place);
      if (places.length === limit) return;
    }
    yield g.length;
  }
}
