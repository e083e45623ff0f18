/** Lets everybody through while it is open. */
export class Gate {
  #closed: Promise<void> | undefined;
  #open: () => void = () => {};

  close(): void {
    this.#closed ??= new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  open(): void {
    this.#open();
    this.#closed = undefined;
  }

  async passed(): Promise<void> {
    await this.#closed;
  }
}
