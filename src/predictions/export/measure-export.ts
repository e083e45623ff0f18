import { Refusal } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { type PredictionRange, type RangeSize, sizeOf } from "../../statements/index.ts";

/** What goes into one file: some hundred megabytes of it. */
export const EXPORTED_MAX = 5_000_000;

/** @throws Refusal parameter_invalid when there are more predictions than go into one file. */
export async function measureExport(
  sql: Sql,
  range: PredictionRange,
  most: number = EXPORTED_MAX,
): Promise<RangeSize> {
  if (range.from >= range.to) throw new Refusal("parameter_invalid", "from: must be before to");
  const size = await sizeOf(sql, range);
  if (size.events > most)
    throw new Refusal(
      "parameter_invalid",
      `from, to: the days of this range have ${size.events} predictions, and one file takes at most ${most}: ask for a shorter range, or for one model or customer at a time`,
    );
  return size;
}
