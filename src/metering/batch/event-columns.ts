import { isBuiltInMeter } from "../../pricing/index.ts";
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
  const [g, t, s, o]: [number[], bigint[], number[], string[]] = [[], [], [], []];
  const ids: string[] = [];
  const parents: (string | null)[] = [];
  const meters = COLUMN_METERS.map((): (number | null)[] => []);
  const quantities: (number | undefined)[] = [];
  for (const [index, { event }] of events.entries()) {
    for (const [meter, name] of COLUMN_METERS.entries())
      quantities[meter] = numberOrNone(event.quantities.get(name));
    const group = groups.add(event, quantities, separate(event));
    g.push(group);
    t.push(event.occurredAt);
    s.push(sources.numberOf(event.source));
    ids.push(event.id);
    parents.push(event.parent);
    for (let meter = 0; meter < meters.length; meter++) meters[meter]?.push(quantities[meter] ?? null);
    for (const [meter, quantity] of event.quantities) {
      if (isBuiltInMeter(meter)) continue;
      groups.addOther(group, meter, Number(quantity));
      o.push(`[${from + index + 1},${group},${JSON.stringify(meter)},${quantity}]`);
    }
  }
  const columns = [`"g":[${g}]`, `"t":[${t}]`, `"s":[${s}]`, `"e":${JSON.stringify(ids)}`];
  if (parents.some((parent) => parent !== null)) columns.push(`"p":${JSON.stringify(parents)}`);
  for (const [meter, name] of ["ps", "it", "ot", "im"].entries()) {
    const quantities = meters[meter] ?? [];
    if (quantities.some((quantity) => quantity !== null))
      columns.push(`"${name}":${JSON.stringify(quantities)}`);
  }
  if (o.length > 0) columns.push(`"o":[${o}]`);
  return `{${columns.join(",")}}`;
}

/** Exact: a quantity is at most 10^15. */
function numberOrNone(quantity: bigint | undefined): number | undefined {
  return quantity === undefined ? undefined : Number(quantity);
}
