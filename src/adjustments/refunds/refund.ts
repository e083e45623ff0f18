import { type Nanos, Refusal, subtract, ZERO } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { exact, linesOf, usageCells } from "../lines/closed-usage.ts";
import { planAdjustment, planAsJson } from "../lines/plan-adjustment.ts";
import { moreThanPaid, planAndPost } from "../lines/post-adjustment.ts";
import { planRefund, type RefundAsked } from "./plan-refund.ts";
import { type Movement, planProviderFee, returnProviderFee } from "./provider-fee.ts";
import { bearerOf } from "./refund-policy.ts";

export interface Refund {
  asked: RefundAsked;
  /** The operator's or the provider's name for it: the same one is refunded once. */
  reference: string;
  reason: string;
  by: string;
  /** Money that went back to the customer already; the rest is left on its account. */
  returnedNanos?: Nanos;
  /** What the provider charged for it. */
  providerFeeNanos?: Nanos;
  /** Refund as much as there is left, instead of refusing an amount that is more. */
  atMost?: boolean;
  /** Have it made at the provider, as far as its invoice is asked for or was paid there. */
  atProvider?: boolean;
}

/**
 * Refunds usage: every party gives back its part, under the plan that held when it was used; what is still to pay of the
 * invoice is less by it. One statement; the same reference again changes nothing. Answers the adjustment's id.
 * @throws Refusal not_found, nothing_to_refund, refund_too_large, invoices_not_made, adjustment_differs
 */
export async function refund(sql: Sql, wanted: Refund): Promise<string> {
  const { asked, reference, reason, by, returnedNanos = 0n, providerFeeNanos = 0n } = wanted;
  const { atMost = false, atProvider = false } = wanted;
  const known = await findByReference(sql, reference);
  return planAndPost(sql, async () => {
    // What was refunded cannot be planned again; whether it is the same one, the database says.
    const planned = known === undefined ? await planRefund(sql, asked, { atMost }) : undefined;
    const identity = planned?.prediction ?? known?.asked.identity;
    return {
      kind: "refund",
      reference,
      reason,
      by,
      invoice: planned?.invoice ?? null,
      currency: planned?.currency ?? null,
      corrects: planned?.period ?? null,
      asked: {
        ...asked,
        ...(identity === undefined ? {} : { identity }),
        returned: returnedNanos.toString(),
        provider_fee: providerFeeNanos.toString(),
        ...(atProvider ? { at_provider: true } : {}),
      },
      returned: returnedNanos.toString(),
      at_provider: atProvider,
      ...(planned === undefined
        ? {}
        : {
            ...planAsJson(planned.plan),
            movements: planProviderFee(providerFeeNanos, await bearerOf(sql, planned.period), planned.plan),
          }),
    };
  });
}

/** What a refund would do: with all that payees give of it, parts of the provider's fee too. @throws Refusal as `refund` */
export async function draftRefund(
  sql: Sql,
  asked: RefundAsked,
  { providerFeeNanos = 0n, returnedNanos = 0n }: { providerFeeNanos?: Nanos; returnedNanos?: Nanos } = {},
) {
  const planned = await planRefund(sql, asked);
  const [row] = await sql<[{ exceeds: boolean }]>`
    SELECT ${returnedNanos.toString()}::numeric > greatest(undisputed_money(${planned.invoice}, NULL), 0) AS exceeds`;
  if (row.exceeds) throw moreThanPaid();
  const fee = planProviderFee(providerFeeNanos, await bearerOf(sql, planned.period), planned.plan);
  const borne = fee.map(({ account, amount }) => ({
    payee: /^payee:(.+):payable$/.exec(account)?.[1] ?? null,
    amountNanos: BigInt(amount),
  }));
  return { ...planned, parties: [...planned.plan.parts, ...borne] };
}

async function findByReference(sql: Sql, reference: string) {
  const [row] = await sql<{ id: string; asked: { identity?: string } }[]>`
    SELECT id, asked FROM adjustment WHERE reference = ${reference}`;
  return row;
}

/** Money of a refund, or of a credit on the customer's account, that went back to the customer. @throws Refusal */
export async function recordMoneyReturned(
  sql: Sql,
  { invoice, amountNanos, reference, reason, by, pays }: MoneyReturned,
): Promise<string> {
  const [row] = await sql<{ currency: string; period: string }[]>`
    SELECT currency, period::text FROM invoice WHERE id = ${invoice}`;
  if (row === undefined) throw new Refusal("not_found", `there is no invoice ${invoice}`);
  return planAndPost(sql, async () => ({
    kind: "money_returned",
    reference,
    reason,
    by,
    invoice,
    currency: row.currency,
    corrects: row.period,
    asked: { invoice, returned: amountNanos.toString() },
    returned: amountNanos.toString(),
    pays,
  }));
}

export interface MoneyReturned {
  invoice: string;
  amountNanos: Nanos;
  reference: string;
  reason: string;
  by: string;
  /** The refund of ours whose money it is. */
  pays?: string;
}

export interface TakenBack {
  id: string;
  reference: string;
  reason: string;
  by: string;
  /** How much of what the provider charged for it came back; all of it when it is not said. */
  feeBackNanos?: Nanos;
}

/**
 * Takes a refund back whole, once: it failed, or was a mistake. Every party has again what it would have without it, and
 * of the provider's fee what came back. Money that the provider gave back is taken back only by the provider's word. So are a
 * repayment and a payment of what stood on a customer's account, which never arrived.
 * @throws Refusal not_found, already_returned, refund_under_way, refund_made
 */
export async function returnRefund(
  sql: Sql,
  { id, reference, reason, by, feeBackNanos }: TakenBack,
): Promise<string> {
  const [taken] = await sql<
    {
      currency: string;
      corrects: string | null;
      invoice: string | null;
      customer: string | null;
      no: string;
    }[]
  >`
    SELECT a.currency, a.corrects::text, a.invoice_id AS invoice, i.customer, a.adjustment_no::text AS no
    FROM adjustment a LEFT JOIN invoice i ON i.id = a.invoice_id
    WHERE a.id = ${id} AND a.kind IN ('refund', 'money_returned', 'dispute_lost', 'repayment', 'payment')`;
  if (taken === undefined) throw new Refusal("not_found", `there is no refund ${id}`);
  const { currency, corrects, invoice, customer, no } = taken;
  const charged = await sql<Movement[]>`
    SELECT account, amount_nanos::text AS amount FROM adjustment_movement WHERE adjustment_no = ${no} ORDER BY account`;
  return planAndPost(sql, async () => {
    const [back] = await sql<{ id: string; reference: string }[]>`
      SELECT id, reference FROM adjustment WHERE reverses = ${no}`;
    if (back !== undefined && back.reference !== reference)
      throw new Refusal("already_returned", `${id} is taken back already, by ${back.id}`);
    const told = {
      kind: "refund_returned",
      reference,
      reason,
      by,
      currency,
      reverses: id,
      asked: { returns: id },
    };
    if (corrects === null || customer === null)
      return {
        ...told,
        movements: charged.map(({ account, amount }) => ({ account, amount: (-BigInt(amount)).toString() })),
      };
    const refunded =
      back !== undefined
        ? []
        : await sql<CellOf[]>`
      SELECT service_month::text, model_no, meter_no, price_no, split_plan_no, refunded::text
      FROM adjustment_cell WHERE adjustment_no = ${no}`;
    const cells = await usageCells(sql, corrects, { customer, currency });
    const byKey = new Map(refunded.map((row) => [cellKey(row), exact(row.refunded)]));
    const changes = cells.flatMap((cell) => {
      const amount = byKey.get(cellKey(cell));
      if (amount === undefined) return [];
      return [{ cell, refunded: subtract(ZERO, amount), rerated: ZERO }];
    });
    const changed = changes.map(({ cell }) => cell);
    const plan = planAdjustment(await linesOf(sql, corrects, currency, changed), changes);
    return {
      ...told,
      invoice,
      corrects,
      ...planAsJson(plan),
      movements: returnProviderFee(charged, feeBackNanos),
    };
  });
}

interface CellOf {
  service_month: string;
  model_no: number;
  meter_no: number;
  price_no: number;
  split_plan_no: number;
  refunded: string;
}

function cellKey({
  service_month,
  model_no,
  meter_no,
  price_no,
  split_plan_no,
}: Omit<CellOf, "refunded">): string {
  return `${service_month} ${model_no} ${meter_no} ${price_no} ${split_plan_no}`;
}
