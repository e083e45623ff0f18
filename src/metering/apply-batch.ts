import { type Instant, present } from "../kernel/index.ts";
import { refusedByDatabase, type Sql, violatesUnique } from "../postgres/index.ts";
import { COLUMN_METERS, type LogRecord } from "../usage/index.ts";
import { batchBuilding, type MeteringBatch } from "./batch/build-batch.ts";
import { columnsBuilding, type EventColumns } from "./batch/event-columns.ts";
import { inTurns } from "./batch/in-turns.ts";
import { type RawEvent, rawConflicts } from "./batch/raw-conflicts.ts";
import { uuidArray } from "./columns/array-bytes.ts";
import { CustomerKinds } from "./memory/customer-kinds.ts";
import { ExpectedRepeats } from "./memory/expected-repeats.ts";

export interface BatchPosition {
  logId: string;
  partition: number;
  epoch: string;
  nextOffset: bigint;
  to: bigint;
}

/** What a worker keeps in mind from batch to batch. */
export interface ApplyOptions {
  /** Models with a limit per event, whose events are decided one by one: asked for by the database. */
  limited?: Set<string>;
  /** Whether events were metered before, of late. */
  expected?: ExpectedRepeats;
  kinds?: CustomerKinds;
  /** Events that were older than this when the log took them are refused. */
  horizonDays?: number | undefined;
  /**
   * As the database says it: events from before it are refused. It may be later than the horizon: identities were forgotten under
   * another setting.
   */
  floor?: Instant;
}

const LIMITED_MODELS_MAX = 10_000;

/** How far an apply went. */
export interface Applied {
  /** Events found in the records that were applied, readable or not. */
  events: number;
  /** How many of the records were applied: the first ones. */
  records: number;
  /** Where the cursor stands. */
  nextOffset: bigint;
}

/** Records that were read, and sent to the database in nothing but questions. */
export interface PreparedBatch {
  batch: MeteringBatch;
  /** What was metered before, as far as it was asked, stands among the repeats. */
  apart: MeteringBatch;
  columns: EventColumns;
}

/**
 * Does what can be done before the database stands where these records begin, while it applies the records before them. Never changes anything.
 */
export async function prepareBatch(
  sql: Sql,
  records: readonly LogRecord[],
  options: ApplyOptions = {},
): Promise<PreparedBatch> {
  const mind = mindOf(options);
  const batch = await inTurns(batchBuilding(records, options.horizonDays, options.floor));
  const apart = mind.expected.any ? await setRepeatsApart(sql, batch, mind.expected) : batch;
  return { batch, apart, columns: await columnsOf(sql, apart, mind, new Set()) };
}

/**
 * Applies records and moves the cursor, in one statement: all of it or nothing. Of more than 200,000 events or so only
 * the first records.
 * @param prepared what prepareBatch() made of these very records with these options
 * @throws a refusal `fenced` when the partition has another owner or the cursor stands elsewhere. After any other
 * error it may have been applied: claim again and read from there.
 */
export async function applyBatch(
  sql: Sql,
  position: BatchPosition,
  records: readonly LogRecord[],
  options: ApplyOptions = {},
  prepared: Promise<PreparedBatch> = prepareBatch(sql, records, options),
): Promise<Applied> {
  const ready = await prepared;
  const { batch } = ready;
  const nextOffset = records[batch.records]?.offset ?? position.to;
  try {
    await applyPrepared(sql, { ...position, to: nextOffset }, ready, records, mindOf(options));
  } catch (error) {
    const floor = floorIn(error);
    if (floor === undefined || floor === options.floor) throw error;
    return applyBatch(sql, position, records, { ...options, floor });
  }
  return { events: batch.consumed, records: batch.records, nextOffset };
}

/** The identity floor that events of the batch are below. */
function floorIn(error: unknown): Instant | undefined {
  const refused = refusedByDatabase(error);
  return refused?.code === "before_identity_floor" ? BigInt(refused.detail.floor ?? "") : undefined;
}

type Mind = Required<Pick<ApplyOptions, "limited" | "expected" | "kinds">>;

function mindOf({
  limited = new Set(),
  expected = new ExpectedRepeats(),
  kinds = new CustomerKinds(),
}: ApplyOptions): Mind {
  return { limited, expected, kinds };
}

async function applyPrepared(
  sql: Sql,
  position: BatchPosition,
  { batch, ...prepared }: PreparedBatch,
  records: readonly LogRecord[],
  mind: Mind,
): Promise<void> {
  let { apart, columns } = prepared;
  for (let failures = 0; ; ) {
    try {
      await applyNew(sql, position, apart, columns, records, mind);
      return;
    } catch (error) {
      if (!violatesUnique(error, "usage_identity") || ++failures > FAILURES_MAX) throw error;
      apart = await setRepeatsApart(sql, batch, mind.expected);
      columns = await columnsOf(sql, apart, mind, new Set());
    }
  }
}

/** Another batch may add the same identities just now; when it has, they are known, and this one goes through. */
const FAILURES_MAX = 20;

/** Asks what was metered before, outside of the transaction; whether that still holds, a unique key decides. */
async function setRepeatsApart(
  sql: Sql,
  batch: MeteringBatch,
  expected: ExpectedRepeats,
): Promise<MeteringBatch> {
  const { events, firsts } = batch;
  if (firsts.length === 0) return batch;
  const identities = uuidArray(events.identity, firsts);
  const [row] = await sql.binary.call<{ known: string }>("known_identities", KNOWN_IDENTITIES, [identities]);
  const { known } = present(row, "an answer");
  expected.found(known !== "{}");
  if (known === "{}") return batch;
  const places = new Set(known.slice(1, -1).split(",").map(Number));
  const old = firsts.filter((_, index) => places.has(index + 1));
  const unknown = firsts.filter((_, index) => !places.has(index + 1));
  return { ...batch, firsts: unknown, repeats: [...old, ...batch.repeats] };
}

async function applyNew(
  sql: Sql,
  position: BatchPosition,
  batch: MeteringBatch,
  prepared: EventColumns,
  records: readonly LogRecord[],
  mind: Mind,
): Promise<void> {
  const alone = new Set<string>();
  let columns = prepared;
  let raw: Record<string, RawEvent> = {};
  for (;;) {
    try {
      await callApply(sql, position, batch, columns, raw);
      return;
    } catch (error) {
      const refused = refusedByDatabase(error);
      if (refused?.code === "kinds_differ") {
        mind.kinds.forget();
      } else if (refused?.code === "cells_too_coarse") {
        const { cells, customers, models } = refused.detail;
        rememberLimited(mind.limited, models ?? "");
        for (const customer of numbersIn(customers)) alone.add(columns.customerName(customer));
        for (const subject of columns.subjectsIn(new Set(numbersIn(cells)))) alone.add(subject);
      } else if (refused?.code === "conflict_raw_needed") {
        raw = await inTurns(rawConflicts(batch, records, numbersIn(refused.detail.places)), { soon: true });
        continue;
      } else {
        throw error;
      }
      columns = await columnsOf(sql, batch, mind, alone);
    }
  }
}

/** The batch's new events as the database takes them. */
async function columnsOf(
  sql: Sql,
  batch: MeteringBatch,
  { limited, kinds }: Mind,
  alone: ReadonlySet<string>,
): Promise<EventColumns> {
  const [first, last] = timesOf(batch);
  if (batch.firsts.length > 0) await kinds.learn(sql, batch.events.customerNames.names, first, last);
  const separate = (row: number) => mustStandAlone(batch, row, limited, alone);
  const kindOf = (customer: string) => kinds.of(customer, first, last);
  return inTurns(columnsBuilding(batch.events, batch.firsts, separate, kindOf), { soon: true });
}

function numbersIn(list: string | undefined): number[] {
  return list === undefined || list === "" ? [] : list.split(",").map(Number);
}

/** The first and the last moment of the batch's new events. */
function timesOf({ events: { occurredAt }, firsts }: MeteringBatch): [number, number] {
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const row of firsts) {
    const at = occurredAt.at(row);
    if (at < first) first = at;
    if (at > last) last = at;
  }
  return [first, last];
}

/** @param alone customers whose events, and customers and models with a space between whose events, are decided one by one */
function mustStandAlone(
  { events }: MeteringBatch,
  row: number,
  limited: ReadonlySet<string>,
  alone: ReadonlySet<string>,
): boolean {
  if (limited.size === 0 && alone.size === 0) return false;
  const model = events.subjects.model[events.subject.at(row)] ?? "";
  const customer = events.customerNames.names[events.customer.at(row)] ?? "";
  return limited.has(model) || alone.has(customer) || alone.has(`${customer} ${model}`);
}

function rememberLimited(limited: Set<string>, models: string): void {
  if (limited.size > LIMITED_MODELS_MAX) limited.clear();
  for (const model of models.split(",")) if (model !== "") limited.add(model);
}

async function callApply(
  sql: Sql,
  { logId, partition, epoch, nextOffset, to }: BatchPosition,
  { consumed, events, repeats, dead }: MeteringBatch,
  e: EventColumns,
  raw: Record<string, RawEvent>,
): Promise<void> {
  const { groups, cells } = e;
  const { payers } = cells;
  const known = repeats.map((row) => ({
    i: events.identity.hexOf(row),
    c: events.content.bigIntOf(row).toString(),
  }));
  const position = [logId, String(partition), epoch, nextOffset.toString(), to.toString(), String(consumed)];
  const names = [e.customers, e.sources, e.models, e.versions, e.statuses, e.meters];
  await sql.binary.call("apply_usage_batch", APPLY_USAGE_BATCH, [
    ...[...position, ...names, e.identities, e.contents, e.identityPlaces, e.events],
    ...[payers.customer, payers.kind, payers.first, payers.last],
    ...[cells.subject, cells.kind, cells.first, cells.last, cells.events, ...meterColumns(cells)],
    ...[groups.customer, cells.ofGroup, groups.first, groups.events, ...meterColumns(groups)],
    ...[groups.otherGroup, groups.otherMeter, groups.otherQuantity, groups.otherEvents, String(e.chained)],
    ...[e.hardware, groups.hardware],
    ...[known, dead, raw].map((json) => JSON.stringify(json)),
  ]);
}

/** In the order of COLUMN_METERS. */
function meterColumns({ meters }: EventColumns["cells"] | EventColumns["groups"]) {
  return meters.flatMap(({ quantities, events }) => [quantities, events]);
}

const METER_TYPES = COLUMN_METERS.flatMap(() => ["bigint[]", "int[]"]);
/** Of usage_columns in drizzle/0003_metering.sql, in its order. */
const COLUMN_TYPES = [
  ...["text[]", "text[]", "text[]", "text[]", "text[]", "text[]", "uuid[]", "bigint[]", "int[]", "text"],
  ...["int[]", "int[]", "bigint[]", "bigint[]"],
  ...["int[]", "int[]", "bigint[]", "bigint[]", "int[]", ...METER_TYPES],
  ...["int[]", "int[]", "bigint[]", "int[]", ...METER_TYPES],
  ...["int[]", "int[]", "bigint[]", "int[]", "int"],
  ...["text[]", "int[]"],
];
const columnValues = COLUMN_TYPES.map((type, n) => `$${n + 7}::${type}`);
const json = [1, 2, 3].map((n) => `$${n + 6 + COLUMN_TYPES.length}::jsonb`);
const APPLY_USAGE_BATCH = `SELECT apply_usage_batch($1, $2, $3, $4, $5, $6, ROW(${columnValues})::usage_columns, ${json})`;
const KNOWN_IDENTITIES = "SELECT known_identities($1::uuid[])::text AS known";
