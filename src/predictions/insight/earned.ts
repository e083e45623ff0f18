import { overCommonDenominator, parseNanos, present, rational, ZERO } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { allotter } from "../../sharing/index.ts";
import { earningsOf } from "../../statements/index.ts";
import { addTo, type Cell, type InsightQuery } from "./cells.ts";

const NANOS = 1_000_000_000n;

/**
 * Adds what the payee who asks earned to the cells. A version's earnings of a day are spread over its hardware in proportion to
 * the gross, so that they add up to what statements say.
 */
export async function addEarned(
  sql: Sql,
  { model, payee, from, to }: InsightQuery,
  cells: readonly Cell[],
  cellOf: (place: Pick<Cell, "version" | "day" | "hardware">) => Cell,
): Promise<void> {
  if (payee === null) return;
  const groupBy = ["version", "day"] as const;
  for (const currency of new Set(cells.flatMap(({ gross }) => [...gross.keys()]))) {
    const { data } = await earningsOf(sql, payee, { model, from, to, currency, groupBy });
    for (const { reason, day, version, earned } of data) {
      if (reason === "adjustment" || day === undefined) continue;
      const place = { version: version ?? "", day };
      const nanos = present(parseNanos(earned.amount), "an amount");
      const paying = cells.filter((cell) => cell.version === place.version && cell.day === day);
      const gross = paying.map((cell) => cell.gross.get(currency) ?? ZERO);
      const parts = allotter(overCommonDenominator(gross).nums)(nanos);
      if (gross.every(({ num }) => num === 0n))
        addTo(cellOf({ ...place, hardware: "" }).earned, currency, rational(nanos, NANOS));
      else
        for (const [n, cell] of paying.entries())
          addTo(cell.earned, currency, rational(parts[n] ?? 0n, NANOS));
    }
  }
}
