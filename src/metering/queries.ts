import type { Sql } from "../postgres/index.ts";
import { eventIdentity, type UsageLog } from "../usage/index.ts";
import { lagOf, positionsOf } from "./progress.ts";

/** Counters since the installation began, as decimal strings; applied + duplicate + conflict + parked + dead = consumed. */
export interface MeteringStatus {
  lag: number;
  consumed: string;
  applied: string;
  duplicate: string;
  conflict: string;
  dead: string;
  /** Ever parked; `waiting` is what still is. */
  parked: string;
  waiting: string;
}

/** One partition's position of record, with its counters since the installation began. */
export interface MeteringCursor {
  partition: number;
  /** The log it belongs to. */
  logId: string;
  next: bigint;
  counters: Record<"consumed" | "applied" | "duplicate" | "conflict" | "dead" | "parked", bigint>;
}

/** The log's end is read in this very call, so a lag of 0 means that everything acknowledged before is metered. */
export async function meteringStatus(sql: Sql, log: UsageLog): Promise<MeteringStatus> {
  const extent = await log.extent();
  const cursors = await meteringCursors(sql);
  const lag = positionsOf(extent, cursors).reduce((sum, position) => sum + lagOf(position), 0n);
  const sum = (counter: keyof MeteringCursor["counters"]) =>
    cursors.reduce((total, { counters }) => total + counters[counter], 0n).toString();
  return {
    lag: Number(lag),
    consumed: sum("consumed"),
    applied: sum("applied"),
    duplicate: sum("duplicate"),
    conflict: sum("conflict"),
    dead: sum("dead"),
    parked: sum("parked"),
    waiting: (await parkedWaiting(sql)).toString(),
  };
}

/** Of the partitions that were ever claimed. */
export async function meteringCursors(sql: Sql): Promise<MeteringCursor[]> {
  const rows = await sql<({ partition: number; log_id: string; next_offset: string } & CounterColumns)[]>`
    SELECT partition, log_id, next_offset, consumed, applied, duplicate, conflict, dead, parked
    FROM metering_cursor ORDER BY partition`;
  return rows.map(({ partition, log_id, next_offset, ...row }) => ({
    partition,
    logId: log_id,
    next: BigInt(next_offset),
    counters: {
      consumed: BigInt(row.consumed),
      applied: BigInt(row.applied),
      duplicate: BigInt(row.duplicate),
      conflict: BigInt(row.conflict),
      dead: BigInt(row.dead),
      parked: BigInt(row.parked),
    },
  }));
}

type CounterColumns = Record<keyof MeteringCursor["counters"], string>;

/** How many events are parked now. */
export async function parkedWaiting(sql: Sql): Promise<bigint> {
  const [row] = await sql<[{ waiting: string }]>`SELECT count(*)::text AS waiting FROM parked_event`;
  return BigInt(row.waiting);
}

export interface DeadLetter {
  id: string;
  reason: string;
  message: string;
  partition: number;
  offset: string;
  index: number;
  /** The bytes as they were in the log. */
  rawBase64: string;
  createdAt: Date;
  replayedAt: Date | null;
}

/** Newest first; `before` is the id of the last one already seen. */
export async function deadLetters(sql: Sql, limit: number, before?: string): Promise<DeadLetter[]> {
  return sql<DeadLetter[]>`
    SELECT dead_letter_no::text AS id, reason, message, partition, log_offset::text AS offset, log_index AS index,
      encode(raw, 'base64') AS "rawBase64", created_at AS "createdAt", replayed_at AS "replayedAt"
    FROM dead_letter WHERE dead_letter_no < coalesce(${before ?? null}::bigint, 9223372036854775807)
    ORDER BY dead_letter_no DESC LIMIT ${limit}`;
}

const SOURCES_AT_ONCE = 10_000;
/** An id that so many sources use is no name: the others are not looked for. */
const SAME_ID_MAX = 1_000;

/**
 * The identities of the events with this id, metered or parked, whatever their source. Identities say nothing of the id, so each
 * source that there ever was is tried.
 */
export async function identitiesOfId(sql: Sql, id: string): Promise<string[]> {
  const parked = await sql<{ identity: string }[]>`
    SELECT replace(identity::text, '-', '') AS identity FROM parked_event WHERE event->>'e' = ${id}`;
  const found = new Set(parked.map(({ identity }) => identity));
  for (let after = 0; found.size < SAME_ID_MAX; ) {
    const sources = await sql<{ source_no: number; source: string }[]>`
      SELECT source_no, source FROM usage_source WHERE source_no > ${after} ORDER BY source_no LIMIT ${SOURCES_AT_ONCE}`;
    const identities = sources.map(({ source }) => eventIdentity(source, id));
    const known = await sql<{ identity: string }[]>`
      SELECT replace(identity::text, '-', '') AS identity FROM usage_identity WHERE identity = ANY (${identities}::text[]::uuid[])`;
    for (const { identity } of known) found.add(identity);
    const last = sources.at(-1);
    if (last === undefined || sources.length < SOURCES_AT_ONCE) break;
    after = last.source_no;
  }
  return [...found];
}
