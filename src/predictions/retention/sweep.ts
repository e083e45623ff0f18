import type { Sql } from "../../postgres/index.ts";
import type { DataKeys } from "../payloads/data-keys.ts";

/** A step is one short transaction; the sweep goes on until nothing is left to do. */
const ROWS_A_STEP = 2_000;

/** What a sweep has done so far. */
export interface SweepProgress {
  /** Payloads that were moved to another day, because a rule changed or a hold began or ended. */
  moved: number;
  /** Notes of payloads that went with their day. */
  expired: number;
  /** Days whose table is gone. */
  days: number;
  /** Tables that were written anew, so that what was deleted is off the disk. */
  rewritten: number;
  /** Data keys that another master key wraps now. */
  rewrapped: number;
}

/**
 * Lets go what has expired and what was erased, off the disk too, in small steps; safe to repeat, beside itself and after a
 * kill at any step.
 */
export async function sweepPayloads(
  sql: Sql,
  keys: DataKeys,
  onProgress: (progress: SweepProgress) => void = () => {},
): Promise<SweepProgress> {
  const progress: SweepProgress = { moved: 0, expired: 0, days: 0, rewritten: 0, rewrapped: 0 };
  const steps = async (what: keyof SweepProgress, step: () => Promise<number>) => {
    for (let count = await step(); count > 0; count = await step()) {
      progress[what] += count;
      onProgress({ ...progress });
    }
  };
  await steps("moved", () => count(sql`SELECT apply_payload_rules(${ROWS_A_STEP}) AS count`));
  for (const { day } of await sql<{ day: string }[]>`SELECT expired_payload_days()::text AS day`) {
    await steps("expired", () =>
      count(sql`SELECT drop_payload_day(${day}::text::date, ${ROWS_A_STEP}) AS count`),
    );
    progress.days++;
    onProgress({ ...progress });
  }
  progress.rewritten += await rewriteTables(sql);
  await steps("rewrapped", () => keys.rewrap());
  onProgress({ ...progress });
  return progress;
}

/**
 * Writes tables anew from which rows were deleted that must be gone from the files; answers how many. One that somebody may
 * still see the old rows of waits for the next time.
 */
export async function rewriteTables(sql: Sql): Promise<number> {
  const tables = await sql<{ table_name: string; deleted_before: string }[]>`
    SELECT table_name, deleted_before FROM rewritable_tables()`;
  for (const { table_name, deleted_before } of tables) {
    // A day may be gone by now; the name is one that our own functions noted.
    const [there] = await sql<[{ there: boolean }]>`SELECT to_regclass(${table_name}) IS NOT NULL AS there`;
    if (there.there) await sql.unsafe(`VACUUM (FULL) ${table_name}`);
    await sql`DELETE FROM payload_rewrite WHERE table_name = ${table_name} AND deleted_before = ${deleted_before}`;
  }
  return tables.length;
}

async function count(asked: Promise<readonly unknown[]>): Promise<number> {
  const [row] = (await asked) as [{ count: number }];
  return row.count;
}
