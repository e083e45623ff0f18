import type { UsageEvent } from "../../usage/index.ts";
import { Dictionary, intArray, textArray, uuidArray } from "./columns.ts";
import { COLUMN_METERS, EventGroups } from "./event-groups.ts";

/** A readable event that was read from the log, with what tells it from others and what it is charged for. */
export interface IdentifiedEvent {
  event: UsageEvent;
  /** UUID. */
  identity: string;
  /** Signed 64 bits. */
  content: bigint;
}

const EVENTS_PER_LINE = 1000;

/**
 * Events as the database takes them: type usage_columns of drizzle/0003_metering.sql.
 * @param separate whether this event must be a group of its own.
 */
export function eventColumns(events: readonly IdentifiedEvent[], separate: (event: UsageEvent) => boolean) {
  const sources = new Dictionary();
  const groups = new EventGroups();
  const lines: string[] = [];
  for (let from = 0; from < events.length; from += EVENTS_PER_LINE) {
    lines.push(packLine(events.slice(from, from + EVENTS_PER_LINE), from, groups, sources, separate));
  }
  return {
    customers: textArray(groups.customers.names),
    sources: textArray(sources.names),
    models: textArray(groups.models),
    versions: textArray(groups.versions),
    statuses: textArray(groups.statuses),
    meters: textArray(groups.meters.names),
    identities: uuidArray(events.map(({ identity }) => identity)),
    contents: intArray(events.map(({ content }) => content)),
    events: lines.join("\n"),
    groups: groups.toArrays(),
    /** Customer and model of a group, with a space between. */
    subjectOf: (group: number) => groups.subjectOf(group),
  };
}

/** The facts of some events, in the form that unpack_events() of drizzle/0003_metering.sql reads. */
function packLine(
  events: readonly IdentifiedEvent[],
  from: number,
  groups: EventGroups,
  sources: Dictionary,
  separate: (event: UsageEvent) => boolean,
): string {
  const g: number[] = [];
  const s: number[] = [];
  const o: string[] = [];
  for (const [index, { event }] of events.entries()) {
    const group = groups.add(event, separate(event));
    g.push(group);
    s.push(sources.numberOf(event.source));
    for (const [meter, quantity] of event.quantities) {
      if (meter === "runs" || (COLUMN_METERS as readonly string[]).includes(meter)) continue;
      o.push(`[${from + index + 1},${group},${JSON.stringify(meter)},${quantity}]`);
    }
  }
  const columns = [
    `"g":[${g}]`,
    `"t":[${events.map(({ event }) => event.occurredAt)}]`,
    `"s":[${s}]`,
    `"e":${JSON.stringify(events.map(({ event }) => event.id))}`,
  ];
  if (events.some(({ event }) => event.parent !== null))
    columns.push(`"p":${JSON.stringify(events.map(({ event }) => event.parent))}`);
  for (const [index, name] of ["ps", "it", "ot", "im"].entries()) {
    const meter = COLUMN_METERS[index] ?? "";
    if (!events.some(({ event }) => event.quantities.has(meter))) continue;
    columns.push(`"${name}":[${events.map(({ event }) => event.quantities.get(meter) ?? "null")}]`);
  }
  if (o.length > 0) columns.push(`"o":[${o}]`);
  return `{${columns.join(",")}}`;
}
