import type { UsageEvent } from "../../usage/index.ts";
import { Dictionary, intArray, nullableIntArray } from "./columns.ts";

/** The built-in meters that have a column; runs counts the events themselves. */
export const COLUMN_METERS = ["predict_seconds", "input_tokens", "output_tokens", "images"] as const;

const DAY_MICROS = 86_400_000_000;
/** Sums are numbers, exact up to 2^53; one quantity is at most 10^15. */
const SUM_MAX = 8e15;
/** A batch that spans more days than this has groups of one event for the rest. */
const DAYS_MAX = 512;

interface Group {
  number: number;
  customer: number;
  subject: number;
  /** Microseconds since 1970. */
  first: number;
  last: number;
  events: number;
  /** By column meter: its sum, and how many events had it. */
  sums: number[];
  counts: number[];
  others: Map<number, { quantity: number; events: number }> | undefined;
  /** Another quantity might take a sum beyond what is exact: it takes no more events. */
  full: boolean;
}

/**
 * Events of one customer, subject and day, summed: what is decided and booked is decided and booked for groups, which
 * are fewer than events. Groups never hold more than what one decision can be made for; see `separate`.
 */
export class EventGroups {
  readonly customers = new Dictionary();
  readonly meters = new Dictionary();
  readonly models: string[] = [];
  readonly versions: string[] = [];
  readonly statuses: string[] = [];
  readonly #modelNumbers = new Dictionary();
  readonly #versionNumbers = new Dictionary();
  readonly #statusNumbers = new Dictionary();
  readonly #subjects = new Map<number, number>();
  readonly #days = new Map<number, number>();
  readonly #groups: Group[] = [];
  readonly #byKey = new Map<number, Group>();

  /**
   * Adds an event to its group, or, when it must be decided by itself, to a new one. Answers the group's number, from 1.
   * @param quantities of the column meters, undefined where unmetered
   */
  add(event: UsageEvent, quantities: readonly (number | undefined)[], separate: boolean): number {
    const customer = this.customers.numberOf(event.customer);
    const subject = this.#subjectNumber(event);
    const at = Number(event.occurredAt);
    const day = this.#dayNumber(at);
    const alone = separate || day >= DAYS_MAX;
    const key = (customer * 2 ** 18 + subject) * DAYS_MAX + day;
    let group = alone ? undefined : this.#byKey.get(key);
    if (group === undefined || group.full) {
      group = this.#open(customer, subject, at);
      if (!alone) this.#byKey.set(key, group);
    }
    count(group, at, quantities);
    return group.number;
  }

  /** Adds what an event has on a meter without a column, after the event. */
  addOther(number: number, meter: string, quantity: number): void {
    const group = this.#groups[number - 1];
    if (group === undefined) return;
    group.others ??= new Map();
    const meterNumber = this.meters.numberOf(meter);
    const sum = group.others.get(meterNumber) ?? { quantity: 0, events: 0 };
    sum.quantity += quantity;
    sum.events++;
    group.others.set(meterNumber, sum);
    if (sum.quantity > SUM_MAX - 1e15) group.full = true;
  }

  /** Customer and model of the group, with a space between. */
  subjectOf(number: number): string {
    const group = this.#groups[number - 1];
    const customer = this.customers.names[(group?.customer ?? 0) - 1];
    return `${customer} ${this.models[(group?.subject ?? 0) - 1]}`;
  }

  /** The arrays of usage_columns that are about groups, as PostgreSQL's array texts. */
  toArrays() {
    const groups = this.#groups;
    const others = groups.flatMap((group) =>
      [...(group.others ?? [])].map(([meter, sum]) => ({ group: group.number, meter, ...sum })),
    );
    return {
      customer: intArray(groups.map((group) => group.customer)),
      subject: intArray(groups.map((group) => group.subject)),
      first: intArray(groups.map((group) => group.first)),
      last: intArray(groups.map((group) => group.last)),
      events: intArray(groups.map((group) => group.events)),
      meters: COLUMN_METERS.map((_, meter) => ({
        quantities: nullableIntArray(
          groups.map(({ sums, counts }) => ((counts[meter] ?? 0) > 0 ? (sums[meter] ?? 0) : null)),
        ),
        events: groups.every(({ counts, events }) => counts[meter] === 0 || counts[meter] === events)
          ? null
          : intArray(groups.map(({ counts }) => counts[meter] ?? 0)),
      })),
      otherGroup: intArray(others.map(({ group }) => group)),
      otherMeter: intArray(others.map(({ meter }) => meter)),
      otherQuantity: intArray(others.map(({ quantity }) => quantity)),
      otherEvents: intArray(others.map(({ events }) => events)),
    };
  }

  #open(customer: number, subject: number, at: number): Group {
    const number = this.#groups.length + 1;
    const none = () => COLUMN_METERS.map(() => 0);
    const sums = { events: 0, sums: none(), counts: none(), others: undefined, full: false };
    const group: Group = { number, customer, subject, first: at, last: at, ...sums };
    this.#groups.push(group);
    return group;
  }

  #subjectNumber({ model, version, status }: UsageEvent): number {
    const names = this.#modelNumbers.numberOf(model) * 2 ** 20 + this.#versionNumbers.numberOf(version);
    const key = names * 8 + this.#statusNumbers.numberOf(status);
    const known = this.#subjects.get(key);
    if (known !== undefined) return known;
    this.models.push(model);
    this.versions.push(version);
    this.statuses.push(status);
    this.#subjects.set(key, this.models.length);
    return this.models.length;
  }

  #dayNumber(at: number): number {
    const day = Math.floor(at / DAY_MICROS);
    const known = this.#days.get(day) ?? this.#days.size;
    this.#days.set(day, known);
    return known;
  }
}

function count(group: Group, at: number, quantities: readonly (number | undefined)[]): void {
  group.events++;
  if (at < group.first) group.first = at;
  if (at > group.last) group.last = at;
  for (let meter = 0; meter < quantities.length; meter++) {
    const quantity = quantities[meter];
    if (quantity === undefined) continue;
    const sum = (group.sums[meter] ?? 0) + quantity;
    group.sums[meter] = sum;
    if (sum > SUM_MAX - 1e15) group.full = true;
    group.counts[meter] = (group.counts[meter] ?? 0) + 1;
  }
}
