import { type Instant, instantOf, present } from "../../kernel/index.ts";
import { redactedBytes, redactText } from "../../secrets/index.ts";
import {
  acceptedTimes,
  Digests,
  EVENTS_PER_BATCH_MAX,
  elementEnd,
  LoggedEventReader,
  type LogRecord,
  PAYLOAD_FIELDS,
  readUsageEvent,
  valueBytes,
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

/** Less than most events have, so that what holds them need not grow. */
const EVENT_BYTES_LIKELY = 280;

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

const BELOW_FLOOR = {
  code: "time_too_old",
  message:
    "time: identities of so long ago were forgotten; it could no longer be told from a repeat, so it is not metered: book a correction instead",
};

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/** Of all batches, and empty between their steps. Made when it is needed: most processes build none. */
let digests: Digests | undefined;

/** Events from before are refused: `floor` is a moment, `horizonDays` are counted back from when the log took an event. */
interface TimeLimits {
  horizonDays: number | undefined;
  floor: Instant | undefined;
}

/** Reads log records into rows, as many as make a batch. Pure, and never throws: whatever a producer wrote becomes an event or a dead letter. */
export function buildBatch(records: readonly LogRecord[], horizonDays?: number): MeteringBatch {
  return atOnce(batchBuilding(records, horizonDays));
}

/** The same in steps, a record each. */
export function* batchBuilding(
  records: readonly LogRecord[],
  horizonDays?: number,
  floor?: Instant,
): Generator<number, MeteringBatch, void> {
  const limits = { horizonDays, floor };
  digests ??= new Digests();
  const events = new EventTable(digests, eventsLikelyIn(records));
  const batch: MeteringBatch = { records: 0, consumed: 0, events, firsts: [], repeats: [], dead: [] };
  const reader = new LoggedEventReader(events);
  const seen = new SeenIdentities(events.identity);
  for (const record of records) {
    if (batch.consumed >= EVENTS_MAX) break;
    const [rows, dead] = [events.size, batch.dead.length];
    addRecord(batch, reader, record, limits);
    events.hash();
    for (let row = rows; row < events.size; row++) (seen.add(row) ? batch.firsts : batch.repeats).push(row);
    const found = events.size - rows + batch.dead.length - dead;
    batch.consumed += found;
    batch.records++;
    yield found;
  }
  return batch;
}

function eventsLikelyIn(records: readonly LogRecord[]): number {
  return Math.min(Math.ceil(valueBytes(records) / EVENT_BYTES_LIKELY), EVENTS_MAX);
}

/** Where an event stands in the log. `row` is one of the table that was built of these records. */
export function placeInLog(records: readonly LogRecord[], { record, index }: EventTable, row: number) {
  const { offset } = present(records[record.at(row)], "the event's record");
  return { offset, index: index.at(row) };
}

/**
 * Answers the bytes of events, by their rows, as they stand in the log, without payload and secrets. A record is cut once, when it is
 * asked for all of its events before another's: producers whose every event is in conflict are not to stop metering.
 */
export function rawEvents(records: readonly LogRecord[], events: EventTable): (row: number) => Buffer {
  let cut: { record: number; elements: string[] | null } | undefined;
  return (row) => {
    const record = events.record.at(row);
    const { value } = present(records[record], "the event's record");
    if (cut?.record !== record) {
      const text = utf8.decode(value);
      cut = { record, elements: text.trimStart().startsWith("[") ? sliceArray(text) : null };
    }
    const bytes = cut.elements === null ? value : Buffer.from(cut.elements[events.index.at(row)] ?? "");
    return redactedBytes(bytes, PAYLOAD_FIELDS);
  };
}

function addRecord(
  batch: MeteringBatch,
  reader: LoggedEventReader,
  record: LogRecord,
  limits: TimeLimits,
): void {
  const [rows, dead] = [batch.events.size, batch.dead.length];
  if (addLogged(batch, reader, record, limits)) return;
  batch.events.truncate(rows);
  batch.dead.length = dead;
  addParsed(batch, record, limits);
}

const [COMMA, OPEN, CLOSE, BRACE] = [0x2c, 0x5b, 0x5d, 0x7b];

/** Adds what the record has, each event as it stands there. False when all of it has to be parsed: then what was added counts for nothing. */
function addLogged(
  batch: MeteringBatch,
  reader: LoggedEventReader,
  record: LogRecord,
  limits: TimeLimits,
): boolean {
  const { value } = record;
  if (value.length > RECORD_BYTES_MAX) return false;
  const appendedAt = instantOf(record.appendedAt);
  const [accepted, until] = acceptedTimes(appendedAt, limits.horizonDays);
  const from = Math.max(accepted, Number(limits.floor ?? accepted));
  if (value[0] === BRACE) {
    if (reader.read(value, 0, from, until) !== value.length) return false;
    batch.events.addLogged(reader, batch.records, 0);
    return true;
  }
  if (value[0] !== OPEN) return false;
  for (let at = 1, index = 0; index < EVENTS_PER_BATCH_MAX; at++, index++) {
    const begun = at;
    at = reader.read(value, begun, from, until);
    if (at >= 0) {
      batch.events.addLogged(reader, batch.records, index);
    } else {
      at = elementEnd(value, begun);
      const text = at < 0 ? undefined : value.subarray(begun, at);
      const json = text === undefined ? undefined : parsedObject(text);
      if (text === undefined || json === undefined) return false;
      addElement(batch, record, index, json, appendedAt, limits, () => text);
    }
    if (value[at] !== COMMA) return value[at] === CLOSE && at + 1 === value.length;
  }
  return false;
}

/** Undefined for what is no object in JSON, or begins with a mark that only a whole record may begin with. */
function parsedObject(text: Buffer): object | undefined {
  if (text[0] !== BRACE) return undefined;
  try {
    return JSON.parse(utf8.decode(text)) as object;
  } catch {
    return undefined;
  }
}

/** Adds what the record has as JSON. */
function addParsed(batch: MeteringBatch, record: LogRecord, limits: TimeLimits): void {
  const { elements, single, problem } = readRecord(record);
  if (problem !== undefined) {
    bury(batch, record, 0, problem, record.value);
    return;
  }
  const appendedAt = instantOf(record.appendedAt);
  let texts: string[] | undefined;
  // The exact bytes of an element alone; the record is cut at most once.
  const rawOf = (index: number) => {
    if (single) return record.value;
    texts ??= sliceArray(utf8.decode(record.value));
    return Buffer.from(texts[index] ?? "");
  };
  for (const [index, element] of elements.entries())
    addElement(batch, record, index, element, appendedAt, limits, () => rawOf(index));
}

function addElement(
  batch: MeteringBatch,
  record: LogRecord,
  index: number,
  json: unknown,
  appendedAt: bigint,
  limits: TimeLimits,
  raw: () => Buffer,
): void {
  const read = readUsageEvent(json, appendedAt, limits.horizonDays);
  if ("refusal" in read) bury(batch, record, index, read.refusal, raw());
  else if (limits.floor !== undefined && read.event.occurredAt < limits.floor)
    bury(batch, record, index, BELOW_FLOOR, raw());
  else batch.events.add(read.event, batch.records, index);
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
}
