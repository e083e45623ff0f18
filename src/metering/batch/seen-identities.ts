import type { HashColumn } from "../columns/hash-column.ts";

/** Which identities a batch had already. They are hashes: their first bits say where to look. */
export class SeenIdentities {
  readonly #identities: HashColumn;
  /** A row + 1, or 0. Never more than half of them are taken. */
  #slots = new Int32Array(2048);
  #count = 0;

  constructor(identities: HashColumn) {
    this.#identities = identities;
  }

  /** Answers whether the row's identity is new; then it is known from here on. */
  add(row: number): boolean {
    if (2 * this.#count >= this.#slots.length) this.#widen();
    const slot = this.#slotOf(row);
    if (this.#slots[slot] !== 0) return false;
    this.#slots[slot] = row + 1;
    this.#count++;
    return true;
  }

  /** Where the row's identity is, or would be. */
  #slotOf(row: number): number {
    const mask = this.#slots.length - 1;
    let slot = this.#identities.word(row, 0) & mask;
    for (;;) {
      const known = this.#slots[slot] ?? 0;
      if (known === 0 || this.#identities.equal(known - 1, row)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #widen(): void {
    const rows = this.#slots;
    this.#slots = new Int32Array(2 * rows.length);
    for (const known of rows) if (known !== 0) this.#slots[this.#slotOf(known - 1)] = known;
  }
}
