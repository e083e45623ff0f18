import { byPlace, type Place, type UsageRow } from "../lines/payee-lines.ts";

interface Piece extends UsageRow {
  day: string;
}

/** A line's usage in pieces of one fineness, kept in the order of allotment while usage is added to them. */
export class Pieces {
  readonly #byName = new Map<string, Piece>();
  #rows: Piece[] = [];
  #inOrder = true;

  add({ day, version, country }: Place, events: bigint, weight: bigint): void {
    const name = `${day} ${version} ${country}`;
    const known = this.#byName.get(name);
    if (known !== undefined) {
      known.events += events;
      known.weight += weight;
      return;
    }
    const piece = { day, version, country, events, weight };
    this.#byName.set(name, piece);
    this.#rows.push(piece);
    this.#inOrder = false;
  }

  /** All weights in another unit. */
  multiply(by: bigint): void {
    for (const piece of this.#rows) piece.weight *= by;
  }

  /** As they are now: what is added later changes them. */
  rows(): readonly UsageRow[] {
    if (!this.#inOrder) this.#rows.sort(byPlace);
    this.#inOrder = true;
    return this.#rows;
  }
}
