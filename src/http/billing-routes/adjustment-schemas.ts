import { randomUUID } from "node:crypto";
import type { Request } from "express";
import { z } from "zod";
import {
  contentHash,
  type Money as MoneyText,
  money,
  type Nanos,
  parseNanos,
  present,
} from "../../kernel/index.ts";
import { Currency } from "../../pricing/index.ts";
import type { Principal } from "../keys/principal.ts";
import { Money } from "../schemas.ts";

// What refunds, disputes and corrections take and show in common.

export const InvoiceId = z.string().regex(/^[A-Za-z0-9._@-]{1,200}$/, "an invoice's id");
export const AdjustmentId = z.string().regex(/^[A-Za-z0-9_-]{1,100}$/, "a refund's or an adjustment's id");
export const Reason = z.string().min(1).max(500).meta({ description: "Shown to the payees concerned." });
const BOOKED_ONCE = "Your own name for it: the same one is booked once. One is made when it is left out.";
export const Reference = z.string().min(1).max(200).meta({ description: BOOKED_ONCE });

/**
 * What our books name by themselves, and what Stripe names (refunds, credit notes, invoices, also the second of two): a caller's
 * that were so named would pass for it, and the real one for booked already.
 */
const NAMES_OF_OTHERS = /^(?!tributary:|dispute(_won)?:|adj_|cor_|(re|pyr|cn|in)_)(?![\s\S]*\/in_)/;

/** The caller's own name for money that passed: never one of ours or of Stripe's. */
export const MoneyReference = z
  .string()
  .min(1)
  .max(200)
  .regex(
    NAMES_OF_OTHERS,
    "a name of your own or of the bank's: what begins with tributary:, dispute:, dispute_won:, adj_, cor_, re_, pyr_, cn_ or in_, or has /in_ in it, is named by us or by Stripe",
  )
  .meta({ description: BOOKED_ONCE });

/**
 * The caller's own reference, or one made from the request's Idempotency-Key: what was booked just before the service was
 * killed, or failed, is found again by it when the request is repeated, whatever became of the answer that was to be kept.
 */
export function referenceOf(
  given: string | undefined,
  route: "refunds" | "corrections",
  principal: Principal,
  request: Request,
): string {
  if (given !== undefined) return given;
  const key = request.get("Idempotency-Key");
  return `api:${key === undefined ? randomUUID() : contentHash({ principal: principal.id, route, key })}`;
}

export const Party = z.object({
  payee: z.string(),
  amount: Money.meta({ description: "Less than nothing is given." }),
});

/** What each payee gives or gets in all, in the order of their ids: the same of a draft as of what is booked. */
export function partiesOf(
  currency: string,
  parts: readonly { payee: string | null; amountNanos: Nanos }[],
): z.infer<typeof Party>[] {
  const sums = new Map<string, Nanos>();
  for (const { payee, amountNanos } of parts)
    if (payee !== null) sums.set(payee, (sums.get(payee) ?? 0n) + amountNanos);
  return [...sums]
    .filter(([, nanos]) => nanos !== 0n)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([payee, nanos]) => ({ payee, amount: money(currency, nanos) }));
}

export function partiesBooked(
  currency: string,
  parts: readonly { payee: string | null; amount: MoneyText }[],
) {
  const nanosOf = (text: string) => present(parseNanos(text), "an amount of the books");
  return partiesOf(
    currency,
    parts.map(({ payee, amount }) => ({ payee, amountNanos: nanosOf(amount.amount) })),
  );
}

export const AdjustmentSummary = z
  .object({
    id: z.string(),
    kind: z.string(),
    reference: z.string(),
    invoice: z.string().nullable(),
    currency: Currency,
    corrects: z.string().nullable().meta({ description: "The books period that it corrects." }),
    gross: z.string().meta({ description: "What customers owe more: major units, an exact decimal." }),
    credited: Money.meta({ description: "What the invoice asks for less." }),
    returned: Money.meta({
      description: "Money that went back to the customer; less than nothing came from it.",
    }),
    reverses: z.string().nullable(),
    reversed_by: z.string().nullable(),
    reason: z.string(),
    made_by: z.string(),
    made_at: z.string(),
  })
  .meta({ id: "Adjustment" });

export const AdjustmentWithParts = AdjustmentSummary.extend({
  parts: z.array(
    z.object({
      payee: z.string().nullable(),
      model: z.string().nullable(),
      service_month: z.string().nullable(),
      part: z
        .string()
        .nullable()
        .meta({ description: "What it was earned for: share, royalty, platform, cost, self_dealing." }),
      paid_by: z.string().nullable(),
      amount: Money,
    }),
  ),
}).meta({ id: "AdjustmentWithParts" });
