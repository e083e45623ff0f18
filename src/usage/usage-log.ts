/**
 * The durable, ordered, partitioned log of usage events: the port between ingest and metering.
 *
 * A record's value is UTF-8 JSON: one CloudEvent, or an array of them (one HTTP batch is one record).
 * Two adapters exist, `adapters/kafka` and `adapters/postgres-log`; `test/contracts` decides whether an
 * adapter is right. Nothing above this port knows which one runs.
 */
export interface UsageLog {
  /**
   * Appends each value as one record and resolves only when all of them are durable.
   * On an error nothing may be assumed: some may be in the log; sending again is safe (metering removes
   * duplicates).
   * @throws LogUnavailable when the log cannot take them.
   */
  append(values: readonly LogAppend[]): Promise<void>;

  /** Where the log begins and ends now, and which log it is. Read afresh at every call. */
  extent(): Promise<LogExtent>;

  /**
   * Feeds batches to `reader`, one at a time per partition, several partitions at once, until stopped.
   * Partitions are shared between all readers of the same log; a partition may move to another reader at
   * any time, so the reader fences itself (`claim`).
   */
  read(reader: LogReader): Promise<LogReading>;

  /** Releases everything held. Ends its readings first. */
  close(): Promise<void>;
}

export interface LogAppend {
  /** Spreads records over partitions; the event id, or that of a batch's first event. */
  key: string;
  value: Buffer;
}

export interface LogExtent {
  /** Identity of this very log: a topic that was deleted and made again has another. */
  logId: string;
  partitions: { partition: number; start: bigint; end: bigint }[];
}

export interface LogRecord {
  offset: bigint;
  value: Buffer;
  /** When the log took the record (Kafka's LogAppendTime), not when it was produced or read. */
  appendedAt: Date;
}

/** Bounds of one batch. A single record above the bytes comes alone. */
export const BATCH_RECORDS_MAX = 10_000;
export const BATCH_BYTES_MAX = 32 * 1024 * 1024;

/** Of these records' values. */
export function valueBytes(records: readonly LogRecord[]): number {
  return records.reduce((sum, { value }) => sum + value.length, 0);
}

export interface LogBatch {
  partition: number;
  /**
   * Ascending by offset; empty only when nothing but control records was passed over. The first may lie beyond
   * the previous batch's `nextOffset` (control records again): whether a gap is a loss, the adapter decides.
   */
  records: LogRecord[];
  /** The offset after this batch: beyond the last record, and beyond control records that were passed over. */
  nextOffset: bigint;
}

/** What metering brings: the position of record is its own (a database row), never the log's. */
export interface LogReader {
  /**
   * Called whenever this reader begins, or begins again, with a partition: after assignment and after every
   * failed `apply`. Answers the offset to read from. Takes the partition away from any earlier claimant.
   * @throws LogIdentityChanged when the position of record belongs to another log: the adapter raises the alarm.
   */
  claim(logId: string, partition: number): Promise<bigint>;
  /** Told of a batch that will be applied when those before it are, or never: it may do what can be done before. Never throws. */
  prepare?(batch: LogBatch): void;
  /** Applies one batch. When it throws, the adapter waits a moment, claims again and reads from there. */
  apply(batch: LogBatch): Promise<void>;
  /**
   * A partition cannot go on without a person: the log starts beyond the cursor, or it is another log, or records within it are
   * `missing`; what stands before those is applied first.
   */
  alarm(partition: number, reason: string, missing?: MissingRecords): void;
}

export interface LogReading {
  /** Stops after the batches in hand. A second call waits for the first. */
  stop(): Promise<void>;
}

export class LogUnavailable extends Error {
  override name = "LogUnavailable";
}

/** The log under this address is not the one that was read so far: its offsets mean something else. */
export class LogIdentityChanged extends Error {
  override name = "LogIdentityChanged";
}

/** Records that must be in a partition and are not: from `from` on, up to `until`, which is there. */
export interface MissingRecords {
  from: bigint;
  until: bigint;
}

/** The first records that are left out among ascending offsets which should begin at `position`; null when none are. */
export function firstMissing(position: bigint, offsets: readonly bigint[]): MissingRecords | null {
  for (const [index, until] of offsets.entries()) {
    const from = position + BigInt(index);
    if (until !== from) return { from, until };
  }
  return null;
}

export function missingText({ from, until }: MissingRecords): string {
  if (until === from + 1n) return `record ${from} is missing from the log`;
  return `records ${from} to ${until - 1n} are missing from the log`;
}
