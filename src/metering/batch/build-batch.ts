import { instantOf, present } from "../../kernel/index.ts";
import { redactedBytes, redactText } from "../../secrets/index.ts";
import {
  EVENTS_PER_BATCH_MAX,
  type LogRecord,
  PAYLOAD_FIELDS,
  readUsageEvent,
  type UsageEvent,
} from "../../usage/index.ts";
import { EventTable } from "./event-table.ts";
import { atOnce } from "./in-turns.ts";
import { SeenIdentities } from "./seen-identities.ts";
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
  /** The readable ones. */
  events: EventTable;
  /** Rows of `events`: each identity once; the others that have it are repeats. */
  firsts: number[];
  repeats: number[];
  dead: DeadRow[];
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/** Reads log records into rows, as many as make a batch. Pure, and never throws: whatever a producer wrote becomes an event or a dead letter. */
export function buildBatch(records: readonly LogRecord[], horizonDays?: number): MeteringBatch {
  return atOnce(batchBuilding(records, horizonDays));
}

/** The same in steps, a record each. */
export function* batchBuilding(
  records: readonly LogRecord[],
  horizonDays?: number,
): Generator<void, MeteringBatch, void> {
  const events = new EventTable();
  const batch: MeteringBatch = { records: 0, consumed: 0, events, firsts: [], repeats: [], dead: [] };
  const seen = new SeenIdentities();
  for (const record of records) {
    if (batch.consumed >= EVENTS_MAX) break;
    addRecord(batch, seen, record, horizonDays);
    batch.records++;
    yield;
  }
  return batch;
}

/** Where an event stands in the log. `row` is one of the table that was built of these records. */
export function placeInLog(records: readonly LogRecord[], { record, index }: EventTable, row: number) {
  const { offset } = present(records[record[row] ?? -1], "the event's record");
  return { offset, index: index[row] ?? 0 };
}

/** The bytes of that event as they stand in the log, without payload and secrets. */
export function rawEvent(records: readonly LogRecord[], { record, index }: EventTable, row: number): Buffer {
  const { value } = present(records[record[row] ?? -1], "the event's record");
  const text = utf8.decode(value);
  const inBatch = text.trimStart().startsWith("[");
  return redactedBytes(
    inBatch ? Buffer.from(sliceArray(text)[index[row] ?? 0] ?? "") : value,
    PAYLOAD_FIELDS,
  );
}

function addRecord(
  batch: MeteringBatch,
  seen: SeenIdentities,
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
    addEvent(batch, seen, read.event, index);
  }
}

function addEvent(batch: MeteringBatch, seen: SeenIdentities, event: UsageEvent, index: number): void {
  const row = batch.events.add(event, batch.records, index);
  const isNew = seen.add(batch.events.identity[row] ?? "");
  (isNew ? batch.firsts : batch.repeats).push(row);
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
    message: redactText(why.message),
    raw: redactedBytes(raw, PAYLOAD_FIELDS).toString("base64"),
  });
  batch.consumed++;
}
