import { intArray } from "./columns.ts";
import { MeterSums } from "./meter-sums.ts";

/** Groups by column, from 0. Customers and subjects count from 1, days from 0. */
export interface CellGroups {
  customer: readonly number[];
  subject: readonly number[];
  day: readonly number[];
  /** Must be decided by itself. */
  alone: readonly boolean[];
  sums: MeterSums;
}

/**
 * Groups of one subject and day whose customers are of one kind, summed: all that the books decide and sum they decide and sum
 * for cells. And payers: each customer from its first event to its last. A group that must be decided by itself has a cell, a
 * payer and a kind of its own. All count from 1; the arrays are from 0.
 */
export class EventCells {
  /** By group. */
  readonly ofGroup: number[] = [];
  readonly #groups: CellGroups;
  /** Otherwise each group is a cell, so that no sum goes beyond what is exact. */
  readonly #together: boolean;
  readonly #open = new Map<number, number>();
  readonly #subject: number[] = [];
  readonly #kind: number[] = [];
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

  /** What usage_columns has of cells and payers, as PostgreSQL's array texts. */
  toArrays() {
    const { customer, kind, first, last } = this.#payers;
    return {
      ofGroup: intArray(this.ofGroup),
      subject: intArray(this.#subject),
      kind: intArray(this.#kind),
      last: intArray(this.#sums.last),
      ...this.#sums.toArrays(),
      payers: {
        customer: intArray(customer),
        kind: intArray(kind),
        first: intArray(first),
        last: intArray(last),
      },
    };
  }

  #add(group: number, kindOf: (customer: number) => string | undefined): void {
    const { alone, customer, day, sums } = this.#groups;
    const kind = this.#pay(group, alone[group] === true, kindOf);
    const subject = this.#groups.subject[group] ?? 0;
    // Kinds are at most as many as groups.
    const key = ((day[group] ?? 0) * (customer.length + 1) + kind) * (customer.length + 1) + subject;
    let cell = this.#together ? this.#open.get(key) : undefined;
    if (cell === undefined) {
      cell = this.#sums.begin(sums.first[group] ?? 0);
      this.#subject.push(subject);
      this.#kind.push(kind);
      this.#open.set(key, cell);
    }
    this.#sums.addSum(cell, sums, group);
    this.ofGroup.push(cell + 1);
  }

  /** Answers the payer's kind. */
  #pay(group: number, alone: boolean, kindOf: (customer: number) => string | undefined): number {
    const customer = this.#groups.customer[group] ?? 0;
    const { first: firsts, last: lasts } = this.#groups.sums;
    const [first, last] = [firsts[group] ?? 0, lasts[group] ?? 0];
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
