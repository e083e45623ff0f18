import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { createFirstOperatorKey, createWatchingApp } from "../src/http/index.ts";
import { startApi } from "../src/processes/api.ts";
import { type Config, readConfig } from "../src/processes/config.ts";
import { awaitDatabase } from "../src/processes/database.ts";
import { createLogger } from "../src/processes/logger.ts";
import { startSettleSchedule } from "../src/processes/schedule/settle-schedule.ts";
import { serve } from "../src/processes/serve.ts";
import { untilSignal } from "../src/processes/until-signal.ts";
import { type Tributary, wire, wireWorker } from "../src/processes/wire.ts";
import { startWorkers } from "../src/processes/workers.ts";
import { isForPeople } from "./run-command.ts";

const USAGE = `node scripts/start.ts [--only api|worker]

  (nothing)       the API, metering and accrual in one process
  --only api      the API alone: somebody else must meter
  --only worker   metering, parked events and accrual alone; /healthz and /metrics at HOST:PORT`;

type Role = "all" | "api" | "worker";
type Stops = (() => Promise<void>)[];

class UsageWrong extends Error {
  override name = "UsageWrong";
}

function readRole(args: string[]): Role {
  const only = readOnly(args);
  if (only === undefined) return "all";
  if (only === "api" || only === "worker") return only;
  throw new UsageWrong(`--only must be api or worker, not "${only}"`);
}

function readOnly(args: string[]): string | undefined {
  try {
    return parseArgs({ args, options: { only: { type: "string" } } }).values.only;
  } catch (error) {
    throw new UsageWrong((error as Error).message);
  }
}

/**
 * Usage passes through in buffers, which lie outside V8's heap. By default V8 marks the whole heap each time that 64 MiB of them
 * were allocated, several times a second under load, on threads that the work needs: half of the API's time. Here they count as
 * part of the heap's own limit, which grows with what lives. How much room the short-lived have is V8's to know before it begins:
 * `npm start` says 16 MiB, a quarter of what it would grow to, since nobody is answered while it is gone through.
 * docs/benchmarks.md has what both brought.
 */
function collectGarbageLess(): void {
  setFlagsFromString("--external-memory-accounted-in-global-limit");
  // Four times of what lives, the most that V8 takes by itself: with little alive it took less, and marked the heap thrice a second.
  setFlagsFromString("--heap-growing-percent=300");
}

async function main(): Promise<void> {
  collectGarbageLess();
  const role = readRole(process.argv.slice(2));
  const config = readConfig(process.env);
  const logger = createLogger(config.LOG_LEVEL);
  const signal = untilSignal();
  const stops: Stops = [];
  if (!(await awaitDatabase(config, logger, signal))) return;
  try {
    if (role === "worker") await startWorkerAlone(config, logger, stops);
    else await startService(role, await wire(config, logger, "tributary"), stops);
    logger.info({ signal: await signal }, "stopping");
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

async function startService(role: "all" | "api", tributary: Tributary, stops: Stops): Promise<void> {
  stops.push(tributary.close);
  if (role === "all") stops.push(await startWorkers(tributary));
  const { SETTLE_SCHEDULE: schedule, TWO_PERSON_APPROVAL: twoPerson } = tributary.config;
  if (schedule !== undefined) stops.push(startSettleSchedule({ ...tributary, schedule, twoPerson }));
  const api = await startApi(tributary);
  stops.push(api.stop);
  // A key is shown once: not by a start that then finds its port taken.
  if (tributary.config.OPERATOR_KEY === undefined) {
    const key = await createFirstOperatorKey(tributary.sql);
    if (key !== undefined) console.log(`Operator key, shown this once: ${key}`);
  }
  console.log(
    `Tributary answers at ${api.url}  (dashboard: ${api.url}/dashboard, API: ${api.url}/openapi.json)`,
  );
  if (tributary.simulator !== null)
    console.log(`Payouts go to the Stripe simulator at ${tributary.simulator}`);
}

async function startWorkerAlone(
  config: Config,
  logger: ReturnType<typeof createLogger>,
  stops: Stops,
): Promise<void> {
  const worker = await wireWorker(config, logger, "tributary-worker");
  stops.push(worker.close);
  stops.push(await startWorkers(worker));
  const { url, stop } = await serve(config, () => createWatchingApp(worker.watching));
  stops.push(stop);
  console.log(`Tributary worker watches at ${url}  (${url}/healthz, ${url}/metrics)`);
}

main()
  .catch((error: unknown) => {
    const isExpected = error instanceof UsageWrong || isForPeople(error);
    console.error(isExpected ? (error as Error).message : error);
    if (error instanceof UsageWrong) console.error(`\n${USAGE}`);
    process.exitCode = error instanceof UsageWrong ? 64 : 1;
  })
  // By now everything is released. But a connection that postgres.js was about to open again, after an outage, is
  // opened though its client has ended, and would keep the process for a minute or for ever.
  .finally(() => process.exit());
