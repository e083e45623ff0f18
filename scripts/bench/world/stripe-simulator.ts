import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Opened } from "./opened.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;

/** A Stripe simulator of this benchmark's own; answers where. */
export async function startSimulator(opened: Opened): Promise<string> {
  const child = spawn(process.execPath, ["stripe-simulator/main.ts"], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      ...process.env,
      STRIPE_SIMULATOR_PORT: "0",
      STRIPE_SIMULATOR_STATE: "",
      STRIPE_SIMULATOR_PARENT_PID: String(process.pid),
    },
  });
  const ended = once(child, "exit");
  opened.later(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  for await (const line of createInterface({ input: child.stdout }))
    return `http://127.0.0.1:${(JSON.parse(line) as { port: number }).port}`;
  throw new Error("the Stripe simulator said nothing");
}
