import { isBuiltInMeter } from "../../pricing/index.ts";
import {
  billedContent,
  COLUMN_METERS,
  type Digests,
  type EventNames,
  eventIdentity,
  type LoggedEventReader,
  NO_HARDWARE,
  subjectText,
  textFingerprint,
  UNMETERED,
  type UsageEvent,
} from "../../usage/index.ts";
import { HashColumn } from "../columns/hash-column.ts";
import { IdColumn } from "../columns/id-column.ts";
import { NumberColumn } from "../columns/number-column.ts";
import { Dictionary } from "./dictionary.ts";
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
  readonly source: NumberColumn;
  readonly customer: NumberColumn;
  readonly subject: NumberColumn;
  /** Microseconds since 1970. */
  readonly occurredAt: NumberColumn;
  readonly id: IdColumn;
  /** By row; few events have one. */
  readonly parents = new Map<number, string>();
  /** A number of hardwareNames and one more, or NO_HARDWARE. */
  readonly hardware: NumberColumn;
  /** For each of COLUMN_METERS, by row. */
  readonly quantities: readonly NumberColumn[];
  /** By row; few events have any. */
  readonly others = new Map<number, OtherQuantity[]>();
  /** 128 bits. */
  readonly identity: HashColumn;
  /** 64 bits, signed. */
  readonly content: HashColumn;
  /** Which of the batch's records the event is of, and its place there. */
  readonly record: NumberColumn;
  readonly index: NumberColumn;

  readonly #digests: Digests;
  readonly #customerFingerprints: Uint8Array[] = [];
  readonly #subjectFingerprints: Uint8Array[] = [];

  /**
   * @param digests empty whenever another table uses them
   * @param capacity how many there will be, as far as that is known
   */
  constructor(digests: Digests, capacity = 0) {
    this.#digests = digests;
    const numbers = () => new NumberColumn(capacity);
    this.source = numbers();
    this.customer = numbers();
    this.subject = numbers();
    this.occurredAt = numbers();
    this.id = new IdColumn(capacity);
    this.hardware = numbers();
    this.quantities = COLUMN_METERS.map(numbers);
    this.identity = new HashColumn(4, capacity);
    this.content = new HashColumn(2, capacity);
    this.record = numbers();
    this.index = numbers();
  }

  get size(): number {
    return this.id.size;
  }

  add(event: UsageEvent, record: number, index: number): void {
    this.#addFacts(
      this.sourceNumber(event.source),
      this.customerNumber(event.customer),
      this.subjects.numberOf(event.model, event.version, event.status),
      Number(event.occurredAt),
      event.parent,
      event.hardware === null ? NO_HARDWARE : this.hardwareNumber(event.hardware),
    );
    this.#addQuantities(this.size, event.quantities);
    this.id.add(event.id);
    this.identity.addHex(eventIdentity(event.source, event.id));
    this.content.addBigInt(billedContent(event));
    this.record.add(record);
    this.index.add(index);
  }

  /** Adds what was read last. Its numbers are those that this table gave. It has no identity and no content before hash(). */
  addLogged(event: LoggedEventReader, record: number, index: number): void {
    const { source, customer, subject, occurredAt, parent, hardware } = event;
    this.#addFacts(source, customer, subject, occurredAt, parent, hardware);
    for (let meter = 0; meter < COLUMN_METERS.length; meter++)
      this.quantities[meter]?.add(event.quantities[meter] ?? UNMETERED);
    const row = this.size;
    event.addId(this.id);
    this.identity.reserve();
    this.content.reserve();
    event.addIdentity(this.#digests, this.identity, row);
    event.addContent(this.#digests, this.content, row);
    this.record.add(record);
    this.index.add(index);
  }

  /** Gives the rows that were added since their identities and contents. */
  hash(): void {
    this.#digests.finish();
  }

  /** Takes the rows from `size` on away; those before were hashed. */
  truncate(size: number): void {
    this.#digests.drop();
    const { source, customer, subject, occurredAt, id, hardware, identity, content, record, index } = this;
    for (const column of [source, customer, subject, occurredAt, hardware, record, index, ...this.quantities])
      column.truncate(size);
    for (const column of [id, identity, content]) column.truncate(size);
    for (const few of [this.parents, this.others])
      for (const row of few.keys()) if (row >= size) few.delete(row);
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
    if (parent !== null) this.parents.set(this.size, parent);
    this.source.add(source);
    this.customer.add(customer);
    this.subject.add(subject);
    this.occurredAt.add(occurredAt);
    this.hardware.add(hardware);
  }

  #addQuantities(row: number, quantities: Map<string, bigint>): void {
    let builtIn = 1;
    for (let meter = 0; meter < COLUMN_METERS.length; meter++) {
      const quantity = quantities.get(COLUMN_METERS[meter] ?? "");
      if (quantity !== undefined) builtIn++;
      this.quantities[meter]?.add(quantity === undefined ? UNMETERED : Number(quantity));
    }
    if (quantities.size === builtIn) return;
    const others = [...quantities].filter(([meter]) => !isBuiltInMeter(meter));
    this.others.set(
      row,
      others.map(([meter, quantity]) => ({ meter, quantity: Number(quantity) })),
    );
  }
}
