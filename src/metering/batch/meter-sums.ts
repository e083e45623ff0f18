import { COLUMN_METERS, UNMETERED } from "../../usage/index.ts";
import { int4Array, int8Array, nullableInt8Array } from "../columns/array-bytes.ts";
import { NumberColumn } from "../columns/number-column.ts";
import type { EventTable } from "./event-table.ts";

/** Sums are numbers, exact up to 2^53; one quantity is at most 10^15. */
export const SUM_MAX = 8e15;
const QUANTITY_MAX = 1e15;
const METERS = COLUMN_METERS.map((_, meter) => meter);

/** What events used, summed on the meters with a column: sums numbered from 0, each with its times and how many events it has. */
export class MeterSums {
  readonly first = new NumberColumn();
  readonly last = new NumberColumn();
  readonly events = new NumberColumn();
  /** By meter: the sum, and how many events had the meter. */
  readonly #sums = COLUMN_METERS.map(() => new NumberColumn());
  readonly #counts = COLUMN_METERS.map(() => new NumberColumn());

  get size(): number {
    return this.events.size;
  }

  /** A new sum, of nothing. */
  begin(at: number): number {
    for (const meter of METERS) {
      this.#sums[meter]?.add(0);
      this.#counts[meter]?.add(0);
    }
    this.first.add(at);
    this.last.add(at);
    return this.events.add(0);
  }

  /** Answers whether another event might take a quantity beyond what is exact: then the sum must take no more. */
  addEvent(sum: number, table: EventTable, row: number): boolean {
    const at = table.occurredAt.at(row);
    this.#addTimes(sum, at, at, 1);
    let full = false;
    for (const meter of METERS) {
      const quantity = (table.quantities[meter] as NumberColumn).at(row);
      if (quantity !== UNMETERED && this.#addQuantity(meter, sum, quantity, 1)) full = true;
    }
    return full;
  }

  /** Whether all of these together are exact. */
  get exactTogether(): boolean {
    return this.#sums.every(({ values }) => values.reduce((total, sum) => total + sum, 0) <= SUM_MAX);
  }

  /** Adds another's sum to one of these. */
  addSum(sum: number, other: MeterSums, added: number): void {
    this.#addTimes(sum, other.first.at(added), other.last.at(added), other.events.at(added));
    for (const meter of METERS) {
      const count = (other.#counts[meter] as NumberColumn).at(added);
      if (count > 0) this.#addQuantity(meter, sum, (other.#sums[meter] as NumberColumn).at(added), count);
    }
  }

  /** As PostgreSQL's arrays. */
  toArrays() {
    return {
      first: int8Array(this.first.values),
      events: int4Array(this.events.values),
      meters: METERS.map((meter) => this.#meterToArrays(meter)),
    };
  }

  #addTimes(sum: number, first: number, last: number, events: number): void {
    this.events.set(sum, this.events.at(sum) + events);
    if (first < this.first.at(sum)) this.first.set(sum, first);
    if (last > this.last.at(sum)) this.last.set(sum, last);
  }

  #addQuantity(meter: number, sum: number, quantity: number, events: number): boolean {
    const sums = this.#sums[meter] as NumberColumn;
    const counts = this.#counts[meter] as NumberColumn;
    const total = sums.at(sum) + quantity;
    sums.set(sum, total);
    counts.set(sum, counts.at(sum) + events);
    return total > SUM_MAX - QUANTITY_MAX;
  }

  /** `events` is null where it would be the same as the sum's own. */
  #meterToArrays(meter: number) {
    const sums = (this.#sums[meter] as NumberColumn).values;
    const counts = (this.#counts[meter] as NumberColumn).values;
    const sameAsEvents = counts.every((count, sum) => count === 0 || count === this.events.at(sum));
    return {
      quantities: nullableInt8Array(sums, (sum) => counts[sum] === 0),
      events: sameAsEvents ? null : int4Array(counts),
    };
  }
}
