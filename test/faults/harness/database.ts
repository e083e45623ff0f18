import { execFile, spawn } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { findPostmaster } from "../../../src/postgres/embedded/postmaster.ts";
import {
  type EmbeddedPostgres,
  openEmbeddedPostgres,
  openSql,
  type Sql,
} from "../../../src/postgres/index.ts";
import { until } from "../../support/until.ts";
import { Skipped } from "./skipped.ts";

const run = promisify(execFile);

/** When the pipe of the one who started it ends, the server ends, and its small disk goes. */
const GUARD = `cat >/dev/null
pid=$(head -n 1 "$0/postgres/postmaster.pid" 2>/dev/null) && kill -INT "$pid"
while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
umount -l "$0" 2>/dev/null
rm -rf "$0"`;

const CONNECTIONS = 2;

/**
 * What a server said while it recovered can reach the first statement that follows on that connection: postgres.js
 * 3.4.9 keeps the query that died with the old connection, takes the error for that one's, and rejects both when it
 * is connected again.
 */
const useUpOldError = (sql: Sql) =>
  until(() =>
    sql`SELECT pg_sleep(0.05)`.then(
      () => true,
      () => false,
    ),
  );

/** One PostgreSQL of its own, that faults may kill, starve and shut. */
export interface Database {
  dataDir: string;
  port: number;
  /** Past every proxy. */
  url: string;
  sql: Sql;
  /** kill -9 of the postmaster; its backends follow. It stays down until `start`. */
  kill(): Promise<void>;
  /** After `kill`, or when it ended by itself. Resolves when it has recovered. */
  start(): Promise<void>;
  isUp(): Promise<boolean>;
  stop(): Promise<void>;
}

/** `diskMiB` puts the whole cluster on a disk of that size, which only root can make. */
export async function startDatabase({ diskMiB }: { diskMiB?: number } = {}): Promise<Database> {
  const dataDir = await mkdtemp(join(tmpdir(), "tributary-faults-db-"));
  if (diskMiB !== undefined) {
    const options = `size=${diskMiB}m,mode=0755`;
    await run("mount", ["-t", "tmpfs", "-o", options, "tributary-faults", dataDir]).catch(
      (error: unknown) => {
        throw new Skipped(`no small disk can be mounted: ${(error as Error).message.trim()}`);
      },
    );
  }
  const guard = spawn("sh", ["-c", GUARD, dataDir], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  const ended = new Promise<void>((resolve) => guard.once("exit", () => resolve()));
  const cluster = join(dataDir, "postgres");
  let server: EmbeddedPostgres;
  try {
    server = await openEmbeddedPostgres({ dataDir });
  } catch (error) {
    guard.stdin?.end();
    await ended;
    throw error;
  }
  const { url } = server;
  const sql = openSql(url, { max: CONNECTIONS, name: "tributary-faults" });
  const isUp = async () => (await findPostmaster(cluster)) !== undefined;
  return {
    dataDir,
    url,
    port: Number(new URL(url).port),
    sql,
    isUp,
    async kill() {
      const found = await findPostmaster(cluster);
      if (found === undefined) return;
      process.kill(found.pid, "SIGKILL");
      await until(async () => !(await isUp()));
    },
    async start() {
      const old = server;
      server = await openEmbeddedPostgres({ dataDir });
      // Its lease was held on a server that is gone.
      await old.close().catch(() => {});
      if (server.url !== url) throw new Error("PostgreSQL came back on another port: something took its own");
      await Promise.all(Array.from({ length: CONNECTIONS }, () => useUpOldError(sql)));
    },
    async stop() {
      await sql.end({ timeout: 1 });
      await server.close().catch(() => {});
      guard.stdin?.end();
      await ended;
    },
  };
}
