import { type PeriodTotals, periodTotals } from "../../src/earnings/index.ts";
import { firstDay, type Period } from "../../src/kernel/index.ts";
import type { Sql } from "../../src/postgres/index.ts";

/** What the last closed month before this one came to; undefined when there is none. */
export async function totalsBefore(
  sql: Sql,
  period: Period,
): Promise<{ period: Period; totals: PeriodTotals[] } | undefined> {
  const [row] = await sql<{ period: string | null }[]>`
    SELECT max(period)::text AS period FROM settlement WHERE period < ${firstDay(period)} AND closed_at IS NOT NULL`;
  const before = row?.period?.slice(0, 7) as Period | undefined;
  return before === undefined ? undefined : { period: before, totals: await periodTotals(sql, before) };
}
