import { revocableCredit } from "../../billing/index.ts";
import {
  add,
  amountInWords,
  compare,
  firstDay,
  invalidField,
  money,
  multiply,
  type Nanos,
  type Period,
  parseNanos,
  Refusal,
  rational,
  subtract,
  ZERO,
} from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { unitAmount } from "../../pricing/index.ts";
import { linesNow, linesOf, usageCells } from "../lines/closed-usage.ts";
import {
  type AdjustmentPlan,
  type CellChange,
  planAdjustment,
  planAsJson,
} from "../lines/plan-adjustment.ts";
import { untilUnraced } from "../lines/post-adjustment.ts";
import { type CustomerMoneyAsked, planCustomerMoney } from "./plan-customer-money.ts";

/** What an operator corrects. Amounts are decimals in major units. */
export type CorrectionAsked =
  | { kind: "credit" | "debit"; payee: string; currency: string; amount: string }
  | { kind: "credit" | "debit"; customer: string; currency: string; amount: string }
  /** Gives up what a payee's balance is below zero. */
  | { kind: "write_off"; payee: string; currency: string; amount: string }
  | CustomerMoneyAsked
  /** Takes back what is left of a credit grant and no usage needs that is not invoiced yet. */
  | { kind: "revocation"; credit: string }
  /** A closed period's usage of a model, charged at these prices instead: the difference only. */
  | {
      kind: "rerate";
      model: string;
      period: Period;
      currency: string;
      components: { meter: string; amount: string; per: string }[];
    }
  /** What a payee earned of a model's usage in a closed period is another one's. */
  | { kind: "reattribution"; model: string; period: Period; currency: string; from: string; to: string };

export interface PlannedCorrection {
  currency: string;
  /** The first day of the books period it corrects; null when it names no usage. */
  corrects: string | null;
  /** What it moves in all, either way. */
  sizeNanos: Nanos;
  /** What everybody gets (or gives, less than nothing); null is the platform. */
  parties: { payee: string | null; amountNanos: Nanos }[];
  /** As post_adjustment() takes it. */
  body: object;
}

/**
 * What a correction would do now.
 * @throws Refusal not_found, payee_unknown, period_not_closed, earnings_held, price_invalid, nothing_to_revoke, body_invalid,
 *   refund_too_large, payment_too_large
 */
export async function planCorrection(sql: Sql, asked: CorrectionAsked): Promise<PlannedCorrection> {
  if (asked.kind === "rerate") return untilUnraced(() => planRerate(sql, asked));
  if (asked.kind === "reattribution") return untilUnraced(() => planReattribution(sql, asked));
  if (asked.kind === "revocation") return planRevocation(sql, asked);
  if ("paid_at" in asked) return planMoney(sql, asked);
  return planDirect(sql, asked);
}

type Asked<K> = Extract<CorrectionAsked, { kind: K }>;

async function planDirect(
  sql: Sql,
  asked: Asked<"credit" | "debit" | "write_off">,
): Promise<PlannedCorrection> {
  const amountNanos = amountOf(asked);
  const { currency } = asked;
  const signed = asked.kind === "debit" ? -amountNanos : amountNanos;
  const account = "payee" in asked ? `payee:${asked.payee}:payable` : `customer:${asked.customer}:receivable`;
  await requireParty(sql, asked);
  if (asked.kind === "write_off") await requireDebt(sql, account, currency, amountNanos);
  const movements = [
    { account, amount: signed.toString() },
    { account: "platform:loss", amount: (-signed).toString() },
  ];
  const parties = [{ payee: "payee" in asked ? asked.payee : null, amountNanos: signed }];
  return { currency, corrects: null, sizeNanos: amountNanos, parties, body: { movements } };
}

async function planMoney(sql: Sql, asked: CustomerMoneyAsked): Promise<PlannedCorrection> {
  const amountNanos = amountOf(asked);
  await requireParty(sql, asked);
  const movements = await planCustomerMoney(sql, asked, amountNanos);
  return {
    currency: asked.currency,
    corrects: null,
    sizeNanos: amountNanos,
    parties: [],
    body: { movements },
  };
}

function amountOf({ amount }: { amount: string }): Nanos {
  const amountNanos = parseNanos(amount);
  if (amountNanos === undefined || amountNanos <= 0n)
    throw invalidField("amount", "a decimal amount of more than 0, such as 12.34");
  return amountNanos;
}

/** The database looks once more when it is booked. */
async function requireDebt(sql: Sql, account: string, currency: string, amountNanos: Nanos): Promise<void> {
  const [row] = await sql<[{ owed: string }]>`
    SELECT greatest(account_balance_of(${account}, ${currency}), 0)::text AS owed`;
  if (amountNanos > BigInt(row.owed))
    throw new Refusal(
      "write_off_too_large",
      `amount: the payee's balance is ${amountInWords(money(currency, BigInt(row.owed)))} below zero: write off at most that`,
    );
}

async function requireParty(sql: Sql, asked: { payee: string } | { customer: string }): Promise<void> {
  const rows =
    "payee" in asked
      ? await sql`SELECT FROM payee WHERE id = ${asked.payee}`
      : await sql`SELECT FROM customer WHERE id = ${asked.customer}`;
  if (rows.length === 0)
    throw new Refusal(
      "not_found",
      "payee" in asked ? `there is no payee ${asked.payee}` : `there is no customer ${asked.customer}`,
    );
}

/** A promotional one goes back to where it came from; of a paid one it says that its money went back, or never came. */
async function planRevocation(sql: Sql, { credit }: Asked<"revocation">): Promise<PlannedCorrection> {
  const found = await revocableCredit(sql, credit);
  if (found === undefined) throw new Refusal("not_found", `there is no credit ${credit}`);
  const { customer, currency, kind, nanos } = found;
  if (nanos === 0n)
    throw new Refusal(
      "nothing_to_revoke",
      `nothing is left of ${credit} but what usage needs that is not invoiced yet`,
    );
  const movements = [
    { account: `customer:${customer}:credit`, amount: (-nanos).toString() },
    { account: kind === "paid" ? "platform:received" : "platform:promotions", amount: nanos.toString() },
  ];
  const parties = [{ payee: null, amountNanos: -nanos }];
  return { currency, corrects: null, sizeNanos: nanos, parties, body: { movements } };
}

async function planRerate(sql: Sql, asked: Asked<"rerate">): Promise<PlannedCorrection> {
  const { model, period, currency, components } = asked;
  const day = await closedPeriod(sql, period);
  const cells = await usageCells(sql, day, { model, currency });
  if (cells.length === 0)
    throw new Refusal("not_found", `${model} has no charged usage in ${currency} in ${period}`);
  await requireReleased(sql, day, currency, [...new Set(cells.map((cell) => cell.model_no))]);
  const prices = new Map(components.map((component) => [component.meter, unitAmount(component)]));
  const unknown = components.find(({ meter }) => !cells.some((cell) => cell.meter === meter));
  if (unknown !== undefined)
    throw new Refusal(
      "price_invalid",
      `components: ${model} was not charged by ${unknown.meter} in ${period}`,
    );
  const changes: CellChange[] = cells.flatMap((cell) => {
    const price = prices.get(cell.meter);
    if (price === undefined) return [];
    const corrected = multiply(price, rational(cell.quantity));
    if (compare(corrected, cell.refunded) < 0)
      throw new Refusal(
        "refund_too_large",
        `more of ${model} was refunded than it costs at this price: take the refund back first`,
      );
    const rerated = subtract(corrected, add(cell.gross, cell.rerated));
    return rerated.num === 0n ? [] : [{ cell, refunded: ZERO, rerated }];
  });
  return planned(currency, day, planAdjustment(await linesOf(sql, day, currency, cells), changes));
}

async function planReattribution(sql: Sql, asked: Asked<"reattribution">): Promise<PlannedCorrection> {
  const { model, period, currency, from, to } = asked;
  const day = await closedPeriod(sql, period);
  await requireParty(sql, { payee: from });
  await requireParty(sql, { payee: to });
  if (from === to) throw invalidField("to", "another payee than from");
  const [row] = await sql<{ model_no: number }[]>`SELECT model_no FROM model WHERE id = ${model}`;
  if (row === undefined) throw new Refusal("model_unknown", `there is no model ${model}`);
  const { model_no } = row;
  await requireReleased(sql, day, currency, [model_no]);
  const plan = planAdjustment(await linesNow(sql, day, currency, [model_no]), [], { from, to });
  if (plan.parts.length === 0)
    throw new Refusal("not_found", `${from} earned nothing of ${model} in ${period} in ${currency}`);
  const result = planned(currency, day, plan);
  return { ...result, body: { ...result.body, reattribution: { model_no, from_payee: from, to_payee: to } } };
}

/** The database asks again when it books. @throws Refusal earnings_held, once refusalOf() has told it. */
async function requireReleased(sql: Sql, day: string, currency: string, models: number[]): Promise<void> {
  await sql`SELECT require_earnings_released(${day}, ${currency}, ${models}::int[])`;
}

/** @throws Refusal period_not_closed */
async function closedPeriod(sql: Sql, period: Period): Promise<string> {
  const day = firstDay(period);
  const rows =
    await sql`SELECT FROM settlement WHERE period = ${day} AND state NOT IN ('closing', 'released')`;
  if (rows.length === 0)
    throw new Refusal(
      "period_not_closed",
      `${period} is not closed yet, and its figures still move: close it first`,
    );
  return day;
}

function planned(currency: string, corrects: string, plan: AdjustmentPlan): PlannedCorrection {
  const sums = new Map<string | null, Nanos>();
  for (const { payee, amountNanos } of plan.parts) sums.set(payee, (sums.get(payee) ?? 0n) + amountNanos);
  const parties = [...sums].map(([payee, amountNanos]) => ({ payee, amountNanos }));
  const gets = parties.reduce((all, { amountNanos }) => (amountNanos > 0n ? all + amountNanos : all), 0n);
  const gives = parties.reduce((all, { amountNanos }) => (amountNanos < 0n ? all - amountNanos : all), 0n);
  return { currency, corrects, sizeNanos: gets > gives ? gets : gives, parties, body: planAsJson(plan) };
}
