/** After a repeat, so many batches are asked about before any is believed to be new again. */
const BATCHES = 16;

/**
 * Whether batches are likely to hold events that were metered before. Asking costs a walk of the index for every event; not
 * asking costs an apply that fails, of which nothing remains, when there is one after all. Producers repeat rarely, and then
 * many batches in a row.
 */
export class ExpectedRepeats {
  #batches = 0;

  get any(): boolean {
    return this.#batches > 0;
  }

  /** What a batch was found to have. */
  found(repeats: boolean): void {
    this.#batches = repeats ? BATCHES : Math.max(0, this.#batches - 1);
  }
}
