import postgres from "postgres";
import type { Sql } from "../../postgres/index.ts";

/** The first of the two keys of our session-level advisory locks; the second is the partition. */
const LOCK_CLASS = 7002;

/**
 * A session that holds advisory locks, on a connection of its own that is never recycled. When the connection
 * dies, so do the locks: `onLost` is called, and the next `tryLock` begins a new session without any.
 */
export class PartitionLocks {
  readonly #session: postgres.Sql;

  constructor(sql: Sql, onLost: () => void) {
    // As postgres.js itself does for LISTEN: the same settings, parsed already, for one connection.
    const options = { ...sql.options, max: 1, idle_timeout: null, max_lifetime: null, onclose: onLost };
    this.#session = postgres(options as unknown as postgres.Options<Record<string, never>>);
  }

  async tryLock(partition: number): Promise<boolean> {
    const [row] = await this.#session<{ locked: boolean }[]>`
      SELECT pg_try_advisory_lock(${LOCK_CLASS}::int, ${partition}::int) AS locked`;
    return row?.locked === true;
  }

  async close(): Promise<void> {
    await this.#session.end({ timeout: 5 });
  }
}
