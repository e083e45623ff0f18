import { Refusal } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";

/** The whole month's run; its steps have locks of their own. */
const RUN_LOCK = 7006;

/**
 * Runs a whole month while nobody else runs one on these books. The lock goes with the session: whoever is killed holds
 * nothing up.
 * @throws Refusal settlement_running, naming who runs it
 */
export async function runAlone<T>(sql: Sql, work: () => Promise<T>): Promise<T> {
  const session = await sql.reserve();
  try {
    const [{ mine }] = await session<[{ mine: boolean }]>`SELECT pg_try_advisory_lock(${RUN_LOCK}) AS mine`;
    if (!mine) throw await runningElsewhere(sql);
    try {
      return await work();
    } finally {
      await session`SELECT pg_advisory_unlock(${RUN_LOCK})`;
    }
  } finally {
    session.release();
  }
}

async function runningElsewhere(sql: Sql): Promise<Refusal> {
  const [other] = await sql<{ name: string; since: Date }[]>`
    SELECT a.application_name AS name, a.backend_start AS since FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.objid = ${RUN_LOCK} AND l.granted AND l.database = (
      SELECT oid FROM pg_database WHERE datname = current_database())`;
  const who =
    other === undefined ? "another run" : `${other.name}, connected since ${other.since.toISOString()},`;
  return new Refusal(
    "settlement_running",
    `${who} is running the month: wait until it ends, then run again (what is done is not done twice)`,
  );
}
