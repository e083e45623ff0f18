import { COLUMN_METERS, UNMETERED } from "../../usage/index.ts";
import { bigintArray, int4Array, uuidArray } from "../columns/array-bytes.ts";
import { ByteText } from "../columns/byte-text.ts";
import type { NumberColumn } from "../columns/number-column.ts";
import { textArray } from "../columns/text-array.ts";
import { Renumbered } from "./dictionary.ts";
import type { EventCells } from "./event-cells.ts";
import { EventGroups } from "./event-groups.ts";
import type { EventTable } from "./event-table.ts";

const EVENTS_PER_LINE = 1000;
/** What the facts of an event take as a rule. */
const EVENT_BYTES = 80;
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
  const text = new ByteText(EVENT_BYTES * rows.length);
  for (let from = 0; from < rows.length; from += EVENTS_PER_LINE) {
    const some = rows.slice(from, from + EVENTS_PER_LINE);
    const groupOf = some.map((row) => groups.add(row, separate(row)));
    if (from > 0) text.text("\n");
    writeLine(text, table, some, groupOf, from, sources);
    yield some.length;
  }
  return columnsOf(table, rows, groups, groups.toCells(kindOf), sources, text.written);
}

function columnsOf(
  table: EventTable,
  rows: readonly number[],
  groups: EventGroups,
  cells: EventCells,
  sources: Renumbered,
  events: Buffer,
) {
  // Identities are inserted in their order.
  const identityPlaces = table.identity.order(rows);
  const byIdentity = new Int32Array(rows.length);
  for (let n = 0; n < byIdentity.length; n++) byIdentity[n] = rows[identityPlaces[n] as number] as number;
  return {
    ...groups.namesToArrays(),
    sources: textArray(sources.old.map((source) => table.sourceNames.names[source] ?? "")),
    identities: uuidArray(table.identity, byIdentity),
    contents: bigintArray(table.content, byIdentity),
    /** Of the events, from 1, in the same order. */
    identityPlaces: int4Array(identityPlaces.map((place) => place + 1)),
    events,
    /** How many of them name a parent. */
    chained: table.parents.size === 0 ? 0 : rows.filter((row) => table.parents.has(row)).length,
    groups: groups.toArrays(),
    cells: cells.toArrays(),
    customerName: (customer: number) => groups.customerName(customer),
    /** Customer and model, with a space between, of all groups in these cells. */
    subjectsIn(some: ReadonlySet<number>): string[] {
      const subjects: string[] = [];
      cells.ofGroup.values.forEach((cell, at) => {
        if (some.has(cell)) subjects.push(groups.subjectOf(at + 1));
      });
      return subjects;
    },
  };
}

/** Writes the facts of some events, in the form that unpack_events() of drizzle/0003_metering.sql reads. */
function writeLine(
  text: ByteText,
  table: EventTable,
  rows: readonly number[],
  groupOf: readonly number[],
  from: number,
  sources: Renumbered,
): void {
  const count = rows.length;
  const rowAt = (n: number) => rows[n] ?? 0;
  text.text('{"g":[').integers(count, (n) => groupOf[n] ?? 0);
  text.text('],"t":[').integers(count, (n) => table.occurredAt.at(rowAt(n)));
  text.text('],"s":[').integers(count, (n) => sources.numberOf(table.source.at(rowAt(n))));
  text.text('],"e":[');
  table.id.writeList(rows, text);
  if (table.parents.size > 0) {
    const parents = rows.map((row) => table.parents.get(row) ?? null);
    if (parents.some((parent) => parent !== null))
      text.text(`],"p":[${JSON.stringify(parents).slice(1, -1)}`);
  }
  for (let meter = 0; meter < COLUMN_METERS.length; meter++) {
    const column = table.quantities[meter] as NumberColumn;
    if (rows.every((row) => column.at(row) === UNMETERED)) continue;
    text.text(`],"${METER_KEYS[meter]}":[`);
    text.integers(count, (n) => column.at(rowAt(n)), UNMETERED);
  }
  if (table.others.size > 0) {
    const others = rows.flatMap((row, at) =>
      (table.others.get(row) ?? []).map(
        ({ meter, quantity }) => `[${from + at + 1},${groupOf[at]},${JSON.stringify(meter)},${quantity}]`,
      ),
    );
    if (others.length > 0) text.text(`],"o":[${others}`);
  }
  text.text("]}");
}
