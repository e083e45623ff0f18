import { nextPeriod, periodOfDay } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { keptFigures } from "../kept/kept-figures.ts";
import { type Moment, stampOfCustomers } from "../kept/moment.ts";
import { payeeLines } from "../lines/payee-lines.ts";
import { releasedLines, releasedPeriods } from "../lines/released-lines.ts";
import type { LineDetail, LineFilter } from "../lines/usage-pieces.ts";
import type { OpenUsage } from "../open/open-usage.ts";
import { adjustedEarnings } from "./adjusted.ts";
import { customerGroups } from "./customer-groups.ts";
import { type Group, type Grouping, type GroupKey, Groups } from "./groups.ts";

export interface EarningsQuery extends Grouping {
  currency: string;
  /** Only of this model. */
  model?: string;
}

/** What is asked for, as figures are kept under it. */
export function nameOf(
  what: string,
  payee: string,
  { currency, model, from, to, groupBy, earnedOnly = false }: EarningsQuery,
) {
  return [what, payee, currency, model, from, to, groupBy, earnedOnly];
}

/** The lines that have what is asked for, and perhaps days besides. */
export function linesFor({
  currency,
  model,
  from,
  to,
}: Pick<EarningsQuery, "currency" | "model" | "from" | "to">): LineFilter {
  return {
    currency,
    ...(model === undefined ? {} : { model }),
    ...(from === undefined ? {} : { monthsFrom: `${from.slice(0, 7)}-01` }),
    ...(to === undefined ? {} : { monthsUntil: firstMonthAfter(to) }),
  };
}

/**
 * A payee's earnings in groups, from committed windows; adjustments by the day they were booked. Every part is split on its
 * line's whole gross and then allotted to days, versions and countries, so that any grouping adds up to the books' figure.
 * Windows of released months are read once and no finer than the groups are; of the others what was booked since.
 */
export async function groupedEarnings(
  sql: Sql,
  payee: string,
  query: EarningsQuery,
  { unreleased }: Moment,
  open: Promise<OpenUsage>,
): Promise<Group[]> {
  const filter = linesFor(query);
  const detail = detailOf(query);
  const [named, released, usage, adjusted] = await Promise.all([
    customerNames(sql, payee, unreleased, query, filter),
    keptFigures(
      sql,
      nameOf("released", payee, query),
      unreleased,
      () => releasedEarnings(sql, payee, unreleased, query, filter, detail),
      (groups) => groups.size,
    ),
    open,
    adjustedEarnings(sql, payee, query),
  ]);
  const groups = new Groups(query);
  groups.addAll(released);
  const question = JSON.stringify([query.from, query.to, query.groupBy, query.earnedOnly]);
  for (const line of usage.lines(filter)) groups.addAll(line.groups(payee, question, query, detail));
  // By the day on which they were booked: what was earned then stays what it was.
  for (const { model: of, day, amountNanos } of adjusted) groups.addAdjustment(of, day, amountNanos);
  return named === null ? groups.all() : groups.renamed(named);
}

async function releasedEarnings(
  sql: Sql,
  payee: string,
  before: string,
  query: EarningsQuery,
  filter: LineFilter,
  detail: LineDetail,
): Promise<Groups> {
  const groups = new Groups(query);
  const lines =
    detail === "line"
      ? await releasedLines(sql, payee, before, filter)
      : await payeeLines(sql, payee, before, filter, detail);
  for (const line of lines) groups.addLine(line);
  return groups;
}

/** As coarse as the groups allow: a month that is asked for whole needs no days. */
function detailOf({ from, to, groupBy }: EarningsQuery): LineDetail {
  const has = (...names: string[]) => groupBy.some((name) => names.includes(name));
  if (has("version", "customer_country", "customer_group")) return "row";
  const whole = [from, to].every((day) => day === undefined || day.endsWith("-01"));
  return has("day", "week") || !whole ? "day" : "line";
}

/** Countries become groups of customers, where those are asked for; null where they are not. */
async function customerNames(
  sql: Sql,
  payee: string,
  from: string,
  { groupBy }: EarningsQuery,
  filter: LineFilter,
): Promise<((key: GroupKey) => GroupKey) | null> {
  if (!groupBy.includes("customer_group")) return null;
  // Both before what hangs on them is read.
  const [released, folded] = await Promise.all([
    releasedPeriods(sql, payee, from, filter),
    stampOfCustomers(sql),
  ]);
  const groupOf = await keptFigures(
    sql,
    ["customer groups", payee, filter, released],
    folded && `${from} ${folded}`,
    () => customerGroups(sql, payee, filter, { in: released, from }),
    () => 0,
  );
  return ({ customer_group = "", reason, ...key }) => ({
    ...key,
    customer_group: groupOf(customer_group),
    reason,
  });
}

/** Months that begin before `to`: the month of `to` itself only when some of it is asked for. */
function firstMonthAfter(to: string): string {
  return to.endsWith("-01") ? to : `${nextPeriod(periodOfDay(to))}-01`;
}
