import type { Sql } from "../../postgres/index.ts";
import { emptySketch, readSketch, sketchBytes } from "./stored-sketch.ts";

/** With full blocks about two hundred thousand events, a few megabytes. */
const BLOCKS_PER_CALL = 10;

interface Group {
  model_no: number;
  model_version_no: number;
  day: string;
  /** Microseconds of each event, with commas between. */
  micros: string;
  revision: number;
  sketch: Buffer | null;
}

/**
 * Adds how long predictions took to the sketches of their version and day. Follows metering by a minute and holds it up
 * nowhere; each event is in once, whenever this is killed or done twice beside itself.
 */
export async function sketchLatencies(sql: Sql): Promise<void> {
  for (;;) {
    const rows = await sql<{ block_no: string }[]>`
      SELECT block_no::text FROM usage_block WHERE sketched = 0 ORDER BY block_no LIMIT ${BLOCKS_PER_CALL}`;
    if (rows.length === 0) return;
    const blocks = rows.map(({ block_no }) => block_no);
    await sketchBlocks(sql, blocks);
    // What another one did first is no longer among those that are left.
    if (blocks.length < BLOCKS_PER_CALL) return;
  }
}

async function sketchBlocks(sql: Sql, blocks: readonly string[]): Promise<void> {
  const groups = await sql<Group[]>`
    WITH timed AS MATERIALIZED (
      SELECT t.model_no, t.model_version_no, date '1970-01-01' + (e.occurred_at / 86400000000)::int AS service_day,
        string_agg(e.predict_seconds::text, ',') AS micros
      FROM usage_block b
      CROSS JOIN LATERAL events_of_block(b.events, b.group_term_no, b.group_customer_no, b.source_nos) e
      JOIN usage_term t ON t.term_no = e.term_no
      WHERE b.block_no = ANY (${blocks as string[]}::text[]::bigint[]) AND b.predict_seconds IS NOT NULL
        AND e.predict_seconds IS NOT NULL AND t.status = 'succeeded'
      GROUP BY 1, 2, 3
    )
    SELECT g.model_no, g.model_version_no, g.service_day AS day, g.micros, coalesce(s.revision, 0) AS revision, s.sketch
    FROM timed g LEFT JOIN latency_sketch s USING (model_no, model_version_no, service_day)`;
  await sql`SELECT store_latency_sketches(${blocks as string[]}::text[]::bigint[],
    ${groups.map((group) => group.model_no)}::int[], ${groups.map((group) => group.model_version_no)}::int[],
    ${groups.map(({ day }) => day)}::text[]::date[], ${groups.map(({ revision }) => revision)}::int[],
    ${groups.map(grown)}::text[]::bytea[])`;
}

/** The sketch with the group's events, as PostgreSQL reads bytes. */
function grown({ micros, sketch }: Group): string {
  const all = sketch === null ? emptySketch() : readSketch(sketch);
  for (const one of micros.split(",")) all.accept(Number(one));
  return `\\x${sketchBytes(all).toString("hex")}`;
}
