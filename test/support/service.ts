import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { until } from "./until.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const KEY = "an-operator-key-for-tests-0123456789";

export interface TestService {
  simulator: string;
  call<T>(method: string, path: string, body?: unknown, contentType?: string): Promise<T>;
  /** Runs one of the product's commands on the same data folder. */
  command(script: string, args: string[]): Promise<{ code: number | null; out: string }>;
  /** The same command, killed with everything it started after `ms`. */
  commandKilled(script: string, args: string[], ms: number): Promise<void>;
  /** kill -9 of PostgreSQL and of the whole process group: service and simulator. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** The service as users run it: `scripts/start.ts`, a process group of its own, on one data folder. */
export async function startService(
  dataDir: string,
  environment: NodeJS.ProcessEnv = {},
): Promise<TestService> {
  const [port, simulatorPort] = [await freePort(), await freePort()];
  const env = {
    ...process.env,
    DATA_DIR: dataDir,
    PORT: String(port),
    STRIPE_SIMULATOR_PORT: String(simulatorPort),
    OPERATOR_KEY: KEY,
    LOG_LEVEL: "error",
    ...environment,
  };
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    child = spawn(process.execPath, ["scripts/start.ts"], {
      cwd: ROOT,
      env,
      detached: true,
      stdio: ["ignore", "ignore", "inherit"],
    });
    const mine = child;
    await until(async () => {
      if (mine.exitCode !== null)
        throw new Error(`the service ended at its start, exit code ${mine.exitCode}`);
      return fetch(`http://127.0.0.1:${port}/healthz`).then(
        (response) => response.ok,
        () => false,
      );
    });
  }

  async function end(signal: NodeJS.Signals, group: boolean): Promise<void> {
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    process.kill(group ? -child.pid : child.pid, signal);
    await exited;
  }

  async function call<T>(
    method: string,
    path: string,
    body?: unknown,
    contentType = "application/json",
  ): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${port}/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${KEY}`,
        ...(body === undefined ? {} : { "content-type": contentType }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }

  function run(script: string, args: string[]): ChildProcess {
    return spawn(process.execPath, [`scripts/${script}.ts`, ...args], {
      cwd: ROOT,
      env,
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
    });
  }

  await start();
  return {
    simulator: `http://127.0.0.1:${simulatorPort}`,
    call,
    start,
    async kill() {
      const server = await readFile(join(dataDir, "postgres", "postmaster.pid"), "utf8");
      process.kill(Number(server.split("\n")[0]), "SIGKILL");
      await end("SIGKILL", true);
    },
    stop: () => end("SIGTERM", false),
    async command(script, args) {
      const process = run(script, args);
      let out = "";
      process.stdout?.on("data", (chunk) => {
        out += chunk;
      });
      const [code] = await once(process, "close");
      return { code, out };
    },
    async commandKilled(script, args, ms) {
      const running = run(script, args);
      const exited = once(running, "exit");
      const timer = setTimeout(() => running.pid !== undefined && process.kill(-running.pid, "SIGKILL"), ms);
      await exited;
      clearTimeout(timer);
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
