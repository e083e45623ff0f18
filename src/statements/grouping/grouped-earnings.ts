import { nextPeriod, periodOfDay } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { type LineDetail, type LineFilter, payeeLines } from "../payee-lines.ts";
import { firstUnreleased, releasedLines, releasedPeriods } from "../released-lines.ts";
import { adjustedEarnings } from "./adjusted.ts";
import { customerGroups } from "./customer-groups.ts";
import { type Group, type Grouping, type GroupKey, Groups } from "./groups.ts";
import { keptGroups } from "./kept-groups.ts";

export interface EarningsQuery extends Grouping {
  currency: string;
  /** Only of this model. */
  model?: string;
}

/**
 * A payee's earnings in groups, from committed windows; adjustments by the day they were booked. Every part is split on its
 * line's whole gross and then allotted to days, versions and countries, so that any grouping adds up to the books' figure.
 * Windows are read no finer than the groups are, and those of released months once: they do not change.
 */
export async function groupedEarnings(sql: Sql, payee: string, query: EarningsQuery): Promise<Group[]> {
  const { currency, model, from, to } = query;
  const filter: LineFilter = {
    currency,
    ...(model === undefined ? {} : { model }),
    ...(from === undefined ? {} : { monthsFrom: `${from.slice(0, 7)}-01` }),
    ...(to === undefined ? {} : { monthsUntil: firstMonthAfter(to) }),
  };
  const detail = detailOf(query);
  const unreleased = await firstUnreleased(sql);
  const name = JSON.stringify([payee, unreleased, currency, model, from, to, query.groupBy]);
  const groups = new Groups(query);
  const named = await customerNames(sql, payee, unreleased, query, filter);
  for (const group of await keptGroups(sql, name, () =>
    released(sql, payee, unreleased, query, filter, detail),
  ))
    groups.add({ ...group, key: named(group.key) });
  const open = new Groups(query);
  for (const line of await payeeLines(sql, payee, { from: unreleased }, filter, detail)) open.addLine(line);
  // By the day on which they were booked: what was earned then stays what it was.
  for (const { model: of, day, amountNanos } of await adjustedEarnings(sql, payee, query))
    open.addAdjustment(of, day, amountNanos);
  for (const group of open.all()) groups.add({ ...group, key: named(group.key) });
  return groups.all();
}

async function released(
  sql: Sql,
  payee: string,
  before: string,
  query: EarningsQuery,
  filter: LineFilter,
  detail: LineDetail,
): Promise<Group[]> {
  const groups = new Groups(query);
  const lines =
    detail === "line"
      ? await releasedLines(sql, payee, before, filter)
      : await payeeLines(
          sql,
          payee,
          { in: await releasedPeriods(sql, payee, before, filter) },
          filter,
          detail,
        );
  for (const line of lines) groups.addLine(line);
  return groups.all();
}

/** As coarse as the groups allow: a month that is asked for whole needs no days. */
function detailOf({ from, to, groupBy }: EarningsQuery): LineDetail {
  const has = (...names: string[]) => groupBy.some((name) => names.includes(name));
  if (has("version", "customer_country", "customer_group")) return "row";
  const whole = [from, to].every((day) => day === undefined || day.endsWith("-01"));
  return has("day", "week") || !whole ? "day" : "line";
}

/** Countries become groups of customers, where those are asked for. */
async function customerNames(
  sql: Sql,
  payee: string,
  from: string,
  { groupBy }: EarningsQuery,
  filter: LineFilter,
): Promise<(key: GroupKey) => GroupKey> {
  if (!groupBy.includes("customer_group")) return (key) => key;
  const released = await releasedPeriods(sql, payee, from, filter);
  const groupOf = await customerGroups(sql, payee, filter, { in: released, from });
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
