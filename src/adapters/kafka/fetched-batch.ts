import type { Batch, KafkaMessage } from "kafkajs";
import { assert } from "../../kernel/index.ts";
import {
  BATCH_BYTES_MAX,
  BATCH_RECORDS_MAX,
  firstMissing,
  type LogBatch,
  type LogRecord,
  type MissingRecords,
} from "../../usage/index.ts";

/** What kafkajs 2.2.4 keeps in a batch beyond its published type (src/consumer/batch.js). */
interface FetchedBatch extends Batch {
  /** The offset that this fetch asked for. */
  fetchedOffset: string;
  /** Every record from that offset on, control records and aborted ones included. */
  messagesWithinOffset: readonly { offset: string }[];
}

export interface Fetched {
  /** Where this fetch began. */
  from: bigint;
  /** The first records that should be here and are not, or null. Nothing but a loss leaves one out. */
  missing: MissingRecords | null;
  /** The records up to what is missing, in batches of bounded size; together they lead from `from` to `nextOffset`. */
  batches: LogBatch[];
  nextOffset: bigint;
}

/** @param firstBytes how large the first batch may be */
export function readFetched(batch: Batch, firstBytes = BATCH_BYTES_MAX): Fetched {
  const fetched = batch as FetchedBatch;
  assert(typeof fetched.fetchedOffset === "string", "kafkajs' batches hold the offset they were fetched at");
  assert(Array.isArray(fetched.messagesWithinOffset), "kafkajs' batches hold every record");
  const from = BigInt(fetched.fetchedOffset);
  const offsets = fetched.messagesWithinOffset.map(({ offset }) => BigInt(offset));
  const missing = firstMissing(from, offsets);
  const nextOffset = missing?.from ?? BigInt(batch.lastOffset()) + 1n;
  const messages = batch.messages.filter(({ offset }) => BigInt(offset) < nextOffset);
  return {
    from,
    missing,
    batches: boundedBatches(batch.partition, messages, nextOffset, firstBytes),
    nextOffset,
  };
}

function boundedBatches(
  partition: number,
  messages: KafkaMessage[],
  nextOffset: bigint,
  firstBytes: number,
): LogBatch[] {
  const batches: LogBatch[] = [];
  let records: LogRecord[] = [];
  let bytes = 0;
  for (const { offset, value, timestamp } of messages) {
    // A record without a value is no event; metering says so, with its offset.
    const record = {
      offset: BigInt(offset),
      value: value ?? Buffer.alloc(0),
      appendedAt: new Date(Number(timestamp)),
    };
    const bytesMax = batches.length === 0 ? firstBytes : BATCH_BYTES_MAX;
    const full = records.length === BATCH_RECORDS_MAX || bytes + record.value.length > bytesMax;
    const last = records.at(-1);
    if (full && last !== undefined) {
      batches.push({ partition, records, nextOffset: last.offset + 1n });
      records = [];
      bytes = 0;
    }
    records.push(record);
    bytes += record.value.length;
  }
  return [...batches, { partition, records, nextOffset }];
}
