import { formatNanos, type Money, money, type Nanos } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import { type EarningsQuery, groupedEarnings, linesFor, nameOf } from "./grouping/grouped-earnings.ts";
import type { Group, GroupKey } from "./grouping/groups.ts";
import { previousRange, type ServiceRange } from "./grouping/service-range.ts";
import { keptEarnings } from "./kept/kept-earnings.ts";
import { type Moment, momentOf, withCustomers } from "./kept/moment.ts";
import type { OpenUsage } from "./open/open-usage.ts";

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
export interface EarningsRow extends GroupKey, EarningsFigures {}

export interface Earnings {
  /** Everything committed before this moment is in. RFC 3339. */
  as_of: string;
  total: Money;
  /** The same array as long as nothing moved. */
  data: readonly EarningsRow[];
}

/** A payee's earnings by service date, as `groupedEarnings` sums them, in the order of their groups. */
export async function earningsOf(sql: Sql, payee: string, query: EarningsQuery): Promise<Earnings> {
  const read = await momentOf(sql, payee);
  const moment = query.groupBy.includes("customer_group") ? await withCustomers(sql, read) : read;
  const { total, data } = await keptEarnings(
    sql,
    nameOf("earnings", payee, query),
    { payee, moment, filter: linesFor(query) },
    (open) => sumEarnings(sql, payee, query, moment, open),
    ({ data }) => data.length,
  );
  return { as_of: moment.as_of, total, data };
}

async function sumEarnings(
  sql: Sql,
  payee: string,
  query: EarningsQuery,
  moment: Moment,
  open: Promise<OpenUsage>,
): Promise<Omit<Earnings, "as_of">> {
  const groups = await groupedEarnings(sql, payee, query, moment, open);
  const named = groups.map((group) => ({ name: JSON.stringify(Object.values(group.key)), group }));
  named.sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    total: money(query.currency, totalOf(groups)),
    data: named.map(({ group }) => toRow(group, query.currency)),
  };
}

export function totalOf(groups: readonly Group[]): Nanos {
  return groups.reduce((sum, group) => sum + group.earned, 0n);
}

export interface Compared {
  previous: ServiceRange & { total: Money };
  /** This total less the one before. */
  change: Money;
}

/** The same earnings in the range before, as long as this one. */
export async function comparedWithPrevious(
  sql: Sql,
  payee: string,
  query: EarningsQuery & ServiceRange,
  { total }: Earnings,
): Promise<Compared> {
  const previous = previousRange(query);
  const before = await earningsOf(sql, payee, { ...query, ...previous, groupBy: [] });
  return {
    previous: { ...previous, total: before.total },
    change: money(query.currency, nanosOf(total) - nanosOf(before.total)),
  };
}

/** The nanos of money as it stands in JSON. */
const nanosOf = ({ amount }: Money): Nanos => BigInt(amount.replace(".", ""));

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
