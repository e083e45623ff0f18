import { createRequire } from "node:module";
import type { Batch } from "kafkajs";
import { expect, test } from "vitest";
import { readFetched } from "../../../src/adapters/kafka/fetched-batch.ts";
import { BATCH_BYTES_MAX } from "../../../src/usage/index.ts";

const KafkaJsBatch = createRequire(import.meta.url)("kafkajs/src/consumer/batch.js") as new (
  topic: string,
  fetchedOffset: string,
  data: object,
) => Batch;

/** A fetch at `from` that answered records at these offsets; `!` marks a control record. */
function fetched(from: number, offsets: string, size = 1): Batch {
  const messages = offsets.split(" ").map((text) => ({
    offset: text.replace("!", ""),
    isControlRecord: text.endsWith("!"),
    value: Buffer.alloc(size),
    timestamp: "1700000000000",
    batchContext: { inTransaction: false },
  }));
  const data = { partition: 3, highWatermark: "100", abortedTransactions: [], messages };
  return new KafkaJsBatch("usage.events", String(from), data);
}

test("a fetch becomes a batch that ends after its last record", () => {
  const read = readFetched(fetched(5, "5 6 7"));
  expect(read).toMatchObject({ from: 5n, missing: null, nextOffset: 8n });
  expect(read.batches).toEqual([{ partition: 3, nextOffset: 8n, records: expect.any(Array) }]);
  expect(read.batches[0]?.records.map(({ offset }) => offset)).toEqual([5n, 6n, 7n]);
  expect(read.batches[0]?.records[0]?.appendedAt).toEqual(new Date(1_700_000_000_000));
});

test("control records are passed over, also at the end, and are no gap", () => {
  const read = readFetched(fetched(5, "5! 6 7! 8 9!"));
  expect(read).toMatchObject({ missing: null, nextOffset: 10n });
  expect(read.batches[0]?.records.map(({ offset }) => offset)).toEqual([6n, 8n]);
  expect(read.batches[0]?.nextOffset).toBe(10n);
});

test("an offset that is left out is missing, at the front and within; what stands before it is read", () => {
  expect(readFetched(fetched(5, "6 7"))).toMatchObject({
    missing: { from: 5n, until: 6n },
    nextOffset: 5n,
    batches: [{ records: [], nextOffset: 5n }],
  });
  expect(readFetched(fetched(5, "5 6! 9 11"))).toMatchObject({
    missing: { from: 7n, until: 9n },
    nextOffset: 7n,
    batches: [{ records: [{ offset: 5n }], nextOffset: 7n }],
  });
});

test("records from before the offset that was asked for are not read", () => {
  const read = readFetched(fetched(6, "4 5 6 7"));
  expect(read.missing).toBeNull();
  expect(read.batches[0]?.records.map(({ offset }) => offset)).toEqual([6n, 7n]);
});

test("a large fetch is split, and each batch ends where the next begins", () => {
  const { batches } = readFetched(fetched(0, "0 1 2 3 4 5", 0.4 * BATCH_BYTES_MAX));
  expect(batches.map(({ records }) => records.length)).toEqual([2, 2, 2]);
  expect(batches.map(({ nextOffset }) => nextOffset)).toEqual([2n, 4n, 6n]);
});

test("the first batch may be bounded closer than the others, and has one record at least", () => {
  const bytes = 0.4 * BATCH_BYTES_MAX;
  const read = (firstBytes: number) =>
    readFetched(fetched(0, "0 1 2 3 4", bytes), firstBytes).batches.map(({ records }) => records.length);
  expect(read(bytes)).toEqual([1, 2, 2]);
  expect(read(1)).toEqual([1, 2, 2]);
});
