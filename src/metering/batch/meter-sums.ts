import { COLUMN_METERS, UNMETERED } from "../../usage/index.ts";
import { intArray, nullableIntArray } from "./columns.ts";
import type { EventTable } from "./event-table.ts";

/** Sums are numbers, exact up to 2^53; one quantity is at most 10^15. */
export const SUM_MAX = 8e15;
const QUANTITY_MAX = 1e15;
const METERS = COLUMN_METERS.map((_, meter) => meter);

/** What events used, summed on the meters with a column: sums numbered from 0, each with its times and how many events it has. */
export class MeterSums {
  readonly first: number[] = [];
  readonly last: number[] = [];
  readonly events: number[] = [];
  /** By meter: the sum, and how many events had the meter. */
  readonly #sums: readonly number[][] = COLUMN_METERS.map(() => []);
  readonly #counts: readonly number[][] = COLUMN_METERS.map(() => []);

  get size(): number {
    return this.events.length;
  }

  /** A new sum, of nothing. */
  begin(at: number): number {
    for (const meter of METERS) {
      this.#sums[meter]?.push(0);
      this.#counts[meter]?.push(0);
    }
    this.first.push(at);
    this.last.push(at);
    return this.events.push(0) - 1;
  }

  /** Answers whether another event might take a quantity beyond what is exact: then the sum must take no more. */
  addEvent(sum: number, table: EventTable, row: number): boolean {
    const at = table.occurredAt[row] ?? 0;
    this.#addTimes(sum, at, at, 1);
    let full = false;
    for (const meter of METERS) {
      const quantity = table.quantities[meter]?.[row] ?? UNMETERED;
      if (quantity !== UNMETERED && this.#addQuantity(meter, sum, quantity, 1)) full = true;
    }
    return full;
  }

  /** Whether all of these together are exact. */
  get exactTogether(): boolean {
    return this.#sums.every((sums) => sums.reduce((total, sum) => total + sum, 0) <= SUM_MAX);
  }

  /** Adds another's sum to one of these. */
  addSum(sum: number, other: MeterSums, added: number): void {
    this.#addTimes(sum, other.first[added] ?? 0, other.last[added] ?? 0, other.events[added] ?? 0);
    for (const meter of METERS) {
      const count = other.#counts[meter]?.[added] ?? 0;
      if (count > 0) this.#addQuantity(meter, sum, other.#sums[meter]?.[added] ?? 0, count);
    }
  }

  /** As PostgreSQL's array texts. */
  toArrays() {
    return {
      first: intArray(this.first),
      events: intArray(this.events),
      meters: METERS.map((meter) => this.#meterToArrays(meter)),
    };
  }

  #addTimes(sum: number, first: number, last: number, events: number): void {
    this.events[sum] = (this.events[sum] ?? 0) + events;
    if (first < (this.first[sum] ?? 0)) this.first[sum] = first;
    if (last > (this.last[sum] ?? 0)) this.last[sum] = last;
  }

  #addQuantity(meter: number, sum: number, quantity: number, events: number): boolean {
    const sums = this.#sums[meter] as number[];
    const counts = this.#counts[meter] as number[];
    const total = (sums[sum] ?? 0) + quantity;
    sums[sum] = total;
    counts[sum] = (counts[sum] ?? 0) + events;
    return total > SUM_MAX - QUANTITY_MAX;
  }

  /** `events` is null where it would be the same as the sum's own. */
  #meterToArrays(meter: number) {
    const sums = this.#sums[meter] ?? [];
    const counts = this.#counts[meter] ?? [];
    const sameAsEvents = counts.every((count, sum) => count === 0 || count === this.events[sum]);
    return {
      quantities: counts.includes(0)
        ? nullableIntArray(sums.map((total, sum) => (counts[sum] === 0 ? null : total)))
        : intArray(sums),
      events: sameAsEvents ? null : intArray(counts),
    };
  }
}
