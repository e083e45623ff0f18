import type { Sql } from "../../postgres/index.ts";
import type { LineFilter } from "../lines/usage-pieces.ts";
import type { OpenUsage } from "../open/open-usage.ts";
import { keptFigures } from "./kept-figures.ts";
import { openUsageOf } from "./kept-usage.ts";
import type { Moment } from "./moment.ts";

/**
 * Figures that are summed from a payee's lines: the same ones as long as the moment's stamp is, and when that has moved with usage of
 * other lines, as months that are settled see with every batch. What is released stays as it is, open lines say whether they moved.
 */
export async function keptEarnings<T>(
  sql: Sql,
  name: readonly unknown[],
  { payee, moment, filter }: { payee: string; moment: Moment; filter: LineFilter },
  sum: (usage: Promise<OpenUsage>) => Promise<T>,
  rowsOf: (figures: T) => number,
): Promise<T> {
  const { figures } = await keptFigures<{ state: string; figures: T }>(
    sql,
    name,
    moment.stamp,
    async (before) => {
      const usage = openUsageOf(sql, payee, moment.unreleased);
      // Seen before it is summed, as stamps are.
      const seen = usage.then((read) => `${moment.books} ${read.revision(filter)}`);
      if (before !== undefined) {
        const [known, state] = await Promise.all([before.catch(() => undefined), seen]);
        if (known?.state === state) return known;
      }
      const [state, figures] = await Promise.all([seen, sum(usage)]);
      return { state, figures };
    },
    ({ figures }) => rowsOf(figures),
  );
  return figures;
}
