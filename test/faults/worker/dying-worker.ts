// A worker that kills itself: node dying-worker.ts <failpoint> <n>. The parts and their order are those of scripts/start.ts.

import type { Sql } from "../../../src/postgres/index.ts";
import { readConfig } from "../../../src/processes/config.ts";
import { createLogger } from "../../../src/processes/logger.ts";
import { wireWorker } from "../../../src/processes/wire.ts";
import { startWorkers } from "../../../src/processes/workers.ts";
import type { LogReader, UsageLog } from "../../../src/usage/index.ts";
import { APPLY } from "../network/apply-spy.ts";
import type { Failpoint } from "./failpoints.ts";

const [failpoint, nth] = process.argv.slice(2);
let passings = 0;

function pass(here: Failpoint): void {
  if (here !== failpoint) return;
  passings += 1;
  if (passings === Number(nth)) process.kill(process.pid, "SIGKILL");
}

/** Passes a failpoint before and after each apply of a batch. */
function watchedLog(log: UsageLog): UsageLog {
  const watched = (reader: LogReader): LogReader => ({
    ...reader,
    async apply(batch) {
      pass("after fetch");
      await reader.apply(batch);
      pass("before reporting the offset");
    },
  });
  return { ...log, read: (reader) => log.read(watched(reader)) };
}

/** Passes a failpoint before the apply is sent, and after its answer came but before anyone was told. */
function watchedSql(sql: Sql): Sql {
  const call: Sql["binary"]["call"] = async (name, text, values) => {
    if (name !== APPLY) return sql.binary.call(name, text, values);
    pass("before apply");
    const rows = await sql.binary.call<never>(name, text, values);
    pass("after commit");
    return rows;
  };
  return new Proxy(sql, { get: (own, key) => (key === "binary" ? { call } : Reflect.get(own, key)) });
}

const config = readConfig(process.env);
const worker = await wireWorker(config, createLogger(config.LOG_LEVEL), "tributary-dying-worker");
await startWorkers({ ...worker, log: watchedLog(worker.log), sql: watchedSql(worker.sql) });
// The supervisor takes this for readiness, as with a worker that lives.
console.log("Tributary worker watches at http://127.0.0.1:1");
