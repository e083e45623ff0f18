import { spawn } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "pino";
import { alive } from "../postgres/index.ts";

const MAIN = new URL("../../stripe-simulator/main.ts", import.meta.url).pathname;

export interface RunningSimulator {
  apiBase: string;
  stop(): Promise<void>;
}

/**
 * The Stripe simulator of this data folder: the one that is up, or a new process that ends with this one. Its state
 * lies in the folder, so it knows its transfers again after any crash.
 */
export async function joinOrStartSimulator(
  dataDir: string,
  port: number,
  logger: Logger,
): Promise<RunningSimulator> {
  await mkdir(dataDir, { recursive: true });
  const note = join(dataDir, "stripe-simulator.json");
  const known = await readNote(note);
  // One whose own service was killed is about to end: its port is free in a moment.
  if (known !== undefined && !alive(known.parent)) await untilGone(known.pid);
  else if (known !== undefined && (await answers(known.port, known.pid))) {
    return { apiBase: `http://127.0.0.1:${known.port}`, stop: async () => {} };
  }
  const started = await start(dataDir, port).catch((error: unknown) => {
    if (port === 0) throw error;
    logger.warn({ port }, "the Stripe simulator's port is taken; it gets another one");
    return start(dataDir, 0);
  });
  await writeFile(
    note,
    JSON.stringify({ port: started.port, pid: started.pid, parent: process.pid } satisfies Note),
  );
  return { apiBase: `http://127.0.0.1:${started.port}`, stop: started.stop };
}

interface Note {
  port: number;
  pid: number;
  /** The process that started it, and with which it ends. */
  parent: number;
}

const GONE_WITHIN_MS = 5_000;

async function untilGone(pid: number): Promise<void> {
  for (const deadline = Date.now() + GONE_WITHIN_MS; alive(pid) && Date.now() < deadline; ) await pause(50);
}

async function readNote(path: string): Promise<Note | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch {
    return undefined;
  }
}

/** Another program may have got the port since: the simulator says its pid. */
async function answers(port: number, pid: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/_simulator/state`, {
      signal: AbortSignal.timeout(2000),
    });
    const state = (await response.json()) as { pid?: number };
    return state.pid === pid;
  } catch {
    return false;
  }
}

async function start(dataDir: string, port: number) {
  const child = spawn(process.execPath, [MAIN], {
    stdio: ["ignore", "pipe", "ignore"],
    env: {
      ...process.env,
      STRIPE_SIMULATOR_PORT: String(port),
      STRIPE_SIMULATOR_STATE: join(dataDir, "stripe-simulator.jsonl"),
      STRIPE_SIMULATOR_PARENT_PID: String(process.pid),
    },
  });
  const exited = new Promise<never>((_, reject) => {
    child.once("exit", (code) =>
      reject(new Error(`the Stripe simulator ended at its start (exit code ${code})`)),
    );
    child.once("error", reject);
  });
  exited.catch(() => {});
  const ready = firstLine(child.stdout);
  const { port: bound, pid } = JSON.parse(await Promise.race([ready, exited])) as {
    port: number;
    pid: number;
  };
  child.unref();
  const stop = async () => {
    if (child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await gone;
  };
  return { port: bound, pid, stop };
}

async function firstLine(stream: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: stream })) return line;
  throw new Error("the Stripe simulator said nothing");
}
