import { firstDay, type Nanos, type Period, periodOfDay } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { countSpend } from "./count-spend.ts";
import type { SpendLimits } from "./limits.ts";

export const SPEND_GROUPS = ["model", "month", "version"] as const;
export type SpendGroup = (typeof SPEND_GROUPS)[number];

export interface SpendLine {
  currency: string;
  model?: string;
  /** The month in which it was used (UTC). */
  month?: Period;
  version?: string;
  /** Charged events. */
  events: string;
  /** Exact, in major units: never rounded on the way. */
  gross: string;
}

/** What a customer has used and not been asked for, and what is left before a limit or the end of its credits. */
export interface SpendStanding extends SpendLimits {
  /** In the limits' period, exact. */
  spent: string;
  /** Used and not invoiced yet, with what the last invoice carried on; exact. */
  unbilled: string;
  reservedNanos: Nanos;
  /** Σ of what is left of the grants in the books. */
  creditNanos: Nanos;
  /** Credits less what is unbilled and reserved; negative when usage went beyond them. */
  creditLeftNanos: Nanos;
  /** Null without a hard limit. */
  limitLeftNanos: Nanos | null;
}

/**
 * A customer's charged usage of some months, everything that is metered by now: windows, and the blocks that are not in
 * them yet, in one snapshot. By currency, and by what is asked for.
 */
export async function customerSpend(
  sql: Sql,
  customer: string,
  { from, until, groupBy }: { from?: Period; until?: Period; groupBy: readonly SpendGroup[] },
): Promise<{ asOf: Date; lines: SpendLine[] }> {
  const by = (group: SpendGroup) => groupBy.includes(group);
  const rows = await sql<SpendRow[]>`
    SELECT clock_timestamp() AS as_of, u.currency, ${by("model") ? sql`m.id` : sql`NULL`} AS model,
      ${by("month") ? sql`u.service_month::text` : sql`NULL`} AS month, ${by("version") ? sql`v.version` : sql`NULL`} AS version,
      sum(u.events)::text AS events, trim_scale(sum(u.gross))::text AS gross
    FROM customer c CROSS JOIN LATERAL customer_usage(c.customer_no) u
    JOIN model m USING (model_no) JOIN model_version v USING (model_version_no)
    WHERE c.id = ${customer}
      AND (${from === undefined ? null : firstDay(from)}::date IS NULL OR u.service_month >= ${from === undefined ? null : firstDay(from)})
      AND (${until === undefined ? null : firstDay(until)}::date IS NULL OR u.service_month < ${until === undefined ? null : firstDay(until)})
    GROUP BY 2, 3, 4, 5 ORDER BY 2, 3, 4, 5`;
  return {
    asOf: rows[0]?.as_of ?? new Date(),
    lines: rows.map(({ currency, model, month, version, events, gross }) => ({
      currency,
      ...(model === null ? {} : { model }),
      ...(month === null ? {} : { month: periodOfDay(month) }),
      ...(version === null ? {} : { version }),
      events,
      gross,
    })),
  };
}

interface SpendRow {
  as_of: Date;
  currency: string;
  model: string | null;
  month: string | null;
  version: string | null;
  events: string;
  gross: string;
}

/** By currency, for customers with credits or limits; what is metered is counted first. */
export async function spendStandings(sql: Sql, customer: string): Promise<SpendStanding[]> {
  await countSpend(sql);
  const rows = await sql<StandingRow[]>`
    SELECT currency, period, soft_nanos, hard_nanos, prepaid, trim_scale(used)::text AS spent,
      trim_scale(unbilled)::text AS unbilled, reserved_nanos, credit_nanos,
      (credit_nanos - ceil(unbilled * 1000000000) - reserved_nanos)::text AS credit_left,
      (hard_nanos - ceil(used * 1000000000) - reserved_nanos)::text AS limit_left
    FROM (SELECT a.*, a.spent - a.invoiced_nanos * 0.000000001 AS unbilled,
            CASE a.period WHEN 'total' THEN a.spent ELSE coalesce((SELECT m.spent FROM spend_month m
              WHERE m.customer_no = a.customer_no AND m.currency = a.currency
                AND m.service_month = date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC')::date), 0) END AS used
          FROM spend_account a JOIN customer c USING (customer_no) WHERE c.id = ${customer}) x
    ORDER BY currency`;
  const nanos = (text: string | null) => (text === null ? null : BigInt(text));
  return rows.map((row) => ({
    currency: row.currency,
    period: row.period,
    softNanos: nanos(row.soft_nanos),
    hardNanos: nanos(row.hard_nanos),
    prepaid: row.prepaid,
    spent: row.spent,
    unbilled: row.unbilled,
    reservedNanos: BigInt(row.reserved_nanos),
    creditNanos: BigInt(row.credit_nanos),
    creditLeftNanos: BigInt(row.credit_left),
    limitLeftNanos: nanos(row.limit_left),
  }));
}

interface StandingRow {
  currency: string;
  period: SpendLimits["period"];
  soft_nanos: string | null;
  hard_nanos: string | null;
  prepaid: boolean;
  spent: string;
  unbilled: string;
  reserved_nanos: string;
  credit_nanos: string;
  credit_left: string;
  limit_left: string | null;
}
