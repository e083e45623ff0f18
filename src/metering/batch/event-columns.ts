import { COLUMN_METERS, UNMETERED } from "../../usage/index.ts";
import { bigintArray, intList, quantityList, textArray, uuidArray } from "./columns.ts";
import { Renumbered } from "./dictionary.ts";
import type { EventCells } from "./event-cells.ts";
import { EventGroups } from "./event-groups.ts";
import type { EventTable } from "./event-table.ts";

const EVENTS_PER_LINE = 1000;
/** As unpack_events() of drizzle/0003_metering.sql names the columns of COLUMN_METERS. */
const METER_KEYS = ["ps", "it", "ot", "im"] as const;

export type EventColumns = ReturnType<typeof columnsOf>;

/**
 * Events as the database takes them: type usage_columns of drizzle/0003_metering.sql. In steps of a thousand events.
 * @param rows which of the table's
 * @param separate whether the event in this row must be decided by itself
 * @param kindOf what is the same for customers who are alike to the books; undefined when that is not known
 */
export function* columnsBuilding(
  table: EventTable,
  rows: readonly number[],
  separate: (row: number) => boolean,
  kindOf: (customer: string) => string | undefined,
) {
  const sources = new Renumbered(table.sourceNames.names.length);
  const groups = new EventGroups(table);
  const lines: string[] = [];
  for (let from = 0; from < rows.length; from += EVENTS_PER_LINE) {
    const some = rows.slice(from, from + EVENTS_PER_LINE);
    const groupOf = some.map((row) => groups.add(row, separate(row)));
    lines.push(packLine(table, some, groupOf, from, sources));
    yield some.length;
  }
  return columnsOf(table, rows, groups, groups.toCells(kindOf), sources, lines);
}

function columnsOf(
  table: EventTable,
  rows: readonly number[],
  groups: EventGroups,
  cells: EventCells,
  sources: Renumbered,
  lines: readonly string[],
) {
  return {
    ...groups.namesToArrays(),
    sources: textArray(sources.old.map((source) => table.sourceNames.names[source] ?? "")),
    identities: uuidArray(table.identity, rows),
    contents: bigintArray(table.content, rows),
    events: lines.join("\n"),
    /** How many of them name a parent. */
    chained: rows.reduce((sum, row) => (table.parent[row] == null ? sum : sum + 1), 0),
    groups: groups.toArrays(),
    cells: cells.toArrays(),
    customerName: (customer: number) => groups.customerName(customer),
    /** Customer and model, with a space between, of all groups in these cells. */
    subjectsIn(some: ReadonlySet<number>): string[] {
      const subjects = cells.ofGroup.map((cell, at) => (some.has(cell) ? groups.subjectOf(at + 1) : ""));
      return subjects.filter((subject) => subject !== "");
    },
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
    `"g":[${intList(groupOf)}]`,
    `"t":[${intList(rows.map((row) => table.occurredAt[row] ?? 0))}]`,
    `"s":[${intList(rows.map((row) => sources.numberOf(table.source[row] ?? 0)))}]`,
    `"e":${JSON.stringify(rows.map((row) => table.id[row]))}`,
  ];
  const parents = rows.map((row) => table.parent[row] ?? null);
  if (parents.some((parent) => parent !== null)) columns.push(`"p":${JSON.stringify(parents)}`);
  for (let meter = 0; meter < COLUMN_METERS.length; meter++) {
    const all = table.quantities[meter] ?? [];
    const quantities = rows.map((row) => all[row] ?? UNMETERED);
    if (quantities.some((quantity) => quantity !== UNMETERED))
      columns.push(`"${METER_KEYS[meter]}":[${quantityList(quantities)}]`);
  }
  const others = rows.flatMap((row, at) =>
    (table.others.get(row) ?? []).map(
      ({ meter, quantity }) => `[${from + at + 1},${groupOf[at]},${JSON.stringify(meter)},${quantity}]`,
    ),
  );
  if (others.length > 0) columns.push(`"o":[${others}]`);
  return `{${columns.join(",")}}`;
}
