import { isBuiltInMeter } from "../../pricing/index.ts";
import {
  billedContent,
  COLUMN_METERS,
  type EventNames,
  eventIdentity,
  type LoggedEventReader,
  NO_HARDWARE,
  subjectText,
  textFingerprint,
  UNMETERED,
  type UsageEvent,
} from "../../usage/index.ts";
import { Dictionary } from "./dictionary.ts";
import { HashColumn } from "./hash-column.ts";
import { Subjects } from "./subjects.ts";

/** Events are grouped by hardware: of more names in one batch than this the rest is one, or each event could be a group. */
const HARDWARE_NAMES_MAX = 256;
const OTHER_HARDWARE = "other";

/** What an event has on a meter without a column. */
export interface OtherQuantity {
  meter: string;
  /** Exact: at most 10^15. */
  quantity: number;
}

/**
 * Readable events of a batch, a row each, by columns: a batch has tens of thousands of events, and an object for each would
 * outlive the young generation, which costs more than everything that is done with it.
 */
export class EventTable implements EventNames {
  readonly sourceNames = new Dictionary();
  readonly customerNames = new Dictionary();
  readonly subjects = new Subjects();
  readonly hardwareNames = new Dictionary();
  readonly source: number[] = [];
  readonly customer: number[] = [];
  readonly subject: number[] = [];
  /** Microseconds since 1970: exact below 2^53. */
  readonly occurredAt: number[] = [];
  readonly id: string[] = [];
  readonly parent: (string | null)[] = [];
  /** A number of hardwareNames and one more, or NO_HARDWARE. */
  readonly hardware: number[] = [];
  /** For each of COLUMN_METERS, by row. */
  readonly quantities: readonly number[][] = COLUMN_METERS.map(() => []);
  /** By row; few events have any. */
  readonly others = new Map<number, OtherQuantity[]>();
  /** 128 bits. */
  readonly identity = new HashColumn(4);
  /** 64 bits, signed. */
  readonly content = new HashColumn(2);
  /** Which of the batch's records the event is of, and its place there. */
  readonly record: number[] = [];
  readonly index: number[] = [];

  readonly #customerFingerprints: Uint8Array[] = [];
  readonly #subjectFingerprints: Uint8Array[] = [];

  get size(): number {
    return this.id.length;
  }

  add(event: UsageEvent, record: number, index: number): void {
    const row = this.size;
    this.#addFacts(
      this.sourceNumber(event.source),
      this.customerNumber(event.customer),
      this.subjects.numberOf(event.model, event.version, event.status),
      Number(event.occurredAt),
      event.parent,
      event.hardware === null ? NO_HARDWARE : this.hardwareNumber(event.hardware),
    );
    this.id.push(event.id);
    this.#addQuantities(row, event.quantities);
    this.identity.addHex(eventIdentity(event.source, event.id));
    this.content.addBigInt(billedContent(event));
    this.record.push(record);
    this.index.push(index);
  }

  /** Adds what was read last. Its numbers are those that this table gave. */
  addLogged(event: LoggedEventReader, record: number, index: number): void {
    const { source, customer, subject, occurredAt, parent, hardware } = event;
    this.#addFacts(source, customer, subject, occurredAt, parent, hardware);
    this.id.push(event.id);
    for (let meter = 0; meter < COLUMN_METERS.length; meter++)
      this.quantities[meter]?.push(event.quantities[meter] ?? UNMETERED);
    this.identity.add(event.identity());
    this.content.add(event.content());
    this.record.push(record);
    this.index.push(index);
  }

  /** Takes the rows from `size` on away. */
  truncate(size: number): void {
    for (const column of [this.source, this.customer, this.subject, this.occurredAt, this.record, this.index])
      column.length = size;
    for (const column of [this.id, this.parent, this.hardware, ...this.quantities]) column.length = size;
    for (const row of this.others.keys()) if (row >= size) this.others.delete(row);
    this.identity.truncate(size);
    this.content.truncate(size);
  }

  sourceNumber(source: string): number {
    return this.sourceNames.numberOf(source);
  }

  customerNumber(customer: string): number {
    return this.customerNames.numberOf(customer);
  }

  subjectNumber(model: string, version: string, status: string): number {
    return this.subjects.numberOf(model, version, status);
  }

  hardwareNumber(hardware: string): number {
    const full = this.hardwareNames.names.length >= HARDWARE_NAMES_MAX;
    return (
      this.hardwareNames.numberOf(full && !this.hardwareNames.has(hardware) ? OTHER_HARDWARE : hardware) + 1
    );
  }

  customerFingerprint(customer: number): Uint8Array {
    const known = this.#customerFingerprints[customer];
    if (known !== undefined) return known;
    const made = textFingerprint(this.customerNames.names[customer] ?? "");
    this.#customerFingerprints[customer] = made;
    return made;
  }

  subjectFingerprint(subject: number): Uint8Array {
    const known = this.#subjectFingerprints[subject];
    if (known !== undefined) return known;
    const { model, version, status } = this.subjects;
    const text = subjectText(model[subject] ?? "", version[subject] ?? "", status[subject] ?? "");
    const made = textFingerprint(text);
    this.#subjectFingerprints[subject] = made;
    return made;
  }

  #addFacts(
    source: number,
    customer: number,
    subject: number,
    occurredAt: number,
    parent: string | null,
    hardware: number,
  ): void {
    this.source.push(source);
    this.customer.push(customer);
    this.subject.push(subject);
    this.occurredAt.push(occurredAt);
    this.parent.push(parent);
    this.hardware.push(hardware);
  }

  #addQuantities(row: number, quantities: Map<string, bigint>): void {
    let builtIn = 1;
    for (let meter = 0; meter < COLUMN_METERS.length; meter++) {
      const quantity = quantities.get(COLUMN_METERS[meter] ?? "");
      if (quantity !== undefined) builtIn++;
      this.quantities[meter]?.push(quantity === undefined ? UNMETERED : Number(quantity));
    }
    if (quantities.size === builtIn) return;
    const others = [...quantities].filter(([meter]) => !isBuiltInMeter(meter));
    this.others.set(
      row,
      others.map(([meter, quantity]) => ({ meter, quantity: Number(quantity) })),
    );
  }
}
