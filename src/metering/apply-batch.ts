import { present } from "../kernel/index.ts";
import { refusedByDatabase, type Sql, violatesUnique } from "../postgres/index.ts";
import type { LogRecord } from "../usage/index.ts";
import { buildBatch, type MeteringBatch, rawEvent } from "./build-batch.ts";

export interface BatchPosition {
  logId: string;
  partition: number;
  epoch: string;
  nextOffset: bigint;
  to: bigint;
}

/**
 * Applies records and moves the cursor, in one statement: all of it or nothing.
 * @throws a refusal `fenced` when the partition has another owner or the cursor stands elsewhere. After any other
 * error it may have been applied: claim again and read from there.
 */
export async function applyBatch(
  sql: Sql,
  position: BatchPosition,
  records: readonly LogRecord[],
  batch: MeteringBatch = buildBatch(records),
): Promise<void> {
  const raw: Record<string, RawEvent> = {};
  for (let repeated = 0; ; ) {
    try {
      await applyOnce(sql, position, batch, raw);
      return;
    } catch (error) {
      const places = conflictsToSend(error);
      if (places !== undefined) {
        for (const place of places) raw[place] = rawOf(batch, records, place);
      } else if (!violatesUnique(error, "usage_identity") || ++repeated > REPEATS_MAX) {
        throw error;
      }
    }
  }
}

/** Another batch may add the same identities just now; when it has, they are known and this one goes through. */
const REPEATS_MAX = 20;

/** A conflicting event's bytes, as base64, and where they stand in the log. */
interface RawEvent {
  o: string;
  x: number;
  raw: string;
}

async function applyOnce(
  sql: Sql,
  { logId, partition, epoch, nextOffset, to }: BatchPosition,
  { consumed, events, repeats, dead }: MeteringBatch,
  raw: Record<string, RawEvent>,
): Promise<void> {
  const e = events.toArrays();
  await sql`SELECT apply_usage_batch(${logId}, ${partition}, ${epoch}, ${nextOffset.toString()}, ${to.toString()}, ${consumed},
    ROW(${e.customers}::text::text[], ${e.sources}::text::text[], ${e.models}::text::text[], ${e.versions}::text::text[],
      ${e.statuses}::text::text[], ${e.meters}::text::text[], ${e.identities}::text::uuid[], ${e.contents}::text::bigint[],
      ${e.occurredAt}::text::bigint[], ${e.customer}::text::int[], ${e.subject}::text::int[], ${e.source}::text::int[],
      ${e.ids}::text::text[], ${e.parents}::text::text[], ${e.predictSeconds}::text::bigint[],
      ${e.inputTokens}::text::bigint[], ${e.outputTokens}::text::bigint[], ${e.images}::text::bigint[],
      ${e.otherPlace}::text::int[], ${e.otherMeter}::text::int[], ${e.otherQuantity}::text::bigint[])::usage_columns,
    ${JSON.stringify(repeats)}::text::jsonb, ${JSON.stringify(dead)}::text::jsonb, ${JSON.stringify(raw)}::text::jsonb)`;
}

function conflictsToSend(error: unknown): string[] | undefined {
  const refused = refusedByDatabase(error);
  return refused?.code === "conflict_raw_needed" ? (refused.detail.places ?? "").split(",") : undefined;
}

function rawOf({ places }: MeteringBatch, records: readonly LogRecord[], place: string): RawEvent {
  const all = [...places.events, ...places.repeats];
  const { offset, index } = present(all[Number(place) - 1], "the conflicting event");
  return { o: offset.toString(), x: index, raw: rawEvent(records, offset, index).toString("base64") };
}
