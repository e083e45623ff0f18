import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { migrate, openEmbeddedPostgres, openSql, type Sql } from "../../../src/postgres/index.ts";
import { startKafkaBroker } from "../../kafka-broker/kafka-broker.ts";
import type { Opened } from "./opened.ts";

export interface BenchDatabase {
  url: string;
  sql: Sql;
  /** The server's first process; null when it does not run on this machine. */
  pid: number | null;
}

export interface BenchBroker {
  brokers: string;
  pid: number;
}

export async function startBroker(opened: Opened, folder: string): Promise<BenchBroker> {
  const starting = startKafkaBroker({ dataDir: join(folder, "kafka") });
  return opened.open(starting, (broker) => broker.stop());
}

/** A migrated database of its own, on the server that DATABASE_URL names or on an embedded one in the folder. */
export async function openBenchDatabase(opened: Opened, folder: string): Promise<BenchDatabase> {
  const server = process.env.DATABASE_URL || (await startServer(opened, folder));
  const name = `tributary_bench_${randomBytes(6).toString("hex")}`;
  await opened.open(onServer(server, `CREATE DATABASE ${name}`), () =>
    onServer(server, `DROP DATABASE ${name} WITH (FORCE)`),
  );
  const address = new URL(server);
  address.pathname = `/${name}`;
  await migrate(address.href);
  const sql = openSql(address.href, { max: 4, name: "tributary-bench" });
  opened.later(() => sql.end({ timeout: 5 }));
  return { url: address.href, sql, pid: await serverPid(sql) };
}

/**
 * As a server is that has run for a day: its memory was touched, and its log is written over older files of it. Otherwise the
 * first that is measured pays for that, and what comes after it does not.
 */
export async function warmServer(sql: Sql): Promise<void> {
  await sql`CREATE TABLE filler AS SELECT n, repeat('x', 900) AS fill FROM generate_series(1, 800000) AS n`;
  await sql`DROP TABLE filler`;
  await sql`CHECKPOINT`;
}

async function startServer(opened: Opened, folder: string): Promise<string> {
  const { url } = await opened.open(openEmbeddedPostgres({ dataDir: folder }), (server) => server.close());
  return url;
}

async function onServer(url: string, statement: string): Promise<void> {
  const sql = openSql(url, { max: 1, name: "tributary-bench" });
  await sql.unsafe(statement).finally(() => sql.end());
}

/** The parent of our session's process, if that is a PostgreSQL here. */
async function serverPid(sql: Sql): Promise<number | null> {
  const [row] = await sql<[{ pid: number }]>`SELECT pg_backend_pid() AS pid`;
  try {
    const status = await readFile(`/proc/${row.pid}/status`, "utf8");
    const parent = Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]);
    const name = await readFile(`/proc/${parent}/comm`, "utf8");
    return name.startsWith("postgres") ? parent : null;
  } catch {
    return null;
  }
}
