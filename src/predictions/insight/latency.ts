import type { DDSketch } from "@datadog/sketches-js";
import type { Sql } from "../../postgres/index.ts";
import { emptySketch, RELATIVE_ACCURACY, readSketch } from "./stored-sketch.ts";
import { DEVIATIONS, type Rate } from "./success-rate.ts";

export const PERCENTILES = { p50: 0.5, p95: 0.95, p99: 0.99 } as const;
export type Percentile = keyof typeof PERCENTILES;

/** Seconds that predictions took that succeeded. */
export type Latency = Record<Percentile, Rate> & { predictions: number };

/** The sketch of one version, day and hardware. */
export interface DaySketch {
  version: string;
  day: string;
  /** Empty where it is not told. */
  hardware: string;
  sketch: DDSketch;
}

/** Those of a model on these days, half-open. */
export async function latencySketches(
  sql: Sql,
  model: string,
  { from, to }: { from: string; to: string },
): Promise<DaySketch[]> {
  const rows = await sql<(Omit<DaySketch, "sketch"> & { sketch: Buffer })[]>`
    SELECT v.version, s.service_day AS day, s.hardware, s.sketch
    FROM latency_sketch s JOIN model m USING (model_no) JOIN model_version v USING (model_version_no)
    WHERE m.id = ${model} AND s.service_day >= ${from}::date AND s.service_day < ${to}::date ORDER BY 2, 1, 3`;
  return rows.map(({ sketch, ...row }) => ({ ...row, sketch: readSketch(sketch) }));
}

/** All of them as one. */
export function mergedSketch(sketches: readonly DDSketch[]): DDSketch {
  const all = emptySketch();
  for (const sketch of sketches) all.merge(sketch);
  return all;
}

/** Null when nothing was timed. */
export function latencyOf(sketch: DDSketch): Latency | null {
  if (sketch.count === 0) return null;
  const { p50, p95, p99 } = PERCENTILES;
  return {
    predictions: sketch.count,
    p50: percentile(sketch, p50),
    p95: percentile(sketch, p95),
    p99: percentile(sketch, p99),
  };
}

/**
 * With the bounds between which the true percentile lies, 95 times of 100, whatever the distribution: how many of n values are below
 * it is binomial, so the values at the ranks np ± z√(np(1-p)) are its bounds (Conover, Practical Nonparametric Statistics, 3.2),
 * widened by what the sketch may be off. Where a rank is beyond the first or last value, that value is the bound: with few events
 * the upper one of p95 and p99 is too low then.
 */
function percentile(sketch: DDSketch, p: number): Rate {
  const rank = sketch.count * p;
  const spread = DEVIATIONS * Math.sqrt(rank * (1 - p));
  const at = (place: number) => secondsAt(sketch, (place - 1) / Math.max(1, sketch.count - 1));
  return {
    value: secondsAt(sketch, p),
    low: at(Math.max(1, Math.floor(rank - spread))) * (1 - RELATIVE_ACCURACY),
    high: at(Math.min(sketch.count, Math.ceil(rank + spread) + 1)) * (1 + RELATIVE_ACCURACY),
  };
}

function secondsAt(sketch: DDSketch, quantile: number): number {
  return sketch.getValueAtQuantile(quantile) / 1e6;
}
