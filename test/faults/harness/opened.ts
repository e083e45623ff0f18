/** What a stage opened, to be closed in reverse, also when its start fails halfway. */
export class Opened {
  readonly #closes: (() => Promise<unknown>)[] = [];

  async part<T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> {
    const part = await starting;
    this.later(() => part.stop());
    return part;
  }

  later(close: () => Promise<unknown>): void {
    this.#closes.push(close);
  }

  /** Goes on to the next when one fails, and fails with the first. */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (let close = this.#closes.pop(); close !== undefined; close = this.#closes.pop())
      await close().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }
}
