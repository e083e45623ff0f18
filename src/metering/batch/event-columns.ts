import { intArray, textArray, uuidArray } from "./columns.ts";
import { Renumbered } from "./dictionary.ts";
import { EventGroups } from "./event-groups.ts";
import { COLUMN_METERS, type EventTable, UNMETERED } from "./event-table.ts";

const EVENTS_PER_LINE = 1000;
/** As unpack_events() of drizzle/0003_metering.sql names the columns of COLUMN_METERS. */
const METER_KEYS = ["ps", "it", "ot", "im"] as const;

export type EventColumns = ReturnType<typeof columnsOf>;

/**
 * Events as the database takes them: type usage_columns of drizzle/0003_metering.sql. In steps of a thousand events.
 * @param rows which of the table's
 * @param separate whether the event in this row must be a group of its own.
 */
export function* columnsBuilding(
  table: EventTable,
  rows: readonly number[],
  separate: (row: number) => boolean,
) {
  const sources = new Renumbered(table.sourceNames.names.length);
  const groups = new EventGroups(table);
  const lines: string[] = [];
  for (let from = 0; from < rows.length; from += EVENTS_PER_LINE) {
    const some = rows.slice(from, from + EVENTS_PER_LINE);
    const groupOf = some.map((row) => groups.add(row, separate(row)));
    lines.push(packLine(table, some, groupOf, from, sources));
    yield;
  }
  return columnsOf(table, rows, groups, sources, lines);
}

function columnsOf(
  table: EventTable,
  rows: readonly number[],
  groups: EventGroups,
  sources: Renumbered,
  lines: readonly string[],
) {
  return {
    ...groups.namesToArrays(),
    sources: textArray(sources.old.map((source) => table.sourceNames.names[source] ?? "")),
    identities: uuidArray(rows.map((row) => table.identity[row] ?? "")),
    contents: intArray(rows.map((row) => table.content[row] ?? 0n)),
    events: lines.join("\n"),
    /** How many of them name a parent. */
    chained: rows.reduce((sum, row) => (table.parent[row] == null ? sum : sum + 1), 0),
    groups: groups.toArrays(),
    /** Customer and model of a group, with a space between. */
    subjectOf: (group: number) => groups.subjectOf(group),
  };
}

/** The facts of some events, in the form that unpack_events() of drizzle/0003_metering.sql reads. */
function packLine(
  table: EventTable,
  rows: readonly number[],
  groupOf: readonly number[],
  from: number,
  sources: Renumbered,
): string {
  const columns = [
    `"g":[${groupOf}]`,
    `"t":[${rows.map((row) => table.occurredAt[row])}]`,
    `"s":[${rows.map((row) => sources.numberOf(table.source[row] ?? 0))}]`,
    `"e":${JSON.stringify(rows.map((row) => table.id[row]))}`,
  ];
  const parents = rows.map((row) => table.parent[row] ?? null);
  if (parents.some((parent) => parent !== null)) columns.push(`"p":${JSON.stringify(parents)}`);
  for (let meter = 0; meter < COLUMN_METERS.length; meter++) {
    const quantities = table.quantities[meter] ?? [];
    if (rows.some((row) => quantities[row] !== UNMETERED))
      columns.push(
        `"${METER_KEYS[meter]}":[${rows.map((row) => (quantities[row] === UNMETERED ? "null" : quantities[row]))}]`,
      );
  }
  const others = rows.flatMap((row, at) =>
    (table.others.get(row) ?? []).map(
      ({ meter, quantity }) => `[${from + at + 1},${groupOf[at]},${JSON.stringify(meter)},${quantity}]`,
    ),
  );
  if (others.length > 0) columns.push(`"o":[${others}]`);
  return `{${columns.join(",")}}`;
}
