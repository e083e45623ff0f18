import { refusedByDatabase, type Sql, violatesUnique } from "../postgres/index.ts";
import type { LogRecord } from "../usage/index.ts";
import { batchBuilding, type MeteringBatch, placeInLog, rawEvent } from "./batch/build-batch.ts";
import { uuidArray } from "./batch/columns.ts";
import { columnsBuilding, type EventColumns } from "./batch/event-columns.ts";
import { ExpectedRepeats } from "./batch/expected-repeats.ts";
import { inTurns } from "./batch/in-turns.ts";

export interface BatchPosition {
  logId: string;
  partition: number;
  epoch: string;
  nextOffset: bigint;
  to: bigint;
}

export interface ApplyOptions {
  /** Models with a limit per event, whose events are decided one by one: asked for by the database, and kept in mind. */
  limited?: Set<string>;
  /** Whether events were metered before, of late: kept in mind. */
  expected?: ExpectedRepeats;
  /** Events that were older than this when the log took them are refused. */
  horizonDays?: number | undefined;
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

/**
 * Applies records and moves the cursor, in one statement: all of it or nothing. Of more than 200,000 events or so only
 * the first records.
 * @throws a refusal `fenced` when the partition has another owner or the cursor stands elsewhere. After any other
 * error it may have been applied: claim again and read from there.
 */
export async function applyBatch(
  sql: Sql,
  position: BatchPosition,
  records: readonly LogRecord[],
  { limited = new Set(), expected = new ExpectedRepeats(), horizonDays }: ApplyOptions = {},
): Promise<Applied> {
  const batch = await inTurns(batchBuilding(records, horizonDays));
  const nextOffset = records[batch.records]?.offset ?? position.to;
  await applyBuilt(sql, { ...position, to: nextOffset }, batch, records, limited, expected);
  return { events: batch.consumed, records: batch.records, nextOffset };
}

async function applyBuilt(
  sql: Sql,
  position: BatchPosition,
  batch: MeteringBatch,
  records: readonly LogRecord[],
  limited: Set<string>,
  expected: ExpectedRepeats,
): Promise<void> {
  let apart = expected.any ? await setRepeatsApart(sql, batch, expected) : batch;
  for (let failures = 0; ; ) {
    try {
      await applyNew(sql, position, apart, records, limited);
      return;
    } catch (error) {
      if (!violatesUnique(error, "usage_identity") || ++failures > FAILURES_MAX) throw error;
      apart = await setRepeatsApart(sql, batch, expected);
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
  const [{ known }] = await sql<[{ known: string }]>`
    SELECT known_identities(${identities}::text::uuid[])::text AS known`;
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
  records: readonly LogRecord[],
  limited: Set<string>,
): Promise<void> {
  const alone = new Set<string>();
  let raw: Record<string, RawEvent> = {};
  for (;;) {
    const separate = (row: number) => mustStandAlone(batch, row, limited, alone);
    const columns = await inTurns(columnsBuilding(batch.events, batch.firsts, separate));
    try {
      await callApply(sql, position, batch, columns, raw);
      return;
    } catch (error) {
      const refused = refusedByDatabase(error);
      if (refused?.code === "groups_too_coarse") {
        rememberLimited(limited, refused.detail.models ?? "");
        for (const group of (refused.detail.groups ?? "").split(","))
          alone.add(columns.subjectOf(Number(group)));
      } else if (refused?.code === "conflict_raw_needed") {
        raw = rawEvents(batch, records, (refused.detail.places ?? "").split(","));
      } else {
        throw error;
      }
    }
  }
}

/** @param alone customers and models with a space between, for which a group was too coarse */
function mustStandAlone(
  { events }: MeteringBatch,
  row: number,
  limited: ReadonlySet<string>,
  alone: ReadonlySet<string>,
): boolean {
  if (limited.size === 0 && alone.size === 0) return false;
  const model = events.subjects.model[events.subject[row] ?? 0] ?? "";
  return limited.has(model) || alone.has(`${events.customerNames.names[events.customer[row] ?? 0]} ${model}`);
}

function rememberLimited(limited: Set<string>, models: string): void {
  if (limited.size > LIMITED_MODELS_MAX) limited.clear();
  for (const model of models.split(",")) if (model !== "") limited.add(model);
}

/** A conflicting event's bytes, as base64, and where they stand in the log. */
interface RawEvent {
  o: string;
  x: number;
  raw: string;
}

function rawEvents(
  { events, repeats }: MeteringBatch,
  records: readonly LogRecord[],
  places: string[],
): Record<string, RawEvent> {
  const raw: Record<string, RawEvent> = {};
  for (const place of places) {
    const row = repeats[Number(place) - 1];
    if (row === undefined) continue;
    const { offset, index } = placeInLog(records, events, row);
    const bytes = rawEvent(records, events, row);
    raw[place] = { o: offset.toString(), x: index, raw: bytes.toString("base64") };
  }
  return raw;
}

async function callApply(
  sql: Sql,
  { logId, partition, epoch, nextOffset, to }: BatchPosition,
  { consumed, events, repeats, dead }: MeteringBatch,
  e: EventColumns,
  raw: Record<string, RawEvent>,
): Promise<void> {
  const { groups } = e;
  const [seconds, input, output, images] = groups.meters;
  const known = repeats.map((row) => ({
    i: events.identity.hexOf(row),
    c: events.content.bigIntOf(row).toString(),
  }));
  await sql`SELECT apply_usage_batch(${logId}, ${partition}, ${epoch}, ${nextOffset.toString()}, ${to.toString()}, ${consumed},
    ROW(${e.customers}::text::text[], ${e.sources}::text::text[], ${e.models}::text::text[], ${e.versions}::text::text[],
      ${e.statuses}::text::text[], ${e.meters}::text::text[], ${e.identities}::text::uuid[], ${e.contents}::text::bigint[],
      ${e.events}::text, ${groups.customer}::text::int[], ${groups.subject}::text::int[], ${groups.first}::text::bigint[],
      ${groups.last}::text::bigint[], ${groups.events}::text::int[],
      ${seconds?.quantities ?? null}::text::bigint[], ${seconds?.events ?? null}::text::int[],
      ${input?.quantities ?? null}::text::bigint[], ${input?.events ?? null}::text::int[],
      ${output?.quantities ?? null}::text::bigint[], ${output?.events ?? null}::text::int[],
      ${images?.quantities ?? null}::text::bigint[], ${images?.events ?? null}::text::int[],
      ${groups.otherGroup}::text::int[], ${groups.otherMeter}::text::int[], ${groups.otherQuantity}::text::bigint[],
      ${groups.otherEvents}::text::int[], ${e.chained}::int,
      ${e.hardware}::text::text[], ${groups.hardware}::text::int[])::usage_columns,
    ${JSON.stringify(known)}::text::jsonb, ${JSON.stringify(dead)}::text::jsonb, ${JSON.stringify(raw)}::text::jsonb)`;
}
