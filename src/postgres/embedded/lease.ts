import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import postgres from "postgres";

/** Someone's use of the embedded server, for as long as their process lives. */
export interface Lease {
  /** Gives it up. Whoever is last calls `stop`, while nobody new can come in. */
  giveUp(stop: () => Promise<void>): Promise<void>;
}

const LEASE_NAME = "tributary-lease";
/** Every lease holds this advisory lock, shared, in the database `postgres`. The last one to leave takes it alone. */
const LEASE_LOCK = 1;
/** Sessions that were closed just now may be seen a little longer. */
const SESSIONS_GONE_WITHIN_MS = 1000;

/**
 * A pool may be idle and have no connection, and still be in use: so every opener holds a connection of its own.
 * @param url of the database `postgres`
 * @throws postgres.PostgresError or a system error when the server cannot be reached now
 */
export async function takeLease(url: string): Promise<Lease> {
  let socket: Socket | undefined;
  const options = {
    max: 1,
    max_lifetime: null,
    fetch_types: false,
    connect_timeout: 5,
    onnotice: () => {},
    connection: { application_name: LEASE_NAME, lock_timeout: 15_000 },
    socket: async () => {
      const { hostname, port } = new URL(url);
      socket = connect(Number(port), hostname);
      await once(socket, "connect");
      return socket;
    },
  };
  const sql = postgres(url, options);
  try {
    // Waits while a last one stops the server, and then fails with it: the next try starts a new one.
    await sql`SELECT pg_advisory_lock_shared(${LEASE_LOCK})`;
  } catch (error) {
    await sql.end({ timeout: 0 });
    throw error;
  }
  // A process that forgets to close ends all the same.
  socket?.unref();
  const giveUp = async (stop: () => Promise<void>) => {
    socket?.ref();
    try {
      if (await isLast(sql)) await stop();
    } finally {
      await sql.end({ timeout: 1 });
    }
  };
  return { giveUp };
}

async function isLast(sql: postgres.Sql): Promise<boolean> {
  try {
    await sql`SELECT pg_advisory_unlock_shared(${LEASE_LOCK})`;
    const [lock] = await sql<[{ taken: boolean }]>`SELECT pg_try_advisory_lock(${LEASE_LOCK}) AS taken`;
    if (!lock.taken) return false;
    for (const deadline = Date.now() + SESSIONS_GONE_WITHIN_MS; Date.now() < deadline; await pause(25)) {
      if (!(await hasSessions(sql))) return true;
    }
    return false;
  } catch {
    return false; // It is down already: a signal to the whole process group reached it first.
  }
}

/** Sessions of others, psql for one, that have no lease. */
async function hasSessions(sql: postgres.Sql): Promise<boolean> {
  const found = await sql`
    SELECT FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND application_name <> ${LEASE_NAME} LIMIT 1`;
  return found.length > 0;
}
