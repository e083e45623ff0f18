import {
  type Money,
  money,
  type Nanos,
  type Period,
  payableFloor,
  payoutStep,
  periodEnd,
  periodOfDay,
} from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { keptFigures } from "../kept/kept-figures.ts";
import { openUsageOf } from "../kept/kept-usage.ts";
import { type Moment, momentOf } from "../kept/moment.ts";
import { type Blocker, blockersOf, payeeTerms, whyNot } from "./blockers.ts";
import { closingRules, payableAtClose } from "./closing.ts";
import { type HeldFor, heldFor } from "./held.ts";
import { nettedSoFar, usageToNet } from "./netted.ts";
import { type Transfer, transfersUnderWay } from "./transfers.ts";

export interface Balance {
  currency: string;
  /** Earned in months that are still open, live. */
  accruing: Money;
  /** What customers linked to this payee used in those months, as far as close will net it with `accruing`. */
  own_usage: Money;
  payable: Money;
  /** Of `payable`: closed so lately that the payee's hold is not over, and when the first of it may be paid. */
  on_hold: { amount: Money; until: string | null };
  held: Money;
  held_for: HeldFor[];
  in_transit: Money;
  /** Of which each payout, since when, and the transfer to trace it by once there is one. */
  transfers: Transfer[];
  /** What was paid out of its earnings for the usage of customers linked to it. */
  netted: Money;
  paid_out: Money;
  /** Everything ever credited: what was paid out or netted and what is still here, accruing included. */
  lifetime: Money;
  next_payout: {
    date: string;
    estimate: Money;
    /** The currency it is converted into, or its own. */
    paid_in: string;
    minimum: Money;
    /** What is still to be earned until the minimum is reached, a debt with it; zero when it is. */
    to_minimum: Money;
    /** One sentence with the action to take; null when nothing stands in the way. */
    why_not: string | null;
    blocked_by: Blocker[];
  };
  /** Everything committed before this moment is in. RFC 3339. */
  as_of: string;
}

/** A payee's balances in every currency it has any in (in its default currency otherwise). */
export async function balancesOf(sql: Sql, payee: string): Promise<Balance[]> {
  const moment = await momentOf(sql, payee);
  const { as_of, stamp } = moment;
  const [terms, settled, transfers, waiting, accruing, netted] = await Promise.all([
    payeeTerms(sql, payee),
    settledBalances(sql, payee),
    transfersUnderWay(sql, payee),
    heldFor(sql, payee),
    keptFigures(
      sql,
      ["accruing", payee],
      stamp,
      () => accruingNow(sql, payee, moment),
      () => 0,
    ),
    nettedSoFar(sql, payee),
  ]);
  const [oldest] = [...accruing.keys()].sort();
  const next = oldest === undefined ? undefined : periodOfDay(oldest);
  const date = nextPayoutDate(next);
  const accrues = [...accruing.values()].flatMap((sums) => [...sums.keys()]);
  const currencies = [...new Set([...settled.keys(), ...accrues])].sort();
  const shown = currencies.length === 0 ? [terms.default_currency] : currencies;
  const paidIn = (currency: string) => terms.payout_currency ?? currency;
  const [rules, used, minimums, [waitsNow, waitsThen]] = await Promise.all([
    closingRules(sql, payee, [...accruing.keys()]),
    usageToNet(sql, payee, [...accruing.keys()]),
    minimumsOf(sql, payee, shown.map(paidIn)),
    onHold(sql, payee, terms.hold_days, shown, [new Date(), new Date(`${date}T00:00:00Z`)]),
  ]);
  const netting = rules.filter(({ waits }) => !waits).map(({ period }) => period);
  return shown.map((currency) => {
    const { payable, held, inTransit, paidOut } = settled.get(currency) ?? NOTHING;
    const accruingIn = (period: string) => accruing.get(period)?.get(currency) ?? 0n;
    const sumOf = (some: readonly string[]) => some.reduce((sum, period) => sum + accruingIn(period), 0n);
    const accruingNanos = sumOf([...accruing.keys()]);
    const usedNanos = least(used.get(currency) ?? 0n, sumOf(netting));
    const atClose = payableAtClose(rules, accruingIn, usedNanos);
    const nettedNanos = netted.get(currency) ?? 0n;
    const isOwn = paidIn(currency) === currency;
    // Nothing smaller than a step can be paid, whatever was set.
    const minimum = most(minimums.get(paidIn(currency)) ?? 0n, payoutStep(paidIn(currency)));
    // What is closed then is on hold then, if there is a hold at all.
    const waits = { ...NO_HOLD, ...waitsThen.get(currency) };
    const closing = terms.hold_days > 0 ? 0n : atClose;
    const free = payable - waits.nanos + closing;
    const estimate = payableFloor(currency, free);
    const missing = minimum - (free < 0n ? free : estimate);
    const due = {
      currency,
      payableNanos: estimate,
      isDebt: free < 0n,
      // A sum in another currency is compared when it is converted.
      minimumNanos: isOwn ? minimum : 0n,
      onHoldUntil: payable + atClose > free ? (waits.until ?? date) : null,
    };
    const isHeldAtClose = accruingNanos - usedNanos > atClose;
    const blocked = blockersOf(terms, next ?? periodToday(), due, paidIn(currency), isHeldAtClose, free > 0n);
    const now = { ...NO_HOLD, ...waitsNow.get(currency) };
    return {
      currency,
      accruing: money(currency, accruingNanos),
      own_usage: money(currency, usedNanos),
      payable: money(currency, payable),
      on_hold: { amount: money(currency, now.nanos), until: now.until },
      held: money(currency, held),
      held_for: waiting.get(currency) ?? [],
      in_transit: money(currency, inTransit),
      transfers: transfers.filter(({ amount }) => amount.currency === currency),
      netted: money(currency, nettedNanos),
      paid_out: money(currency, paidOut),
      lifetime: money(currency, accruingNanos + payable + held + inTransit + nettedNanos + paidOut),
      next_payout: {
        date,
        estimate: money(currency, estimate),
        paid_in: paidIn(currency),
        minimum: money(paidIn(currency), minimum),
        to_minimum: money(paidIn(currency), isOwn && missing > 0n ? missing : 0n),
        why_not: whyNot(blocked),
        blocked_by: blocked,
      },
      as_of,
    };
  });
}

/** What a payee earned in months that are still open: by the first day of the month in which it is booked, and currency. */
async function accruingNow(
  sql: Sql,
  payee: string,
  { unreleased, open }: Moment,
): Promise<ReadonlyMap<string, ReadonlyMap<string, Nanos>>> {
  const accruing = new Map<string, Map<string, Nanos>>();
  const usage = await openUsageOf(sql, payee, unreleased);
  for (const line of usage.lines({})) {
    if (line.bookedPeriod < open) continue;
    const sums = accruing.get(line.bookedPeriod) ?? new Map<string, Nanos>();
    accruing.set(line.bookedPeriod, sums);
    sums.set(line.currency, (sums.get(line.currency) ?? 0n) + line.earned(payee));
  }
  return accruing;
}

const least = (a: Nanos, b: Nanos): Nanos => (a < b ? a : b);
const most = (a: Nanos, b: Nanos): Nanos => (a < b ? b : a);
type OnHold = Map<string, typeof NO_HOLD>;
const NO_HOLD: { nanos: Nanos; until: string | null } = { nanos: 0n, until: null };

/** By currency, at each of two moments. */
async function onHold(
  sql: Sql,
  payee: string,
  holdDays: number,
  currencies: string[],
  [now, then]: [Date, Date],
): Promise<[OnHold, OnHold]> {
  const held: [OnHold, OnHold] = [new Map(), new Map()];
  // Most have no hold, and to plan the question takes longer than all the others about a payee's balances.
  if (holdDays === 0) return held;
  const rows = await sql<{ isNow: boolean; currency: string; nanos: string; until: string }[]>`
    SELECT m.is_now AS "isNow", c.currency, h.nanos::text, h.until::text FROM unnest(${currencies}::text[]) AS c(currency)
    CROSS JOIN (VALUES (true, ${now}::timestamptz), (false, ${then}::timestamptz)) AS m(is_now, at)
    CROSS JOIN LATERAL on_hold_of(${payee}, c.currency, ${holdDays}, m.at) h WHERE h.nanos > 0`;
  for (const { isNow, currency, nanos, until } of rows)
    held[isNow ? 0 : 1].set(currency, { nanos: BigInt(nanos), until });
  return held;
}

const NOTHING = { payable: 0n, held: 0n, inTransit: 0n, paidOut: 0n };

async function settledBalances(sql: Sql, payee: string): Promise<Map<string, typeof NOTHING>> {
  const rows = await sql<
    { currency: string; payable: string; held: string; in_transit: string; paid_out: string }[]
  >`
    SELECT b.currency,
      coalesce(-sum(b.balance_nanos) FILTER (WHERE a.kind = 'payee:payable'), 0)::text AS payable,
      coalesce(-sum(b.balance_nanos) FILTER (WHERE a.kind = 'payee:held'), 0)::text AS held,
      coalesce(-sum(b.balance_nanos) FILTER (WHERE a.kind = 'payee:in_transit'), 0)::text AS in_transit,
      (SELECT coalesce(sum(o.amount_nanos - (SELECT coalesce(sum(r.amount_nanos), 0) FROM payout_reversal r WHERE r.payout_id = o.id)), 0)::text
       FROM payout o WHERE o.payee = ${payee} AND o.currency = b.currency AND o.state = 'paid') AS paid_out
    FROM account_balance b JOIN ledger_account a USING (account_no)
    WHERE a.path IN (${`payee:${payee}:payable`}, ${`payee:${payee}:held`}, ${`payee:${payee}:in_transit`})
    GROUP BY b.currency`;
  return new Map(
    rows.map((row) => [
      row.currency,
      {
        payable: BigInt(row.payable),
        held: BigInt(row.held),
        inTransit: BigInt(row.in_transit),
        paidOut: BigInt(row.paid_out),
      },
    ]),
  );
}

async function minimumsOf(sql: Sql, payee: string, currencies: string[]): Promise<Map<string, Nanos>> {
  const rows = await sql<{ currency: string; minimum: string }[]>`
    SELECT currency, m.minimum_nanos::text AS minimum FROM unnest(${currencies}::text[]) AS x(currency)
    CROSS JOIN LATERAL minimum_payout_of(${payee}, currency) m`;
  return new Map(rows.map(({ currency, minimum }) => [currency, BigInt(minimum)]));
}

/** The earliest day on which the oldest open month with earnings can be closed: its end, or today when that is past. */
function nextPayoutDate(openPeriod: Period | undefined): string {
  const today = new Date().toISOString().slice(0, 10);
  const end = periodEnd(openPeriod ?? periodToday())
    .toISOString()
    .slice(0, 10);
  return [end, today].sort()[1] ?? today;
}

function periodToday(): Period {
  return periodOfDay(new Date().toISOString());
}
