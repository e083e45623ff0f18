import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Opened } from "./opened.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;
/** What `npm start` gives to node: "exec node [options] scripts/start.ts". */
const AS_STARTED: string[] = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"))
  .scripts.start.split(" ")
  .slice(2);
export const OPERATOR_KEY = "an-operator-key-for-benchmarks-0123456789";

export interface RoleProcess {
  pid: number;
  /** Where it answers, once it does. */
  ready: Promise<string>;
  /** Rejects when it ends without having been stopped. */
  failed: Promise<never>;
  stop(): Promise<void>;
}

/** The shell becomes the role; what stays beside it waits for the end of our pipe, then ends the role. */
const END_WITH_PARENT = 'exec 3<&0; { cat <&3 >/dev/null 2>&1; kill -9 $$ 2>/dev/null; } & exec "$@" 3<&-';

/** `scripts/start.ts` as operators run it, a process of its own on a free port. */
export function startRole(
  opened: Opened,
  role: "api" | "worker",
  settings: {
    folder: string;
    databaseUrl: string;
    brokers: string | null;
    partitions: number;
    /** Where the Stripe simulator is; nobody is paid without it. */
    stripe?: string;
  },
): RoleProcess {
  const command = [process.execPath, ...AS_STARTED, "--only", role];
  const child = spawn("sh", ["-c", END_WITH_PARENT, "role", ...command], {
    cwd: ROOT,
    stdio: ["pipe", "pipe", "inherit"],
    env: {
      ...process.env,
      DATABASE_URL: settings.databaseUrl,
      KAFKA_BROKERS: settings.brokers ?? "",
      USAGE_PARTITIONS: String(settings.partitions),
      DATA_DIR: join(settings.folder, "data"),
      PORT: "0",
      HOST: "127.0.0.1",
      OPERATOR_KEY,
      // Named, so that no API starts a simulator of its own.
      STRIPE_SECRET_KEY: "",
      STRIPE_API_BASE: settings.stripe ?? "http://127.0.0.1:1",
      LOG_LEVEL: process.env.LOG_LEVEL || "error",
    },
  });
  const ended = once(child, "exit");
  let stopping = false;
  const stop = async () => {
    stopping = true;
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
    await ended;
  };
  opened.later(stop);
  const failed = ended.then(([code, signal]) => {
    if (stopping) return new Promise<never>(() => {});
    throw new Error(`the ${role} ended by itself with ${signal ?? `exit code ${code}`}`);
  });
  failed.catch(() => {});
  const ready = Promise.race([readyUrl(child), failed]);
  ready.catch(() => {});
  return { pid: child.pid ?? 0, ready, failed, stop };
}

function readyUrl(child: ChildProcess): Promise<string> {
  let said = "";
  return new Promise((resolve) => {
    child.stdout?.on("data", (chunk) => {
      said += chunk;
      const url = /^Tributary (?:answers|worker watches) at (\S+)/m.exec(said)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
}

/** How many batches a worker applied since it began, as its own metrics say. */
export async function appliedBatches(worker: RoleProcess): Promise<number> {
  const response = await fetch(`${await worker.ready}/metrics`);
  const found = /^tributary_metering_batch_records_count (\d+)/m.exec(await response.text());
  return Number(found?.[1] ?? 0);
}
