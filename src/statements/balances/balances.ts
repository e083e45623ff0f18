import {
  formatNanos,
  type Money,
  money,
  type Nanos,
  type Period,
  parsePeriod,
  payableFloor,
  periodEnd,
  periodOfDay,
} from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { asOf } from "../as-of.ts";
import { payeeLines } from "../payee-lines.ts";
import { type HeldFor, heldFor } from "./held.ts";
import { nettedSoFar, usageToNet } from "./netted.ts";
import { type Transfer, transfersUnderWay } from "./transfers.ts";

export interface Blocker {
  code:
    | "frozen"
    | "payouts_stopped"
    | "below_minimum"
    | "no_account"
    | "account_not_ready"
    | "nothing_payable";
  /** What it means and what to do. */
  message: string;
}

export interface Balance {
  currency: string;
  /** Earned in months that are still open, live. */
  accruing: Money;
  /** What customers linked to this payee used in those months, as far as close will net it with `accruing`. */
  own_usage: Money;
  payable: Money;
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
    minimum: Money;
    /** What is missing to the minimum; zero when it is reached. */
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
  const as_of = await asOf(sql);
  const terms = await payeeTerms(sql, payee);
  const settled = await settledBalances(sql, payee);
  const transfers = await transfersUnderWay(sql, payee);
  const waiting = await heldFor(sql, payee);
  const lines = await payeeLines(sql, payee, { bookedFrom: terms.first_open });
  const accruing = new Map<string, Nanos>();
  for (const line of lines) {
    const earned = line.parts.reduce((sum, part) => sum + part.amountNanos, 0n);
    accruing.set(line.currency, (accruing.get(line.currency) ?? 0n) + earned);
  }
  const netted = await nettedSoFar(sql, payee);
  const used = await usageToNet(sql, payee, [...new Set(lines.map((line) => line.bookedPeriod))]);
  const booked = lines.map((line) => line.bookedPeriod).sort()[0];
  const date = nextPayoutDate(booked === undefined ? undefined : periodOfDay(booked));
  const currencies = [...new Set([...settled.keys(), ...accruing.keys()])].sort();
  const shown = currencies.length === 0 ? [terms.default_currency] : currencies;
  const minimums = await minimumsOf(sql, payee, shown);
  return shown.map((currency) => {
    const { payable, held, inTransit, paidOut } = settled.get(currency) ?? NOTHING;
    const accruingNanos = accruing.get(currency) ?? 0n;
    const minimum = minimums.get(currency) ?? 0n;
    const usedNanos = least(used.get(currency) ?? 0n, accruingNanos);
    const nettedNanos = netted.get(currency) ?? 0n;
    const estimate = payableFloor(currency, payable + accruingNanos - usedNanos);
    const blocked = blockers(terms, currency, estimate, minimum);
    return {
      currency,
      accruing: money(currency, accruingNanos),
      own_usage: money(currency, usedNanos),
      payable: money(currency, payable),
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
        minimum: money(currency, minimum),
        to_minimum: money(currency, estimate < minimum ? minimum - estimate : 0n),
        why_not: whyNot(blocked),
        blocked_by: blocked,
      },
      as_of,
    };
  });
}

const least = (a: Nanos, b: Nanos): Nanos => (a < b ? a : b);

const NOTHING = { payable: 0n, held: 0n, inTransit: 0n, paidOut: 0n };

interface PayeeTermsRow {
  default_currency: string;
  frozen: string | null;
  stopped: boolean;
  account: string | null;
  transfers_enabled: boolean | null;
  disabled_reason: string | null;
  first_open: string;
}

async function payeeTerms(sql: Sql, payee: string): Promise<PayeeTermsRow> {
  const [row] = await sql<[PayeeTermsRow]>`
    SELECT p.default_currency, p.stripe_account AS account,
      (SELECT reason FROM payee_freeze f WHERE f.payee = p.id AND f.lifted_at IS NULL) AS frozen,
      EXISTS (SELECT FROM payout_stop WHERE resumed_at IS NULL) AS stopped,
      a.transfers_enabled, a.disabled_reason, b.first_open_period::text AS first_open
    FROM payee p CROSS JOIN books_state b LEFT JOIN payout_account a ON a.account = p.stripe_account
    WHERE p.id = ${payee}`;
  return row;
}

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
    SELECT currency, minimum_payout_of(${payee}, currency)::text AS minimum FROM unnest(${currencies}::text[]) AS x(currency)`;
  return new Map(rows.map(({ currency, minimum }) => [currency, BigInt(minimum)]));
}

function blockers(terms: PayeeTermsRow, currency: string, estimate: Nanos, minimum: Nanos): Blocker[] {
  const found: Blocker[] = [];
  if (terms.stopped) {
    const message = "All payouts are stopped for now; nothing is lost, and no action is needed.";
    found.push({ code: "payouts_stopped", message });
  }
  if (terms.frozen !== null) {
    const message = `Payouts are frozen (${terms.frozen}): answer the question that was sent to you, or ask support.`;
    found.push({ code: "frozen", message });
  }
  if (estimate === 0n) found.push({ code: "nothing_payable", message: "Nothing to pay yet." });
  else if (estimate < minimum) {
    const missing = formatNanos(minimum - estimate);
    found.push({
      code: "below_minimum",
      message: `${missing} ${currency} short of the minimum payout; it is carried on until then.`,
    });
  }
  if (terms.account === null) {
    found.push({
      code: "no_account",
      message: "No payout account yet: open the onboarding link to connect one.",
    });
  } else if (terms.transfers_enabled === false) {
    const why = terms.disabled_reason ?? "information is missing";
    found.push({
      code: "account_not_ready",
      message: `The payout account cannot receive money yet (${why}): open the onboarding link to complete it.`,
    });
  }
  return found;
}

/** The first thing to do something about; what cannot be helped is said only when there is nothing else. */
function whyNot(blocked: readonly Blocker[]): string | null {
  const rank = [
    "no_account",
    "account_not_ready",
    "frozen",
    "below_minimum",
    "payouts_stopped",
    "nothing_payable",
  ];
  const [first] = [...blocked].sort((a, b) => rank.indexOf(a.code) - rank.indexOf(b.code));
  return first?.message ?? null;
}

/** The earliest day on which the oldest open month with earnings can be closed: its end, or today when that is past. */
function nextPayoutDate(openPeriod: Period | undefined): string {
  const today = new Date().toISOString().slice(0, 10);
  const period = openPeriod ?? parsePeriod(today.slice(0, 7));
  const end = period === undefined ? today : periodEnd(period).toISOString().slice(0, 10);
  return [end, today].sort()[1] ?? today;
}
