import { isUnavailable } from "../../postgres/index.ts";
import { BATCH_RECORDS_MAX } from "../../usage/index.ts";

/** What fails at some size fails at it again: after each failure so many succeed before more is tried. */
const SUCCESSES = 16;
/** Cancelled, mostly since it took too long; no memory; a limit of the configuration. Smaller, it may succeed. */
const TOO_MUCH = new Set<unknown>(["57014", "53200", "53400"]);

/**
 * How many records of a partition are applied at once. What fails is tried again with half of them, down to one: a batch that the
 * database cannot apply in time must not stop its partition for ever, and nobody can say beforehand which ones those are. What
 * succeeds grows again.
 */
export class Portions {
  readonly #portions = new Map<number, { most: number; successes: number }>();

  of(partition: number): number {
    return this.#portions.get(partition)?.most ?? BATCH_RECORDS_MAX;
  }

  /** @param error a database that is not there says nothing about the size */
  failed(partition: number, records: number, error: unknown): void {
    const { code } = (typeof error === "object" && error !== null ? error : {}) as { code?: unknown };
    if (isUnavailable(error) && !TOO_MUCH.has(code)) return;
    this.#portions.set(partition, { most: Math.max(1, Math.ceil(records / 2)), successes: 0 });
  }

  applied(partition: number): void {
    const portion = this.#portions.get(partition);
    if (portion === undefined || ++portion.successes < SUCCESSES) return;
    if (2 * portion.most < BATCH_RECORDS_MAX)
      this.#portions.set(partition, { most: 2 * portion.most, successes: 0 });
    else this.#portions.delete(partition);
  }
}
