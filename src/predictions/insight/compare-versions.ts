import type { Sql } from "../../postgres/index.ts";
import { addCell, type Cell, emptyCell, type InsightQuery } from "./cells.ts";
import { bookedSince } from "./figures.ts";
import { type Latency, latencyOf, mergedSketch } from "./latency.ts";
import { difference, type Rate, successRate } from "./success-rate.ts";

/** Figures of fewer customers would be figures of somebody. */
const CUSTOMERS_MIN = 5;

/** A version beside the one that ran most. Zero between a difference's bounds: no difference is shown. */
export interface VersionComparison {
  version: string | null;
  predictions: number;
  /** In the months that the days are of, at least five; null for fewer. */
  customers: number | null;
  success_rate: Rate | null;
  latency: Latency | null;
  /** Thumbs up among all thumbs. */
  feedback_ratio: Rate | null;
  /** Less that of the version that ran most; null for that one itself. */
  difference: Rate | null;
  latency_difference: { p50: Rate | null; p95: Rate | null; p99: Rate | null } | null;
  feedback_difference: Rate | null;
}

export function compareVersions(
  cells: readonly Cell[],
  customers: ReadonlyMap<string, number>,
): VersionComparison[] {
  const sums = new Map<string, Cell>();
  for (const cell of cells) {
    const sum = sums.get(cell.version) ?? emptyCell(cell.version, "");
    addCell(sum, cell);
    sums.set(cell.version, sum);
  }
  const all = [...sums.values()]
    .map((cell) => ({ cell, ...measured(cell) }))
    .sort((a, b) => b.predictions - a.predictions || (a.cell.version < b.cell.version ? -1 : 1));
  const [most] = all;
  return all.map(({ cell, ...one }) => {
    const other = most === undefined || most.cell === cell ? null : most;
    return {
      version: cell.version || null,
      ...one,
      customers: customers.get(cell.version) ?? null,
      difference: difference(one.success_rate, other?.success_rate ?? null),
      latency_difference: other === null ? null : latencyDifference(one.latency, other.latency),
      feedback_difference: difference(one.feedback_ratio, other?.feedback_ratio ?? null),
    };
  });
}

/** Canceled predictions are neither success nor failure. */
export function measured({ by_status, sketches, up, down }: Cell) {
  const { succeeded = 0, failed = 0, aborted = 0 } = by_status;
  return {
    predictions: Object.values(by_status).reduce((sum, events) => sum + events, 0),
    success_rate: successRate(succeeded, succeeded + failed + aborted),
    latency: latencyOf(mergedSketch(sketches)),
    feedback_ratio: successRate(up, up + down),
  };
}

function latencyDifference(a: Latency | null, b: Latency | null): VersionComparison["latency_difference"] {
  return {
    p50: difference(a?.p50 ?? null, b?.p50 ?? null),
    p95: difference(a?.p95 ?? null, b?.p95 ?? null),
    p99: difference(a?.p99 ?? null, b?.p99 ?? null),
  };
}

/** How many customers each version had, where they are enough. */
export async function customersOf(sql: Sql, { model, from, to }: InsightQuery): Promise<Map<string, number>> {
  const rows = await sql<{ version: string; customers: number }[]>`
    SELECT v.version, u.customers
    FROM (
      SELECT t.model_version_no, count(DISTINCT w.customer_no)::int AS customers
      FROM usage_term t JOIN customer_term_window w USING (term_no)
      WHERE t.model_no = (SELECT model_no FROM model WHERE id = ${model}) AND ${bookedSince(sql, from)}
        AND w.service_month >= date_trunc('month', ${from}::date) AND w.service_month < ${to}::date
      GROUP BY 1 HAVING count(DISTINCT w.customer_no) >= ${CUSTOMERS_MIN}) u
    JOIN model_version v USING (model_version_no)`;
  return new Map(rows.map(({ version, customers }) => [version, customers]));
}
