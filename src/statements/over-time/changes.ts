import { type Money, money, type Nanos } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { totalOf } from "../earnings.ts";
import { groupedEarnings, linesFor, nameOf } from "../grouping/grouped-earnings.ts";
import type { Group } from "../grouping/groups.ts";
import { previousRange, type ServiceRange } from "../grouping/service-range.ts";
import { keptEarnings } from "../kept/kept-earnings.ts";
import { type Moment, momentOf } from "../kept/moment.ts";
import type { OpenUsage } from "../open/open-usage.ts";

/** How a difference came about; the four add up to it, to the nano. */
export interface Causes {
  /** More or fewer predictions, at what one brought before. */
  usage: Money;
  /** Another gross for each prediction: prices, or longer and shorter ones. */
  price: Money;
  /** Another part of the gross: fees, royalties and shares. */
  share: Money;
  /** Refunds, disputes and corrections of earlier usage. */
  corrections: Money;
}

export interface EarningsChange {
  model: string;
  reason: string;
  before: Money;
  now: Money;
  difference: Money;
  events: { before: string; now: string };
  because: Causes;
}

export interface EarningsChanges {
  as_of: string;
  range: ServiceRange;
  previous: ServiceRange;
  before: Money;
  now: Money;
  difference: Money;
  because: Causes;
  /** The largest differences first; what stayed the same is left out. */
  data: readonly EarningsChange[];
}

type Side = Pick<Group, "events" | "gross" | "earned">;

const NOTHING: Side = { events: 0n, gross: 0n, earned: 0n };

/** What changed against the range before, as long, by model and reason, and why. Both sides are what `earningsOf` says. */
export async function earningsChanges(
  sql: Sql,
  payee: string,
  query: ServiceRange & { currency: string },
): Promise<EarningsChanges> {
  const moment = await momentOf(sql, payee);
  const changes = await keptEarnings(
    sql,
    nameOf("changes", payee, { ...query, groupBy: ["model"] }),
    { payee, moment, filter: linesFor({ ...query, from: previousRange(query).from }) },
    (open) => sumChanges(sql, payee, query, moment, open),
    ({ data }) => data.length,
  );
  return { as_of: moment.as_of, ...changes };
}

async function sumChanges(
  sql: Sql,
  payee: string,
  { from, to, currency }: ServiceRange & { currency: string },
  moment: Moment,
  open: Promise<OpenUsage>,
): Promise<Omit<EarningsChanges, "as_of">> {
  const range = { from, to };
  const previous = previousRange(range);
  const groupBy = ["model"] as const;
  const [before, now] = await Promise.all([
    groupedEarnings(sql, payee, { ...previous, currency, groupBy }, moment, open),
    groupedEarnings(sql, payee, { ...range, currency, groupBy }, moment, open),
  ]);
  const sides = new Map<string, { model: string; reason: string; before: Side; now: Side }>();
  for (const [when, groups] of [["before", before] as const, ["now", now] as const])
    for (const group of groups) {
      const { model, reason } = group.key;
      const key = `${model} ${reason}`;
      const known = sides.get(key) ?? { model: model ?? "", reason, before: NOTHING, now: NOTHING };
      sides.set(key, { ...known, [when]: group });
    }
  const compared = [...sides.values()]
    .map((both) => ({ ...both, causes: causesOf(both.before, both.now, both.reason) }))
    .filter((both) => both.before.earned !== both.now.earned)
    .sort((a, b) => bySize(b) - bySize(a) || (a.model < b.model ? -1 : 1));
  const shown = (nanos: Nanos) => money(currency, nanos);
  const [earnedBefore, earnedNow] = [totalOf(before), totalOf(now)];
  return {
    range,
    previous,
    before: shown(earnedBefore),
    now: shown(earnedNow),
    difference: shown(earnedNow - earnedBefore),
    because: {
      usage: shown(compared.reduce((sum, { causes }) => sum + causes.usage, 0n)),
      price: shown(compared.reduce((sum, { causes }) => sum + causes.price, 0n)),
      share: shown(compared.reduce((sum, { causes }) => sum + causes.share, 0n)),
      corrections: shown(compared.reduce((sum, { causes }) => sum + causes.corrections, 0n)),
    },
    data: compared.map(({ model, reason, before, now, causes }) => ({
      model,
      reason,
      before: shown(before.earned),
      now: shown(now.earned),
      difference: shown(now.earned - before.earned),
      events: { before: before.events.toString(), now: now.events.toString() },
      because: {
        usage: shown(causes.usage),
        price: shown(causes.price),
        share: shown(causes.share),
        corrections: shown(causes.corrections),
      },
    })),
  };
}

/** Usage at the gross and share of before, then the gross at the share of before, then what is left: the share. */
export function causesOf(before: Side, now: Side, reason: string): Record<keyof Causes, Nanos> {
  const difference = now.earned - before.earned;
  const none = { usage: 0n, price: 0n, share: 0n, corrections: 0n };
  if (reason === "adjustment") return { ...none, corrections: difference };
  // New or gone: there is nothing to set the rest against.
  if (before.events === 0n || now.events === 0n || before.gross === 0n) return { ...none, usage: difference };
  const atUsage = (before.earned * now.events) / before.events;
  const atPrice = (before.earned * now.gross) / before.gross;
  return {
    ...none,
    usage: atUsage - before.earned,
    price: atPrice - atUsage,
    share: now.earned - atPrice,
  };
}

/** For the order only. */
function bySize({ before, now }: { before: Side; now: Side }): number {
  return Math.abs(Number(now.earned - before.earned));
}
