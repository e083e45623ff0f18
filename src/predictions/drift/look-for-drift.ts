import type { Sql } from "../../postgres/index.ts";
import { readCells } from "../insight/cells.ts";
import type { DriftRule } from "./drift-rules.ts";
import { type Days, dayAfter, judgeDrift } from "./judge-drift.ts";

/** What comes so long after its day is not waited for. */
const GRACE_MS = 3_600_000;

/**
 * Compares, once for each day that is over, what models with a rule did with what they did before, and tells their owners what is
 * not what it was. It reads windows and sketches of these models alone, and nothing waits for it. Answers of how many models
 * something was told.
 */
export async function lookForDrift(sql: Sql, at: Date): Promise<number> {
  const today = new Date(at.getTime() - GRACE_MS).toISOString().slice(0, 10);
  const day = dayAfter(today, -1);
  const rules = await sql<(DriftRule & { model: string })[]>`
    SELECT model, window_days, baseline_days, predictions_min, thresholds FROM drift_rule
    WHERE looked_at_day IS NULL OR looked_at_day < ${day}::text::date ORDER BY model`;
  if (rules.length === 0 || (await sketchesAreBehind(sql, new Date(`${today}T01:00:00Z`)))) return 0;
  let told = 0;
  for (const { model, ...rule } of rules) {
    const window: Days = { from: dayAfter(today, -rule.window_days), to: today };
    const baseline: Days = { from: dayAfter(window.from, -rule.baseline_days), to: window.from };
    const cells = await readCells(sql, { model, from: baseline.from, to: window.to, payee: null });
    const judged = judgeDrift(cells, rule, window, baseline).map((facts) => ({
      version: facts.version ?? "",
      figure: facts.figure,
      direction: facts.direction,
      facts,
    }));
    const [row] = await sql<[{ told: number | null }]>`
      SELECT record_drift(${model}, ${day}::text::date, ${JSON.stringify(judged)}::text::jsonb) AS told`;
    if ((row.told ?? 0) > 0) told++;
  }
  return told;
}

/** Whether events that were booked before are not in their sketches yet. */
async function sketchesAreBehind(sql: Sql, before: Date): Promise<boolean> {
  const [row] = await sql<[{ behind: boolean }]>`
    SELECT EXISTS (SELECT FROM usage_block WHERE sketched = 0 AND booked_at < ${before.toISOString()}::text::timestamptz) AS behind`;
  return row.behind;
}
