import { type ChildProcess, spawn } from "node:child_process";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { embeddedBinaries, serverEnvironment } from "./embedded-binaries.ts";
import { freePort } from "./free-port.ts";
import { findPostmaster, type Postmaster, removeStalePid, runsOn } from "./postmaster.ts";
import type { RunAs } from "./server-user.ts";

/** Two cores and some memory to spare; durability is PostgreSQL's own default, which is full. */
const SERVER_SETTINGS = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "100",
  shared_buffers: "512MB",
  max_wal_size: "4GB",
  min_wal_size: "512MB",
  checkpoint_timeout: "15min",
  timezone: "UTC",
};
/** The old server's lock or its last backends are still there, or someone took the port: the next try may work. */
const PASSING = /lock file|shared memory|could not bind|TCP\/IP socket/;
const STOP_WITHIN_MS = 60_000;

/**
 * Starts the server once, in a session of its own; it does not keep this process alive.
 * @returns what stood in the way, when it may pass by itself
 * @throws Error when it will not
 */
export async function startServer(dataDir: string, port: number, runAs: RunAs): Promise<string | undefined> {
  const cluster = join(dataDir, "postgres");
  await removeStalePid(cluster);
  const { postgres } = await embeddedBinaries(dataDir, runAs);
  const settings = { ...SERVER_SETTINGS, port: String(await freePort(port)) };
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const logPath = join(dataDir, "postgres.log");
  const logFile = await open(logPath, "a", 0o600);
  const loggedBefore = (await logFile.stat()).size;
  const child = spawn(postgres, ["-D", cluster, ...flags], {
    ...runAs,
    cwd: "/",
    // A session of its own: Ctrl-C in our terminal must not stop a server that others use, nor cut off our own stop.
    detached: true,
    stdio: ["ignore", logFile.fd, logFile.fd],
    env: serverEnvironment(),
  });
  const failure = await untilUpOrEnded(child, cluster).finally(() => logFile.close());
  child.unref();
  if (failure === undefined) return undefined;
  const fatal = lastFatal((await readFile(logPath)).subarray(loggedBefore).toString(), child.pid);
  if (fatal === undefined || PASSING.test(fatal)) return fatal ?? failure;
  throw new Error(`PostgreSQL does not start on ${cluster}: ${fatal}; see ${logPath}`);
}

/** Undefined once a server is there, this child or that of a process that was faster; otherwise how the child ended. */
async function untilUpOrEnded(child: ChildProcess, cluster: string): Promise<string | undefined> {
  let ended: string | undefined;
  child.once("exit", (code, signal) => {
    ended = `it ended with ${signal ?? `exit code ${code}`}`;
  });
  let refused: Error | undefined;
  child.once("error", (error) => {
    refused = error;
  });
  for (;;) {
    if (refused !== undefined) throw refused;
    if (ended !== undefined) return ended;
    if ((await findPostmaster(cluster))?.pid === child.pid) return undefined;
    await pause(20);
  }
}

/** What this process said at its end; another server may be writing to the same log. */
function lastFatal(logged: string, pid: number | undefined): string | undefined {
  const said = logged.split("\n").findLast((line) => line.includes(`[${pid}] FATAL:`));
  return said?.replace(/^.*FATAL: +/, "");
}

/** Stops it in order: sessions are ended, everything is written. @throws Error when it does not end */
export async function stopServer(cluster: string, { pid }: Postmaster): Promise<void> {
  try {
    process.kill(pid, "SIGINT");
  } catch {
    return; // It ended by itself, or belongs to another user, who may stop it.
  }
  for (const deadline = Date.now() + STOP_WITHIN_MS; await runsOn(pid, cluster); await pause(20)) {
    if (Date.now() > deadline)
      throw new Error(
        `PostgreSQL (process ${pid}) was told to stop and has not within ${STOP_WITHIN_MS / 1000} s`,
      );
  }
}
