import type { PartitionProgress } from "../../metering/index.ts";

interface Halt {
  reason: string;
  atMs: number;
  /** Where the cursor stood in the first sample after the alarm. */
  next: bigint | null;
}

/** The partitions at which this process raised the alarm, until metering of them goes on, here or elsewhere. */
export class Halts {
  readonly #halts = new Map<number, Halt>();

  raise(partition: number, reason: string): void {
    this.#halts.set(partition, { reason, atMs: performance.now(), next: null });
  }

  lift(partition: number): void {
    this.#halts.delete(partition);
  }

  /** A cursor that moves after the alarm has been taken care of. `askedAtMs`: when the sample was begun. */
  sampled(partitions: readonly PartitionProgress[], askedAtMs: number): void {
    for (const { partition, next } of partitions) {
      const halt = this.#halts.get(partition);
      if (halt === undefined || askedAtMs < halt.atMs) continue;
      if (halt.next === null) halt.next = next;
      else if (halt.next !== next) this.#halts.delete(partition);
    }
  }

  /** By partition, with the reason. */
  list(): [partition: number, reason: string][] {
    return [...this.#halts].sort(([a], [b]) => a - b).map(([partition, { reason }]) => [partition, reason]);
  }
}
