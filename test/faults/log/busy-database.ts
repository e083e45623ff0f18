import { until } from "../../support/until.ts";
import type { Stage } from "../harness/stage.ts";

/** The catalogue-and-books lock, which every batch shares. */
const LOCK = 7001;

/** A database that answers, and lets no batch through. */
export async function busyDatabase({ database: { sql } }: Stage) {
  const session = await sql.reserve();
  return {
    begin: async () => void (await session`SELECT pg_advisory_lock(${LOCK})`),
    /** Resolves when a worker has a batch in hand that waits. */
    untilWaitedFor: () =>
      until(async () => {
        const waiting = await sql`
          SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)
          WHERE l.locktype = 'advisory' AND l.objid = ${LOCK} AND NOT l.granted AND a.query LIKE '%apply_usage_batch%'`;
        return waiting.length > 0;
      }),
    end: async () => void (await session`SELECT pg_advisory_unlock(${LOCK})`),
    async close() {
      await session`SELECT pg_advisory_unlock_all()`;
      session.release();
    },
  };
}
