/** What was made once in this process and may be asked for again: so many bytes of it, what was asked for longest ago goes first. */
export class Kept<T extends { length: number }> {
  readonly #lengthMax: number;
  readonly #values = new Map<string, T>();
  #length = 0;

  constructor(lengthMax: number) {
    this.#lengthMax = lengthMax;
  }

  get(name: string): T | undefined {
    const value = this.#values.get(name);
    if (value === undefined) return undefined;
    this.#values.delete(name);
    this.#values.set(name, value);
    return value;
  }

  keep(name: string, value: T): void {
    if (this.#values.has(name)) return;
    this.#values.set(name, value);
    this.#length += value.length;
    for (const [oldest, { length }] of this.#values) {
      if (this.#length <= this.#lengthMax) return;
      this.#values.delete(oldest);
      this.#length -= length;
    }
  }
}
