/** Numbers names from 0, in the order in which they come. */
export class Dictionary {
  readonly names: string[] = [];
  readonly #numbers = new Map<string, number>();

  numberOf(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    this.#numbers.set(name, this.names.length);
    return this.names.push(name) - 1;
  }

  has(name: string): boolean {
    return this.#numbers.has(name);
  }
}

/** Numbers other numbers anew, from 1, in the order in which they come: of many names, those that are used. */
export class Renumbered {
  /** What had which number before, in the order of the new ones. */
  readonly old: number[] = [];
  readonly #numbers: Int32Array;

  /** @param below all numbers are below this */
  constructor(below: number) {
    this.#numbers = new Int32Array(below);
  }

  numberOf(old: number): number {
    const known = this.#numbers[old] ?? 0;
    if (known > 0) return known;
    const number = this.old.push(old);
    this.#numbers[old] = number;
    return number;
  }
}
