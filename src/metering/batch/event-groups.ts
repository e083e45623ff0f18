import { NO_HARDWARE } from "../../usage/index.ts";
import { int4Array, int8Array, nullableInt4Array } from "../columns/array-bytes.ts";
import { NumberColumn } from "../columns/number-column.ts";
import { textArray } from "../columns/text-array.ts";
import { Dictionary, Renumbered } from "./dictionary.ts";
import { EventCells } from "./event-cells.ts";
import type { EventTable, OtherQuantity } from "./event-table.ts";
import { MeterSums, SUM_MAX } from "./meter-sums.ts";

const DAY_MICROS = 86_400_000_000;
/** A batch that spans more days than this has groups of one event for the rest. */
const DAYS_MAX = 512;

interface OtherSum {
  group: number;
  meter: number;
  quantity: number;
  events: number;
}

/**
 * Events of one customer, subject, day and hardware, summed: customers are charged by groups, which are fewer than events. Groups
 * never hold more than what one decision can be made for; see `separate` of columnsBuilding(). Groups count from 1; the arrays
 * are by group, from 0.
 */
export class EventGroups {
  readonly #table: EventTable;
  readonly #customers: Renumbered;
  readonly #subjects: Renumbered;
  readonly #hardwareNames: Renumbered;
  readonly #meters = new Dictionary();
  readonly #days = new Map<number, number>();
  readonly #kinds = new Map<number, number>();
  readonly #open = new Map<number, number>();
  readonly #customer = new NumberColumn();
  readonly #subject = new NumberColumn();
  /** From 1; NO_HARDWARE where it is not told. */
  readonly #hardware = new NumberColumn();
  readonly #day = new NumberColumn();
  /** 1 where it must be decided by itself. */
  readonly #alone = new NumberColumn();
  readonly #sums = new MeterSums();
  readonly #others = new Map<string, OtherSum>();

  constructor(table: EventTable) {
    this.#table = table;
    this.#customers = new Renumbered(table.customerNames.names.length);
    this.#subjects = new Renumbered(table.subjects.model.length);
    this.#hardwareNames = new Renumbered(table.hardwareNames.names.length);
  }

  /** Adds a row to its group, or, when it must be decided by itself, to a new one. Answers the group's number. */
  add(row: number, separate: boolean): number {
    const table = this.#table;
    const customer = this.#customers.numberOf(table.customer.at(row));
    const subject = this.#subjects.numberOf(table.subject.at(row));
    const at = table.occurredAt.at(row);
    const day = this.#dayNumber(at);
    const alone = separate || day >= DAYS_MAX;
    const hardware = table.hardware.at(row);
    const kind = hardware === NO_HARDWARE ? subject : this.#kindOf(subject, hardware);
    const kinds = table.subjects.model.length + table.size;
    const key = (day * table.customerNames.names.length + customer) * kinds + kind;
    let group = alone ? undefined : this.#open.get(key);
    if (group === undefined) {
      group = this.#begin(customer, subject, hardware, at, day, alone);
      if (!alone) this.#open.set(key, group);
    }
    if (this.#count(group, row) && !alone) this.#open.delete(key);
    return group + 1;
  }

  /** Of a subject on some hardware: above all subjects. At most one for each event, so that keys stay exact. */
  #kindOf(subject: number, hardware: number): number {
    const pair = subject * (this.#table.hardwareNames.names.length + 1) + hardware;
    const known = this.#kinds.get(pair);
    if (known !== undefined) return known;
    const kind = this.#table.subjects.model.length + this.#kinds.size + 1;
    this.#kinds.set(pair, kind);
    return kind;
  }

  /** @param kindOf by the customer's name */
  toCells(kindOf: (customer: string) => string | undefined): EventCells {
    const groups = {
      customer: this.#customer,
      subject: this.#subject,
      day: this.#day,
      alone: this.#alone,
      sums: this.#sums,
    };
    return new EventCells(groups, (customer) => kindOf(this.customerName(customer)));
  }

  /** By its number in the arrays, from 1. */
  customerName(customer: number): string {
    return this.#table.customerNames.names[this.#customers.old[customer - 1] ?? 0] ?? "";
  }

  /** Customer and model of the group, with a space between. */
  subjectOf(group: number): string {
    const subject = this.#subjects.old[this.#subject.at(group - 1) - 1] ?? 0;
    return `${this.customerName(this.#customer.at(group - 1))} ${this.#table.subjects.model[subject]}`;
  }

  /** What usage_columns has of names, as PostgreSQL's array texts. */
  namesToArrays() {
    const { customerNames, subjects } = this.#table;
    const used = (names: readonly string[]) =>
      textArray(this.#subjects.old.map((subject) => names[subject] ?? ""));
    return {
      customers: textArray(this.#customers.old.map((customer) => customerNames.names[customer] ?? "")),
      models: used(subjects.model),
      versions: used(subjects.version),
      statuses: used(subjects.status),
      meters: textArray(this.#meters.names),
      hardware: this.#hardwareNames.old.length === 0 ? null : textArray(this.#usedHardware()),
    };
  }

  /** What usage_columns has of groups, as PostgreSQL's arrays. */
  toArrays() {
    const others = [...this.#others.values()];
    return {
      customer: int4Array(this.#customer.values),
      hardware: nullableInt4Array(this.#hardware.values, (group) => this.#hardware.at(group) === NO_HARDWARE),
      ...this.#sums.toArrays(),
      otherGroup: int4Array(others.map(({ group }) => group + 1)),
      otherMeter: int4Array(others.map(({ meter }) => meter + 1)),
      otherQuantity: int8Array(others.map(({ quantity }) => quantity)),
      otherEvents: int4Array(others.map(({ events }) => events)),
    };
  }

  #usedHardware(): string[] {
    const { names } = this.#table.hardwareNames;
    return this.#hardwareNames.old.map((hardware) => names[hardware] ?? "");
  }

  #begin(
    customer: number,
    subject: number,
    hardware: number,
    at: number,
    day: number,
    alone: boolean,
  ): number {
    this.#customer.add(customer);
    this.#subject.add(subject);
    this.#hardware.add(hardware === NO_HARDWARE ? NO_HARDWARE : this.#hardwareNames.numberOf(hardware - 1));
    this.#day.add(day);
    this.#alone.add(alone ? 1 : 0);
    return this.#sums.begin(at);
  }

  /** Whether another quantity might take a sum beyond what is exact: then the group takes no more events. */
  #count(group: number, row: number): boolean {
    const full = this.#sums.addEvent(group, this.#table, row);
    const others = this.#table.others.get(row);
    return (others !== undefined && this.#countOthers(group, others)) || full;
  }

  #countOthers(group: number, others: readonly OtherQuantity[]): boolean {
    let full = false;
    for (const { meter: name, quantity } of others) {
      const meter = this.#meters.numberOf(name);
      const key = `${group} ${meter}`;
      const sum = this.#others.get(key) ?? { group, meter, quantity: 0, events: 0 };
      this.#others.set(key, sum);
      sum.quantity += quantity;
      sum.events++;
      if (sum.quantity > SUM_MAX - 1e15) full = true;
    }
    return full;
  }

  #dayNumber(at: number): number {
    const day = Math.floor(at / DAY_MICROS);
    const known = this.#days.get(day);
    if (known !== undefined) return known;
    this.#days.set(day, this.#days.size);
    return this.#days.size - 1;
  }
}
