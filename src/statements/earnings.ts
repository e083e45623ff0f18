import { formatNanos, type Money, money, type Nanos, nextPeriod, periodOfDay } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import { allot } from "../sharing/index.ts";
import { asOf } from "./as-of.ts";
import { customerGroups } from "./grouping/customer-groups.ts";
import { previousRange, type ServiceRange, weekOf } from "./grouping/service-range.ts";
import { type LineFilter, type PayeeLine, payeeLines, type UsageRow } from "./payee-lines.ts";

export const EARNINGS_DIMENSIONS = [
  "model",
  "day",
  "week",
  "month",
  "reason",
  "customer_country",
  "customer_group",
  "version",
] as const;
export type EarningsDimension = (typeof EARNINGS_DIMENSIONS)[number];

export interface EarningsQuery {
  /** Service days, "2023-11-01", half-open. */
  from?: string;
  to?: string;
  currency: string;
  groupBy: readonly EarningsDimension[];
}

/** From what customers owe to what the payee earns: gross = fees + royalties + shares; earned is of these. */
export interface EarningsFigures {
  events: string;
  /** What customers owe for the usage behind it. */
  gross: Money;
  /** What the platform keeps, with the rounding of less than a nano for each part. */
  fees: Money;
  /** What goes up the lineage, to anybody. */
  royalties: Money;
  /** What the model's shares take, of everybody. */
  shares: Money;
  /** The payee's part. */
  earned: Money;
  /** earned ÷ gross, six digits, cut off. */
  effective_share: string;
}

/** One group. Only the dimensions asked for are there, and always the reason. */
export interface EarningsRow extends EarningsFigures {
  model?: string;
  day?: string;
  week?: string;
  month?: string;
  customer_country?: string | null;
  customer_group?: string;
  version?: string | null;
  reason: string;
}

export interface Earnings {
  /** Everything committed before this moment is in. RFC 3339. */
  as_of: string;
  total: Money;
  data: EarningsRow[];
}

/**
 * A payee's earnings by service date, from committed windows. Every part is split on its line's whole gross and then
 * allotted to days, versions and countries, so that any grouping adds up to the books' figure.
 */
export async function earningsOf(sql: Sql, payee: string, query: EarningsQuery): Promise<Earnings> {
  const filter: LineFilter = {
    currency: query.currency,
    ...(query.from === undefined ? {} : { monthsFrom: `${query.from.slice(0, 7)}-01` }),
    ...(query.to === undefined ? {} : { monthsUntil: firstMonthAfter(query.to) }),
  };
  const as_of = await asOf(sql);
  const grouped = query.groupBy.includes("customer_group");
  const groupOf = grouped ? await customerGroups(sql, payee, filter) : () => "all";
  const groups = new Map<string, Group>();
  for (const line of await payeeLines(sql, payee, filter)) addLine(groups, line, query, groupOf);
  const sorted = [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
  const total = sorted.reduce((sum, group) => sum + group.earned, 0n);
  return {
    as_of,
    total: money(query.currency, total),
    data: sorted.map((group) => toRow(group, query.currency)),
  };
}

export interface Compared {
  previous: ServiceRange & { total: Money };
  /** This total less the one before. */
  change: Money;
}

/** The same payee and currency in the range before, as long as this one. */
export async function comparedWithPrevious(
  sql: Sql,
  payee: string,
  range: ServiceRange,
  { total }: Earnings,
): Promise<Compared> {
  const previous = previousRange(range);
  const before = await earningsOf(sql, payee, { ...previous, currency: total.currency, groupBy: [] });
  const change = nanosOf(total) - nanosOf(before.total);
  return { previous: { ...previous, total: before.total }, change: money(total.currency, change) };
}

/** The nanos of money as it stands in JSON. */
export const nanosOf = ({ amount }: Money): Nanos => BigInt(amount.replace(".", ""));

/** Months that begin before `to`: the month of `to` itself only when some of it is asked for. */
function firstMonthAfter(to: string): string {
  return to.endsWith("-01") ? to : `${nextPeriod(periodOfDay(to))}-01`;
}

type Key = Omit<EarningsRow, keyof EarningsFigures>;

interface Sums {
  gross: Nanos;
  royalties: Nanos;
  shares: Nanos;
  earned: Nanos;
}

interface Group extends Sums {
  key: Key;
  events: bigint;
}

function addLine(
  groups: Map<string, Group>,
  line: PayeeLine,
  query: EarningsQuery,
  groupOf: (country: string) => string,
): void {
  const weights = line.rows.map((row) => row.gross);
  const gross = allot(line.receivableNanos, weights);
  const royalties = allotAll(line.royaltyNanos, weights);
  const shares = allotAll(line.shareNanos, weights);
  for (const reason of new Set(line.parts.map((part) => part.reason))) {
    const own = line.parts.filter((part) => part.reason === reason).map((part) => part.amountNanos);
    const earned = allotAll(own, weights);
    for (const [at, row] of line.rows.entries()) {
      if (query.from !== undefined && row.day < query.from) continue;
      if (query.to !== undefined && row.day >= query.to) continue;
      const group = groupFor(groups, keyOf(line.model, reason, row, query.groupBy, groupOf));
      group.events += row.events;
      group.gross += gross[at] ?? 0n;
      group.royalties += royalties[at] ?? 0n;
      group.shares += shares[at] ?? 0n;
      group.earned += earned[at] ?? 0n;
    }
  }
}

/** Each part is allotted by itself, as the books know it. */
function allotAll(parts: readonly Nanos[], weights: Parameters<typeof allot>[1]): Nanos[] {
  const allotted = parts.map((part) => allot(part, weights));
  return weights.map((_, at) => allotted.reduce((sum, rows) => sum + (rows[at] ?? 0n), 0n));
}

function keyOf(
  model: string,
  reason: string,
  { day, version, country }: UsageRow,
  groupBy: readonly EarningsDimension[],
  groupOf: (country: string) => string,
): Key {
  return {
    ...(groupBy.includes("model") ? { model } : {}),
    ...(groupBy.includes("day") ? { day } : {}),
    ...(groupBy.includes("week") ? { week: weekOf(day) } : {}),
    ...(groupBy.includes("month") ? { month: day.slice(0, 7) } : {}),
    ...(groupBy.includes("version") ? { version: version || null } : {}),
    ...(groupBy.includes("customer_country") ? { customer_country: country || null } : {}),
    ...(groupBy.includes("customer_group") ? { customer_group: groupOf(country) } : {}),
    reason,
  };
}

function groupFor(groups: Map<string, Group>, key: Key): Group {
  const name = JSON.stringify(Object.values(key));
  const group = groups.get(name) ?? { key, events: 0n, gross: 0n, royalties: 0n, shares: 0n, earned: 0n };
  groups.set(name, group);
  return group;
}

function toRow({ key, events, ...sums }: Group, currency: string): EarningsRow {
  return {
    ...key,
    events: events.toString(),
    gross: money(currency, sums.gross),
    fees: money(currency, sums.gross - sums.royalties - sums.shares),
    royalties: money(currency, sums.royalties),
    shares: money(currency, sums.shares),
    earned: money(currency, sums.earned),
    effective_share: effectiveShare(sums.earned, sums.gross),
  };
}

function effectiveShare(earned: Nanos, gross: Nanos): string {
  return gross === 0n ? "0.000000" : formatNanos((earned * 1_000_000_000n) / gross).slice(0, -3);
}
