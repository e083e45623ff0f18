import { amountInWords, money, type Nanos, type Period } from "../../kernel/index.ts";

export type Schedule = "monthly" | "quarterly" | "manual";

export const CARRY_REASONS = [
  "negative_balance",
  "no_rate",
  "on_hold",
  "nothing_payable",
  "frozen",
  "not_this_month",
  "below_minimum",
  "no_account",
  "account_not_ready",
  "tax_form_missing",
] as const;

export type CarryReason = (typeof CARRY_REASONS)[number];

/** Why a balance is not paid. */
export interface Obstacle {
  code: CarryReason;
  /** For the payee: why, and what to do. */
  message: string;
}

/** A payee as a payout meets it. */
export interface PayeeSituation {
  /** Why an operator froze the payee; null when it is not. */
  frozen: string | null;
  schedule: Schedule;
  account: string | null;
  transfersEnabled: boolean;
  /** Why transfers are not enabled, in the adapter's words for the payee. */
  disabledReason: string | null;
  /** What the marketplace has of a form that it requires: null where it has it, or requires none. */
  taxFormMissing: "none" | "asked" | "received" | "rejected" | "expired" | null;
}

/** What would be paid, in the currency it is paid in. */
export interface Due {
  currency: string;
  /** In whole steps of a payout. */
  payableNanos: Nanos;
  isDebt: boolean;
  minimumNanos: Nanos;
  /** Money that is there, but on hold: the first day on which some of it may be paid. */
  onHoldUntil: string | null;
}

/** Everything that stands between a payee and a payout of this period, the deepest first: pure. */
export function obstaclesTo(period: Period, situation: PayeeSituation, due: Due): Obstacle[] {
  const found: Obstacle[] = [];
  const add = (code: CarryReason, message: string) => found.push({ code, message });
  if (due.isDebt) add("negative_balance", NEGATIVE_BALANCE);
  else if (due.payableNanos === 0n && due.onHoldUntil !== null)
    add("on_hold", `On hold until ${due.onHoldUntil}; it is paid with the settlement after that.`);
  else if (due.payableNanos === 0n)
    add(
      "nothing_payable",
      `Less than the smallest amount that can be paid in ${due.currency}; it is carried on.`,
    );
  if (situation.frozen !== null)
    add(
      "frozen",
      `Payouts are frozen (${situation.frozen}): answer the question that was sent to you, or ask support.`,
    );
  const later = notThisMonth(period, situation.schedule);
  if (later !== undefined) add("not_this_month", later);
  if (due.payableNanos > 0n && due.payableNanos < due.minimumNanos)
    add(
      "below_minimum",
      `${amountInWords(money(due.currency, due.minimumNanos - due.payableNanos))} short of the minimum payout; it is carried on until then.`,
    );
  if (situation.account === null)
    add("no_account", "No payout account yet: open the onboarding link to connect one.");
  else if (!situation.transfersEnabled)
    add(
      "account_not_ready",
      `The payout account cannot receive money (${situation.disabledReason ?? "information is missing"}): your profile says what is to be done, if anything.`,
    );
  if (situation.taxFormMissing !== null) add("tax_form_missing", TAX_FORM_MESSAGES[situation.taxFormMissing]);
  return found;
}

export const NEGATIVE_BALANCE = "The balance is negative; it is netted from later earnings.";

const TAX_FORM_MESSAGES: Record<NonNullable<PayeeSituation["taxFormMissing"]>, string> = {
  none: "A tax form is needed before a payout: send a W-9 (persons of the United States) or a W-8 (everybody else); earnings go on and are kept.",
  asked: "The tax form that you were asked for has not come yet: send it; earnings go on and are kept.",
  received:
    "Your tax form is being looked at; nothing is to be done, and earnings are kept until it is accepted.",
  rejected: "Your tax form was not accepted: send a corrected one; earnings go on and are kept.",
  expired: "Your tax form has expired: send a new one; earnings go on and are kept.",
};

function notThisMonth(period: Period, schedule: Schedule): string | undefined {
  if (schedule === "manual")
    return "Payouts are set to manual: choose a monthly or quarterly schedule to be paid; until then it is carried on.";
  const month = Number(period.slice(5, 7));
  if (schedule === "monthly" || month % 3 === 0) return undefined;
  const next = `${period.slice(0, 5)}${String(Math.ceil(month / 3) * 3).padStart(2, "0")}`;
  return `Payouts are quarterly: the next one comes with the settlement of ${next}.`;
}
