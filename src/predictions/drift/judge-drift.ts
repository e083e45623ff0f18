import { addCell, type Cell, emptyCell } from "../insight/cells.ts";
import { measured } from "../insight/compare-versions.ts";
import { PERCENTILES, type Percentile } from "../insight/latency.ts";
import type { Rate } from "../insight/success-rate.ts";
import { daysApart, ratesApart } from "./compare-days.ts";
import { DRIFT_FIGURES, type DriftFacts, type DriftFigure, type DriftRule } from "./drift-rules.ts";

/** Days, half-open. */
export interface Days {
  from: string;
  to: string;
}

/** A figure that could be judged: enough of it on both sides. */
export interface Judged extends Omit<DriftFacts, "direction"> {
  /** Null when it is what it was, as far as can be told. */
  direction: "up" | "down" | null;
}

/**
 * What of a model's figures is not what it was: its difference is larger than the threshold, and zero does not lie between its
 * bounds. All versions together, and each version against its own days before; one that had not run enough then against the
 * version that ran most. Volume only of all together: versions take it from each other.
 */
export function judgeDrift(cells: readonly Cell[], rule: DriftRule, window: Days, baseline: Days): Judged[] {
  const within = (days: Days) => cells.filter(({ day }) => days.from <= day && day < days.to);
  const [now, before] = [within(window), within(baseline)];
  const judge = (of: Side, than: Side, version: string | null, comparedWith: string | null) =>
    DRIFT_FIGURES.flatMap((figure) => {
      const threshold = rule.thresholds[figure];
      if (threshold === undefined || (figure === "volume" && version !== null)) return [];
      const apart = APART[figure](of, than, rule.predictions_min);
      if (apart === null) return [];
      const direction = directionOf(apart, figure, threshold);
      const facts = { version, figure, direction, ...apart, threshold, compared_with: comparedWith };
      return [{ ...facts, window, baseline }];
    });
  const all = judge(sideOf(now, window), sideOf(before, sinceFirst(before, baseline)), null, null);
  const byVersion = versionsOf(now).flatMap((version) => {
    const own = before.filter((cell) => cell.version === version);
    const enough = totalOf(own).predictions >= rule.predictions_min;
    const other = enough ? version : mostRun(before, version);
    if (other === null) return [];
    const of = now.filter((cell) => cell.version === version);
    const than = before.filter((cell) => cell.version === other);
    return judge(
      sideOf(of, window),
      sideOf(than, sinceFirst(than, baseline)),
      version,
      enough ? null : other,
    );
  });
  // With one version alone that is all there is to tell.
  return versionsOf(cells).length > 1 ? [...all, ...byVersion] : all;
}

type Side = ReturnType<typeof sideOf>;
type Apart = { now: number; before: number; difference: Rate };

const APART: Record<DriftFigure, (now: Side, before: Side, min: number) => Apart | null> = {
  success_rate: (now, before, min) =>
    Math.min(now.tried, before.tried) < min
      ? null
      : ratesApart(now.total.success_rate, before.total.success_rate),
  latency_p50: (now, before, min) => latencyApart("p50", now, before, min),
  latency_p95: (now, before, min) => latencyApart("p95", now, before, min),
  latency_p99: (now, before, min) => latencyApart("p99", now, before, min),
  // Few now is what it is about.
  volume: (now, before, min) =>
    before.total.predictions < min ? null : daysApart(now.volumes, before.volumes),
  tokens_per_second: (now, before, min) =>
    Math.min(now.total.predictions, before.total.predictions) < min
      ? null
      : daysApart(now.speeds, before.speeds),
};

/** With fewer values beyond a percentile than this its upper bound is the last of them, which is too low. */
const BEYOND_MIN = 6;

function latencyApart(percentile: Percentile, now: Side, before: Side, min: number): Apart | null {
  const [a, b] = [now.total.latency, before.total.latency];
  if (a === null || b === null) return null;
  const timed = Math.min(a.predictions, b.predictions);
  if (timed < min || timed * (1 - PERCENTILES[percentile]) < BEYOND_MIN) return null;
  return ratesApart(a[percentile], b[percentile]);
}

function directionOf(
  { before, difference: { value, low, high } }: Apart,
  figure: DriftFigure,
  threshold: number,
): "up" | "down" | null {
  const size = figure === "success_rate" ? Math.abs(value) : Math.abs(value) / before;
  if (size <= threshold) return null;
  return low > 0 ? "up" : high < 0 ? "down" : null;
}

/** What is compared of some days. */
function sideOf(cells: readonly Cell[], days: Days) {
  const total = totalOf(cells);
  const { succeeded = 0, failed = 0, aborted = 0 } = total.by_status;
  const byDay = daysOf(cells, days).map((of) => totalOf(of));
  const speeds = byDay
    .filter(({ predict_micros, output_tokens }) => predict_micros > 0 && output_tokens > 0)
    .map(({ predict_micros, output_tokens }) => output_tokens / (predict_micros / 1e6));
  const volumes = byDay.map(({ predictions }) => predictions);
  return { total, tried: succeeded + failed + aborted, volumes, speeds };
}

/** The days from the first one on that has any. */
function sinceFirst(cells: readonly Cell[], { to }: Days): Days {
  return { from: cells.map(({ day }) => day).sort()[0] ?? to, to };
}

/** Its cells of each day; a day without any is one too. */
function daysOf(cells: readonly Cell[], { from, to }: Days): Cell[][] {
  const byDay: Cell[][] = [];
  for (let day = from; day < to; day = dayAfter(day)) byDay.push(cells.filter((cell) => cell.day === day));
  return byDay;
}

function totalOf(cells: readonly Cell[]) {
  const sum = emptyCell("", "");
  for (const cell of cells) addCell(sum, cell);
  const { by_status, predict_micros, output_tokens } = sum;
  return { ...measured(sum), by_status, predict_micros, output_tokens };
}

/** Those that have a name; the rest is in the total alone. */
function versionsOf(cells: readonly Cell[]): string[] {
  return [...new Set(cells.map(({ version }) => version))].filter((version) => version !== "").sort();
}

/** The version other than this one that ran most; null when there is none. */
function mostRun(cells: readonly Cell[], than: string): string | null {
  const counted = versionsOf(cells)
    .filter((version) => version !== than)
    .map((version) => ({
      version,
      ran: totalOf(cells.filter((cell) => cell.version === version)).predictions,
    }));
  return counted.sort((a, b) => b.ran - a.ran)[0]?.version ?? null;
}

export function dayAfter(day: string, days = 1): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}
