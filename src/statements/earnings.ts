import { type Money, money, type Nanos, nextPeriod, periodOfDay } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import { allot } from "../sharing/index.ts";
import { type LineFilter, type PayeeLine, payeeLines } from "./payee-lines.ts";

export const EARNINGS_DIMENSIONS = ["model", "day", "reason", "customer_country", "version"] as const;
export type EarningsDimension = (typeof EARNINGS_DIMENSIONS)[number];

export interface EarningsQuery {
  /** Service days, "2023-11-01", half-open. */
  from?: string;
  to?: string;
  currency: string;
  groupBy: readonly EarningsDimension[];
}

/** One group. `gross` is what customers owe for the usage behind it, `earned` the payee's part of that. */
export interface EarningsRow {
  model?: string;
  day?: string;
  customer_country?: string | null;
  version?: string | null;
  reason: string;
  events: string;
  gross: Money;
  earned: Money;
}

/**
 * A payee's earnings by service date, from committed windows. Every part is split on its line's whole gross and then
 * allotted to days, versions and countries, so that any grouping adds up to the books' figure.
 */
export async function earningsOf(
  sql: Sql,
  payee: string,
  query: EarningsQuery,
): Promise<{ total: Money; data: EarningsRow[] }> {
  const filter: LineFilter = {
    currency: query.currency,
    ...(query.from === undefined ? {} : { monthsFrom: `${query.from.slice(0, 7)}-01` }),
    ...(query.to === undefined ? {} : { monthsUntil: `${nextPeriod(periodOfDay(query.to))}-01` }),
  };
  const groups = new Map<string, Group>();
  for (const line of await payeeLines(sql, payee, filter)) addLine(groups, line, query);
  const sorted = [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
  const total = sorted.reduce((sum, group) => sum + group.earned, 0n);
  return { total: money(query.currency, total), data: sorted.map((group) => toRow(group, query.currency)) };
}

interface Group {
  key: Omit<EarningsRow, "events" | "gross" | "earned">;
  events: bigint;
  gross: Nanos;
  earned: Nanos;
}

function addLine(groups: Map<string, Group>, line: PayeeLine, query: EarningsQuery): void {
  const weights = line.rows.map((row) => row.gross);
  const gross = allot(line.receivableNanos, weights);
  const earned = new Map<string, Nanos[]>();
  for (const part of line.parts) {
    const allotted = allot(part.amountNanos, weights);
    const before = earned.get(part.reason);
    earned.set(
      part.reason,
      before === undefined ? allotted : before.map((nanos, at) => nanos + (allotted[at] ?? 0n)),
    );
  }
  for (const [reason, amounts] of earned) {
    for (const [at, row] of line.rows.entries()) {
      if (
        (query.from !== undefined && row.day < query.from) ||
        (query.to !== undefined && row.day >= query.to)
      )
        continue;
      const group = groupFor(groups, { model: line.model, reason, ...row }, query.groupBy);
      group.events += row.events;
      group.gross += gross[at] ?? 0n;
      group.earned += amounts[at] ?? 0n;
    }
  }
}

function groupFor(
  groups: Map<string, Group>,
  row: { model: string; day: string; version: string; country: string; reason: string },
  groupBy: readonly EarningsDimension[],
): Group {
  const key = {
    ...(groupBy.includes("model") ? { model: row.model } : {}),
    ...(groupBy.includes("day") ? { day: row.day } : {}),
    ...(groupBy.includes("version") ? { version: row.version || null } : {}),
    ...(groupBy.includes("customer_country") ? { customer_country: row.country || null } : {}),
    reason: row.reason,
  };
  const name = JSON.stringify(Object.values(key));
  const group = groups.get(name) ?? { key, events: 0n, gross: 0n, earned: 0n };
  groups.set(name, group);
  return group;
}

function toRow(group: Group, currency: string): EarningsRow {
  const { key, events, gross, earned } = group;
  return {
    ...key,
    events: events.toString(),
    gross: money(currency, gross),
    earned: money(currency, earned),
  };
}
