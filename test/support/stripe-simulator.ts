import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const MAIN = new URL("../../stripe-simulator/main.ts", import.meta.url).pathname;

export interface TestSimulator {
  port: number;
  pid: number;
  url: string;
  /** Pulls one of its levers, such as POST /clock. */
  control(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>;
  kill(signal: NodeJS.Signals): Promise<void>;
  stop(): Promise<void>;
}

/** The simulator as a real process of its own; it ends with this one at the latest. */
export async function startStripeSimulator(
  options: { statePath?: string; port?: number } = {},
): Promise<TestSimulator> {
  const child = spawn(process.execPath, [MAIN], {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      ...process.env,
      STRIPE_SIMULATOR_PORT: String(options.port ?? 0),
      STRIPE_SIMULATOR_STATE: options.statePath ?? "",
      STRIPE_SIMULATOR_PARENT_PID: String(process.pid),
    },
  });
  const { port, pid } = await ready(child);
  const url = `http://127.0.0.1:${port}`;
  async function kill(signal: NodeJS.Signals): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }
  return {
    port,
    pid,
    url,
    async control(method, path, body) {
      const response = await fetch(`${url}/_simulator${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return (await response.json()) as Record<string, unknown>;
    },
    kill,
    stop: () => kill("SIGTERM"),
  };
}

async function ready(child: ChildProcess): Promise<{ port: number; pid: number }> {
  if (child.stdout === null) throw new Error("no output");
  for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line);
  throw new Error("the simulator ended at its start");
}
