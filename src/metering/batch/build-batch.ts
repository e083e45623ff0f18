import { instantOf, present } from "../../kernel/index.ts";
import {
  billedContentNumber,
  EVENTS_PER_BATCH_MAX,
  eventIdentity,
  type LogRecord,
  readUsageEvent,
  type UsageEvent,
} from "../../usage/index.ts";
import type { IdentifiedEvent } from "./event-columns.ts";
import { sliceArray } from "./slice-array.ts";

const RECORD_BYTES_MAX = 1_100_000;

export interface DeadRow {
  o: string;
  x: number;
  reason: string;
  message: string;
  raw: string;
}

/**
 * More than a batch of full records has. A record may hold a thousand unreadable elements of two bytes, each of which
 * becomes a dead letter: without a bound the statement for sixteen megabytes of them would be too large for any database.
 */
const EVENTS_MAX = 200_000;

export interface MeteringBatch {
  /** How many of the records were read: the first ones. */
  records: number;
  /** Events found: readable and unreadable. An unreadable record counts as one. */
  consumed: number;
  /** Each identity once; the others that have it are repeats. */
  events: BatchEvent[];
  repeats: BatchEvent[];
  dead: DeadRow[];
}

/** An event and where it stands in the log. */
export interface BatchEvent extends IdentifiedEvent {
  offset: bigint;
  index: number;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/** Reads log records into rows, as many as make a batch. Pure, and never throws: whatever a producer wrote becomes an event or a dead letter. */
export function buildBatch(records: readonly LogRecord[], horizonDays?: number): MeteringBatch {
  const batch: MeteringBatch = { records: 0, consumed: 0, events: [], repeats: [], dead: [] };
  const seen = new Set<string>();
  for (const record of records) {
    if (batch.consumed >= EVENTS_MAX) break;
    addRecord(batch, seen, record, horizonDays);
    batch.records++;
  }
  return batch;
}

/** The bytes of one event of these records, as they stand in the log. */
export function rawEvent(records: readonly LogRecord[], offset: bigint, index: number): Buffer {
  const { value } = present(
    records.find((record) => record.offset === offset),
    "the event's record",
  );
  const text = utf8.decode(value);
  return text.trimStart().startsWith("[") ? Buffer.from(sliceArray(text)[index] ?? "") : value;
}

function addRecord(
  batch: MeteringBatch,
  seen: Set<string>,
  record: LogRecord,
  horizonDays: number | undefined,
): void {
  const { elements, single, problem } = readRecord(record);
  if (problem !== undefined) {
    bury(batch, record, 0, problem, record.value);
    return;
  }
  const appendedAt = instantOf(record.appendedAt);
  let texts: string[] | undefined;
  for (const [index, element] of elements.entries()) {
    const read = readUsageEvent(element, appendedAt, horizonDays);
    if ("refusal" in read) {
      // The exact bytes of this element alone; the record is cut at most once.
      if (!single) texts ??= sliceArray(utf8.decode(record.value));
      bury(
        batch,
        record,
        index,
        read.refusal,
        texts === undefined ? record.value : Buffer.from(texts[index] ?? ""),
      );
      continue;
    }
    addEvent(batch, seen, read.event, record.offset, index);
  }
}

function addEvent(
  batch: MeteringBatch,
  seen: Set<string>,
  event: UsageEvent,
  offset: bigint,
  index: number,
): void {
  const identity = eventIdentity(event.source, event.id);
  const read = { event, identity, content: billedContentNumber(event), offset, index };
  (seen.has(identity) ? batch.repeats : batch.events).push(read);
  seen.add(identity);
  batch.consumed++;
}

function readRecord(record: LogRecord) {
  const none = { elements: [], single: true };
  if (record.value.length > RECORD_BYTES_MAX) {
    return {
      ...none,
      problem: { code: "record_too_large", message: `a record has at most ${RECORD_BYTES_MAX} bytes` },
    };
  }
  let text: string;
  try {
    text = utf8.decode(record.value);
  } catch {
    return { ...none, problem: { code: "not_utf8", message: "the record is not UTF-8 text" } };
  }
  try {
    const json: unknown = JSON.parse(text);
    if (!Array.isArray(json)) return { elements: [json], single: true, problem: undefined };
    if (json.length > EVENTS_PER_BATCH_MAX) {
      const message = `a batch has at most ${EVENTS_PER_BATCH_MAX} events`;
      return { ...none, problem: { code: "batch_too_large", message } };
    }
    return { elements: json as unknown[], single: false, problem: undefined };
  } catch {
    return { ...none, problem: { code: "not_json", message: "the record is not JSON" } };
  }
}

function bury(
  batch: MeteringBatch,
  record: LogRecord,
  x: number,
  why: { code: string; message: string },
  raw: Buffer,
): void {
  batch.dead.push({
    o: record.offset.toString(),
    x,
    reason: why.code,
    message: why.message,
    raw: raw.toString("base64"),
  });
  batch.consumed++;
}
