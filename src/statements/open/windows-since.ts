import { present } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";

export interface WindowsSince {
  /** Of everything that is in the windows read. */
  snapshot: string;
  /** A line each: number of the term, day, then events and quantities in the order of `BUILT_IN`. One for each partition. */
  windows: string | null;
  /** Of other meters, a line each: number of the term, day, meter, quantity. */
  others: string | null;
}

/** The meters of a window, in the order in which they are read. */
export const BUILT_IN = ["runs", "predict_seconds", "input_tokens", "output_tokens", "images"] as const;

/**
 * The charged windows that pay a payee and are booked from a period on: all of them, or those into which a block was booked
 * that a snapshot of before does not see, as they are now, whole. It is asked of each block whether the snapshot sees the
 * transaction that booked it, so it does not matter in what order batches commit. One statement: what it says is of one
 * moment. As text, and priced by whoever reads it: rows, joins and products took most of the time.
 */
export async function windowsSince(
  sql: Sql,
  payee: string,
  from: string,
  since: string | null,
): Promise<WindowsSince> {
  const [read] = await sql<[WindowsSince]>`
    WITH wanted AS MATERIALIZED (${since === null ? all(sql, payee, from) : changed(sql, payee, from, since)})
    SELECT pg_current_snapshot()::text AS snapshot,
      (SELECT string_agg(concat_ws(' ', w.term_no, w.service_day, w.events, w.runs, w.predict_seconds, w.input_tokens,
         w.output_tokens, w.images), E'\\n')
       FROM wanted t ${since === null ? sql`JOIN term_window w USING (term_no)` : ofDay(sql, "term_window")}) AS windows,
      (SELECT string_agg(concat_ws(' ', w.term_no, w.service_day, m.name, w.quantity), E'\\n')
       FROM wanted t ${since === null ? sql`JOIN term_window_meter w USING (term_no)` : ofDay(sql, "term_window_meter")}
       JOIN meter m USING (meter_no)) AS others`;
  return present(read, "a row");
}

function all(sql: Sql, payee: string, from: string) {
  return sql`
    SELECT term_no FROM usage_term
    WHERE split_plan_no = ANY (ARRAY(SELECT split_plan_no FROM split_plan WHERE payees @> ARRAY[${payee}]))
      AND charged = 1 AND booked_period >= ${from}`;
}

/** Each is looked up by its key, whatever is believed about how many there are. */
function changed(sql: Sql, payee: string, from: string, snapshot: string) {
  return sql`
    SELECT g.term_no, g.service_day
    FROM (
      SELECT DISTINCT x.term_no, date '1970-01-01' + (x.first / 86400000000)::int AS service_day
      FROM usage_block b CROSS JOIN LATERAL unnest(b.group_term_no, b.group_first) AS x(term_no, first)
      WHERE b.booked_in >= pg_snapshot_xmin(${snapshot}::pg_snapshot)
        AND NOT pg_visible_in_snapshot(b.booked_in, ${snapshot}::pg_snapshot)
        -- In a database that was restored from a dump numbers of the old one may be far ahead.
        AND b.booked_in < pg_snapshot_xmax(pg_current_snapshot())) g
    CROSS JOIN LATERAL (SELECT * FROM usage_term x WHERE x.term_no = g.term_no OFFSET 0) t
    CROSS JOIN LATERAL (SELECT * FROM split_plan x WHERE x.split_plan_no = t.split_plan_no OFFSET 0) s
    WHERE t.charged = 1 AND t.booked_period >= ${from} AND s.payees @> ARRAY[${payee}]`;
}

function ofDay(sql: Sql, table: "term_window" | "term_window_meter") {
  return sql`CROSS JOIN LATERAL (
    SELECT * FROM ${sql(table)} x WHERE x.term_no = t.term_no AND x.service_day = t.service_day OFFSET 0) w`;
}
