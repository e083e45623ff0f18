/**
 * A connected client that is made when first needed and thrown away after any error. kafkajs clients that have
 * seen a broken connection may keep stale state; a fresh one costs milliseconds.
 */
export class Renewable<T> {
  readonly #open: () => Promise<T>;
  readonly #close: (client: T) => Promise<void>;
  #current: Promise<T> | undefined;

  constructor(open: () => Promise<T>, close: (client: T) => Promise<void>) {
    this.#open = open;
    this.#close = close;
  }

  async use<R>(work: (client: T) => Promise<R>): Promise<R> {
    this.#current ??= this.#open();
    const mine = this.#current;
    try {
      return await work(await mine);
    } catch (error) {
      if (this.#current === mine) this.#current = undefined;
      // Not waited for: a client that fails may take its time to close, or fail at that too.
      mine.then(this.#close).catch(() => {});
      throw error;
    }
  }

  async close(): Promise<void> {
    const last = this.#current;
    this.#current = undefined;
    if (last !== undefined) await last.then(this.#close).catch(() => {});
  }
}
