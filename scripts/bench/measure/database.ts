import type { Sql } from "../../../src/postgres/index.ts";

/** Everything that is written once for each event, or once for each batch of them: what the floor writes by COPY. */
export const EVENT_TABLES = ["usage_identity", "usage_block"] as const;

export interface Extent {
  /** Bytes of write-ahead log since the server's beginning. */
  walBytes: number;
  /** Bytes of all tables with their indexes, but the PostgreSQL usage log's. */
  tableBytes: number;
  /** The same of the tables that grow with every event. */
  eventTableBytes: number;
}

export async function extentOf(sql: Sql): Promise<Extent> {
  const [row] = await sql<[{ wal: string; tables: string; event_tables: string }]>`
    SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::text AS wal,
      coalesce(sum(pg_total_relation_size(oid)) FILTER (WHERE relname NOT LIKE 'usage_log%'), 0)::text AS tables,
      coalesce(sum(pg_total_relation_size(oid)) FILTER (WHERE relname = ANY (${[...EVENT_TABLES]})), 0)::text AS event_tables
    FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`;
  return {
    walBytes: Number(row.wal),
    tableBytes: Number(row.tables),
    eventTableBytes: Number(row.event_tables),
  };
}

export interface Position {
  consumed: number;
  applied: number;
  /** Partitions that a worker has claimed, now or before. */
  claimed: number;
}

/** One row a partition: cheap enough to ask ten times a second. */
export async function positionOf(sql: Sql): Promise<Position> {
  const [row] = await sql<[{ consumed: number; applied: number; claimed: number }]>`
    SELECT coalesce(sum(consumed), 0)::float8 AS consumed, coalesce(sum(applied), 0)::float8 AS applied,
      count(*)::int AS claimed FROM metering_cursor`;
  return row;
}

/** Rows of every table that has any, but the usage log's. */
export async function rowCounts(sql: Sql): Promise<Record<string, number>> {
  const tables = await sql<{ name: string }[]>`
    SELECT relname AS name FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname NOT LIKE 'usage_log%' ORDER BY 1`;
  const counts: Record<string, number> = {};
  for (const { name } of tables) {
    const [row] = await sql<[{ rows: number }]>`SELECT count(*)::float8 AS rows FROM ${sql(name)}`;
    if (row.rows > 0) counts[name] = row.rows;
  }
  return counts;
}
