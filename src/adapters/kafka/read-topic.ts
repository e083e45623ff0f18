import { setTimeout as sleep } from "node:timers/promises";
import type { Consumer, Kafka } from "kafkajs";
import { BATCH_BYTES_MAX, type LogReader, type LogReading } from "../../usage/index.ts";
import type { Log } from "./kafka-client.ts";
import { PartitionReader } from "./partition-reader.ts";
import { WaitingBatches } from "./waiting-batches.ts";

const CONCURRENT_PARTITIONS_MAX = 8;
const RESTART_MS = 2_000;

export interface TopicParts {
  kafka: Kafka;
  topic: string;
  groupId: string;
  log: Log;
  logId(): Promise<string>;
  bounds(partition: number): Promise<{ start: bigint; end: bigint }>;
}

/** Reads as a member of the consumer group, which shares the partitions out, until stopped. */
export async function readTopic(parts: TopicParts, reader: LogReader): Promise<LogReading> {
  const stopping = new AbortController();
  let member = await joinGroup(parts, reader, () => void restart());

  // kafkajs restarts itself after errors that it thinks will pass; after any other its consumer is dead for good.
  async function restart(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await sleep(RESTART_MS, undefined, { signal: stopping.signal });
        member = await joinGroup(parts, reader, () => void restart());
        if (stopping.signal.aborted) await member.stop();
        return;
      } catch (err) {
        parts.log.warn({ err }, "reading usage from Kafka could not begin again yet");
      }
    }
  }

  let stopped: Promise<void> | undefined;
  return {
    stop() {
      stopping.abort();
      stopped ??= member.stop();
      return stopped;
    },
  };
}

async function joinGroup(parts: TopicParts, reader: LogReader, onDeath: () => void): Promise<LogReading> {
  const { kafka, topic, groupId } = parts;
  const consumer = kafka.consumer({
    groupId,
    heartbeatInterval: 1_000,
    // How long the partitions of a member that died, or lost the broker, lie idle. Long applies heartbeat too.
    sessionTimeout: 15_000,
    // How long partitions that somebody adds to the topic lie unread.
    metadataMaxAge: 10_000,
    // How long a resumed partition waits at most for the fetch of the others to return.
    maxWaitTimeInMs: 250,
    maxBytesPerPartition: BATCH_BYTES_MAX,
    maxBytes: 4 * BATCH_BYTES_MAX,
    retry: { initialRetryTime: 100, maxRetryTime: 5_000, retries: 5 },
  });
  const waiting = new WaitingBatches();
  const partitions = new AssignedPartitions((partition) =>
    newPartitionReader(parts, consumer, waiting, partition, reader),
  );
  // Emitted between the assignment and the first fetch, synchronously: nothing is fetched before it is claimed.
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) =>
    partitions.assign(payload.memberAssignment[topic] ?? []),
  );
  // A fetch of nothing but control records never reaches eachBatch.
  consumer.on(consumer.events.START_BATCH_PROCESS, ({ payload }) => {
    if (payload.batchSize > 0 || payload.firstOffset === null) return;
    partitions.of(payload.partition).passedOver(BigInt(payload.firstOffset), BigInt(payload.lastOffset));
  });
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    void partitions.release();
    if (!payload.restart) onDeath();
  });
  try {
    await consumer.connect();
    // Without fromBeginning an offset out of range would jump to the end; the jump is noticed, but not undone.
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: CONCURRENT_PARTITIONS_MAX,
      eachBatch: (payload) => partitions.of(payload.batch.partition).take(payload),
    });
  } catch (error) {
    await consumer.disconnect().catch(() => {});
    throw error;
  }
  return {
    async stop() {
      await partitions.release();
      await consumer.disconnect();
    },
  };
}

class AssignedPartitions {
  readonly #readers = new Map<number, PartitionReader>();
  readonly #make: (partition: number) => PartitionReader;

  constructor(make: (partition: number) => PartitionReader) {
    this.#make = make;
  }

  of(partition: number): PartitionReader {
    const known = this.#readers.get(partition) ?? this.#make(partition);
    this.#readers.set(partition, known);
    return known;
  }

  assign(partitions: number[]): void {
    for (const [partition, known] of this.#readers)
      if (!partitions.includes(partition)) void known.released();
    for (const partition of partitions) this.of(partition).assigned();
  }

  async release(): Promise<void> {
    await Promise.all([...this.#readers.values()].map((known) => known.released()));
  }
}

function newPartitionReader(
  parts: TopicParts,
  consumer: Consumer,
  waiting: WaitingBatches,
  partition: number,
  reader: LogReader,
): PartitionReader {
  const { topic, log, logId } = parts;
  const here = [{ topic, partitions: [partition] }];
  return new PartitionReader({
    partition,
    reader,
    waiting,
    log,
    logId,
    bounds: () => parts.bounds(partition),
    seek: (offset) => consumer.seek({ topic, partition, offset: offset.toString() }),
    resume: () => consumer.resume(here),
    pause: () => {
      try {
        consumer.pause(here);
      } catch {
        // The consumer has no group just now; when it has one again, the partition is claimed anew.
      }
    },
  });
}
