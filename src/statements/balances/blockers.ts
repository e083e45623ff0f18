import type { Period } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import {
  type CarryReason,
  type Due,
  obstaclesTo,
  type PayeeSituation,
  type Schedule,
} from "../../settlement/index.ts";

export interface Blocker {
  code: CarryReason | "payouts_stopped";
  /** What it means and what to do. */
  message: string;
}

/** What decides whether a payee is paid, in any currency. */
export interface PayeeTerms extends PayeeSituation {
  default_currency: string;
  stopped: boolean;
  hold_days: number;
  payout_currency: string | null;
  first_open: string;
  /** Currencies from which there is a rate now into the one it chose. */
  rates_from: string[];
}

interface TermsRow {
  default_currency: string;
  frozen: string | null;
  stopped: boolean;
  account: string | null;
  transfers_enabled: boolean | null;
  disabled_reason: string | null;
  first_open: string;
  schedule: Schedule;
  hold_days: number;
  payout_currency: string | null;
  tax_form_missing: PayeeSituation["taxFormMissing"];
  rates_from: string[];
}

export async function payeeTerms(sql: Sql, payee: string): Promise<PayeeTerms> {
  const [row] = await sql<[TermsRow]>`
    SELECT p.default_currency, p.stripe_account AS account, t.schedule, t.hold_days, t.payout_currency,
      (SELECT reason FROM payee_freeze f WHERE f.payee = p.id AND f.lifted_at IS NULL) AS frozen,
      EXISTS (SELECT FROM payout_stop WHERE resumed_at IS NULL) AS stopped,
      (SELECT missing FROM tax_form_missing_of(p.id, greatest(b.first_open_period, date_trunc('month', now() AT TIME ZONE 'UTC')::date))) AS tax_form_missing,
      ARRAY(SELECT DISTINCT r.from_currency FROM fx_rate r WHERE r.to_currency = t.payout_currency AND r.effective_from <= now()) AS rates_from,
      a.transfers_enabled, a.disabled_reason, b.first_open_period::text AS first_open
    FROM payee p CROSS JOIN books_state b CROSS JOIN LATERAL payout_terms_of(p.id) t
    LEFT JOIN payout_account a ON a.account = p.stripe_account
    WHERE p.id = ${payee}`;
  const { transfers_enabled, disabled_reason, tax_form_missing, ...terms } = row;
  return {
    ...terms,
    // Not asked yet is not refused: the plan asks.
    transfersEnabled: transfers_enabled !== false,
    disabledReason: disabled_reason,
    taxFormMissing: tax_form_missing,
  };
}

/**
 * What stands between a payee and its next payout in a currency, as a plan would say.
 * @param isHeldAtClose whether some of what accrues will be held when its month is closed
 * @param isThere whether there is something, be it less than can be paid
 */
export function blockersOf(
  terms: PayeeTerms,
  period: Period,
  due: Due,
  paidIn: string,
  isHeldAtClose: boolean,
  isThere: boolean,
): Blocker[] {
  const nothing = isHeldAtClose
    ? "Nothing to pay yet: what accrues is held at close, until customers have paid or as a reserve; no action is needed."
    : "Nothing to pay yet.";
  const found: Blocker[] = [];
  if (terms.stopped) {
    const message = "All payouts are stopped for now; nothing is lost, and no action is needed.";
    found.push({ code: "payouts_stopped", message });
  }
  for (const obstacle of obstaclesTo(period, terms, due))
    found.push(
      obstacle.code === "nothing_payable" && !isThere ? { ...obstacle, message: nothing } : obstacle,
    );
  if (paidIn !== due.currency && !terms.rates_from.includes(due.currency)) {
    const message = `No rate from ${due.currency} to ${paidIn} is stored yet: it waits for one.`;
    found.push({ code: "no_rate", message });
  }
  return found;
}

/** The first thing to do something about; what cannot be helped is said only when there is nothing else. */
export function whyNot(blocked: readonly Blocker[]): string | null {
  const rank: Blocker["code"][] = [
    ...([
      "no_account",
      "account_not_ready",
      "tax_form_missing",
      "frozen",
      "not_this_month",
      "no_rate",
    ] as const),
    ...(["below_minimum", "on_hold", "payouts_stopped", "negative_balance", "nothing_payable"] as const),
  ];
  const [first] = [...blocked].sort((a, b) => rank.indexOf(a.code) - rank.indexOf(b.code));
  return first?.message ?? null;
}
