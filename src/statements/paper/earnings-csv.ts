import { csv } from "../../kernel/index.ts";
import type { Earnings } from "../earnings.ts";
import { EARNINGS_DIMENSIONS, type EarningsDimension } from "../grouping/groups.ts";

const FIGURES = ["gross", "fees", "royalties", "shares", "earned"] as const;

/** The answer's rows as a table: what they are grouped by, then the figures, each row with its currency and moment. */
export function earningsCsv({ as_of, total, data }: Earnings, groupBy: readonly EarningsDimension[]): string {
  const dimensions = EARNINGS_DIMENSIONS.filter((name) => name === "reason" || groupBy.includes(name));
  const heading = [...dimensions, "events", "currency", ...FIGURES, "effective_share", "as_of"];
  const rows = data.map((row) => [
    ...dimensions.map((name) => row[name] ?? ""),
    row.events,
    total.currency,
    ...FIGURES.map((name) => row[name].amount),
    row.effective_share,
    as_of,
  ]);
  return csv([heading, ...rows]);
}
