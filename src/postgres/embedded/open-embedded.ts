import { mkdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import postgres from "postgres";
import { keepPort, OWNER, prepareCluster } from "./cluster.ts";
import { type Lease, takeLease } from "./lease.ts";
import { findPostmaster } from "./postmaster.ts";
import { startServer, stopServer } from "./server.ts";
import { letIn, serverUser } from "./server-user.ts";

export interface EmbeddedPostgres {
  /** Of the database `tributary`, with the password. */
  url: string;
  /** The last one out stops the server; it stays up for everyone else who opened it or is connected. */
  close(): Promise<void>;
}

/** After kill -9 the old server's lock, or its last backends, may take a while to go. */
const START_WITHIN_MS = 30_000;
/** As long as it answers that it is starting, it recovers: up to max_wal_size is replayed. */
const RECOVER_WITHIN_MS = 600_000;

/**
 * The PostgreSQL of a data folder: joins the server that is up, or starts it (and makes the cluster first). When its
 * openers are killed it stays up and the next opener joins it; when it is killed itself it recovers at the next start.
 * Several processes may open the same folder at the same time.
 * @throws Error that says what to do
 */
export async function openEmbeddedPostgres(options: {
  dataDir: string;
  log?: (line: string) => void;
}): Promise<EmbeddedPostgres> {
  await mkdir(options.dataDir, { recursive: true });
  const dataDir = await realpath(options.dataDir);
  const cluster = join(dataDir, "postgres");
  const runAs = await serverUser(cluster);
  await letIn(dataDir, runAs);
  const settings = await prepareCluster(dataDir, runAs);

  const begun = Date.now();
  let patienceMs = START_WITHIN_MS;
  let obstacle = "it does not answer";
  for (; Date.now() - begun < patienceMs; await pause(50)) {
    const server = await findPostmaster(cluster);
    if (server === undefined) {
      obstacle = (await startServer(dataDir, settings.port, runAs)) ?? obstacle;
      continue;
    }
    const urlOf = (database: string) =>
      `postgres://${OWNER}:${settings.password}@127.0.0.1:${server.port}/${database}`;
    const lease = await takeLease(urlOf("postgres")).catch((error: unknown) => whyNotYet(error, dataDir));
    if ("giveUp" in lease) {
      await keepPort(dataDir, settings, server.port);
      options.log?.(`PostgreSQL answers on port ${server.port}`);
      return { url: urlOf(OWNER), close: closeOnce(lease, () => stopServer(cluster, server)) };
    }
    obstacle = lease.message;
    if (lease.recovering) patienceMs = RECOVER_WITHIN_MS;
  }
  throw new Error(
    `PostgreSQL did not start within ${patienceMs / 1000} s (${obstacle}): see ${join(dataDir, "postgres.log")}`,
  );
}

/** @throws Error when waiting does not help */
function whyNotYet(error: unknown, dataDir: string): { message: string; recovering: boolean } {
  const code = error instanceof postgres.PostgresError ? error.code : undefined;
  if (code === "28P01") {
    throw new Error(
      `${join(dataDir, "postgres.json")} does not hold the password of the cluster beside it: put back the file that belongs to it`,
      { cause: error },
    );
  }
  const message = error instanceof Error ? error.message : String(error);
  return { message, recovering: code === "57P03" };
}

function closeOnce(lease: Lease, stop: () => Promise<void>): () => Promise<void> {
  let closing: Promise<void> | undefined;
  return () => {
    closing ??= lease.giveUp(stop);
    return closing;
  };
}
