import { type Money, money, type Rational, roundToNanos } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { addCell, type Cell, emptyCell, type InsightQuery, readCells } from "./cells.ts";
import { compareVersions, customersOf, measured, type VersionComparison } from "./compare-versions.ts";
import type { Latency } from "./latency.ts";
import type { Rate } from "./success-rate.ts";

export const INSIGHT_DIMENSIONS = ["version", "day", "hardware"] as const;
export type InsightDimension = (typeof INSIGHT_DIMENSIONS)[number];

/** What ran; quantities as charged. Only the dimensions asked for are there. */
export interface InsightRow {
  version?: string | null;
  day?: string;
  /** Null where it is not told, or not summed yet: a minute or so after the events. */
  hardware?: string | null;
  predictions: number;
  by_status: Record<string, number>;
  success_rate: Rate | null;
  /** Null until a minute or so after the events, and where no predict_time was metered. */
  latency: Latency | null;
  predict_seconds: number;
  input_tokens: number;
  output_tokens: number;
  /** Null when either was not metered. */
  output_tokens_per_second: number | null;
  feedback: { up: number; down: number; ratio: Rate | null };
  /** What customers owe for it, one a currency. */
  gross: Money[];
  /** What the payee who asks earns of it; null for everybody else. */
  earned: Money[] | null;
}

/** Whatever is metered is in it; sketches and customers follow metering by minutes. */
export async function modelInsight(
  sql: Sql,
  query: InsightQuery & { groupBy: readonly InsightDimension[] },
): Promise<{ data: InsightRow[]; versions: VersionComparison[] }> {
  const [cells, customers] = await Promise.all([
    readCells(sql, { ...query, byHardware: query.groupBy.includes("hardware") }),
    customersOf(sql, query),
  ]);
  const groups = new Map<string, Cell>();
  for (const cell of cells) {
    const version = query.groupBy.includes("version") ? cell.version : "";
    const day = query.groupBy.includes("day") ? cell.day : "";
    const name = `${day} ${version}\0${cell.hardware}`;
    const group = groups.get(name) ?? emptyCell(version, day, cell.hardware);
    addCell(group, cell);
    groups.set(name, group);
  }
  const data = [...groups.values()].map((group) => insightRow(group, query));
  return { data, versions: compareVersions(cells, customers) };
}

function insightRow(
  group: Cell,
  { groupBy, payee }: { groupBy: readonly InsightDimension[]; payee: string | null },
): InsightRow {
  const { feedback_ratio, ...rest } = measured(group);
  const seconds = group.predict_micros / 1e6;
  const output = group.output_tokens;
  return {
    ...(groupBy.includes("version") ? { version: group.version || null } : {}),
    ...(groupBy.includes("day") ? { day: group.day } : {}),
    ...(groupBy.includes("hardware") ? { hardware: group.hardware || null } : {}),
    ...rest,
    by_status: group.by_status,
    predict_seconds: seconds,
    input_tokens: group.input_tokens,
    output_tokens: output,
    output_tokens_per_second: seconds > 0 && output > 0 ? output / seconds : null,
    feedback: { up: group.up, down: group.down, ratio: feedback_ratio },
    gross: amounts(group.gross),
    earned: payee === null ? null : amounts(group.earned),
  };
}

function amounts(sums: ReadonlyMap<string, Rational>): Money[] {
  return [...sums].sort().map(([currency, amount]) => money(currency, roundToNanos(amount)));
}
