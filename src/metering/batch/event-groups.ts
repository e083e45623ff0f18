import type { UsageEvent } from "../../usage/index.ts";
import { Dictionary, intArray, nullableIntArray } from "./columns.ts";

/** The built-in meters that have a column; runs counts the events themselves. */
export const COLUMN_METERS = ["predict_seconds", "input_tokens", "output_tokens", "images"] as const;

const DAY_MICROS = 86_400_000_000n;
/** Sums are bigint in the database; one quantity is at most 10^15. */
const SUM_MAX = 9n * 10n ** 18n;

interface Sum {
  quantity: bigint;
  events: number;
}

interface Group {
  number: number;
  customer: number;
  subject: number;
  first: bigint;
  last: bigint;
  events: number;
  sums: (Sum | undefined)[];
  others: Map<number, Sum> | undefined;
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
  readonly #subjects = new Dictionary();
  readonly #groups: Group[] = [];
  readonly #byKey = new Map<string, Group>();

  /** Adds an event to its group, or, when it must be decided by itself, to a new one. Answers the group's number, from 1. */
  add(event: UsageEvent, separate: boolean): number {
    const customer = this.customers.numberOf(event.customer);
    const subject = this.#subjectNumber(event);
    const key = `${customer} ${subject} ${event.occurredAt / DAY_MICROS}`;
    let group = separate ? undefined : this.#byKey.get(key);
    if (group === undefined || group.sums.some((sum) => sum !== undefined && sum.quantity > SUM_MAX / 2n)) {
      group = this.#open(customer, subject, event.occurredAt);
      if (!separate) this.#byKey.set(key, group);
    }
    this.#count(group, event);
    return group.number;
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
        quantities: nullableIntArray(groups.map(({ sums }) => sums[meter]?.quantity ?? null)),
        events: groups.every(({ sums, events }) => sums[meter] === undefined || sums[meter].events === events)
          ? null
          : intArray(groups.map(({ sums }) => sums[meter]?.events ?? 0)),
      })),
      otherGroup: intArray(others.map(({ group }) => group)),
      otherMeter: intArray(others.map(({ meter }) => meter)),
      otherQuantity: intArray(others.map(({ quantity }) => quantity)),
      otherEvents: intArray(others.map(({ events }) => events)),
    };
  }

  #open(customer: number, subject: number, at: bigint): Group {
    const number = this.#groups.length + 1;
    const sums = COLUMN_METERS.map(() => undefined);
    const group = { number, customer, subject, first: at, last: at, events: 0, sums, others: undefined };
    this.#groups.push(group);
    return group;
  }

  #count(group: Group, { occurredAt, quantities }: UsageEvent): void {
    group.events++;
    if (occurredAt < group.first) group.first = occurredAt;
    if (occurredAt > group.last) group.last = occurredAt;
    for (const [meter, quantity] of quantities) {
      if (meter === "runs") continue;
      const column = (COLUMN_METERS as readonly string[]).indexOf(meter);
      if (column >= 0) {
        group.sums[column] = plus(group.sums[column], quantity);
      } else {
        group.others ??= new Map();
        const number = this.meters.numberOf(meter);
        group.others.set(number, plus(group.others.get(number), quantity));
      }
    }
  }

  #subjectNumber({ model, version, status }: UsageEvent): number {
    const known = this.models.length;
    // A status has no colon and a model's id has none either, so the key names one subject.
    const subject = this.#subjects.numberOf(`${status}:${model}:${version}`);
    if (subject > known) {
      this.models.push(model);
      this.versions.push(version);
      this.statuses.push(status);
    }
    return subject;
  }
}

function plus(sum: Sum | undefined, quantity: bigint): Sum {
  if (sum === undefined) return { quantity, events: 1 };
  sum.quantity += quantity;
  sum.events++;
  return sum;
}
