import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { present } from "../../src/kernel/index.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const KEY = "an-operator-key-for-tests-0123456789";

export interface RoleProcess {
  url: string;
  /** Resolves with the exit code when the process ends, and with what it wrote to stderr. */
  ended: Promise<{ code: number | null; errors: string }>;
  call(method: string, path: string, body?: unknown, contentType?: string): Promise<unknown>;
  health(): Promise<{ status: number; body: { status: string; reasons: string[]; warnings: string[] } }>;
  /** The samples of `/metrics` by their text before the value, labels in the order they are written. */
  metrics(): Promise<Map<string, number>>;
  /** kill -9; `stop` still tidies up. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** `scripts/start.ts` as users run it, on a free port, with an empty data folder of its own. */
export async function startRole(
  role: "all" | "api" | "worker",
  environment: NodeJS.ProcessEnv,
): Promise<RoleProcess> {
  const dataDir = await mkdtemp(join(tmpdir(), "tributary-role-"));
  const { child, ended } = runStart(role === "all" ? [] : ["--only", role], {
    DATA_DIR: dataDir,
    PORT: "0",
    OPERATOR_KEY: KEY,
    KAFKA_BROKERS: "",
    // Nobody is paid here: without it an API would start a simulator.
    STRIPE_API_BASE: "http://127.0.0.1:1",
    LOG_LEVEL: "fatal",
    ...environment,
  });
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
    await rm(dataDir, { recursive: true, force: true });
  };
  const kill = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  const url = await readyUrl(child, ended).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { url, ended, kill, stop, ...watchers(url) };
}

/** Runs it until it ends by itself. */
export function runToEnd(
  args: string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<{ code: number | null; errors: string }> {
  return runStart(args, environment).ended;
}

function runStart(args: string[], environment: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, ["scripts/start.ts", ...args], {
    cwd: ROOT,
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, errors }));
  return { child, ended };
}

async function readyUrl(child: ChildProcess, ended: RoleProcess["ended"]): Promise<string> {
  let out = "";
  const ready = new Promise<string>((resolve) => {
    child.stdout?.on("data", (chunk) => {
      out += chunk;
      const found = /^Tributary (?:answers|worker watches) at (\S+)/m.exec(out);
      if (found !== null) resolve(present(found[1], "the URL"));
    });
  });
  const tooEarly = ended.then(({ code, errors }) => {
    throw new Error(`it ended at its start with ${code}: ${errors}`);
  });
  tooEarly.catch(() => {});
  return Promise.race([ready, tooEarly]);
}

function watchers(url: string): Pick<RoleProcess, "call" | "health" | "metrics"> {
  return {
    async call(method, path, body, contentType = "application/json") {
      const response = await fetch(`${url}/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${KEY}`, "content-type": contentType },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
      return JSON.parse(text);
    },
    async health() {
      const response = await fetch(`${url}/healthz`);
      const body = (await response.json()) as { status: string; reasons: string[]; warnings: string[] };
      return { status: response.status, body };
    },
    async metrics() {
      const response = await fetch(`${url}/metrics`);
      if (!response.ok) throw new Error(`/metrics: ${response.status}`);
      const lines = (await response.text())
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith("#"));
      return new Map(
        lines.map((line) => [
          line.slice(0, line.lastIndexOf(" ")),
          Number(line.slice(line.lastIndexOf(" "))),
        ]),
      );
    },
  };
}
