import { createReadStream, createWriteStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { openSql, type Sql } from "../../src/postgres/index.ts";
import { EVENT_TABLES, extentOf } from "./measure/database.ts";
import { usedBy, usedSince } from "./measure/processes.ts";
import type { Opened } from "./world/opened.ts";
import type { BenchDatabase } from "./world/servers.ts";

export interface Floor {
  eventsPerSecond: number;
  seconds: number;
  postgresCpuMicrosPerEvent: number | null;
  walBytesPerEvent: number;
}

/** A table of the floor, filled from a query whose rows are told apart by the place of `usage_identity` or their own. */
interface FloorTable {
  name: string;
  create: string;
  /** The rows in the order in which metering wrote them; ctid is the order's. */
  rows: string;
  /** Whose pages are halved. */
  ordered: string;
}

const SAME_TABLES: FloorTable[] = EVENT_TABLES.map((table) => ({
  name: `floor_${table}`,
  create: `CREATE TABLE floor_${table} (LIKE ${table} INCLUDING ALL)`,
  rows: `SELECT * FROM ${table} t`,
  ordered: table,
}));

/** One wide row an event, as a plain design would have it, with all that is known and was decided. */
const WIDE_TABLE: FloorTable = {
  name: "floor_event_row",
  create: `CREATE TABLE floor_event_row (identity uuid PRIMARY KEY, content bigint, occurred_at timestamptz,
    customer_no int, model_no int, version_no int, price_no int, split_plan_no int, source_no int, status smallint,
    id text, input_tokens bigint, output_tokens bigint, predict_micros bigint)`,
  rows: `SELECT t.identity, t.content, e.occurred_at, e.customer_no, e.model_no, e.model_version_no, e.price_no,
      e.split_plan_no, e.source_no,
      array_position(ARRAY['succeeded', 'failed', 'canceled', 'aborted'], e.status)::smallint, e.id, e.input_tokens,
      e.output_tokens, e.predict_seconds
    FROM usage_identity t JOIN usage_event e USING (event_no)`,
  ordered: "usage_identity",
};

/**
 * The same rows once more, written by nothing but COPY into tables of the same shape and keys, on two connections: the
 * most that one row and one index entry an event allow on this server. Binary, which is COPY at its fastest.
 */
export async function measureFloors(
  opened: Opened,
  database: BenchDatabase,
  folder: string,
  events: number,
): Promise<{ same: Floor; wide: Floor }> {
  const connections = [0, 1].map(() => openSql(database.url, { max: 1, name: "tributary-bench-floor" }));
  for (const connection of connections) opened.later(() => connection.end({ timeout: 5 }));
  const same = await measureFloor(database, connections, SAME_TABLES, folder, events);
  const wide = await measureFloor(database, connections, [WIDE_TABLE], folder, events);
  return { same, wide };
}

async function measureFloor(
  database: BenchDatabase,
  connections: readonly Sql[],
  tables: readonly FloorTable[],
  folder: string,
  events: number,
): Promise<Floor> {
  const { sql, pid } = database;
  for (const table of tables) {
    await sql.unsafe(table.create);
    await exportHalves(database, table, folder);
  }
  await sql`CHECKPOINT`;
  const [extent, used] = [await extentOf(sql), await usedBy(pid)];
  const begun = performance.now();
  await Promise.all(
    connections.map(async (connection, half) => {
      for (const { name } of tables) await load(connection, name, fileOf(folder, name, half));
    }),
  );
  const seconds = (performance.now() - begun) / 1000;
  const cpu = usedSince(used, await usedBy(pid));
  const wal = (await extentOf(sql)).walBytes - extent.walBytes;
  for (const { name } of tables) await sql.unsafe(`DROP TABLE ${name}`);
  return {
    eventsPerSecond: events / seconds,
    seconds,
    postgresCpuMicrosPerEvent: cpu === null ? null : (cpu.cpuSeconds / events) * 1e6,
    walBytesPerEvent: wal / events,
  };
}

function fileOf(folder: string, table: string, half: number): string {
  return join(folder, `${table}-${half}.copy`);
}

/** In two files, by pages, so that each keeps the order of the rows. */
async function exportHalves(database: BenchDatabase, table: FloorTable, folder: string): Promise<void> {
  const { name, rows, ordered } = table;
  const [size] = await database.sql<[{ middle: number }]>`
    SELECT (pg_relation_size(${ordered}::regclass) / current_setting('block_size')::int / 2)::int AS middle`;
  for (const [half, compared] of ["<", ">="].entries()) {
    const query = `${rows} WHERE t.ctid ${compared} '(${size.middle},0)' ORDER BY t.ctid`;
    // postgres.js may leave its socket paused after a COPY: such a connection is used once and dropped.
    const once = openSql(database.url, { max: 1, name: "tributary-bench-export" });
    const copy = await once.unsafe(`COPY (${query}) TO STDOUT (FORMAT binary)`).readable();
    await pipeline(copy, createWriteStream(fileOf(folder, name, half)));
    await once.end({ timeout: 0 });
  }
}

async function load(connection: Sql, table: string, file: string): Promise<void> {
  const copy = await connection.unsafe(`COPY ${table} FROM STDIN (FORMAT binary)`).writable();
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), copy);
}
