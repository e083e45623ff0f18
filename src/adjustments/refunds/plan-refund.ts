import {
  compare,
  formatDecimal,
  invalidField,
  min,
  NANOS_PER_UNIT,
  parseNanos,
  type Rational,
  Refusal,
  rational,
  subtract,
  sum,
  ZERO,
} from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { leftOf, linesOf, type UsageCell, usageCells } from "../lines/closed-usage.ts";
import { type AdjustmentPlan, type CellChange, planAdjustment } from "../lines/plan-adjustment.ts";
import { untilUnraced } from "../lines/post-adjustment.ts";
import { spread } from "../lines/spread.ts";
import { predictionUsage } from "./prediction-usage.ts";

/** What is refunded: all that is left of an invoice, of a line of it or of a prediction, or an amount of it. */
export interface RefundAsked {
  invoice?: string | undefined;
  line?: { service_month: string; model: string; meter?: string | undefined } | undefined;
  prediction?: { id: string; source?: string | undefined } | undefined;
  /** Major units, a decimal. */
  amount?: string | undefined;
}

export interface RefundPlan {
  invoice: string;
  currency: string;
  /** The first day of the books period whose usage is refunded. */
  period: string;
  /** Exact, in major units. */
  refunded: Rational;
  /** By its identity, when one prediction is refunded. */
  prediction?: string;
  plan: AdjustmentPlan;
}

interface InvoicedUsage {
  id: string;
  period: string;
  customer: string;
  currency: string;
}

/**
 * What a refund would do now; writes nothing.
 * atMost: as much as there is left, instead of refusing an amount that is more; reserved: of what is left, so much is
 * spoken for.
 * @throws Refusal not_found, nothing_to_refund, refund_too_large, body_invalid
 */
export function planRefund(sql: Sql, asked: RefundAsked, limits: RefundLimits = {}): Promise<RefundPlan> {
  return untilUnraced(() => planNow(sql, asked, limits));
}

interface RefundLimits {
  atMost?: boolean;
  reserved?: Rational;
  /** Whatever is asked for: no more than this. */
  most?: Rational | undefined;
}

async function planNow(
  sql: Sql,
  asked: RefundAsked,
  { atMost = false, reserved = ZERO, most }: RefundLimits,
): Promise<RefundPlan> {
  const prediction =
    asked.prediction === undefined
      ? undefined
      : await predictionUsage(sql, asked.prediction.id, asked.prediction.source);
  const invoice =
    prediction === undefined ? await invoiceById(sql, asked.invoice ?? "") : await invoiceOf(sql, prediction);
  const cells = await usageCells(sql, invoice.period, invoice);
  const changes =
    prediction === undefined
      ? refundCells(cells, asked, { atMost, reserved, most })
      : await refundPrediction(sql, cells, prediction);
  const refunded = sum(changes.map((change) => change.refunded));
  if (refunded.num === 0n && !atMost)
    throw new Refusal("nothing_to_refund", "everything that was charged of it is refunded already");
  const changed = changes.map(({ cell }) => cell);
  const plan = planAdjustment(await linesOf(sql, invoice.period, invoice.currency, changed), changes);
  return {
    invoice: invoice.id,
    currency: invoice.currency,
    period: invoice.period,
    refunded,
    ...(prediction === undefined ? {} : { prediction: prediction.identity }),
    plan,
  };
}

async function invoiceById(sql: Sql, id: string): Promise<InvoicedUsage> {
  const [row] = await sql<InvoicedUsage[]>`
    SELECT id, period::text, customer, currency FROM invoice WHERE id = ${id}`;
  if (row === undefined) throw new Refusal("not_found", `there is no invoice ${id}`);
  return row;
}

async function invoiceOf(
  sql: Sql,
  { customer, currency, booked_period }: { customer: string; currency: string; booked_period: string },
): Promise<InvoicedUsage> {
  const [row] = await sql<InvoicedUsage[]>`
    SELECT id, period::text, customer, currency FROM invoice
    WHERE customer = ${customer} AND currency = ${currency} AND period = ${booked_period}`;
  if (row !== undefined) return row;
  const month = booked_period.slice(0, 7);
  throw new Refusal("invoices_not_made", `it is booked in ${month}: close it and make its invoices first`);
}

function refundCells(
  cells: readonly UsageCell[],
  { line, amount }: RefundAsked,
  { atMost = false, reserved = ZERO, most }: RefundLimits,
): CellChange[] {
  const chosen = cells.filter(
    ({ service_month, model, meter }) =>
      line === undefined ||
      (service_month.slice(0, 7) === line.service_month.slice(0, 7) &&
        model === line.model &&
        (line.meter === undefined || meter === line.meter)),
  );
  if (chosen.length === 0) throw new Refusal("not_found", "the invoice has no such line");
  const left = chosen.map(leftOf);
  const all = sum(left);
  const free = compare(reserved, all) > 0 ? ZERO : subtract(all, reserved);
  const wanted = amount === undefined ? all : amountOf(amount);
  if (compare(wanted, all) > 0 && !atMost)
    throw new Refusal(
      "refund_too_large",
      `amount: ${formatDecimal(all)} of it is charged and not refunded yet: at most that much`,
    );
  const shares = spread(min(most === undefined ? wanted : min(wanted, most), free), left);
  return chosen
    .map((cell, at) => ({ cell, refunded: shares[at] ?? ZERO, rerated: ZERO }))
    .filter(({ refunded }) => refunded.num !== 0n);
}

function amountOf(text: string): Rational {
  const amountNanos = parseNanos(text);
  if (amountNanos === undefined || amountNanos <= 0n)
    throw invalidField("amount", "a decimal amount of more than 0, such as 12.34");
  return rational(amountNanos, NANOS_PER_UNIT);
}

/** Once; and no more than is left, when an amount of the whole invoice was refunded before. */
async function refundPrediction(
  sql: Sql,
  cells: readonly UsageCell[],
  usage: Awaited<ReturnType<typeof predictionUsage>>,
): Promise<CellChange[]> {
  const [before] = await sql<{ id: string }[]>`
    SELECT id FROM adjustment a WHERE kind = 'refund' AND asked->>'identity' = ${usage.identity}
      AND NOT EXISTS (SELECT FROM adjustment r WHERE r.reverses = a.adjustment_no)`;
  if (before !== undefined)
    throw new Refusal("nothing_to_refund", `this prediction is refunded already, by ${before.id}`);
  return cells.flatMap((cell) => {
    const meter = usage.meters.find(({ meter_no }) => meter_no === cell.meter_no);
    const same =
      cell.service_month === usage.service_month &&
      cell.model_no === usage.model_no &&
      cell.price_no === usage.price_no &&
      cell.split_plan_no === usage.split_plan_no;
    if (!same || meter === undefined) return [];
    const refunded = min(meter.gross, leftOf(cell));
    return refunded.num === 0n ? [] : [{ cell, refunded, rerated: ZERO }];
  });
}
