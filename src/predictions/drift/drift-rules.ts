import type { Sql } from "../../postgres/index.ts";

export const DRIFT_FIGURES = [
  "success_rate",
  "latency_p50",
  "latency_p95",
  "latency_p99",
  "volume",
  "tokens_per_second",
] as const;
export type DriftFigure = (typeof DRIFT_FIGURES)[number];

/** When a model's owner wants to be told. */
export interface DriftRule {
  window_days: number;
  baseline_days: number;
  predictions_min: number;
  /** A difference of success_rate; parts of what they were of the others. What is not there is not looked at. */
  thresholds: Partial<Record<DriftFigure, number>>;
}

export interface DriftNow {
  rule: DriftRule | null;
  /** The last day of what was compared last. */
  looked_at_day: string | null;
  /** What differs now, as it was told. */
  drifting: (DriftFacts & { since_day: string })[];
}

/** One figure that is not what it was. */
export interface DriftFacts {
  /** Null for all versions together. */
  version: string | null;
  figure: DriftFigure;
  direction: "up" | "down";
  before: number;
  now: number;
  /** Of the two, with the bounds of its 95 % confidence interval. */
  difference: { value: number; low: number; high: number };
  threshold: number;
  /** The version that ran most before, where this one had not run enough; null where it is compared with itself. */
  compared_with: string | null;
  /** Half-open. */
  window: { from: string; to: string };
  baseline: { from: string; to: string };
}

export async function findDrift(sql: Sql, model: string): Promise<DriftNow> {
  const [row] = await sql<(DriftRule & { looked_at_day: string | null })[]>`
    SELECT window_days, baseline_days, predictions_min, thresholds, looked_at_day FROM drift_rule WHERE model = ${model}`;
  const drifting = await sql<{ facts: DriftFacts; since_day: string }[]>`
    SELECT facts, since_day FROM drift_state WHERE model = ${model} ORDER BY since_day, version, figure`;
  if (row === undefined) return { rule: null, looked_at_day: null, drifting: [] };
  const { looked_at_day, ...rule } = row;
  return { rule, looked_at_day, drifting: drifting.map(({ facts, since_day }) => ({ ...facts, since_day })) };
}

/** From the next day that is over on. What was told already is told again only when it was over in between. */
export async function setDriftRule(
  sql: Sql,
  model: string,
  { window_days, baseline_days, predictions_min, thresholds }: DriftRule,
  by: string,
): Promise<void> {
  await sql`
    INSERT INTO drift_rule (model, window_days, baseline_days, predictions_min, thresholds, set_by)
    VALUES (${model}, ${window_days}, ${baseline_days}, ${predictions_min}, ${JSON.stringify(thresholds)}::text::jsonb, ${by})
    ON CONFLICT (model) DO UPDATE SET window_days = excluded.window_days, baseline_days = excluded.baseline_days,
      predictions_min = excluded.predictions_min, thresholds = excluded.thresholds, set_by = excluded.set_by,
      set_at = clock_timestamp()`;
}

/** False when there was none. */
export async function deleteDriftRule(sql: Sql, model: string): Promise<boolean> {
  const gone = await sql`
    WITH gone AS (DELETE FROM drift_rule WHERE model = ${model} RETURNING model),
    forgotten AS (DELETE FROM drift_state WHERE model = ${model})
    SELECT FROM gone`;
  return gone.length > 0;
}
