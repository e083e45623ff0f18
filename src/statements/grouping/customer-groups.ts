import type { Sql } from "../../postgres/index.ts";
import type { LineFilter } from "../lines/usage-pieces.ts";

export const GROUP_CUSTOMERS_MIN = 5;

/**
 * The customers behind a payee's usage, gathered by country so that no group has fewer than five of them: countries with
 * fewer are "other", and as long as those are too few the smallest country joins them. "all" is everybody together.
 * A country whose usage is not summed by customer yet counts as one without customers.
 * Only what was booked in the named periods, or from one on, is looked at.
 */
export async function customerGroups(
  sql: Sql,
  payee: string,
  filter: LineFilter,
  booked: { in: readonly string[]; from: string },
): Promise<(country: string) => string> {
  const count = (together: string[] | null) => countCustomers(sql, payee, filter, booked, together);
  const counted = await count(null);
  const large = counted.filter(({ customers }) => customers >= GROUP_CUSTOMERS_MIN);
  const small = counted
    .filter(({ customers }) => customers < GROUP_CUSTOMERS_MIN)
    .map(({ country }) => country);
  while (large.length > 0 && small.length > 0) {
    const [together] = await count(small);
    if ((together?.customers ?? 0) >= GROUP_CUSTOMERS_MIN) break;
    const smallest = large.pop();
    if (smallest !== undefined) small.push(smallest.country);
  }
  const shown = new Set(large.map(({ country }) => country).filter((country) => country !== ""));
  const rest = large.length === 0 ? "all" : "other";
  return (country) => (shown.has(country) ? country : rest);
}

/** By country, most customers first; or of some countries together: a customer may have moved. */
async function countCustomers(
  sql: Sql,
  payee: string,
  filter: LineFilter,
  booked: { in: readonly string[]; from: string },
  together: string[] | null,
): Promise<{ country: string; customers: number }[]> {
  return sql<{ country: string; customers: number }[]>`
    SELECT CASE WHEN ${together}::text[] IS NULL THEN t.country ELSE '' END AS country,
      count(DISTINCT w.customer_no)::int AS customers
    FROM split_plan s JOIN usage_term t USING (split_plan_no) JOIN customer_term_window w USING (term_no)
    JOIN price_version p USING (price_no)
    WHERE s.payees @> ARRAY[${payee}] AND t.charged = 1
      AND (t.booked_period >= ${booked.from} OR t.booked_period = ANY (${[...booked.in]}::date[]))
      AND w.service_month >= ${filter.monthsFrom ?? "-infinity"} AND w.service_month < ${filter.monthsUntil ?? "infinity"}
      AND (${filter.currency ?? null}::text IS NULL OR p.currency = ${filter.currency ?? null})
      AND (${together}::text[] IS NULL OR t.country = ANY (${together}::text[]))
    GROUP BY 1 ORDER BY 2 DESC, 1`;
}
