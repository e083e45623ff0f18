import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { until } from "../support/until.ts";
import type { Database } from "./harness/database.ts";
import { describeFaults, type Fault } from "./harness/describe-faults.ts";
import { FAULTS_EVENTS } from "./harness/settings.ts";

/** `meanwhile` happens while there is no space. */
function diskFull(name: string, done: string, meanwhile?: (database: Database) => Promise<unknown>): Fault {
  return {
    name,
    async strike({ database, producer: { acknowledged } }) {
      const before = acknowledged.retries;
      const ballast = join(database.dataDir, "ballast");
      try {
        fillWith(ballast);
        await meanwhile?.(database);
        await until(() => acknowledged.retries > before);
      } finally {
        rmSync(ballast);
      }
      if (await database.isUp()) return `${done}, until producers sent again; the server went on`;
      await database.start();
      return `${done}, until producers sent again; the server had ended, and was started again`;
    },
  };
}

/** The server ends itself at the first segment for which there is no room. */
async function wantNewWal({ sql, isUp }: Database): Promise<void> {
  await until(async () => {
    await sql`SELECT pg_logical_emit_message(false, 'faults', repeat('-', 1 << 20)), pg_switch_wal()`.catch(
      () => {},
    );
    return !(await isUp());
  });
}

/** Takes every free byte of the disk, in smaller and smaller pieces. */
function fillWith(path: string): void {
  const file = openSync(path, "w");
  for (let piece = Buffer.alloc(1 << 20); piece.length >= 512; ) {
    try {
      writeSync(file, piece);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      piece = piece.subarray(0, piece.length / 2);
    }
  }
  closeSync(file);
}

const settings = { partitions: 2, workers: 1, diskMiB: 256 + Math.ceil(FAULTS_EVENTS / 50) };

describeFaults("Disk full, with the PostgreSQL log", { log: "postgres", ...settings }, [
  diskFull("PostgreSQL's disk is full", "no byte was left for tables"),
  diskFull(
    "PostgreSQL's disk is full, and no room is left for its write-ahead log",
    "no byte was left",
    wantNewWal,
  ),
]);
