import type { Sql } from "../../postgres/index.ts";
import { type Rate, rateDifference, successRate } from "./success-rate.ts";

/** What ran of one version on one day; quantities as charged. */
export interface InsightRow {
  version: string | null;
  day: string;
  predictions: number;
  by_status: Record<string, number>;
  success_rate: Rate | null;
  predict_seconds: number;
  input_tokens: number;
  output_tokens: number;
  /** Null when either was not metered. */
  output_tokens_per_second: number | null;
}

/** A version's success beside the version that ran most. */
export interface VersionComparison {
  version: string | null;
  predictions: number;
  success_rate: Rate | null;
  /** Less that of the version that ran most; null for that one itself. Zero between its bounds: no difference is shown. */
  difference: Rate | null;
}

interface Row {
  version: string;
  day: string;
  by_status: Record<string, number>;
  predict_micros: string;
  input_tokens: string;
  output_tokens: string;
}

/** From the usage windows, so whatever is metered is in it; canceled predictions are neither success nor failure. */
export async function modelInsight(
  sql: Sql,
  model: string,
  { from, to }: { from: string; to: string },
): Promise<{ data: InsightRow[]; versions: VersionComparison[] }> {
  const rows = await sql<Row[]>`
    SELECT version, day, jsonb_object_agg(status, events) AS by_status, sum(micros)::text AS predict_micros,
      sum(input)::text AS input_tokens, sum(output)::text AS output_tokens
    FROM (
      SELECT v.version, to_char(w.service_day, 'YYYY-MM-DD') AS day, t.status, sum(w.events) AS events,
        sum(w.predict_seconds) AS micros, sum(w.input_tokens) AS input, sum(w.output_tokens) AS output
      FROM term_window w JOIN usage_term t USING (term_no) JOIN model m USING (model_no)
      JOIN model_version v USING (model_version_no)
      WHERE m.id = ${model} AND w.service_day >= ${from}::date AND w.service_day < ${to}::date GROUP BY 1, 2, 3
    ) AS by_status GROUP BY 1, 2 ORDER BY 2, 1`;
  return { data: rows.map(insightRow), versions: compareVersions(rows) };
}

function insightRow({ version, day, by_status, ...sums }: Row): InsightRow {
  const seconds = Number(sums.predict_micros) / 1e6;
  const output = Number(sums.output_tokens);
  const { succeeded, tried } = attempts(by_status);
  return {
    version: version || null,
    day,
    predictions: total(by_status),
    by_status,
    success_rate: successRate(succeeded, tried),
    predict_seconds: seconds,
    input_tokens: Number(sums.input_tokens),
    output_tokens: output,
    output_tokens_per_second: seconds > 0 && output > 0 ? output / seconds : null,
  };
}

function compareVersions(rows: readonly Row[]): VersionComparison[] {
  const statuses = new Map<string, Record<string, number>>();
  for (const { version, by_status } of rows) {
    const sums = statuses.get(version) ?? {};
    for (const [status, events] of Object.entries(by_status)) sums[status] = (sums[status] ?? 0) + events;
    statuses.set(version, sums);
  }
  const all = [...statuses].sort((a, b) => total(b[1]) - total(a[1]) || (a[0] < b[0] ? -1 : 1));
  const [most] = all;
  return all.map(([version, sums]) => {
    const { succeeded, tried } = attempts(sums);
    const isMost = most === undefined || most[0] === version;
    return {
      version: version || null,
      predictions: total(sums),
      success_rate: successRate(succeeded, tried),
      difference: isMost ? null : rateDifference({ succeeded, tried }, attempts(most[1])),
    };
  });
}

function attempts(byStatus: Record<string, number>): { succeeded: number; tried: number } {
  const { succeeded = 0, failed = 0, aborted = 0 } = byStatus;
  return { succeeded, tried: succeeded + failed + aborted };
}

function total(byStatus: Record<string, number>): number {
  return Object.values(byStatus).reduce((sum, events) => sum + events, 0);
}
