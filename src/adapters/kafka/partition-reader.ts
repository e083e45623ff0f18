import { setTimeout as sleep } from "node:timers/promises";
import type { Batch, EachBatchPayload } from "kafkajs";
import {
  type LogBatch,
  LogIdentityChanged,
  type LogReader,
  type MissingRecords,
  missingText,
} from "../../usage/index.ts";
import { type Fetched, readFetched } from "./fetched-batch.ts";
import type { Log } from "./kafka-client.ts";
import type { WaitingBatches } from "./waiting-batches.ts";

const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 5_000;
const HEARTBEAT_MS = 1_000;
/** Of the first batch after a claim: while a full one is made ready, the database would have nothing to do. */
const FIRST_BYTES = 2 * 1024 * 1024;

export interface PartitionParts {
  partition: number;
  reader: LogReader;
  log: Log;
  /** Shared by the consumer's partitions. */
  waiting: WaitingBatches;
  /** The topic's identity, and where the partition begins and ends; both asked of the broker now. */
  logId(): Promise<string>;
  bounds(): Promise<{ start: bigint; end: bigint }>;
  /** kafkajs' consumer, for this partition. They throw while it has no group. */
  seek(offset: bigint): void;
  pause(): void;
  resume(): void;
}

/**
 * One partition as one consumer reads it. Kafka's committed offset and kafkajs' own position are never believed:
 * only a batch that was fetched at the position that the reader's claim answered, or that its last apply reached,
 * is applied; anything else in hand is dropped and the reader is asked again. While it is asked, the partition is
 * paused. Everything runs in `#queue`, one after the other, and nothing in it throws.
 */
export class PartitionReader {
  readonly #parts: PartitionParts;
  /** `halted`: the alarm was raised. A new assignment tries again. */
  #state: "claiming" | "reading" | "halted" | "released" = "released";
  #logId = "";
  #position = 0n;
  /** Nothing was fetched since the claim. */
  #isFirst = true;
  #failures = 0;
  #queue: Promise<void> = Promise.resolve();
  #queued = 0;
  #retry = new AbortController();

  constructor(parts: PartitionParts) {
    this.#parts = parts;
  }

  /** Called before the consumer fetches anything in the new assignment. */
  assigned(): void {
    this.#retry.abort();
    this.#failures = 0;
    this.#state = "claiming";
    this.#parts.pause();
    void this.#enqueue(() => this.#claim());
  }

  /** The partition is another's now, or reading ends. Resolves when the apply in hand, if any, has ended. */
  async released(): Promise<void> {
    this.#retry.abort();
    this.#state = "released";
    await this.#queue;
  }

  /**
   * Applies what was fetched. kafkajs fetches nothing more from a broker until every partition's batch is resolved, so this
   * resolves when what was taken before is applied; or at once, when that takes longer than others should wait: then this
   * partition is fetched no more until its turn comes. Never throws.
   */
  take(payload: EachBatchPayload): Promise<void> {
    const { partition, log, waiting, pause, resume } = this.#parts;
    log.debug({ partition, from: payload.batch.firstOffset() }, "usage fetched");
    const before = this.#queue;
    const waits = this.#queued === 0 ? undefined : waiting.begin(bytesOf(payload.batch));
    const isRead = this.#state === "reading";
    // Where kafkajs fetches next. If this apply fails, the claim that follows seeks back.
    if (isRead) payload.resolveOffset(payload.batch.lastOffset());
    const fetched = this.#read(payload.batch, isRead && waits?.prepared !== false);
    // Its turn in the queue tells.
    fetched.catch(() => {});
    const passed = isRead && waits?.passed === true;
    if (passed) pause();
    void this.#enqueue(async () => {
      waits?.end();
      if (passed && this.#state === "reading") resume();
      await this.#apply(await fetched, payload);
    });
    return passed ? Promise.resolve() : before;
  }

  /** A fetch held control records and nothing else. */
  passedOver(firstOffset: bigint, lastOffset: bigint): void {
    const { partition, reader } = this.#parts;
    void this.#enqueue(async () => {
      if (this.#state !== "reading" || this.#position !== firstOffset) return;
      await reader.apply({ partition, records: [], nextOffset: lastOffset + 1n });
      this.#position = lastOffset + 1n;
    });
  }

  #enqueue(task: () => Promise<void>): Promise<void> {
    this.#queued++;
    this.#queue = this.#queue
      .then(task)
      .catch((error: unknown) => this.#claimLater(error))
      .finally(() => {
        this.#queued--;
      });
    return this.#queue;
  }

  async #claim(): Promise<void> {
    const { partition, reader, logId, bounds, seek, resume } = this.#parts;
    if (this.#state !== "claiming") return;
    this.#logId = await logId();
    try {
      this.#position = await reader.claim(this.#logId, partition);
    } catch (error) {
      if (!(error instanceof LogIdentityChanged)) throw error;
      this.#halt(error.message);
      return;
    }
    // Asked after the claim: before it, an earlier claimant may still have moved on.
    const { start, end } = await bounds();
    if (this.#position < start)
      this.#halt(`the log begins at ${start}, after the cursor at ${this.#position}`);
    if (this.#position > end) this.#halt(`the log ends at ${end}, before the cursor at ${this.#position}`);
    if (this.#state !== "claiming") return;
    seek(this.#position);
    this.#isFirst = true;
    this.#state = "reading";
    resume();
  }

  async #read(batch: Batch, prepare: boolean): Promise<Fetched> {
    const fetched = readFetched(batch, this.#isFirst ? FIRST_BYTES : undefined);
    this.#isFirst = false;
    const [first] = fetched.batches;
    if (prepare && first !== undefined) this.#parts.reader.prepare?.(first);
    return fetched;
  }

  async #apply(fetched: Fetched, { batch, ...consumer }: EachBatchPayload): Promise<void> {
    if (this.#state !== "reading") return;
    if (fetched.from !== this.#position) {
      throw new Error(`fetched at ${fetched.from} instead of ${this.#position}`);
    }
    // Asked after the fetch: so these records are of the topic that was claimed, not of one made again since.
    if ((await this.#parts.logId()) !== this.#logId) throw new Error("the topic was made again");
    await beating(consumer.heartbeat, () => this.#applyEach(fetched.batches));
    if (this.#state !== "reading" || this.#position !== fetched.nextOffset) return;
    this.#showOffset(batch, consumer);
    if (fetched.missing !== null) this.#halt(missingText(fetched.missing), fetched.missing);
  }

  async #applyEach(batches: LogBatch[]): Promise<void> {
    for (const [index, batch] of batches.entries()) {
      if (this.#state !== "reading") return;
      const next = batches[index + 1];
      if (next !== undefined) this.#parts.reader.prepare?.(next);
      await this.#parts.reader.apply(batch);
      this.#position = batch.nextOffset;
      this.#failures = 0;
    }
  }

  /** Only so that lag tools work: whether it succeeds changes nothing. */
  #showOffset({ topic }: Batch, consumer: Pick<EachBatchPayload, "commitOffsetsIfNecessary">): void {
    const partitions = [{ partition: this.#parts.partition, offset: this.#position.toString() }];
    consumer.commitOffsetsIfNecessary({ topics: [{ topic, partitions }] }).catch(() => {});
  }

  #halt(reason: string, missing?: MissingRecords): void {
    this.#state = "halted";
    this.#parts.pause();
    this.#parts.reader.alarm(this.#parts.partition, reason, missing);
  }

  #claimLater(error: unknown): void {
    if (this.#state === "released" || this.#state === "halted") return;
    const { partition, log, pause } = this.#parts;
    const delayMs = Math.min(RETRY_MS_MIN * 2 ** this.#failures, RETRY_MS_MAX);
    log.warn({ partition, err: error, delayMs }, "usage partition is claimed again");
    this.#failures += 1;
    this.#state = "claiming";
    pause();
    this.#retry = new AbortController();
    sleep(delayMs, undefined, { signal: this.#retry.signal })
      .then(() => this.#enqueue(() => this.#claim()))
      .catch(() => {}); // released or assigned anew meanwhile
  }
}

function bytesOf({ messages }: Batch): number {
  return messages.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
}

/** Keeps the group membership alive while `work` takes its time. A rebalance shows at kafkajs' own heartbeat. */
async function beating(heartbeat: () => Promise<void>, work: () => Promise<void>): Promise<void> {
  const timer = setInterval(() => heartbeat().catch(() => {}), HEARTBEAT_MS);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
}
