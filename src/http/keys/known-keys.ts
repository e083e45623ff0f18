const KEYS_MAX = 1_000;

/**
 * What was found for the hash of a secret, for a short time and a bounded number of keys. Looking up a hash tells an
 * attacker nothing about the secret, however long it takes.
 */
export class KnownKeys<T> {
  readonly #found = new Map<string, { value: T; until: number }>();
  readonly #believedMs: number;
  #forgotten = 0;

  constructor(believedMs: number) {
    this.#believedMs = believedMs;
  }

  async find(hash: string, look: (hash: string) => Promise<T | undefined>): Promise<T | undefined> {
    const known = this.#found.get(hash);
    if (known !== undefined && known.until > performance.now()) return known.value;
    this.#found.delete(hash);
    const until = performance.now() + this.#believedMs;
    const forgotten = this.#forgotten;
    const value = await look(hash);
    // What was read before a revocation is not remembered after it.
    if (value !== undefined && forgotten === this.#forgotten) this.#remember(hash, { value, until });
    return value;
  }

  forgetAll(): void {
    this.#forgotten++;
    this.#found.clear();
  }

  #remember(hash: string, found: { value: T; until: number }): void {
    const [oldest] = this.#found.keys();
    if (oldest !== undefined && this.#found.size >= KEYS_MAX) this.#found.delete(oldest);
    this.#found.set(hash, found);
  }
}
