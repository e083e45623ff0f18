import { int4Array, int8Array } from "../columns/array-bytes.ts";
import { NumberColumn } from "../columns/number-column.ts";
import { MeterSums } from "./meter-sums.ts";

/** Groups by column, from 0. Customers and subjects count from 1, days from 0. */
export interface CellGroups {
  customer: NumberColumn;
  subject: NumberColumn;
  day: NumberColumn;
  /** 1 where it must be decided by itself. */
  alone: NumberColumn;
  sums: MeterSums;
}

/**
 * Groups of one subject and day whose customers are of one kind, summed: all that the books decide and sum they decide and sum
 * for cells. And payers: each customer from its first event to its last. A group that must be decided by itself has a cell, a
 * payer and a kind of its own. All count from 1; the arrays are from 0.
 */
export class EventCells {
  /** By group. */
  readonly ofGroup = new NumberColumn();
  readonly #groups: CellGroups;
  /** Otherwise each group is a cell, so that no sum goes beyond what is exact. */
  readonly #together: boolean;
  readonly #open = new Map<number, number>();
  readonly #subject = new NumberColumn();
  readonly #kind = new NumberColumn();
  readonly #sums = new MeterSums();
  readonly #payers: { customer: number[]; kind: number[]; first: number[]; last: number[] };
  readonly #payerOf = new Map<number, number>();
  readonly #kindNumbers = new Map<string, number>();
  #kinds = 0;

  /** @param kindOf what is the same for customers who are alike to the books; undefined when that is not known */
  constructor(groups: CellGroups, kindOf: (customer: number) => string | undefined) {
    this.#groups = groups;
    this.#together = groups.sums.exactTogether;
    this.#payers = { customer: [], kind: [], first: [], last: [] };
    for (let group = 0; group < groups.sums.size; group++) this.#add(group, kindOf);
  }

  /** What usage_columns has of cells and payers, as PostgreSQL's arrays. */
  toArrays() {
    const { customer, kind, first, last } = this.#payers;
    return {
      ofGroup: int4Array(this.ofGroup.values),
      subject: int4Array(this.#subject.values),
      kind: int4Array(this.#kind.values),
      last: int8Array(this.#sums.last.values),
      ...this.#sums.toArrays(),
      payers: {
        customer: int4Array(customer),
        kind: int4Array(kind),
        first: int8Array(first),
        last: int8Array(last),
      },
    };
  }

  #add(group: number, kindOf: (customer: number) => string | undefined): void {
    const { alone, customer, day, sums } = this.#groups;
    const kind = this.#pay(group, alone.at(group) === 1, kindOf);
    const subject = this.#groups.subject.at(group);
    // Kinds are at most as many as groups.
    const key = (day.at(group) * (customer.size + 1) + kind) * (customer.size + 1) + subject;
    let cell = this.#together ? this.#open.get(key) : undefined;
    if (cell === undefined) {
      cell = this.#sums.begin(sums.first.at(group));
      this.#subject.add(subject);
      this.#kind.add(kind);
      this.#open.set(key, cell);
    }
    this.#sums.addSum(cell, sums, group);
    this.ofGroup.add(cell + 1);
  }

  /** Answers the payer's kind. */
  #pay(group: number, alone: boolean, kindOf: (customer: number) => string | undefined): number {
    const customer = this.#groups.customer.at(group);
    const first = this.#groups.sums.first.at(group);
    const last = this.#groups.sums.last.at(group);
    const payers = this.#payers;
    const known = alone ? undefined : this.#payerOf.get(customer);
    if (known !== undefined) {
      if (first < (payers.first[known] ?? 0)) payers.first[known] = first;
      if (last > (payers.last[known] ?? 0)) payers.last[known] = last;
      return payers.kind[known] ?? 0;
    }
    const kind = this.#kindNumber(alone ? undefined : kindOf(customer));
    const payer = payers.customer.push(customer) - 1;
    payers.kind.push(kind);
    payers.first.push(first);
    payers.last.push(last);
    if (!alone) this.#payerOf.set(customer, payer);
    return kind;
  }

  #kindNumber(name: string | undefined): number {
    const known = name === undefined ? undefined : this.#kindNumbers.get(name);
    if (known !== undefined) return known;
    this.#kinds++;
    if (name !== undefined) this.#kindNumbers.set(name, this.#kinds);
    return this.#kinds;
  }
}
