import type { AddressInfo } from "node:net";
import { createSimulator } from "./server.ts";
import { State } from "./state.ts";

const PARENT_POLL_MS = 1_000;

const port = whole("STRIPE_SIMULATOR_PORT", 12_111);
const parent = whole("STRIPE_SIMULATOR_PARENT_PID", 0);
// Only for a container, whose loopback nobody else can reach. The control API answers loopback alone, whatever this says.
const host = process.env.STRIPE_SIMULATOR_HOST || "127.0.0.1";

const server = createSimulator(new State(process.env.STRIPE_SIMULATOR_STATE || undefined));
server.once("error", (error) => {
  console.error(error.message);
  process.exit(1);
});
server.listen(port, host, () => {
  const address = server.address() as AddressInfo;
  console.log(JSON.stringify({ ready: true, port: address.port, pid: process.pid }));
});

function stop(): void {
  server.close(() => process.exit(0));
  server.closeAllConnections();
}
process.on("SIGTERM", stop);
process.on("SIGINT", stop);

// It ends with whoever started it, even when that one was killed.
if (parent > 0) setInterval(() => parentLives() || process.exit(0), PARENT_POLL_MS).unref();

function parentLives(): boolean {
  try {
    return process.kill(parent, 0);
  } catch (error) {
    // EPERM: it lives, and belongs to someone else.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function whole(name: string, fallback: number): number {
  const text = process.env[name] || String(fallback);
  if (/^\d{1,9}$/.test(text)) return Number(text);
  console.error(`${name}: a whole number, not ${text}`);
  process.exit(1);
}
