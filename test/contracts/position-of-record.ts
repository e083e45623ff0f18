import {
  type LogBatch,
  LogIdentityChanged,
  type LogReader,
  type MissingRecords,
} from "../../src/usage/index.ts";

/**
 * Stands for metering's cursor rows: one position a partition, moved only by the reader that claimed it last, and
 * only forward from where it stands. Several readers may share it, as several workers share a database.
 */
export class PositionOfRecord {
  readonly claims: { partition: number; offset: bigint }[] = [];
  readonly batches: LogBatch[] = [];
  readonly alarms: { partition: number; reason: string; missing?: MissingRecords }[] = [];
  readonly #cursors = new Map<number, { epoch: number; next: bigint }>();
  #logId: string | undefined;

  /** `beforeApply` runs first in every apply, and may throw, as a database may. */
  reader(beforeApply: (batch: LogBatch) => Promise<void> | void = () => {}): LogReader {
    const epochs = new Map<number, number>();
    return {
      claim: async (logId, partition) => {
        this.#logId ??= logId;
        if (logId !== this.#logId) throw new LogIdentityChanged(`the cursor belongs to ${this.#logId}`);
        const cursor = this.#cursor(partition);
        cursor.epoch += 1;
        epochs.set(partition, cursor.epoch);
        this.claims.push({ partition, offset: cursor.next });
        return cursor.next;
      },
      apply: async (batch) => {
        await beforeApply(batch);
        const cursor = this.#cursor(batch.partition);
        if (epochs.get(batch.partition) !== cursor.epoch) throw new Error("fenced");
        assertInOrder(batch, cursor.next);
        cursor.next = batch.nextOffset;
        this.batches.push(batch);
      },
      alarm: (partition, reason, missing) =>
        this.alarms.push({ partition, reason, ...(missing === undefined ? {} : { missing }) }),
    };
  }

  next(partition: number): bigint {
    return this.#cursor(partition).next;
  }

  /** Puts the cursor where a test needs it. */
  place(partition: number, next: bigint): void {
    this.#cursor(partition).next = next;
  }

  /** Every value that was applied, in the order of its partition. */
  values(partition?: number): string[] {
    const chosen = this.batches.filter((batch) => partition === undefined || batch.partition === partition);
    return chosen.flatMap((batch) => batch.records.map((record) => record.value.toString()));
  }

  #cursor(partition: number): { epoch: number; next: bigint } {
    const cursor = this.#cursors.get(partition) ?? { epoch: 0, next: 0n };
    this.#cursors.set(partition, cursor);
    return cursor;
  }
}

function assertInOrder({ records, nextOffset }: LogBatch, cursor: bigint): void {
  let lowest = cursor;
  for (const { offset } of records) {
    if (offset < lowest) throw new Error(`offset ${offset} came when ${lowest} or more was due`);
    lowest = offset + 1n;
  }
  if (nextOffset < lowest) throw new Error(`nextOffset ${nextOffset} lies before the end of its records`);
}
