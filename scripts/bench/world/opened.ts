/** What a benchmark opened, to be closed in reverse however it ends, Ctrl-C in the middle of a start included. */
export class Opened {
  readonly #closes: (() => Promise<unknown>)[] = [];
  #closing: Promise<void> = Promise.resolve();

  /** Registers the close before the opening is done: who interrupts then still waits for it and closes it. */
  async open<T>(opening: Promise<T>, close: (opened: T) => Promise<unknown>): Promise<T> {
    this.#closes.push(() => opening.then(close, () => {}));
    return opening;
  }

  later(close: () => Promise<unknown>): void {
    this.#closes.push(close);
  }

  /** One after the other, also when it is called twice: a folder goes after the server that lives in it. */
  close(): Promise<void> {
    this.#closing = this.#closing.then(() => this.#closeAll());
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    for (let close = this.#closes.pop(); close !== undefined; close = this.#closes.pop()) {
      await close().catch((error: unknown) => console.error(error));
    }
  }
}

/** Runs `work` and closes whatever it opened, also when it fails. */
export async function withOpened<T>(outer: Opened, work: (opened: Opened) => Promise<T>): Promise<T> {
  const opened = new Opened();
  outer.later(() => opened.close());
  try {
    return await work(opened);
  } finally {
    await opened.close();
  }
}
